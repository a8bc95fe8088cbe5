"""Contrast limits for the first planes of a layer, from a sample of rows, in the link's own thread."""

from collections import Counter

import numpy as np

from platecast.components import Kind
from platecast.contrast import robust_limits
from platecast.stream._staged import Pixels, Staged

_ROWS = 24
_PLANES_SAMPLED = 16
"""Planes of one step and channel whose limits are computed; a layer takes them from its first planes."""


class ContrastSampler:
    """Computes robust contrast limits of the first planes of every step and channel; one thread only."""

    def __init__(self) -> None:
        self._seen: Counter[object] = Counter()

    def contrast(self, staged: Staged) -> tuple[float, float] | None:
        """Return a low and a high percentile of a plane's values, `None` where none are wanted."""
        plane = staged.plane
        if plane.kind is not Kind.IMAGE or staged.pixels is None:
            return None
        key = (plane.run, plane.step, plane.components.channel)
        if self._seen[key] >= _PLANES_SAMPLED:
            return None
        self._seen[key] += 1
        return robust_limits(_sample_rows(staged, staged.pixels))


def _sample_rows(staged: Staged, pixels: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    rows = staged.shape[0]
    row_bytes = staged.nbytes // rows
    # Not NumPy's `unique`, which imports masked arrays, see `robust_limits`.
    chosen = sorted({place * (rows - 1) // (_ROWS - 1) for place in range(_ROWS)})
    if not isinstance(pixels, bytes):
        data = b"".join(pixels.read(row_bytes, row * row_bytes) for row in chosen)
    else:
        data = b"".join(pixels[row * row_bytes : (row + 1) * row_bytes] for row in chosen)
    return np.frombuffer(data, np.dtype(staged.dtype))
