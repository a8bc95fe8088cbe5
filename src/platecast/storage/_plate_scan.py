"""One walk over a plate's folder: which files may be images, which describe the plate, which are stores."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from platecast.components import is_metadata_name
from platecast.storage._disk import SUFFIXES

ZARR_SUFFIX = ".zarr"
_ZARR_GROUPS = ("zarr.json", ".zgroup")


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """What lies in a folder and below.

    Parameters
    ----------
    images
        Folder, relative and with ``/``, and name of each file that a backend could read.
    metadata
        The same of each file that describes a plate.
    stores
        Relative paths of OME-Zarr stores.
    problems
        Folders that could not be read.
    """

    images: list[tuple[str, str]] = field(default_factory=list)
    metadata: list[tuple[str, str]] = field(default_factory=list)
    stores: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def scan(folder: str) -> FoundFiles:
    """Return what lies in a folder and below, hidden folders excepted; looks into no file.

    Raises
    ------
    OSError
        The folder itself could not be read.
    """
    found = FoundFiles()
    os.scandir(folder).close()
    pending = [""]
    while pending:
        relative = pending.pop()
        try:
            pending += _take(os.path.join(folder, relative), relative, found)
        except OSError as error:
            found.problems.append(f"{relative}: {error.strerror or error}")
    found.images.sort()
    found.metadata.sort(key=lambda each: (each[0].count("/"), each))
    found.stores.sort()
    return found


def is_store(path: str) -> bool:
    """Return whether a folder is a Zarr group."""
    return any(os.path.isfile(os.path.join(path, name)) for name in _ZARR_GROUPS)


def join(folder: str, name: str) -> str:
    """Return a relative path with ``/``."""
    return f"{folder}/{name}" if folder else name


def _take(path: str, relative: str, found: FoundFiles) -> Iterator[str]:
    with os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            if name.lower().endswith(SUFFIXES):
                found.images.append((relative, name))
            elif name.startswith("."):
                continue
            elif is_metadata_name(name):
                found.metadata.append((relative, name))
            # The kind of an entry comes with the listing; it is asked for last because a file's name tells
            # more.
            elif entry.is_dir():
                if name.lower().endswith(ZARR_SUFFIX):
                    found.stores.append(join(relative, name))
                else:
                    yield join(relative, name)
