"""Files and folders of a plate, on this machine or at a URL that fsspec reaches: listed and read alike.

Nothing is written here. A URL needs the extra ``remote-storage``; ``file://`` needs nothing.
"""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote, unquote, urlsplit
from urllib.request import url2pathname

from platecast.errors import ImageNotFoundError, StorageError
from platecast.storage._backend import AnyPath

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """What a folder at a URL holds: the part of `os.DirEntry` that is used."""

    name: str
    is_folder: bool

    def is_dir(self) -> bool:
        """Return whether it is a folder."""
        return self.is_folder


def normal_place(path: AnyPath) -> str:
    """Return a path or URL as it is used from here on: ``file://`` as a path, others without a last slash."""
    text = os.fspath(path)
    if text.lower().startswith("file://"):
        return url2pathname(urlsplit(text).path)
    return text.rstrip("/") if is_url(text) else text


def is_url(place: str) -> bool:
    """Return whether a place is a URL."""
    return _URL.match(place) is not None


def join(folder: str, place: str) -> str:
    """Return the place of a relative path, with ``/``, below a folder."""
    if not is_url(folder):
        return os.path.join(folder, *place.split("/"))
    return f"{folder}/{quote(place) if _is_http(folder) else place}" if place else folder


def base_name(place: str) -> str:
    """Return the name of a file or folder without those around it."""
    if is_url(place):
        name = place.rstrip("/").rpartition("/")[2]
        return unquote(name) if _is_http(place) else name
    return os.path.basename(os.path.abspath(place))


def parent(place: str) -> str:
    """Return the folder of a file."""
    return place.rpartition("/")[0] if is_url(place) else os.path.dirname(place) or "."


def entries(folder: str) -> contextlib.AbstractContextManager[Iterable[os.DirEntry[str] | RemoteEntry]]:
    """Return what a folder holds, to be used in a ``with``.

    Raises
    ------
    OSError
        It could not be listed.
    """
    return _remote_entries(folder) if is_url(folder) else os.scandir(folder)


def comes_back(place: str, within: frozenset[tuple[int, int]]) -> frozenset[tuple[int, int]] | None:
    """Return what a walk has entered once it is in a folder; `None` where it is in that folder already.

    A link may lead back to a folder around it, and two of them lead around without end.

    Parameters
    ----------
    place
        The folder. At a URL there are no links.
    within
        What was entered on the way to it, as this function returned it.

    Raises
    ------
    OSError
        The folder is not there.
    """
    if is_url(place):
        return within
    state = os.stat(place)
    folder = (state.st_dev, state.st_ino)
    return None if folder in within else within | {folder}


def read_bytes(place: str) -> bytes:
    """Return a file's content.

    Raises
    ------
    OSError
        It could not be read; `FileNotFoundError` where there is none.
    """
    if not is_url(place):
        with open(place, "rb") as file:
            return file.read()
    with _remote(place) as (filesystem, path):
        content: bytes = filesystem.cat_file(path)
        return content


def read_many(places: Iterable[str]) -> dict[str, bytes]:
    """Return the contents of files at URLs of one server, read beside each other; without those absent.

    Raises
    ------
    OSError
        The server could not be reached.
    """
    wanted = list(places)
    if not wanted:
        return {}
    with _remote(wanted[0]) as (filesystem, _):
        paths = {filesystem._strip_protocol(place): place for place in wanted}  # noqa: SLF001 -- no public way
        found = filesystem.cat(list(paths), on_error="omit")
        # One path alone comes without its name.
        contents = found if isinstance(found, dict) else {next(iter(paths)): found}
        return {paths[path]: content for path, content in contents.items()}


def is_file(place: str) -> bool:
    """Return whether there is a file."""
    if not is_url(place):
        return os.path.isfile(place)
    with _remote(place) as (filesystem, path):
        return bool(filesystem.isfile(path))


def exists(place: str) -> bool:
    """Return whether there is a file or a folder."""
    if not is_url(place):
        return os.path.exists(place)
    with _remote(place) as (filesystem, path):
        return bool(filesystem.exists(path))


@contextlib.contextmanager
def opened(place: str) -> Iterator[str | BinaryIO]:
    """Give what a library opens: the path of a local file, and a file object of a remote one.

    Raises
    ------
    OSError
        It could not be opened.
    """
    if not is_url(place):
        yield place
        return
    with _remote(place) as (filesystem, path):
        file = filesystem.open(path, "rb")
    with file:
        yield file


def refresh(place: str) -> None:
    """Forget what was listed at a URL: a plate that is being written has more by now."""
    if is_url(place):
        with _remote(place) as (filesystem, _):
            filesystem.invalidate_cache()


def _is_http(place: str) -> bool:
    return place[:7].lower() == "http://" or place[:8].lower() == "https://"


@contextlib.contextmanager
def _remote_entries(folder: str) -> Iterator[list[RemoteEntry]]:
    with _remote(folder) as (filesystem, path):
        listed = filesystem.ls(path, detail=True)
    found: dict[str, RemoteEntry] = {}
    for each in listed:
        # A server's page of a folder has links for sorting, and folders end in a slash.
        text = str(each["name"])
        name = base_name(text) if _is_http(folder) else text.rstrip("/").rpartition("/")[2]
        if name and "?" not in text and text.rstrip("/") != path.rstrip("/"):
            found[name] = RemoteEntry(name, each.get("type") == "directory" or text.endswith("/"))
    yield list(found.values())


@contextlib.contextmanager
def _remote(place: str) -> Iterator[tuple[Any, str]]:
    """Give a URL's file system and the path in it, and turn its errors into those of files."""
    try:
        import fsspec
    except ImportError as error:
        raise StorageError(
            f"{place} is a URL, which needs fsspec: pip install 'platecast[remote-storage]'"
        ) from error
    try:
        yield fsspec.core.url_to_fs(place)
    except FileNotFoundError as error:
        raise ImageNotFoundError(f"there is no {place}") from error
    except OSError:
        raise
    except ImportError as error:
        raise StorageError(f"{place} needs another library: {error}") from error
    # Each file system has errors of its own: a server's status, credentials, a protocol that nobody knows.
    except Exception as error:
        raise StorageError(f"{place} could not be reached: {error}") from error
