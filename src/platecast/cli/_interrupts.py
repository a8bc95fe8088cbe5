"""Ctrl-C as a wish that is asked for at safe points, and as an order when it comes a second time."""

import signal
from types import FrameType, TracebackType
from typing import Self


class Interrupts:
    """Counts Ctrl-C while its context lasts: the first one is noted, the next raises `KeyboardInterrupt`.

    For the main thread, where Python has signals handled.
    """

    def __init__(self) -> None:
        self.is_asked = False
        """Whether Ctrl-C was pressed."""
        self._before: object = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self._before)  # type: ignore[arg-type]  # what it returned before

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.is_asked:
            raise KeyboardInterrupt
        self.is_asked = True
