"""The images of a plate on disk, found by their names."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from platecast.components import COMPONENT_NAMES, Components, PlateLayout, parse_name, parse_well
from platecast.errors import UnrecognizedNameError

READABLE_SUFFIXES = (".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class PlateImage:
    """One image file of a plate and what its name says."""

    path: str
    components: Components


def find_images(folder: str | os.PathLike[str]) -> tuple[PlateImage, ...]:
    """Return the raw images in a folder and below, in the order in which they are shown.

    Files whose names no convention recognizes (thumbnails, masks, sidecars) are left out, and so are
    hidden folders, OME-Zarr plates and formats other than TIFF.

    Parameters
    ----------
    folder
        The plate's folder, or one around it.

    Images whose names and folders name no plate belong to the plate that `folder` names.

    Returns
    -------
    tuple of PlateImage
        Sorted by plate, well, site, timepoint, z_index and channel; numbers by value.
    """
    folder = Path(folder)
    return tuple(sorted(_recognized(folder, folder.resolve().name or None), key=_order))


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


def layouts_of(images: Sequence[PlateImage]) -> tuple[PlateLayout, ...]:
    """Return what each plate holds, to be announced before its images are shown."""
    plates: dict[str | None, list[Components]] = {}
    for image in images:
        plates.setdefault(image.components.plate, []).append(image.components)
    return tuple(_layout(plate, members) for plate, members in plates.items())


def _recognized(folder: Path, plate: str | None) -> Iterator[PlateImage]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and not name.endswith(".zarr")]
        relative = Path(parent).relative_to(folder)
        for name in names:
            if not name.lower().endswith(READABLE_SUFFIXES):
                continue
            try:
                components = parse_name(relative / name)
            except UnrecognizedNameError:
                continue
            if components.plate is None:
                components = msgspec.structs.replace(components, plate=plate)
            yield PlateImage(os.path.join(parent, name), components)


def _layout(plate: str | None, members: Sequence[Components]) -> PlateLayout:
    values: dict[str, tuple[object, ...]] = {}
    for name in COMPONENT_NAMES[1:]:
        present = {getattr(components, name) for components in members} - {None}
        order: Callable[[Any], tuple[object, ...]] = _by_position if name == "well" else _by_value
        values[name] = tuple(sorted(present, key=order))
    return PlateLayout(plate=plate, **values)  # type: ignore[arg-type]  # each field has its component's type


def _order(image: PlateImage) -> tuple[object, ...]:
    components = image.components
    return (
        components.plate or "",
        _by_position(components.well),
        _by_value(components.site),
        _by_value(components.timepoint),
        _by_value(components.z_index),
        _by_value(components.channel),
        image.path,
    )


def _by_position(well: str | None) -> tuple[int, int]:
    return (-1, -1) if well is None else parse_well(well)


def _by_value(value: int | str | None) -> tuple[int, int, str]:
    """Order absent values first, then numbers, then text."""
    if value is None:
        return (0, 0, "")
    return (1, value, "") if isinstance(value, int) else (2, 0, value)
