"""The backend that reads planes which no file has for itself: pages of TIFF files, planes of OME-Zarr arrays.

``stack.ome.tif#page=3`` is the fourth page of a file, ``plate.ome.zarr/B/03/0/0#index=1,4`` the plane at
these positions of an array's axes before Y and X. Such paths are made by `open_plate`.
"""

import os
import re
import struct
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np
import numpy.typing as npt

from platecast.arrays import PLANE_DTYPES, to_host
from platecast.errors import ImageNotFoundError, StorageError
from platecast.storage._backend import AnyPath, Header, StorageBackend
from platecast.storage._places import exists, is_url, opened
from platecast.storage._plates._zarr_documents import lower_levels
from platecast.storage._tiff_header import read_tiff_header

if TYPE_CHECKING:
    import zarr
    from zarr.abc.store import Store

_PATH = re.compile(
    r"(?P<source>.+)#(?:page=(?P<page>[0-9]+)|index=(?P<index>[0-9]+(?:,[0-9]+)*|))", re.DOTALL
)
_OPEN_ARRAYS = 256
"""Arrays that are kept open: one costs a few kilobytes and, to open it anew, a millisecond."""


def page_path(source: str, page: int) -> str:
    """Return the path of a page of a TIFF file."""
    return f"{source}#page={page}"


def index_path(source: str, index: tuple[int, ...]) -> str:
    """Return the path of a plane of an OME-Zarr array."""
    return f"{source}#index={','.join(map(str, index))}"


class PlateBackend(StorageBackend):
    """Reads the planes of plates that others wrote, and writes nothing.

    OME-Zarr needs the extra ``zarr``.
    """

    name: ClassVar[str] = "plate"

    def __init__(self) -> None:
        # Every method touches the dictionary in one atomic operation, so threads need no lock.
        self._arrays: dict[str, zarr.Array[Any]] = {}
        self._lower: dict[str, tuple[str, ...]] = {}

    def load(self, path: AnyPath) -> npt.NDArray[Any]:
        """Return the plane at a path that `open_plate` made."""
        source, page, index = _parse(path)
        if index is None:
            return _read_page(source, page)
        return _read_plane(self._open(source), index, path)

    def load_small(self, path: AnyPath, side_px: int) -> npt.NDArray[Any]:
        """Return a plane of an OME-Zarr image at the lowest level that has enough pixels."""
        source, _, index = _parse(path)
        if index is None:
            return self.load(path)
        largest = self._open(source)
        for lower in reversed(self._lower_levels(source)):
            try:
                level = self._open(lower)
            except ImageNotFoundError:
                continue  # it is still being written, or was left out of a copy
            # A level of fewer slices or time points has other planes.
            if level.shape[:-2] == largest.shape[:-2] and min(level.shape[-2:]) >= side_px:
                return _read_plane(level, index, path)
        return _read_plane(largest, index, path)

    def header(self, path: AnyPath) -> Header:
        """Return shape and dtype of a plane; no pixel is read."""
        source, page, index = _parse(path)
        if index is None:
            known = None if is_url(source) else read_tiff_header(source, page)
            return super().header(path) if known is None else (known.shape, known.dtype)
        array = self._open(source)
        if len(index) != array.ndim - 2 or array.dtype.name not in PLANE_DTYPES:
            return super().header(path)
        return array.shape[-2:], array.dtype.newbyteorder("=")

    def exists(self, path: AnyPath) -> bool:
        """Return whether the file or array is there; it is not opened."""
        return exists(_parse(path)[0])

    def list(self, folder: AnyPath) -> tuple[str, ...]:
        """Return nothing: see `open_plate` for the planes in a folder."""
        return ()

    def save(self, data: object, path: AnyPath) -> None:
        """Raise `StorageError`: other programs' files are not written."""
        self._refuse("write", path)

    def delete(self, path: AnyPath) -> None:
        """Raise `StorageError`: a plane cannot be taken out of its file."""
        self._refuse("delete", path)

    def close(self) -> None:
        """Let the open arrays go."""
        self._arrays.clear()
        self._lower.clear()

    def _lower_levels(self, source: str) -> tuple[str, ...]:
        """Return the arrays of the same image at lower resolutions, the finer ones first."""
        known = self._lower.get(source)
        if known is None:
            if len(self._lower) >= _OPEN_ARRAYS:
                self._lower.clear()
            known = self._lower[source] = lower_levels(source)
        return known

    def _open(self, source: str) -> "zarr.Array[Any]":
        array = self._arrays.get(source)
        if array is None:
            array = _open_array(source)
            if len(self._arrays) >= _OPEN_ARRAYS:
                self._arrays.clear()
            self._arrays[source] = array
        return array

    def _refuse(self, verb: str, path: AnyPath) -> NoReturn:
        raise StorageError(f"cannot {verb} {os.fspath(path)!r}: the backend {self.name!r} only reads")


