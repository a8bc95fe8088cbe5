"""Planes that somebody wanted to look at, and that could not be read from where they rest."""

import logging
from collections import deque
from collections.abc import Callable, Iterator

from platecast.components import PlaneId
from platecast.layers import Index, LayerStore, PlaneStack, Withdrawal

_log = logging.getLogger(__name__)


class Unreadable:
    """Hears of planes that cannot be read, and takes them out of their layers.

    Parameters
    ----------
    store
        Whose planes they are.
    tell
        Called, in any thread, when there is something to take out.
    """

    def __init__(self, store: LayerStore, tell: Callable[[], None]) -> None:
        self._store = store
        self._tell = tell
        self._heard: deque[tuple[PlaneStack, Index, str]] = deque()
        store.on_unreadable = self._hear

    def take_out(self) -> Iterator[tuple[PlaneId, Withdrawal, str]]:
        """Take out what was heard of; yield what each was, and why it could not be read."""
        while self._heard:
            stack, index, reason = self._heard.popleft()
            found = self._store.take_out(stack, index)
            # Several may have looked before it was taken out.
            if found is not None:
                _log.warning("a plane could not be read: %s", reason)
                yield *found, reason

    def _hear(self, stack: PlaneStack, index: Index, reason: str) -> None:
        """Take a note, in the thread that wanted to look."""
        self._heard.append((stack, index, reason))
        self._tell()
