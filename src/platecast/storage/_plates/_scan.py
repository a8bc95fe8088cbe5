"""One walk over a plate's folder: which files may be images, which describe the plate, which are stores."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from platecast.components import find_conventions, is_metadata_name, is_telling
from platecast.storage import _places
from platecast.storage._disk import SUFFIXES

ZARR_SUFFIX = ".zarr"
_ZARR_GROUPS = ("zarr.json", ".zgroup")
_REMOTE_SUFFIXES = (".tif", ".tiff")
"""Of images at a URL: those of which a part can be read."""
_LOOK_AT = 2000
"""Files by which a folder is taken for a plate."""


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
    with _places.entries(folder):
        pass
    pending: list[tuple[str, frozenset[tuple[int, int]]]] = [("", frozenset())]
    while pending:
        relative, within = pending.pop()
        path = _places.join(folder, relative)
        try:
            entered = _places.comes_back(path, within)
            if entered is not None:
                pending += [(below, entered) for below in _take(path, relative, found)]
        except OSError as error:
            found.problems.append(f"{relative}: {error.strerror or error}")
    found.images.sort()
    found.metadata.sort(key=lambda each: (each[0].count("/"), each))
    found.stores.sort()
    return found


def is_store(path: str) -> bool:
    """Return whether a folder is a Zarr group."""
    return any(_places.is_file(_places.join(path, name)) for name in _ZARR_GROUPS)


def looks_like_plate(folder: str) -> bool:
    """Return whether a folder has what a plate has, after a look at its first files alone."""
    pending, looked_at = deque([folder]), 0
    while pending and looked_at < _LOOK_AT:
        here = pending.popleft()
        try:
            with _places.entries(here) as entries:
                for entry in entries:
                    looked_at += 1
                    name = entry.name
                    if name.lower().endswith(SUFFIXES):
                        if find_conventions(name):
                            return True
                    elif not name.startswith("."):
                        if is_telling(name) or (name.lower().endswith(ZARR_SUFFIX) and entry.is_dir()):
                            return True
                        if entry.is_dir():
                            pending.append(_places.join(here, name))
                    if looked_at >= _LOOK_AT:
                        break
        except OSError:
            continue  # one that may not be read says nothing
    return False


def join(folder: str, name: str) -> str:
    """Return a relative path with ``/``."""
    return f"{folder}/{name}" if folder else name


def _take(path: str, relative: str, found: FoundFiles) -> Iterator[str]:
    suffixes = _REMOTE_SUFFIXES if _places.is_url(path) else SUFFIXES
    with _places.entries(path) as entries:
        for entry in entries:
            name = entry.name
            if name.lower().endswith(suffixes):
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
