"""What planes that are there say about themselves; planes that are missing say nothing."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from platecast.layers._resting import Pixels, RestingPlane

_MEAN_SAMPLES_PER_SIDE = 32


def sample_values(planes: Sequence[Pixels], most: int = 1_000_000) -> npt.NDArray[Any]:
    """Return at most about `most` values of some planes, ``(N,)`` or ``(N, 3 | 4)`` for RGB.

    Each plane is looked at in a regular grid, and of many planes every few. Values that are not finite are
    left out.
    """
    if not planes:
        return np.empty(0)
    chosen = planes[:: max(1, len(planes) // 64)]
    total = sum(plane.shape[0] * plane.shape[1] for plane in chosen)
    stride = max(1, int(np.ceil(np.sqrt(total / most))))
    grids = [plane[::stride, ::stride] for plane in chosen]
    values = np.concatenate([grid.reshape(-1, *grid.shape[2:]) for grid in grids])
    return values[np.isfinite(values)] if values.ndim == 1 and values.dtype.kind == "f" else values


def value_range(planes: Sequence[Pixels]) -> tuple[float, float] | None:
    """Return the least and the greatest value of some planes, `None` where there is none."""
    values = sample_values(planes)
    return (float(values.min()), float(values.max())) if values.size else None


def mean_intensity(plane: Pixels) -> float | None:
    """Return the mean of a coarse grid of about 1,000 pixels, a few microseconds at any size.

    `None` where no value is finite, and for a plane that would have to be read for it.
    """
    if isinstance(plane, RestingPlane):
        return None
    steps = tuple(max(1, length // _MEAN_SAMPLES_PER_SIDE) for length in plane.shape[:2])
    # From the middle of each cell: the first row of a camera is often not like the others.
    grid = plane[steps[0] // 2 :: steps[0], steps[1] // 2 :: steps[1]]
    if grid.dtype.kind == "f":
        grid = grid[np.isfinite(grid)]
    return float(grid.mean()) if grid.size else None
