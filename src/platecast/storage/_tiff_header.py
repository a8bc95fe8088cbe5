"""Shape, dtype and completeness of a TIFF plane, from its header alone: five short reads a file.

tifffile takes ten times as long, which a plate of 27,648 files feels. What is read here is the part of the
format that microscopes write (TIFF 6.0, and BigTIFF as libtiff documents it); anything else is left to
tifffile by saying that nothing is known.
"""

import math
import os
import struct
from typing import NamedTuple

import numpy as np

from platecast.errors import ImageNotFoundError, StorageError

_WIDTH, _LENGTH, _BITS, _OFFSETS, _SAMPLES, _COUNTS = 256, 257, 258, 273, 277, 279
_PLANAR, _TILE_OFFSETS, _TILE_COUNTS, _FORMAT, _DEPTH = 284, 324, 325, 339, 32997
_WANTED = frozenset(
    (
        _WIDTH,
        _LENGTH,
        _BITS,
        _OFFSETS,
        _SAMPLES,
        _COUNTS,
        _PLANAR,
        _TILE_OFFSETS,
        _TILE_COUNTS,
        _FORMAT,
        _DEPTH,
    )
)
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
"""Codes of the types that these tags may have, as `struct` names them."""
_DTYPES = {
    (kind, bits): np.dtype(f"{letter}{bits // 8}")
    for kind, letter in ((1, "u"), (2, "i"), (3, "f"))
    for bits in (8, 16, 32, 64)
    if (letter, bits) in {("u", 8), ("u", 16), ("u", 32), ("i", 8), ("i", 16), ("i", 32)}
    or (letter == "f" and bits >= 32)
}
_MOST_ENTRIES = 4096
_FIRST_READ = 1024
"""Enough for the directory of a microscope's file, so that most need no second read."""


class TiffPlane(NamedTuple):
    """One page of a TIFF file.

    Parameters
    ----------
    shape
        ``(Y, X)`` or ``(Y, X, 3 | 4)``.
    dtype
        Of its values, native.
    is_last
        No page follows.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    is_last: bool


class _Layout(NamedTuple):
    """How integers and directories are written in a file."""

    order: str
    count_code: str
    entry_bytes: int
    offset_code: str

    def unpack(self, code: str, data: bytes) -> tuple[int, ...]:
        return struct.unpack(f"{self.order}{code}", data)


def read_tiff_header(path: str, page: int = 0) -> TiffPlane | None:
    """Return what the header of a page says, `None` where only tifffile can tell.

    Parameters
    ----------
    path
        The file.
    page
        Number of the page, from 0.

    Raises
    ------
    ImageNotFoundError
        There is no such file or page.
    StorageError
        The file is no TIFF file, or ends before its pixels do: it is damaged, or still being written.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except FileNotFoundError as error:
        raise ImageNotFoundError(f"there is no image {path}") from error
    except OSError as error:
        raise StorageError(f"{path} could not be read: {error.strerror or error}") from error
    try:
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            return _File(path, file.fileno()).plane(page)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"{path} could not be read: {error.strerror or error}") from error


