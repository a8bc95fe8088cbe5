"""What planes that are there say about themselves; planes that are missing say nothing."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from platecast.layers._held import HeldPlane, Pixels
from platecast.records import Records

_MEAN_SAMPLES_PER_SIDE = 32
_SAMPLES_PER_PIXEL = 4
_MOST_SAMPLED = 64
_MOST_READ = 1


def sample_values(planes: Sequence[Pixels], most: int = 1_000_000) -> npt.NDArray[Any]:
    """Return at most about `most` values of some planes, ``(N,)`` or ``(N, 3 | 4)`` for RGB.

    Each plane is looked at in a regular grid, and of many planes every few. Values that are not finite are
    left out, and so are planes that are not in memory, unless none is.
    """
    chosen = _quickly_read(planes)
    if not chosen:
        return np.empty(0)
    total = sum(plane.shape[0] * plane.shape[1] for plane in chosen)
    stride = max(1, int(np.ceil(np.sqrt(total / most))))
    grids = [plane[::stride, ::stride] for plane in chosen]
    values = np.concatenate([grid.reshape(-1, *grid.shape[2:]) for grid in grids])
    return values[np.isfinite(values)] if values.ndim == 1 and values.dtype.kind == "f" else values


def _quickly_read(planes: Sequence[Pixels]) -> Sequence[Pixels]:
    """Return some of the planes, those in memory if there are any: reading takes a disk's time."""
    here = [plane for plane in planes if plane.nbytes]
    return here[:: max(1, len(here) // _MOST_SAMPLED)] if here else planes[:_MOST_READ]


def value_range(planes: Sequence[Pixels]) -> tuple[float, float] | None:
    """Return the least and the greatest value of some planes, `None` where there is none."""
    values = sample_values(planes)
    return (float(values.min()), float(values.max())) if values.size else None


def mean_intensity(plane: Pixels | Records) -> float | None:
    """Return the mean of a coarse grid of about 1,000 pixels, a few microseconds at any size.

    `None` where no value is finite, for a plane that would have to be read for it, and for records.
    """
    if isinstance(plane, Records):
        return None
    array = plane.memory if isinstance(plane, HeldPlane) else plane
    if array is None:
        return None
    steps = tuple(max(1, length // _MEAN_SAMPLES_PER_SIDE) for length in array.shape[:2])
    # From the middle of each cell: the first row of a camera is often not like the others.
    grid = array[steps[0] // 2 :: steps[0], steps[1] // 2 :: steps[1]]
    if grid.dtype.kind == "f":
        grid = grid[np.isfinite(grid)]
    return float(grid.mean()) if grid.size else None


def small_picture(plane: Pixels, side: int) -> npt.NDArray[np.float32] | None:
    """Return the middle square of a plane as a picture of ``(side, side)`` pixels, 0.1 ms at any size.

    Each pixel is the mean of a few values; colours become grey. `None` for a plane that would have to be
    read for it, and where a value is not finite.
    """
    if isinstance(plane, (HeldPlane, Records)) or min(plane.shape[:2]) < 1:
        return None
    length = min(plane.shape[:2])
    fine = side * _SAMPLES_PER_PIXEL
    places = ((np.arange(fine) + 0.5) * length / fine).astype(np.intp)
    top, left = ((edge - length) // 2 for edge in plane.shape[:2])
    values = plane[np.ix_(top + places, left + places)].astype(np.float32)
    if values.ndim == 3:
        values = values[..., :3].mean(axis=2)
    picture: npt.NDArray[np.float32] = values.reshape(
        side, _SAMPLES_PER_PIXEL, side, _SAMPLES_PER_PIXEL
    ).mean(axis=(1, 3))
    return picture if np.isfinite(picture).all() else None
