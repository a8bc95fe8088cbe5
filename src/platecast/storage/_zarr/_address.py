"""From a path to a place in an OME-Zarr plate and back. Pure.

``out.zarr/Step_02_blur/well-A01_site-1_channel-DAPI_z-3.tif`` is a plane of the plate in the group
``Step_02_blur`` of the store ``out.zarr``; the folder is missing where the store itself is the plate. With
``labels/cells`` before the name it is a plane of the label image ``cells`` of that plate's image. No such
file exists: the name is only the address.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from platecast.components import Components, format_name, parse_name
from platecast.errors import StorageError, UnrecognizedNameError
from platecast.storage._backend import AnyPath

LABELS = "labels"
_GROUP = re.compile(r"(?!\.|__)[\w.+%~ -]+")
_ROW = re.compile(r"[A-Z]{1,2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ZarrAddress:
    """Where a plane rests.

    Parameters
    ----------
    root
        Folder of the store, the outermost one whose name ends in ``.zarr``.
    folder
        Folder of the plate's group: `root` or one below it.
    labels
        Name of the label image, empty for the plate's own images.
    components
        Which plane of the plate; the well is known.
    """

    root: Path
    folder: Path
    labels: str
    components: Components


def parse_address(path: AnyPath) -> ZarrAddress:
    """Return the place that a path names.

    Raises
    ------
    StorageError
        It names none; the message says what is missing.
    """
    place = Path(os.path.normpath(path))
    root = find_root(place.parent)
    if root is None:
        raise StorageError(
            f"{place} lies in no OME-Zarr store: one of its folders must be named like results.zarr"
        )
    folder, labels = split_labels(root, place.parent)
    for name in [*folder.relative_to(root).parts, labels or "-"]:
        if not _GROUP.fullmatch(name) or _ROW.fullmatch(name) or name == LABELS:
            raise StorageError(
                f"{place}: {name!r} cannot name a group of an OME-Zarr store: use letters, digits, '_', '-',"
                f" '+' and '.', neither {LABELS!r} nor one or two capitals alone, which are a plate's rows"
            )
    try:
        components = parse_name(place.name)
    except UnrecognizedNameError as error:
        raise StorageError(f"{place} cannot be placed in an OME-Zarr plate: {error}") from error
    if components.well is None:
        raise StorageError(f"{place} names no well, and an OME-Zarr plate has nothing outside its wells")
    return ZarrAddress(root, folder, labels, components)


def format_address(folder: Path, labels: str, components: Components) -> str:
    """Return the path of a plane, from which `parse_address` reads the same place."""
    below = folder / LABELS / labels if labels else folder
    return str(below / format_name(components))


def find_root(path: Path) -> Path | None:
    """Return the outermost folder whose name ends in ``.zarr``, out of a path and what is around it."""
    roots = [folder for folder in (path, *path.parents) if is_root(folder.name)]
    return roots[-1] if roots else None


def is_root(name: str) -> bool:
    """Return whether a folder of this name is a store."""
    return name.lower().endswith(".zarr") and len(name) > len(".zarr")


def split_labels(root: Path, folder: Path) -> tuple[Path, str]:
    """Return a plate's folder and the name of its label image out of the folder part of an address."""
    inner = folder.relative_to(root).parts
    if len(inner) >= 2 and inner[-2] == LABELS:
        return folder.parent.parent, inner[-1]
    return folder, ""


def group_folders(top: Path) -> Iterator[Path]:
    """Yield a folder and those below it that may be a plate's group: all in stores, but no plate's rows."""
    root = find_root(top)
    for parent, folders, _ in os.walk(top):
        here = Path(parent)
        if root is not None or find_root(here) is not None:
            folders[:] = [name for name in folders if not _ROW.fullmatch(name) and not name.startswith(".")]
            yield here
