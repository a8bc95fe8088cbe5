"""Planes that somebody wanted to look at, and that could not be read from where they rest."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from platecast.components import PlaneId
from platecast.config import Display
from platecast.layers import HeldPlane, Index, LayerStore, PlaneStack, StoredLayer, Withdrawal
from platecast.viewer._session._ahead import CLOSE_S

_log = logging.getLogger(__name__)

AGAIN_S = 3.0
"""How long after it failed a plane is read again, once it is looked at."""
_LONGEST_S = 60.0
"""Longest time between two attempts while nobody looks elsewhere; it doubles from `AGAIN_S`."""
_MOST = 500
"""Planes that are remembered; of a plate whose disk has gone, those that were looked at last.

The window looks through them four times a second: 3 ms each time."""


@dataclass(eq=False, slots=True)
class Spoilt:
    """A plane that could not be read, and what it takes to show it again.

    Parameters
    ----------
    plane, display
        What it is, and how its sender wanted it shown.
    held
        The plane itself, without pixels.
    ticket
        What it came with.
    reason
        Why it failed when it was looked at.
    tried_s
        When it was last tried.
    wait_s
        How long until it is tried again.
    """

    plane: PlaneId
    display: Display
    held: HeldPlane
    ticket: object
    reason: str
    tried_s: float
    wait_s: float
    is_here: bool = True
    """Whether it was on screen at the last look."""
    is_being_read: bool = False


class Unreadable:
    """Hears of planes that cannot be read, takes them out of their layers, and reads them again.

    A file may have been half written, or its disk away. A plane that failed is read again, in a thread of
    its own, when somebody comes back to it, and now and then while it stays on screen.

    Parameters
    ----------
    store
        Whose planes they are.
    tell
        Called, in any thread, when there is something to take out or to put back.
    """

    def __init__(
        self, store: LayerStore, tell: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._tell = tell
        self._clock = clock
        self._heard: deque[tuple[PlaneStack, Index, str]] = deque()
        self._spoilt: dict[PlaneId, Spoilt] = {}
        self._recovered: deque[Spoilt] = deque()
        self._wanted: deque[Spoilt] = deque()
        self._changed = threading.Condition()
        self._is_stopped = False
        self._thread: threading.Thread | None = None
        store.on_unreadable = self._hear

    def take_out(self) -> Iterator[tuple[PlaneId, Withdrawal, str]]:
        """Take out what was heard of; yield what each was, and why it could not be read."""
        while self._heard:
            stack, index, reason = self._heard.popleft()
            held = stack.plane(index)
            found = self._store.take_out(stack, index)
            # Several may have looked before it was taken out.
            if found is not None:
                _log.warning("a plane could not be read: %s", reason)
                if isinstance(held, HeldPlane) and held.address is not None:
                    self._remember(*found, held, reason)
                yield *found, reason

    def look_again(self, is_on_screen: Callable[[StoredLayer, Index], bool]) -> None:
        """Have those read again that are on screen and whose time has come."""
        now_s = self._clock()
        for plane, spoilt in tuple(self._spoilt.items()):
            place = self._store.lost_place(plane, spoilt.display, spoilt.held)
            if place is None:
                # It came again, or was cleared away.
                del self._spoilt[plane]
                continue
            was_here, spoilt.is_here = spoilt.is_here, is_on_screen(*place)
            if spoilt.is_here and not was_here:
                spoilt.wait_s = AGAIN_S
            if spoilt.is_here and not spoilt.is_being_read and now_s - spoilt.tried_s >= spoilt.wait_s:
                self._read_again(spoilt)

    def recovered(self) -> Iterator[Spoilt]:
        """Yield the planes that were read after all and are still lost."""
        while self._recovered:
            spoilt = self._recovered.popleft()
            if self._spoilt.get(spoilt.plane) is not spoilt:
                continue  # it came again meanwhile, and may have failed again: that one is another matter
            del self._spoilt[spoilt.plane]
            if self._store.lost_place(spoilt.plane, spoilt.display, spoilt.held):
                _log.info("a plane can be read again: %s", spoilt.held.address)
                yield spoilt

    def stop(self) -> None:
        """End; waits for the plane that is being read, at most `CLOSE_S`. May be called again."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(CLOSE_S)
            self._thread = None

    def _remember(self, plane: PlaneId, withdrawn: Withdrawal, held: HeldPlane, reason: str) -> None:
        self._spoilt.pop(plane, None)
        while len(self._spoilt) >= _MOST:
            del self._spoilt[next(iter(self._spoilt))]
        display = withdrawn.layer.display
        self._spoilt[plane] = Spoilt(plane, display, held, withdrawn.ticket, reason, self._clock(), AGAIN_S)

    def _read_again(self, spoilt: Spoilt) -> None:
        spoilt.is_being_read = True
        with self._changed:
            self._wanted.append(spoilt)
            self._changed.notify()
        if self._thread is None and not self._is_stopped:
            self._thread = threading.Thread(target=self._run, name="platecast-read-again", daemon=True)
            self._thread.start()

    def _hear(self, stack: PlaneStack, index: Index, reason: str) -> None:
        """Take a note, in the thread that wanted to look."""
        self._heard.append((stack, index, reason))
        self._tell()

    # The rest runs in a thread of its own.

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._wanted and not self._is_stopped:
                    self._changed.wait()
                if self._is_stopped:
                    return
                spoilt = self._wanted.popleft()
            try:
                spoilt.held.pixels()
            except OSError as error:
                _log.debug("a plane still cannot be read: %s", error)
                spoilt.wait_s = min(2 * spoilt.wait_s, _LONGEST_S)
            except Exception:
                # The edge of the thread: a defect of one plane must not end it for all.
                _log.exception("a plane could not be read again")
                spoilt.wait_s = _LONGEST_S
            else:
                self._recovered.append(spoilt)
                self._tell()
            spoilt.tried_s, spoilt.is_being_read = self._clock(), False
            del spoilt