class _File:
    """An open TIFF file.

    Parameters
    ----------
    path
        Its name, for errors.
    descriptor
        Reads it.
    """

    def __init__(self, path: str, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._head = self._read(0, _FIRST_READ, whole=False)

    def plane(self, page: int) -> TiffPlane | None:
        """Return what one page is."""
        layout, place = self._layout()
        for number in range(page + 1):
            if not place:
                raise ImageNotFoundError(f"{self._path} has no page {page}: it has {number}")
            tags, place = self._directory(layout, place)
        self._check_pixels(tags)
        return _described(tags, is_last=not place)

    def _layout(self) -> tuple[_Layout, int]:
        """Return how the file is written, and where its first directory is."""
        order = {b"II": "<", b"MM": ">"}.get(self._head[:2])
        if order is None:
            what = "empty" if not self._size else "no TIFF file"
            raise StorageError(f"{self._path} could not be read: it is {what}")
        if len(self._head) < 16:
            raise self._truncated()
        magic = struct.unpack(f"{order}H", self._head[2:4])[0]
        if magic == 42:
            return _Layout(order, "H", 12, "I"), struct.unpack(f"{order}I", self._head[4:8])[0]
        if magic == 43:
            return _Layout(order, "Q", 20, "Q"), struct.unpack(f"{order}Q", self._head[8:16])[0]
        raise StorageError(f"{self._path} could not be read: it is no TIFF file (its version is {magic})")

    def _directory(self, layout: _Layout, place: int) -> tuple[dict[int, tuple[int, ...]], int]:
        """Return the tags of a directory, and where the next one is."""
        width, pointer = struct.calcsize(layout.count_code), struct.calcsize(layout.offset_code)
        start = self._read(place, _FIRST_READ, whole=False)
        if len(start) < width:
            raise self._truncated()
        entries = layout.unpack(layout.count_code, start[:width])[0]
        if not 0 < entries <= _MOST_ENTRIES:
            raise StorageError(f"{self._path} could not be read: a directory of {entries} entries")
        end = width + entries * layout.entry_bytes
        data = start if len(start) >= end + pointer else self._read(place, end + pointer)
        tags: dict[int, tuple[int, ...]] = {}
        for at in range(width, end, layout.entry_bytes):
            tag, kind = layout.unpack("HH", data[at : at + 4])
            if tag in _WANTED and kind in _INTEGERS:
                tags[tag] = self._values(layout, _INTEGERS[kind], data[at + 4 : at + layout.entry_bytes])
        return tags, layout.unpack(layout.offset_code, data[end : end + pointer])[0]

    def _values(self, layout: _Layout, code: str, entry: bytes) -> tuple[int, ...]:
        pointer = struct.calcsize(layout.offset_code)
        count = layout.unpack(layout.offset_code, entry[:pointer])[0]
        nbytes = count * struct.calcsize(code)
        if nbytes > self._size:
            raise self._truncated()
        if nbytes <= pointer:
            held = entry[pointer : pointer + nbytes]
        else:
            held = self._read(layout.unpack(layout.offset_code, entry[pointer:])[0], nbytes)
        return layout.unpack(f"{count}{code}", held)

    def _check_pixels(self, tags: dict[int, tuple[int, ...]]) -> None:
        """Make sure that the file does not end before its pixels do."""
        offsets = tags.get(_OFFSETS) or tags.get(_TILE_OFFSETS) or ()
        counts = tags.get(_COUNTS) or tags.get(_TILE_COUNTS) or ()
        ends = [offset + count for offset, count in zip(offsets, counts, strict=False)]
        if max(ends, default=0) > self._size:
            raise self._truncated()

    def _read(self, place: int, nbytes: int, *, whole: bool = True) -> bytes:
        if hasattr(os, "pread"):
            data = os.pread(self._descriptor, nbytes, place)
        else:
            os.lseek(self._descriptor, place, os.SEEK_SET)
            data = os.read(self._descriptor, nbytes)
        if whole and len(data) < nbytes:
            raise self._truncated()
        return data

    def _truncated(self) -> StorageError:
        return StorageError(f"{self._path} could not be read: it ends after {self._size} bytes, too early")


def _described(tags: dict[int, tuple[int, ...]], *, is_last: bool) -> TiffPlane | None:
    samples = tags.get(_SAMPLES, (1,))[0]
    bits, kinds = set(tags.get(_BITS, (1,))), set(tags.get(_FORMAT, (1,)))
    is_plain = tags.get(_PLANAR, (1,))[0] == 1 or samples == 1
    if len(bits) != 1 or len(kinds) != 1 or not is_plain or tags.get(_DEPTH, (1,))[0] != 1:
        return None
    dtype = _DTYPES.get((kinds.pop(), bits.pop()))
    shape = tags.get(_LENGTH, (0,))[:1] + tags.get(_WIDTH, (0,))[:1]
    if dtype is None or samples not in (1, 3, 4) or not math.prod(shape):
        return None
    return TiffPlane(shape if samples == 1 else (*shape, samples), dtype, is_last)
