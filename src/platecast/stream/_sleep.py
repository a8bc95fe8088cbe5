"""How the thread of a link sleeps, and what wakes it."""

import contextlib
import threading
from collections.abc import Iterator

from platecast.stream._outbox import Outbox
from platecast.wire import Waker


class Sleep:
    """The sleep of one thread, which ends early for what cannot wait.

    Each wake-up costs more than the copy of a small plane, so nobody is woken who looks soon anyway: an idle
    thread is woken by whatever comes, one that rests only by what is pressing or by somebody who waits.

    Parameters
    ----------
    outbox
        What comes.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._waited_for_by: set[int] = set()
        self.waker = Waker()
        """What the thread polls where it sleeps in a poll; it drains it."""
        self.is_idle = False
        """Whether whatever comes wakes the thread; it says so before it looks at what is there."""
        self.is_resting = False
        """Whether the thread collects planes on purpose."""

    # For any thread.

    def came(self) -> None:
        """Hear that something came: wake the thread, unless it looks soon anyway."""
        if self.is_idle or (self.is_resting and self._outbox.is_pressing):
            self.waker.wake()

    def end(self) -> None:
        """Wake the thread, whatever it does."""
        self.waker.wake()

    @contextlib.contextmanager
    def hurried(self) -> Iterator[None]:
        """Keep the thread from resting: somebody waits for what is on its way."""
        waiting = threading.get_ident()
        self._waited_for_by.add(waiting)
        if self.is_resting:
            self.waker.wake()
        try:
            yield
        finally:
            self._waited_for_by.discard(waiting)

    def close(self) -> None:
        """Give the descriptors back, once the thread has ended."""
        self.waker.close()

    # For the thread that sleeps.

    def idle(self, timeout_s: float) -> None:
        """Sleep until something comes, at most `timeout_s`."""
        self.is_idle = True
        self.waker.wait(timeout_s)
        self.is_idle = False

    def rest(self, timeout_s: float) -> None:
        """Sleep for `timeout_s`, while planes are collected."""
        # Said before the look at who is in a hurry: whoever comes in between wakes us.
        self.is_resting = True
        if not (self._outbox.is_pressing or self._waited_for_by):
            self.waker.wait(timeout_s)
        self.is_resting = False
