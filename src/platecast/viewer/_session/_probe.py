"""How long the window's loop is deaf, how long a step of a slider takes, and when a plane is seen."""

import time
from collections.abc import Callable

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


class StepProbe(QObject):
    """Notes what each move of the sliders takes until it is on screen. For the window's thread.

    From before napari hears of it to the end of the first composition of the window in which every visible
    layer shows the new place: slicing, the upload of planes, drawing, and their way to the screen.

    Parameters
    ----------
    is_loaded
        Says whether every visible layer shows the place where the sliders stand.
    """

    def __init__(self, is_loaded: Callable[[], bool]) -> None:
        super().__init__()
        self._is_loaded = is_loaded
        self._is_on = False
        self._began_s: float | None = None
        self._steps_s: list[float] = []

    def start(self) -> None:
        """Begin, and forget what was noted before."""
        self._is_on = True
        self._began_s = None
        self._steps_s.clear()

    def stop(self) -> dict[str, float]:
        """End; return how many moves there were, and the median, 95th percentile and longest in ms."""
        self._is_on = False
        steps_ms = np.array(self._steps_s or [0.0]) * 1e3
        p50, p95 = np.percentile(steps_ms, [50, 95])
        return {
            "steps": len(self._steps_s),
            "step_p50_ms": float(p50),
            "step_p95_ms": float(p95),
            "step_max_ms": float(steps_ms.max()),
        }

    def begin(self) -> None:
        """Hear that the sliders will move; one that follows another before it is seen adds to it."""
        if self._is_on and self._began_s is None:
            self._began_s = time.perf_counter()

    def painted(self) -> None:
        """Hear that the window has been composed anew."""
        if self._began_s is not None and self._is_loaded():
            self._steps_s.append(time.perf_counter() - self._began_s)
            self._began_s = None


class ArrivalProbe:
    """Notes when the first plane that came was on screen. For the window's thread.

    Parameters
    ----------
    is_loaded
        Says whether every visible layer shows the place where the sliders stand.
    """

    def __init__(self, is_loaded: Callable[[], bool]) -> None:
        self._is_loaded = is_loaded
        self._is_on = False
        self._has_come = False
        self._painted_at: float | None = None

    def start(self) -> None:
        """Begin, and forget what was noted before."""
        self._is_on = True
        self._has_come = False
        self._painted_at = None

    def stop(self) -> dict[str, float | None]:
        """End; return when the first plane was on screen, in seconds of the machine's monotonic clock."""
        self._is_on = False
        return {"first_painted_at": self._painted_at}

    def came(self) -> None:
        """Hear that a plane has come that is to be seen with the next composition."""
        self._has_come = self._is_on

    def painted(self) -> None:
        """Hear that the window has been composed anew."""
        if self._has_come and self._painted_at is None and self._is_loaded():
            self._painted_at = time.monotonic()
