"""An image at lower resolutions: how many there are, and their pixels. Pure.

Every level halves the one before; an odd last row or column counts twice. Intensities are averaged, labels
are picked, because the mean of two labels is a third one.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from platecast.components import Kind

SMALLEST_LEVEL_PX = 256
"""Levels are added until neither Y nor X is longer."""


def level_count(plane_shape: tuple[int, int]) -> int:
    """Return how many levels an image of this shape ``(Y, X)`` has, itself included."""
    count, longest = 1, max(plane_shape)
    while longest > SMALLEST_LEVEL_PX:
        longest = (longest + 1) // 2
        count += 1
    return count


def level_shapes(plane_shape: tuple[int, int], count: int) -> tuple[tuple[int, int], ...]:
    """Return the shape ``(Y, X)`` of each of `count` levels."""
    height, width = plane_shape
    return tuple((-(-height // 2**level), -(-width // 2**level)) for level in range(count))


def build_levels(plane: npt.NDArray[Any], count: int, kind: Kind) -> Sequence[npt.NDArray[Any]]:
    """Return a plane and `count` - 1 smaller ones, ``(Y, X)`` or ``(Y, X, 3 | 4)``, all of one dtype."""
    levels = [plane]
    for _ in range(1, count):
        levels.append(_halve_by_picking(levels[-1]) if kind is Kind.LABELS else _halve_by_mean(levels[-1]))
    return levels


def _halve_by_picking(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return plane[::2, ::2]


def _halve_by_mean(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    height, width = plane.shape[:2]
    if height % 2 or width % 2:
        margins = ((0, height % 2), (0, width % 2), (0, 0))[: plane.ndim]
        plane = np.pad(plane, margins, mode="edge")
    # Four strided additions: reshaping and taking the mean over two axes is 15 times slower.
    total = plane[::2, ::2].astype(_sum_dtype(plane.dtype))
    total += plane[1::2, ::2]
    total += plane[::2, 1::2]
    total += plane[1::2, 1::2]
    if plane.dtype.kind == "f":
        total *= plane.dtype.type(0.25)
    else:
        total >>= 2
    return total.astype(plane.dtype, copy=False)


def _sum_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind == "f":
        return dtype
    return np.dtype(f"{dtype.kind}{4 if dtype.itemsize < 4 else 8}")
