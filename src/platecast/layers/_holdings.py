"""How much there is of planes and of records, and where."""

import threading
import weakref
from collections import deque
from dataclasses import dataclass

from platecast.records import Records


@dataclass(frozen=True, slots=True)
class Stock:
    """How many planes are in one place, and their bytes there."""

    planes: int = 0
    nbytes: int = 0


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a shelf holds at one moment.

    Parameters
    ----------
    budget_bytes
        Most memory that planes may take.
    memory_bytes
        What they take: those that are filed, those that wait to be, and what is still drawn of others.
    in_memory, in_scratch, at_rest
        The planes by where their pixels are; those that wait to be filed are in memory.
    refused
        Planes for which there was no room.
    records
        Points, shapes, tracks, vectors and tables that are there; they are outside the budget.
    """

    budget_bytes: int
    memory_bytes: int
    in_memory: Stock
    in_scratch: Stock
    at_rest: Stock
    refused: int
    records: Stock = Stock()


class RecordCount:
    """Counts records as long as anybody has them. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._nbytes = 0
        self._dead: deque[int] = deque()
        """Bytes of each that has gone: it may go anywhere, in the middle of anything, also in the lock."""

    def add(self, records: Records, nbytes: int) -> None:
        """Count some, which were sent in so many bytes."""
        with self._lock:
            self._count += 1
            self._nbytes += nbytes
        weakref.finalize(records, self._dead.append, nbytes).atexit = False

    def stock(self) -> Stock:
        """Return what is there."""
        with self._lock:
            while self._dead:
                self._count -= 1
                self._nbytes -= self._dead.popleft()
            return Stock(self._count, self._nbytes)
