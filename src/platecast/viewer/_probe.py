"""How long the window's loop is deaf at a time: what a user feels as a stutter."""

import time

import numpy as np
from qtpy.QtCore import QObject, Qt, QTimer

_INTERVAL_MS = 5


class GapProbe(QObject):
    """Notes the time between two turns of the window's loop while it runs. For the window's thread."""

    def __init__(self) -> None:
        super().__init__()
        self._gaps_s: list[float] = []
        self._last_s = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self._note)

    def start(self) -> None:
        """Begin, and forget what was noted before."""
        self._gaps_s.clear()
        self._last_s = time.perf_counter()
        self._timer.start()

    def stop(self) -> dict[str, float]:
        """End; return how many gaps there were, and the median, 99th percentile and longest in ms."""
        if self._timer.isActive():
            self._note()
            self._timer.stop()
        gaps_ms = np.array(self._gaps_s or [0.0]) * 1e3
        p50, p99 = np.percentile(gaps_ms, [50, 99])
        return {
            "gaps": len(self._gaps_s),
            "p50_ms": float(p50),
            "p99_ms": float(p99),
            "max_ms": float(gaps_ms.max()),
        }

    def _note(self) -> None:
        now_s = time.perf_counter()
        self._gaps_s.append(now_s - self._last_s)
        self._last_s = now_s
