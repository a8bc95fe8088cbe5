"""A plate that has been opened: its images, what is known of them, and what is not as it should be."""

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from platecast.components import (
    COMPONENT_NAMES,
    Components,
    ImageRecord,
    PlateLayout,
    PlateMetadata,
    parse_well,
)
from platecast.storage._files import FileManager
from platecast.storage._places import base_name
from platecast.storage._plates._missing import implied_but_absent


@dataclass(frozen=True, slots=True)
class PlateImage:
    """One image of a plate.

    Parameters
    ----------
    path
        Where it rests, as its backend names it.
    components
        What it is.
    backend
        Name of the backend that reads it: ``disk`` for a file of one plane, ``plate`` for a page of a file or
        for a plane in an OME-Zarr array.
    """

    path: str
    components: Components
    backend: str = "disk"

    @property
    def file(self) -> str | None:
        """The file that is this image alone; `None` for a page of several and for a plane of an array."""
        if self.backend == "disk":
            return self.path
        return self.path.removesuffix("#page=0") if "://" in self.path and "#page=0" in self.path else None

    @property
    def address(self) -> str:
        """Backend and path in one text, as it travels with a plane that is sent."""
        return f"{self.backend}:{self.path}"


@dataclass(frozen=True, eq=False)
class Plate:
    """What `open_plate` found.

    Nothing is read from an image before it is asked for.

    Parameters
    ----------
    path
        The folder that was opened.
    images
        Every image, sorted by plate, well, site, timepoint, z_index and channel; numbers by value.
    metadata
        What the instrument states. Its records are those of images that are there.
    left_out
        Files that look like images and are none of the plate's: thumbnails, masks, corrections.
    problems
        What could not be read or is not as it should be, one line each; each names its file and the reason.
    notes
        What was decided where something could be read in several ways.
    records
        The metadata's records by the paths of their images.
    """

    path: str
    images: tuple[PlateImage, ...] = ()
    metadata: PlateMetadata = field(default_factory=PlateMetadata)
    left_out: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    records: Mapping[str, ImageRecord] = field(default_factory=dict, repr=False)

    @functools.cached_property
    def name(self) -> str:
        """Name of the plate; of its folder where there are several or none."""
        names = self._values("plate")
        return str(names[0]) if len(names) == 1 else base_name(self.path)

    @functools.cached_property
    def wells(self) -> tuple[str, ...]:
        """The wells that have images, row by row."""
        return self._values("well")

    @functools.cached_property
    def sites(self) -> tuple[int, ...]:
        """The sites that any well has."""
        return self._values("site")

    @functools.cached_property
    def channels(self) -> tuple[int | str, ...]:
        """The channels that any image has, as their components name them."""
        return self._values("channel")

    @functools.cached_property
    def z_indices(self) -> tuple[int, ...]:
        """The slices that any stack has."""
        return self._values("z_index")

    @functools.cached_property
    def timepoints(self) -> tuple[int, ...]:
        """The time points that any image has."""
        return self._values("timepoint")

    @functools.cached_property
    def channel_names(self) -> dict[int | str, str]:
        """What the instrument calls the channels, as far as it is known.

        Of a plate without images, all that are stated; otherwise those of which there are images.
        """
        names = self.metadata.channel_names
        if not self.images:
            return names
        present = dict.fromkeys(self.channels)
        return {channel: name for channel, name in names.items() if channel in present}

    @functools.cached_property
    def layouts(self) -> tuple[PlateLayout, ...]:
        """What each plate holds, to be announced before its images are shown."""
        plates: dict[str | None, list[Components]] = {}
        for image in self.images:
            plates.setdefault(image.components.plate, []).append(image.components)
        for absent in self.missing:
            plates[absent.plate].append(absent)
        return tuple(_layout(plate, members, self.metadata) for plate, members in plates.items())

    @functools.cached_property
    def duplicates(self) -> tuple[tuple[PlateImage, ...], ...]:
        """Images that have equal components, and so would overwrite each other, in groups."""
        groups: dict[Components, list[PlateImage]] = {}
        for image in self.images:
            groups.setdefault(image.components, []).append(image)
        return tuple(tuple(group) for group in groups.values() if len(group) > 1)

    @functools.cached_property
    def missing(self) -> tuple[Components, ...]:
        """The planes that the plate's own images imply and that are not there, in the images' order.

        What half of its peers have is implied for the rest: a site of the wells, a channel of the sites, a
        slice or time point of the stacks of one channel. A stack of another depth in another channel implies
        nothing, nor does a projection imply a slice.
        """
        return tuple(
            sorted(implied_but_absent([image.components for image in self.images]), key=components_order)
        )

    def by_well(self) -> dict[str, tuple[PlateImage, ...]]:
        """Return the images of each well under a label: ``A01``, with the plate where there are several."""
        return by_well(self.images)

    def record(self, image: PlateImage) -> ImageRecord | None:
        """Return what the instrument states about one image: its position, focus and time.

        Where that stands in the image's own file, it is read now.

        Raises
        ------
        StorageError
            The file could not be read.
        """
        known = self.records.get(image.path)
        file = image.file
        if known is None and file is not None:
            from platecast.storage._plates._tiff import read_record

            return read_record(file, image.components)
        return known

    def read(self, image: PlateImage) -> npt.NDArray[Any]:
        """Return one image's pixels; the array belongs to the caller.

        Raises
        ------
        StorageError
            It could not be read.
        """
        return self._files.load(image.path, image.backend)

    @functools.cached_property
    def _files(self) -> FileManager:
        return FileManager()

    def _values(self, name: str) -> tuple[Any, ...]:
        return _sorted_values(name, (image.components for image in self.images))


