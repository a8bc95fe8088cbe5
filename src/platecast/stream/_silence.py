"""When a viewer on another machine has not answered for long, and when that is to be said. Pure: no clock."""

FAR_SILENCE_S = 10.0
"""A viewer on another machine that was silent for this long is missed: answers may wait in queues."""
_REMIND_S = 60.0


class Silence:
    """What is to be said of one viewer's silence: once, then every minute; never for each plane that waits.

    Parameters
    ----------
    name
        Who the viewer is, in words.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._said_at: float | None = None

    def news(self, silent_s: float, waiting: int, now_s: float) -> str | None:
        """Return what is to be logged now, if anything.

        Parameters
        ----------
        silent_s
            How long the viewer has not answered.
        waiting
            How many planes wait for it.
        now_s
            The time.
        """
        if silent_s <= FAR_SILENCE_S:
            was_missed, self._said_at = self._said_at is not None, None
            return f"the viewer on {self._name} answers again" if was_missed else None
        if not waiting or (self._said_at is not None and now_s - self._said_at < _REMIND_S):
            return None
        self._said_at = now_s
        return (
            f"the viewer on {self._name} has not answered for {silent_s:.0f} s, and {waiting} planes wait:"
            " it has ended, the link is down, or it does not know the key of this pairing"
        )