def _read_plane(array: "zarr.Array[Any]", index: tuple[int, ...], path: AnyPath) -> npt.NDArray[Any]:
    if len(index) != array.ndim - 2:
        raise StorageError(f"{os.fspath(path)}: the array has {array.ndim} axes")
    try:
        return to_host(np.asarray(array[index]))
    except IndexError as error:
        raise ImageNotFoundError(f"{os.fspath(path)}: the array is {array.shape}") from error
    # What codecs raise for damaged chunks.
    except (OSError, ValueError, RuntimeError) as error:
        raise StorageError(f"{os.fspath(path)} could not be read: {error}") from error


def _parse(path: AnyPath) -> tuple[str, int, tuple[int, ...] | None]:
    match = _PATH.fullmatch(os.fspath(path))
    if match is None:
        raise StorageError(f"{os.fspath(path)!r} is not the path of a page or plane: use those of open_plate")
    if match["page"] is not None:
        return match["source"], int(match["page"]), None
    return match["source"], 0, tuple(map(int, filter(None, match["index"].split(","))))


def _read_page(source: str, page: int) -> npt.NDArray[Any]:
    try:
        import tifffile
    except ImportError as error:
        raise StorageError("TIFF files need tifffile: pip install 'platecast[io]'") from error
    try:
        with opened(source) as file, tifffile.TiffFile(file) as tiff:
            return to_host(tiff.pages[page].asarray())
    except FileNotFoundError as error:
        raise ImageNotFoundError(f"there is no image {source}") from error
    except IndexError as error:
        raise ImageNotFoundError(f"{source} has no page {page}") from error
    # What tifffile and the codecs raise for a damaged file.
    except (OSError, tifffile.TiffFileError, ValueError, RuntimeError, LookupError, struct.error) as error:
        raise StorageError(f"page {page} of {source} could not be read: {error}") from error


def _open_array(source: str) -> "zarr.Array[Any]":
    try:
        import zarr
    except ImportError as error:
        raise StorageError("OME-Zarr plates need zarr: pip install 'platecast[zarr]'") from error
    try:
        return zarr.open_array(_remote_store(source) if is_url(source) else source, mode="r")
    except FileNotFoundError as error:
        raise ImageNotFoundError(f"there is no array {source}") from error
    # A store that another program is writing, or that is damaged.
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise StorageError(f"the array {source} could not be opened: {error}") from error


def _remote_store(source: str) -> "Store":
    """Return the store at a URL; zarr reads through file systems that are asynchronous, or made so."""
    from fsspec.core import url_to_fs
    from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper
    from zarr.storage import FsspecStore

    filesystem, path = url_to_fs(source)
    if filesystem.async_impl:
        filesystem, path = url_to_fs(source, asynchronous=True)
    else:
        filesystem = AsyncFileSystemWrapper(filesystem, asynchronous=True)
    return FsspecStore(filesystem, read_only=True, path=path)
