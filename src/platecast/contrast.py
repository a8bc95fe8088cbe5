"""Robust contrast limits: one rule for senders, who sample a few rows, and for layers without such limits."""

from typing import Any

import numpy as np

_PERCENTILES = (0.5, 99.8)


def robust_limits(values: np.ndarray[Any, np.dtype[Any]]) -> tuple[float, float] | None:
    """Return limits between which nearly all values lie, `None` where these do not differ.

    Parameters
    ----------
    values
        Any shape, any real dtype. Values that are not finite are ignored.
    """
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not finite.size:
        return None
    low, high = (float(value) for value in np.percentile(finite, _PERCENTILES))
    return (low, high) if low < high else None
