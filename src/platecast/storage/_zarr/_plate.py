"""One plate in an OME-Zarr store: which image group a plane belongs to, and making it visible to others.

Groups are made and changed under the plate's lock; planes are written and read without it. A group is written
before the one that lists it, and a well is listed only once it has a plane, so that a process killed anywhere
leaves a plate that opens.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from platecast.arrays import to_host
from platecast.components import Components
from platecast.errors import ImageNotFoundError, StorageError
from platecast.storage._zarr._address import LABELS, format_address
from platecast.storage._zarr._facts import (
    ImageRecord,
    PlateFacts,
    ShelfFacts,
    Window,
    empty_image,
)
from platecast.storage._zarr._image import (
    LevelCache,
    create_levels,
    grow_levels,
    has_plane,
    level_for,
    read_plane,
    remove_plane,
    write_plane,
)
from platecast.storage._zarr._metadata import (
    image_metadata,
    labels_metadata,
    plate_metadata,
    well_metadata,
    well_path,
)
from platecast.storage._zarr._nodes import (
    ensure_groups,
    notes_in,
    ome_in,
    plate_lock,
    read_attributes,
    read_notes,
    write_group,
)
from platecast.storage._zarr._pyramid import level_count
from platecast.storage._zarr._shelf import (
    ImageGroup,
    find_image,
    free_name,
    image_of_labels,
    images_in,
    listed_images,
    planes_of,
)

_WINDOW_PERCENTILES = (0.1, 99.9)


class ZarrPlate:
    """One plate of a store.

    Parameters
    ----------
    root
        Folder of the store.
    folder
        Folder of the plate's group: `root` or one below it.
    cache
        Opened arrays.
    """

    def __init__(self, root: Path, folder: Path, cache: LevelCache) -> None:
        self._root = root
        self._folder = folder
        self._cache = cache

    def facts(self) -> PlateFacts | None:
        """Return what is noted of the plate, `None` where there is none.

        Raises
        ------
        StorageError
            There is a plate that somebody else wrote.
        """
        attributes = read_attributes(self._folder)
        facts = notes_in(attributes, PlateFacts)
        if facts is None and "plate" in ome_in(attributes):
            raise StorageError(
                f"the plate in {self._folder} was not written by platecast: its planes have no names"
            )
        return facts

    def declare(self, facts: PlateFacts) -> None:
        """Note what is known of the plate, which need not have an image yet.

        Raises
        ------
        StorageError
            The folder holds another plate.
        """
        with plate_lock(self._root, self._folder):
            ensure_groups(self._root, self._folder)
            old = self.facts()
            self._check_name(old, facts.plate)
            write_group(self._folder, None, facts if old is None else old.merged(facts))

    def save(self, planes: Sequence[object], components: Sequence[Components], wanted: ImageRecord) -> None:
        """Write planes of one well that belong to one image group, replacing what was there.

        Parameters
        ----------
        planes
            ``(Y, X)`` or ``(Y, X, 3 | 4)``, on any device.
        components
            What each plane is.
        wanted
            What they have in common; its path is empty.

        Raises
        ------
        StorageError
            The folder holds another plate, or labels have no image.
        """
        well = components[0].well or ""
        image = self._make_room(well, components, wanted)
        facts = image.facts()
        levels = self._cache.open(image.folder, image.record, facts.extent(wanted.samples), image.levels)
        windows: dict[int, Window] = {}
        for number, (plane, each) in enumerate(zip(planes, components, strict=True)):
            index = facts.index_of(each)
            if index is None:
                raise StorageError(f"{image.folder} was changed by somebody else while it was written to")
            host = to_host(plane)
            write_plane(levels, image.record, index, host)
            self._remove_others(well, each, image)
            if facts.windows[index[1]] is None and index[1] not in windows:
                windows[index[1]] = _window(host)
            if number == 0:
                self._publish(well, image, windows)
        if len(windows) > 1:
            self._publish(well, image, windows)

    def load(self, labels: str, components: Components, side_px: int | None = None) -> npt.NDArray[Any]:
        """Return a plane, at the lowest level whose shorter side has `side_px` pixels where that is given.

        Raises
        ------
        ImageNotFoundError
            There is none.
        """
        for image in self._candidates(labels, components):
            facts = image.facts()
            index = facts.index_of(components)
            if index is not None and has_plane(image.folder, index):
                levels = self._cache.open(
                    image.folder, image.record, facts.extent(image.record.samples), image.levels
                )
                return read_plane(level_for(levels, side_px), image.record, index)
        raise ImageNotFoundError(f"there is no image {format_address(self._folder, labels, components)}")

    def exists(self, labels: str, components: Components) -> bool:
        """Return whether a plane is there."""
        for image in self._candidates(labels, components):
            index = image.facts().index_of(components)
            if index is not None and has_plane(image.folder, index):
                return True
        return False

    def delete(self, labels: str, components: Components) -> None:
        """Remove a plane; its place stays.

        Raises
        ------
        ImageNotFoundError
            There is none.
        """
        found = False
        for image in self._candidates(labels, components):
            index = image.facts().index_of(components)
            if index is not None and has_plane(image.folder, index):
                remove_plane(image.folder, index, image.levels)
                found = True
        if not found:
            raise ImageNotFoundError(f"there is no image {format_address(self._folder, labels, components)}")

    def planes(self) -> Iterator[tuple[str, Components]]:
        """Yield the label image's name, or nothing, and the components of every plane that is there."""
        facts = self.facts()
        if facts is None:
            return
        for row in sorted(self._folder.iterdir()):
            for well in sorted(row.iterdir()) if row.is_dir() else ():
                for image in images_in(well):
                    for each in planes_of(image, facts.plate, f"{row.name}{well.name}"):
                        yield image.record.labels, each

    def _candidates(self, labels: str, components: Components) -> Iterator[ImageGroup]:
        facts = self.facts()
        if facts is None or facts.plate != components.plate:
            return
        for image in images_in(self._folder / well_path(components.well or "")):
            if image.record.holds(components, labels):
                yield image

    def _remove_others(self, well: str, components: Components, image: ImageGroup) -> None:
        """Remove a plane that was just replaced by one of another shape or dtype, in another group."""
        for other in images_in(self._folder / well_path(well)):
            if other.folder == image.folder or not other.record.holds(components, image.record.labels):
                continue
            index = other.facts().index_of(components)
            if index is not None:
                remove_plane(other.folder, index, other.levels)

    def _make_room(self, well: str, components: Sequence[Components], wanted: ImageRecord) -> ImageGroup:
        """Return the image group of some planes, which has a position for each of them."""
        self._check_name(self.facts(), components[0].plate)
        well_folder = self._folder / well_path(well)
        image = find_image(well_folder, wanted)
        if image is not None and all(map(image.facts().index_of, components)):
            return image
        with plate_lock(self._root, self._folder):
            plate = self.facts()
            self._check_name(plate, components[0].plate)
            if plate is None:
                plate = PlateFacts(plate=components[0].plate)
                ensure_groups(self._root, self._folder)
                write_group(self._folder, None, plate)
            image = find_image(well_folder, wanted)
            if image is None:
                return self._create(plate, well_folder, components, wanted)
            facts = image.facts().with_planes(components)
            grow_levels(image.folder, facts.extent(wanted.samples), image.levels)
            write_group(image.folder, image_metadata(plate, image.record, facts, image.levels), facts)
        return image

    def _create(
        self, plate: PlateFacts, well_folder: Path, components: Sequence[Components], wanted: ImageRecord
    ) -> ImageGroup:
        shelf, levels = well_folder, level_count(wanted.plane_shape)
        if wanted.labels:
            parent = image_of_labels(well_folder, wanted)
            if parent is None:
                raise StorageError(
                    f"{format_address(self._folder, wanted.labels, components[0])} belongs to no image"
                    " that is there: save the image first, or the labels into a folder of their own"
                )
            # The specification wants as many levels as the image has, whatever their size.
            shelf, levels = parent.folder / LABELS, parent.levels
        ensure_groups(self._root, well_folder)
        noted = read_notes(shelf, ShelfFacts) or ShelfFacts()
        record = msgspec.structs.replace(wanted, path=free_name(noted.images, wanted))
        image = ImageGroup(shelf, record, levels)
        facts = empty_image(plate.layout, wanted.axes).with_planes(components)
        create_levels(image.folder, record, facts.extent(wanted.samples), levels)
        write_group(image.folder, image_metadata(plate, record, facts, levels), facts)
        records = (*noted.images, record)
        # A `labels` group that lists none would be invalid, and labels without a plane are not.
        listed = labels_metadata(records) if wanted.labels else None
        write_group(shelf, listed, ShelfFacts(images=records))
        return image

    def _publish(self, well: str, image: ImageGroup, windows: Mapping[int, Window]) -> None:
        """List a group that has a plane now in the metadata above it, and note how it is displayed."""
        if not windows and self._is_published(well, image):
            return
        with plate_lock(self._root, self._folder):
            plate = self.facts() or PlateFacts()
            facts = image.facts()
            merged = tuple(old or windows.get(number) for number, old in enumerate(facts.windows))
            if merged != facts.windows:
                facts = msgspec.structs.replace(facts, windows=merged)
                write_group(image.folder, image_metadata(plate, image.record, facts, image.levels), facts)
            if self._is_published(well, image):
                return
            shelf = read_notes(image.shelf, ShelfFacts) or ShelfFacts()
            listed = {*listed_images(image.shelf), image.record.path}
            visible = [record for record in shelf.images if record.path in listed]
            self._list_image(plate, well, image.shelf, shelf, visible)

    def _list_image(
        self, plate: PlateFacts, well: str, folder: Path, shelf: ShelfFacts, visible: Sequence[ImageRecord]
    ) -> None:
        """List a well's images in the well, and the well in the plate; valid between any two steps."""
        known = ome_in(read_attributes(self._folder)).get("plate", {})
        paths = {entry["path"] for entry in known.get("wells", ())}
        room = known.get("field_count") or 1
        field_count = max(room, len(visible))
        if paths and field_count > room:
            write_group(self._folder, plate_metadata(plate, paths, field_count), plate)
        write_group(folder, well_metadata(visible), shelf)
        if well_path(well) not in paths:
            paths.add(well_path(well))
            write_group(self._folder, plate_metadata(plate, paths, field_count), plate)

    def _is_published(self, well: str, image: ImageGroup) -> bool:
        if image.record.labels:
            return True
        if image.record.path not in listed_images(image.shelf):
            return False
        plate = ome_in(read_attributes(self._folder)).get("plate", {})
        return well_path(well) in (entry["path"] for entry in plate.get("wells", ()))

    def _check_name(self, facts: PlateFacts | None, plate: str | None) -> None:
        if facts is not None and facts.plate != plate:
            raise StorageError(
                f"{self._folder} holds the plate {facts.plate!r}, not {plate!r}:"
                " give each plate a folder of its own"
            )


def _window(plane: npt.NDArray[Any]) -> Window:
    """Return between which values a channel is displayed, from about 65,000 pixels of its first plane."""
    step = max(1, int((plane.size / 65536) ** 0.5))
    sample = plane[::step, ::step]
    if sample.dtype.kind == "f":
        sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(sample, _WINDOW_PERCENTILES)
    return float(low), float(high) if high > low else float(low) + 1.0
