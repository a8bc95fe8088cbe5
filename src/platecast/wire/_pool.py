"""Segments that are used again, or prepared ahead, because a page fault costs more than a copy."""

import contextlib
import errno
import os
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable

from platecast.wire._segment import Segment, page_rounded

SPARE_BYTES = 32 << 20
"""Allocated memory that waits for the next planes."""
_YIELD_BYTES = 4 << 20
"""After so much the supply lets others have its core: after 1 or 2 ms of work, where the system would let it
go on for 4 while a caller waits."""
_MOST_SPARES = 64
_MOST_KEPT = 512


class SegmentPool:
    """Recycles the segments of one sender; thread-safe.

    A segment is free (here), out (written by a caller or under way), or lent (its pages are the viewer's
    until it frees them). Free and lent segments together keep at most `keep_bytes` and `keep_count`
    alive on this side; what is beyond is closed.

    Where no segment comes back, because the viewer keeps every plane, a thread allocates a few ahead
    (`SPARE_BYTES`), so that the caller's copy is a plain one until a burst has used them up.

    Descriptors are the program's, too: none is taken where half of those that a process may have are in use.

    Parameters
    ----------
    make
        Makes a segment of a capacity; raises `OSError` where none can be had.
    keep_bytes, keep_count
        Most that is kept alive; by default 512, or a quarter of the descriptors that a process may have.
    """

    def __init__(
        self, make: Callable[[int], Segment], keep_bytes: int, keep_count: int | None = None
    ) -> None:
        self._new = make
        self._lock = threading.Lock()
        self._keep_bytes = keep_bytes
        self._keep_count = min(_MOST_KEPT, spare_descriptors() // 2) if keep_count is None else keep_count
        self._free: dict[int, deque[Segment]] = {}
        self._free_count = 0
        self._lent: OrderedDict[int, Segment] = OrderedDict()
        self._kept_bytes = 0
        self._wanted = threading.Condition(self._lock)
        self._wanted_capacity: int | None = None
        self._supplier: threading.Thread | None = None
        self._closed = False

    def take(self, nbytes: int) -> Segment:
        """Return a segment of at least `nbytes`; raises `OSError` when none can be made."""
        capacity = page_rounded(nbytes)
        with self._lock:
            waiting = self._free.get(capacity)
            if waiting:
                self._free_count -= 1
                self._kept_bytes -= capacity
                segment = waiting.pop()
                if len(waiting) < self._spares(capacity) // 2:
                    self._want(capacity)
                return segment
            self._want(capacity)
        return self._make(capacity)

    def give_back(self, segment: Segment) -> None:
        """Take a segment that nobody reads any more."""
        with self._lock:
            closing = self._make_room(segment, is_free=True)
            if self._has_room(segment):
                self._kept_bytes += segment.capacity
                self._free_count += 1
                self._free.setdefault(segment.capacity, deque()).append(segment)
            else:
                closing.append(segment)
        for each in closing:
            each.close()

    def lend(self, number: int, segment: Segment) -> None:
        """Note that the viewer keeps the pages of buffer `number`."""
        with self._lock:
            closing = self._make_room(segment, is_free=False)
            if self._has_room(segment):
                self._kept_bytes += segment.capacity
                self._lent[number] = segment
            else:
                closing.append(segment)
        for each in closing:
            each.close()

    def freed(self, number: int) -> None:
        """Take back a buffer that the viewer has freed; unknown numbers were closed on this side before."""
        with self._lock:
            segment = self._lent.pop(number, None)
            if segment is None:
                return
            self._free_count += 1
            self._free.setdefault(segment.capacity, deque()).append(segment)

    def forget_lent(self) -> None:
        """Close what a viewer still holds: after a broken connection nobody will say when it is free."""
        with self._lock:
            lent = list(self._lent.values())
            self._lent.clear()
            self._kept_bytes -= sum(segment.capacity for segment in lent)
        for segment in lent:
            segment.close()

    def close(self) -> None:
        """Close every segment that is here."""
        with self._wanted:
            self._closed = True
            # All, although there is one: an interrupted `notify` leaves a waiter behind that hears nothing.
            self._wanted.notify_all()
        if self._supplier is not None:
            self._supplier.join()
        self.forget_lent()
        with self._lock:
            free = [segment for waiting in self._free.values() for segment in waiting]
            self._free.clear()
            self._free_count = self._kept_bytes = 0
        for segment in free:
            segment.close()

    def _make(self, capacity: int) -> Segment:
        segment = self._new(capacity)
        # The kernel gives the lowest free number: this one says how many are in use.
        if segment.descriptor >= spare_descriptors():
            segment.close()
            raise OSError(errno.EMFILE, "half of the descriptors are in use")
        return segment

    def _want(self, capacity: int) -> None:
        """Have spares of a size prepared; the lock is held."""
        self._wanted_capacity = capacity
        if self._supplier is None and not self._closed:
            self._supplier = threading.Thread(target=self._supply, name="platecast-supply", daemon=True)
            self._supplier.start()
        self._wanted.notify()

    def _supply(self) -> None:
        while True:
            with self._wanted:
                self._wanted.wait_for(lambda: self._closed or self._wanted_capacity is not None)
                if self._closed:
                    return
                capacity, self._wanted_capacity = self._wanted_capacity, None
            if capacity is not None:
                self._prepare(capacity)

    def _prepare(self, capacity: int) -> None:
        # Out of descriptors or of memory: callers go on without spares, and say so where they must.
        with contextlib.suppress(OSError):
            since_yield_bytes = 0
            # A segment beyond what is kept would be closed again at once, and wanted for ever.
            while (
                not self._closed
                and capacity <= self._keep_bytes
                and len(self._free.get(capacity, ())) < self._spares(capacity)
            ):
                segment = self._make(capacity)
                try:
                    segment.allocate()
                except OSError:
                    segment.close()
                    raise
                self.give_back(segment)
                since_yield_bytes += capacity
                if since_yield_bytes >= _YIELD_BYTES:
                    since_yield_bytes = 0
                    _yield_core()

    def _spares(self, capacity: int) -> int:
        return min(max(min(SPARE_BYTES, self._keep_bytes // 4) // capacity, 1), _MOST_SPARES)

    def _make_room(self, segment: Segment, *, is_free: bool) -> list[Segment]:
        """Take out what is less useful than a segment, until there is room for it or nothing is."""
        out: list[Segment] = []
        while segment.capacity <= self._keep_bytes and not self._has_room(segment):
            victim = self._least_useful(segment.capacity, is_free)
            if victim is None:
                break
            self._kept_bytes -= victim.capacity
            out.append(victim)
        return out

    def _least_useful(self, capacity: int, is_free: bool) -> Segment | None:
        """Take out a segment for which there is less use than for one of a size, free or lent.

        That is what other sizes have beyond their spares: planes of that size seem to have ended. A free
        segment is of more use than all that are lent, which may never come back, and than all other sizes.
        """
        others = [size for size, free in self._free.items() if size != capacity and free]
        surplus = (size for size in others if len(self._free[size]) > self._spares(size))
        size = next(surplus, None)
        if size is None and is_free:
            if self._lent:
                return self._lent.popitem(last=False)[1]
            size = next(iter(others), None)
        if size is None:
            return None
        self._free_count -= 1
        return self._free[size].popleft()

    def _has_room(self, segment: Segment) -> bool:
        count = self._free_count + len(self._lent)
        return count < self._keep_count and self._kept_bytes + segment.capacity <= self._keep_bytes


def _yield_core() -> None:
    if hasattr(os, "sched_yield"):  # not on Windows
        os.sched_yield()


def spare_descriptors() -> int:
    """Return how many descriptors the process may have in use before planes take none of their own."""
    try:
        import resource
    except ImportError:  # Windows, where no plane has a descriptor
        return sys.maxsize
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit // 2
