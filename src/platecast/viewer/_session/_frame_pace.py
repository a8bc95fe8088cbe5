"""How often what arrives is drawn. Pure but for the clock that it is given."""

from collections.abc import Callable

FRAME_S = 1 / 60
"""Shortest time from one picture to the next: what comes faster nobody sees."""
REST_BY_WORK = 3
"""How many times as long as a picture took its window leaves the processors to others."""
MOST_REST_S = 0.25
"""Longest rest, so that a window that is slow beyond measure still follows what arrives."""


class FramePace:
    """Leaves the machine to those who compute: after a picture the window rests for longer than that took.

    A graphics card draws a picture in a few milliseconds, and nothing changes. Without one, four megapixels
    take 50 ms of every processor, and a viewer that drew as often as it can would take a whole one from the
    run that it shows. What the user does is no matter of this: it is drawn at once. Who follows the newest
    plane has asked for every picture that there can be.

    Parameters
    ----------
    clock
        Returns seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began_s: float | None = None
        self._frame_s = float("-inf")
        """When the next picture may come."""
        self._rested_s = float("-inf")
        """When others have had their time."""

    def wait_s(self, *, is_followed: bool) -> float:
        """Return how long to wait before the next picture; not positive where it is due.

        Parameters
        ----------
        is_followed
            Whether the sliders go to the newest plane.
        """
        return (self._frame_s if is_followed else max(self._frame_s, self._rested_s)) - self._clock()

    def begin(self) -> None:
        """Hear that a picture is begun."""
        self._began_s = self._clock()
        self._frame_s = self._began_s + FRAME_S

    def done(self) -> None:
        """Hear that the window has been composed, with the picture that was begun if one was."""
        if self._began_s is None:
            return
        now_s = self._clock()
        self._rested_s = now_s + min(REST_BY_WORK * (now_s - self._began_s), MOST_REST_S)
        self._began_s = None
