"""When a viewer publishes its status: soon after a change, seldom while nothing changes, never to nobody."""

import time
from collections.abc import Callable

_MIN_INTERVAL_S = 0.2
_HEARTBEAT_S = 1.0
"""Also with nothing new: where nothing is heard for a little longer, the viewer is stuck."""


class ProgressPace:
    """Decides whether it is time to publish.

    Parameters
    ----------
    clock
        Returns seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: object = None
        self._said_at = float("-inf")

    def hurry(self) -> None:
        """Let the next look find that it is time: somebody has heard nothing yet."""
        self._said_at = float("-inf")

    def is_due(self, observers: int, look: Callable[[], object]) -> bool:
        """Say whether to publish now, and take it as done.

        Parameters
        ----------
        observers
            How many listen.
        look
            Returns what there is to say, which is compared with what was said last.
        """
        if not observers:
            return False
        now = self._clock()
        waited_s = now - self._said_at
        if waited_s < _MIN_INTERVAL_S:
            return False
        news = look()
        if news == self._said and waited_s < _HEARTBEAT_S:
            return False
        self._said, self._said_at = news, now
        return True
