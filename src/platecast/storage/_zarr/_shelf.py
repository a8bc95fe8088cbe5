"""Which image groups a well has, and which of them a plane belongs to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from platecast.components import Components, Kind
from platecast.errors import StorageError
from platecast.storage._zarr._address import LABELS
from platecast.storage._zarr._facts import ImageFacts, ImageRecord, ShelfFacts
from platecast.storage._zarr._image import plane_indices
from platecast.storage._zarr._nodes import ome_in, read_attributes, read_notes
from platecast.storage._zarr._pyramid import level_count


@dataclass(frozen=True, slots=True)
class ImageGroup:
    """An image group: its shelf (a well's group or a ``labels`` group) and what is noted of it there.

    Parameters
    ----------
    shelf
        The group around it.
    record
        What its planes have in common.
    levels
        Number of its arrays.
    """

    shelf: Path
    record: ImageRecord
    levels: int

    @property
    def folder(self) -> Path:
        """The group itself."""
        return self.shelf / self.record.path

    def facts(self) -> ImageFacts:
        """Return what its positions stand for, as it is noted now.

        Raises
        ------
        StorageError
            Nothing is noted.
        """
        facts = read_notes(self.folder, ImageFacts)
        if facts is None:
            raise StorageError(f"{self.folder} is damaged: its group says nothing about its planes")
        return facts


def images_in(well_folder: Path) -> Iterator[ImageGroup]:
    """Yield all image groups of a well, those of labels included."""
    shelf = read_notes(well_folder, ShelfFacts) or ShelfFacts()
    for record in shelf.images:
        image = ImageGroup(well_folder, record, level_count(record.plane_shape))
        yield image
        labels = read_notes(image.folder / LABELS, ShelfFacts) or ShelfFacts()
        for label in labels.images:
            yield ImageGroup(image.folder / LABELS, label, image.levels)


def find_image(well_folder: Path, wanted: ImageRecord) -> ImageGroup | None:
    """Return the image group of planes like these, `None` where there is none; the record's path is empty."""
    return next(
        (
            image
            for image in images_in(well_folder)
            if msgspec.structs.replace(image.record, path="") == wanted
        ),
        None,
    )


def image_of_labels(well_folder: Path, labels: ImageRecord) -> ImageGroup | None:
    """Return the image that labels belong to: of their site, and as like them as there is one."""
    images = [
        image
        for image in images_in(well_folder)
        if image.record.site == labels.site and image.record.kind is Kind.IMAGE
    ]
    # Only what others can see: labels of an image that is not listed would be lost to them.
    images = [image for image in images if image.record.path in listed_images(well_folder)]

    def likeness(image: ImageGroup) -> tuple[bool, bool]:
        record = image.record
        return record.plane_shape == labels.plane_shape, record.axes == labels.axes

    return max(images, key=likeness, default=None)


def listed_images(well_folder: Path) -> Sequence[str]:
    """Return the names of the image groups that a well's OME metadata list."""
    well = ome_in(read_attributes(well_folder)).get("well", {})
    return [entry["path"] for entry in well.get("images", ())]


def free_name(taken: Sequence[ImageRecord], wanted: ImageRecord) -> str:
    """Return a name for a new group; what makes it different from its namesake stands in the record."""
    name = wanted.labels or str(wanted.site or 0)
    names = {record.path for record in taken}
    mark = "_v" if wanted.labels else "v"
    candidates = (name, *(f"{name}{mark}{number}" for number in range(2, len(names) + 3)))
    return next(candidate for candidate in candidates if candidate not in names)


def planes_of(image: ImageGroup, plate: str | None, well: str) -> Iterator[Components]:
    """Yield the components of every plane of an image group that is there."""
    facts = image.facts()
    time_count, channel_count, z_count = facts.extent(1)
    for time, channel, z in plane_indices(image.folder):
        if time < time_count and channel < channel_count and z < z_count:
            yield Components(
                plate=plate,
                well=well,
                site=image.record.site,
                channel=facts.channel[channel],
                z_index=facts.z_index[z],
                timepoint=facts.timepoint[time],
            )
