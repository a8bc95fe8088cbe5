"""Planes that were dropped and of which the viewer is still to be told."""

from collections import deque

import msgspec

from platecast.components import PlaneId
from platecast.config import Display
from platecast.wire import DropReason

_MOST_NAMED = 4096
"""Headers that wait to be told; some hundred bytes each."""


class Lost(msgspec.Struct, frozen=True, gc=False):
    """A plane that was dropped."""

    plane: PlaneId
    display: Display
    reason: DropReason


class LostPlanes:
    """Names the planes that were dropped lately, the older ones only by their number. Not thread-safe."""

    def __init__(self) -> None:
        self._named: deque[Lost] = deque()
        self._unnamed = 0

    def __bool__(self) -> bool:
        return bool(self._named or self._unnamed)

    def add(self, lost: Lost) -> None:
        """Take in a plane that was dropped."""
        self._named.append(lost)
        if len(self._named) > _MOST_NAMED:
            self._named.popleft()
            self._unnamed += 1

    def take(self, most: int) -> tuple[list[Lost], int]:
        """Return the next ones to be told, and how many more have no name."""
        taken = [self._named.popleft() for _ in range(min(most, len(self._named)))]
        unnamed, self._unnamed = self._unnamed, 0
        return taken, unnamed

    def put_back(self, taken: list[Lost], unnamed: int) -> None:
        """Undo `take`."""
        self._named.extendleft(reversed(taken))
        self._unnamed += unnamed
