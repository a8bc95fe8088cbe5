"""The arrays of one image group: a chunk a plane, so that a plane is there when its chunk is.

Arrays are ``(T, C, Z, Y, X)``, one for each level; the samples of a colour lie side by side on C, in one
chunk. Zarr writes a chunk beside its place and moves it there, so that nobody reads a part of one.
"""

import shutil
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import zarr
from zarr.codecs import BloscCodec

from platecast.storage._zarr._facts import ImageRecord, Index
from platecast.storage._zarr._nodes import resize_array
from platecast.storage._zarr._pyramid import build_levels, level_shapes

Levels: TypeAlias = tuple["zarr.Array[Any]", ...]

LARGEST_CHUNK_PX = 4096
"""Planes up to this length are one chunk; larger ones are cut, inside one file."""
_PIECE_PX = 2048


class LevelCache:
    """Keeps the arrays of the image groups that were used last, opened; may be used from several threads.

    Opening one takes half a millisecond, as long as writing a small plane.
    """

    _LIMIT = 64

    def __init__(self) -> None:
        self._levels: OrderedDict[tuple[object, ...], Levels] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, folder: Path, record: ImageRecord, extent: tuple[int, int, int], count: int) -> Levels:
        """Return the arrays of an image group, the largest first."""
        # With everything that could differ if somebody else has removed the group and made another one.
        key = (folder, record, extent, count)
        with self._lock:
            levels = self._levels.get(key)
            if levels is not None:
                self._levels.move_to_end(key)
                return levels
        levels = tuple(_open(folder / str(level)) for level in range(count))
        with self._lock:
            self._levels[key] = levels
            while len(self._levels) > self._LIMIT:
                self._levels.popitem(last=False)
        return levels

    def clear(self) -> None:
        """Let all arrays go."""
        with self._lock:
            self._levels.clear()


def create_levels(folder: Path, record: ImageRecord, extent: tuple[int, int, int], count: int) -> None:
    """Make the arrays of an image group, and remove what somebody left there who never got done."""
    shutil.rmtree(folder, ignore_errors=True)
    dtype = np.dtype(record.dtype)
    for level, (height, width) in enumerate(level_shapes(record.plane_shape, count)):
        chunk, shard = _chunks(height, width, record.samples)
        zarr.create_array(
            folder / str(level),
            shape=(*extent, height, width),
            chunks=chunk,
            shards=shard,
            dtype=dtype,
            # On images with noise as small as zstd at level 1, and written and read in under half the time.
            compressors=BloscCodec(cname="lz4", clevel=3, shuffle="shuffle"),
            # What is missing is nothing that was measured; integers have no value for that.
            fill_value=np.nan if dtype.kind == "f" else 0,
            dimension_names=["t", "c", "z", "y", "x"],
            zarr_format=3,
        )


def _open(folder: Path) -> "zarr.Array[Any]":
    # A plane of zeros alone is a plane: its chunk is written, too.
    return zarr.open_array(folder, mode="r+", zarr_format=3).with_config({"write_empty_chunks": True})


def grow_levels(folder: Path, extent: tuple[int, int, int], count: int) -> None:
    """Give the arrays of an image group room for more planes."""
    for level in range(count):
        resize_array(folder / str(level), extent)


def write_plane(levels: Levels, record: ImageRecord, index: Index, plane: npt.NDArray[Any]) -> None:
    """Write a plane at all levels, the largest last: with it the plane is there."""
    planes = build_levels(plane, len(levels), record.kind)
    for array, smaller in reversed(list(zip(levels, planes, strict=True))):
        samples = smaller[None] if smaller.ndim == 2 else np.moveaxis(smaller, -1, 0)
        array[_selection(index, record.samples)] = samples[None, :, None]


def read_plane(largest: "zarr.Array[Any]", record: ImageRecord, index: Index) -> npt.NDArray[Any]:
    """Return a plane, ``(Y, X)`` or ``(Y, X, 3 | 4)``; it must be there."""
    samples: npt.NDArray[Any] = np.asarray(largest[_selection(index, record.samples)])[0, :, 0]
    if record.samples == 1:
        plane: npt.NDArray[Any] = samples[0]
        return plane
    return np.ascontiguousarray(np.moveaxis(samples, 0, -1))


def level_for(levels: Levels, side_px: int | None) -> "zarr.Array[Any]":
    """Return the lowest level whose shorter side has so many pixels; the first where none is asked for."""
    if side_px is None:
        return levels[0]
    return next((level for level in reversed(levels) if min(level.shape[-2:]) >= side_px), levels[0])


def has_plane(folder: Path, index: Index) -> bool:
    """Return whether a plane is there."""
    return _file(folder, 0, index).is_file()


def remove_plane(folder: Path, index: Index, count: int) -> None:
    """Remove a plane at all levels, the largest first: without it the plane is gone."""
    for level in range(count):
        _file(folder, level, index).unlink(missing_ok=True)


def _file(folder: Path, level: int, index: Index) -> Path:
    """Return the file of a plane's only chunk, as the default chunk keys of Zarr v3 have it."""
    time, channel, z = index
    return folder / str(level) / "c" / str(time) / str(channel) / str(z) / "0" / "0"


def _selection(index: Index, samples: int) -> tuple[slice, slice, slice]:
    time, channel, z = index
    return (
        slice(time, time + 1),
        slice(channel * samples, (channel + 1) * samples),
        slice(z, z + 1),
    )


def _chunks(height: int, width: int, samples: int) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """Return the shape of a chunk, and of the file around several of them."""
    if max(height, width) <= LARGEST_CHUNK_PX:
        return (1, samples, 1, height, width), None
    whole = tuple(-(-length // _PIECE_PX) * _PIECE_PX for length in (height, width))
    return (1, samples, 1, _PIECE_PX, _PIECE_PX), (1, samples, 1, *whole)


def plane_indices(folder: Path) -> Sequence[Index]:
    """Return the positions of all planes that are there."""
    top = folder / "0" / "c"
    return sorted(
        (int(time), int(channel), int(z))
        for time in _numbers(top)
        for channel in _numbers(top / time)
        for z in _numbers(top / time / channel)
        if (top / time / channel / z / "0" / "0").is_file()
    )


def _numbers(folder: Path) -> Sequence[str]:
    try:
        return [entry.name for entry in folder.iterdir() if entry.name.isdecimal()]
    except FileNotFoundError:
        return ()