def by_well(images: Iterable[PlateImage]) -> dict[str, tuple[PlateImage, ...]]:
    """Return the images of each well under a label: ``A01``, with the plate where there are several."""
    images = tuple(images)
    several = len({image.components.plate for image in images}) > 1
    wells: dict[str, list[PlateImage]] = {}
    for image in images:
        well = image.components.well or "no well"
        plate = image.components.plate
        wells.setdefault(f"{plate} {well}" if several and plate else well, []).append(image)
    return {label: tuple(members) for label, members in wells.items()}


def components_order(components: Components) -> tuple[object, ...]:
    """Return what images are sorted by."""
    return (
        components.plate or "",
        _by_position(components.well),
        by_value(components.site),
        by_value(components.timepoint),
        by_value(components.z_index),
        by_value(components.channel),
    )


def image_order(image: PlateImage) -> tuple[object, ...]:
    """Return what images are sorted by, those with equal components by their paths."""
    return (components_order(image.components), image.path)


def by_value(value: int | str | None) -> tuple[int, int, str]:
    """Order absent values first, then numbers, then text."""
    if value is None:
        return (0, 0, "")
    return (1, value, "") if isinstance(value, int) else (2, 0, value)


# A plate has few wells and many images, each of which is sorted by its well.
@functools.lru_cache(maxsize=8192)
def _by_position(well: str | None) -> tuple[int, int]:
    return (-1, -1) if well is None else parse_well(well)


def _sorted_values(name: str, members: Iterable[Components]) -> tuple[Any, ...]:
    present = {getattr(components, name) for components in members} - {None}
    order: Callable[[Any], tuple[object, ...]] = _by_position if name == "well" else by_value
    return tuple(sorted(present, key=order))


def _layout(plate: str | None, members: list[Components], metadata: PlateMetadata) -> PlateLayout:
    values: dict[str, Any] = {name: _sorted_values(name, members) for name in COMPONENT_NAMES[1:]}
    counts = Counter(each.well for each in members)
    return PlateLayout(
        plate=plate,
        pixel_size_um=metadata.pixel_size_um,
        z_step_um=metadata.z_step_um,
        images=tuple(counts[well] for well in values["well"]),
        **values,
    )
