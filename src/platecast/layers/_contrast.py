"""Contrast limits for the first plane of a layer, where the sender gave none."""

import numpy as np
import numpy.typing as npt

from platecast.contrast import robust_limits
from platecast.layers._held import Pixels

_SAMPLES_PER_SIDE = 256


def robust_contrast(plane: Pixels) -> tuple[float, float]:
    """Return limits between which nearly all pixels lie, the lower always below the upper.

    A regular sample of at most about 65,000 pixels is looked at, which takes about a millisecond whatever
    the size of the plane. Values that are not finite are ignored.
    """
    steps = tuple(max(1, length // _SAMPLES_PER_SIDE) for length in plane.shape[:2])
    sample = plane[:: steps[0], :: steps[1]]
    limits = robust_limits(sample)
    if limits is not None:
        return limits
    finite = sample[np.isfinite(sample)]
    lower = float(finite.flat[0]) if finite.size else 0.0
    return lower, lower + 1.0


def contrast_range(dtype: npt.DTypeLike, limits: tuple[float, float]) -> tuple[float, float]:
    """Return the range of the contrast slider: all of a small integer type, else room around the limits."""
    kind = np.dtype(dtype)
    if kind.kind in "ui" and kind.itemsize <= 2:
        info = np.iinfo(kind)
        return min(float(info.min), limits[0]), max(float(info.max), limits[1])
    span = limits[1] - limits[0]
    return limits[0] - span, limits[1] + 3 * span
