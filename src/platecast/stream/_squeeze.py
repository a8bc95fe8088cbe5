"""Whether planes are compressed, by what was measured on this link; and their compression."""

import time
from dataclasses import dataclass

from platecast.components import Kind
from platecast.wire import compress

_PROBE_EVERY = 16
"""Every so many planes one goes the other way, so that both ways stay measured."""
_LEAST_BYTES = 4096
"""Smaller planes are not worth it."""
_WEIGHT = 0.25


@dataclass(slots=True)
class _Measured:
    """What compression did to planes of one kind of late."""

    ratio: float
    bytes_per_s: float


class Squeeze:
    """Compresses planes where that makes the link faster; for the link's thread."""

    def __init__(self) -> None:
        self._measured: dict[tuple[Kind, int], _Measured] = {}
        self._planes = 0

    def pack(self, data: bytes, kind: Kind, itemsize: int, rate_bps: float | None) -> bytes | None:
        """Return the compressed bytes of a plane, `None` where it is to travel as it is.

        Parameters
        ----------
        data
            Its bytes.
        kind, itemsize
            Images, labels, …, and the bytes of one value: planes of a sort are alike.
        rate_bps
            Bytes per second that the link carries, where that is known.
        """
        if len(data) < _LEAST_BYTES:
            return None
        self._planes += 1
        sort = (kind, itemsize)
        if not self._pays(self._measured.get(sort), rate_bps):
            return None
        began = time.perf_counter()
        packed = compress(data, itemsize)
        took_s = max(time.perf_counter() - began, 1e-6)
        ratio = len(data) / len(packed) if packed is not None else 1.0
        known = self._measured.get(sort)
        if known is None:
            # The first one pays for importing the library, too.
            self._measured[sort] = _Measured(ratio, float("inf"))
        else:
            speed = len(data) / took_s
            before = speed if known.bytes_per_s == float("inf") else known.bytes_per_s
            known.bytes_per_s = before + _WEIGHT * (speed - before)
            known.ratio += _WEIGHT * (ratio - known.ratio)
        return packed

    def _pays(self, known: _Measured | None, rate_bps: float | None) -> bool:
        """Say whether a plane is compressed; now and then the answer is the other one, to measure."""
        if known is None or rate_bps is None:
            return True
        pays = min(known.bytes_per_s, rate_bps * known.ratio) > rate_bps
        is_close = known.bytes_per_s < 4 * rate_bps
        probes = (not pays or is_close) and self._planes % _PROBE_EVERY == 0
        return pays is not probes
