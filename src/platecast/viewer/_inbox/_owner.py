"""The process with which a viewer ends."""

import enum
import time
from collections.abc import Callable

from platecast.wire import process_start_time

_LOOK_INTERVAL_S = 0.25
_PATIENCE_S = 1.25
"""How long the window may take to close by itself: a viewer is gone 2 s after its owner."""


class OwnerState(enum.Enum):
    """What a look at the owner found."""

    THERE = enum.auto()
    """It runs, or there is none."""
    ENDED = enum.auto()
    """It has ended; said once."""
    OVERDUE = enum.auto()
    """It ended so long ago that the viewer should be gone, too."""


class Owner:
    """Looks after the owner, a few times a second at most.

    Parameters
    ----------
    pid
        Process id, or `None` where the viewer belongs to nobody.
    clock
        Returns seconds that never go back.
    """

    def __init__(self, pid: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._pid = pid
        self._clock = clock
        # It may have ended before we looked for the first time.
        self._start_time = None if pid is None else process_start_time(pid)
        self._seen_at = clock()
        self._ended_at: float | None = None

    def look(self) -> OwnerState:
        """Say how it is."""
        now = self._clock()
        if self._pid is None or now - self._seen_at < _LOOK_INTERVAL_S:
            return OwnerState.THERE
        self._seen_at = now
        if self._ended_at is not None:
            return OwnerState.OVERDUE if now - self._ended_at > _PATIENCE_S else OwnerState.THERE
        if self._start_time is not None and process_start_time(self._pid) == self._start_time:
            return OwnerState.THERE
        self._ended_at = now
        return OwnerState.ENDED
