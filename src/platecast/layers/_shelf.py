"""Where the pixels of planes are: in memory within a budget, in scratch, or at rest in a store.

Pure: what reads a store and what writes scratch are given. Memory is counted by the arrays that are alive,
whoever keeps them: a plane that was put away while it is drawn still counts until its last view has gone.
"""

import itertools
import logging
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from platecast.errors import MemoryBudgetError
from platecast.layers._held import HeldPlane, Pixels, ScratchPlane, Whereabouts
from platecast.layers._holdings import Holdings, RecordCount, Stock
from platecast.records import Records

_log = logging.getLogger(__name__)

CACHE_BYTES = 256 << 20
"""Memory for planes that were read, where nobody set a budget."""
_LOOKING_SHARE = 1 / 16
"""Part of the budget that planes which arrive leave to those that are read again."""
_AHEAD_SHARE = 1 / 16
"""Part of the budget that is kept free ahead of planes which arrive, so that they need not wait."""
_WINDOWS_SHARE = 1 / 2
"""Part of the budget that all senders' windows together may take."""
_LEAST_WINDOW_BYTES = 4 << 20
_WRITTEN_AT_ONCE = 8


class Scratch(Protocol):
    """Keeps bytes outside memory for as long as this process lives. For any thread."""

    def write(self, data: memoryview) -> ScratchPlane | None:
        """Keep some bytes; `None` where there is no room."""


class Shelf:
    """Holds planes, and puts away those that nobody has looked at for longest. For any thread.

    Planes that rest in a store are let go of; others are written to scratch first. What is on screen stays.

    Parameters
    ----------
    load
        Returns the plane at an address; raises `OSError` or `LookupError` where it cannot.
    budget_bytes
        Most memory for planes.
    scratch
        Where planes go that rest nowhere; without it they stay in memory.
    """

    def __init__(
        self,
        load: Callable[[str], npt.NDArray[Any]],
        budget_bytes: int = CACHE_BYTES,
        scratch: Scratch | None = None,
    ) -> None:
        self.budget_bytes = budget_bytes
        self.on_pressure: Callable[[], None] = _nothing
        """Called when `relieve` has something to do; must not block."""
        self.let_go_bytes = 0
        """Of all planes that were ever put away; the C library may still have some of that memory."""
        self._load = load
        self._scratch = scratch
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._order: OrderedDict[int, weakref.ref[HeldPlane]] = OrderedDict()
        """Planes that are filed and in memory, those not looked at for longest first."""
        self._light: OrderedDict[int, weakref.ref[HeldPlane]] = OrderedDict()
        """Those of them that are elsewhere, too; in the same order."""
        self._pinned: frozenset[int] = frozenset()
        self._alive_bytes = 0
        self._queued_bytes = 0
        self._granted_bytes = 0
        self._refused = 0
        self._wanted_bytes = 0
        """Room for which a plane waits."""
        self._is_stuck = False
        """Nothing can be put away until something changes."""
        self._stock = {place: [0, 0] for place in Whereabouts}
        self._dead_arrays: deque[int] = deque()
        self._records = RecordCount()
        self._dead_planes: deque[tuple[int, Whereabouts, int, ScratchPlane | None, bool]] = deque()

    # Taking planes in.

    def plane(self, address: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> HeldPlane:
        """Return a plane that rests at an address and is read when it is looked at."""
        plane = HeldPlane(self, next(self._numbers), tuple(shape), dtype, address)
        with self._lock:
            self._count(plane, 1)
        return plane

    def hold(self, array: npt.NDArray[Any], address: str | None = None) -> HeldPlane:
        """Return a plane that is in memory and waits to be filed.

        Parameters
        ----------
        array
            Its pixels, which nobody may write to any more.
        address
            Where it rests as well, if it does.
        """
        plane = HeldPlane(self, next(self._numbers), array.shape, array.dtype, address)
        self._watch(array, plane.size_bytes)
        with self._lock:
            plane.memory, plane.is_queued = array, True
            self._alive_bytes += plane.size_bytes
            self._queued_bytes += plane.size_bytes
            self._count(plane, 1)
        return plane

    def count(self, records: Records, nbytes: int) -> None:
        """Count records, as long as anybody has them, beside the planes: nothing gives way for them."""
        self._records.add(records, nbytes)

    def admit(self, plane: HeldPlane) -> bool:
        """File a plane that waits, see `HeldPlane.admit`."""
        if not plane.is_queued:
            return True
        let_go: list[object] = []
        with self._lock:
            self._take_notes()
            room = self._limit - int(self.budget_bytes * _LOOKING_SHARE) - plane.size_bytes
            if self._filed_bytes > room - int(self.budget_bytes * _AHEAD_SHARE):
                self.on_pressure()
            self._put_light_away(room, let_go)
            if self._filed_bytes <= room or not self._filed_bytes:
                self._file(plane)
                self._wanted_bytes = 0
            elif plane.is_elsewhere_too:
                self._file(plane)
                self._put_away(plane, let_go)
            elif self._is_stuck or self._scratch is None:
                self._refused += 1
                self._wanted_bytes = 0
                raise MemoryBudgetError(
                    f"the memory budget of {self.budget_bytes / 1e6:,.0f} MB is full, and nothing more can "
                    "be put away to disk: set a larger memory_budget_mb, or free disk space"
                )
            else:
                self._wanted_bytes = self._limit - room
        let_go.clear()  # outside the lock: giving pages back takes time
        return not plane.is_queued

    def grant(self, wanted_bytes: int) -> int:
        """Return how much one more sender may have under way; it counts until `ungrant`."""
        with self._lock:
            free = int(self.budget_bytes * _WINDOWS_SHARE) - self._granted_bytes
            granted = max(min(wanted_bytes, free // 2), _LEAST_WINDOW_BYTES)
            self._granted_bytes += granted
            return granted

    def ungrant(self, nbytes: int) -> None:
        """Take back what a sender that has ended was granted."""
        with self._lock:
            self._granted_bytes -= nbytes

    # Looking at planes.

    def read(self, plane: HeldPlane, *, keep: bool = True) -> npt.NDArray[Any]:
        """Return a plane's pixels, read-only; raises as `HeldPlane.pixels`."""
        with self._lock:
            pixels, scratch = plane.memory, plane.scratch
            if pixels is not None:
                self._touch(plane.number)
                return pixels
        # Not in the lock: a slow disk must not keep others from what is in memory.
        has_room = keep and self._make_room(plane.size_bytes)
        pixels = self._from_scratch(plane, scratch) if scratch is not None else self._from_store(plane)
        pixels.flags.writeable = False
        with self._lock:
            if plane.memory is not None:
                return plane.memory
            self._watch(pixels, plane.size_bytes)
            self._alive_bytes += plane.size_bytes
            if has_room or (keep and not self._order):
                self._count(plane, -1)
                plane.memory = pixels
                self._count(plane, 1)
                self._enter(plane)
        return pixels

    def pin(self, planes: Iterable[Pixels]) -> None:
        """Say what is on screen: it is not put away."""
        with self._lock:
            self._pinned = frozenset(plane.number for plane in planes if isinstance(plane, HeldPlane))
            self._is_stuck = False

    # Putting planes away.

    def relieve(self) -> bool:
        """Put a few planes away where memory is short; say whether there is more to do.

        Writes to scratch: for a thread that may wait for the disk.
        """
        ahead_bytes = int(self.budget_bytes * (_LOOKING_SHARE + 2 * _AHEAD_SHARE))
        has_room = self._make_room(max(ahead_bytes, self._wanted_bytes), most=_WRITTEN_AT_ONCE)
        return not has_room and not self._is_stuck

    def holdings(self) -> Holdings:
        """Return what is where."""
        with self._lock:
            self._take_notes()
            stock = {place: Stock(planes, nbytes) for place, (planes, nbytes) in self._stock.items()}
            return Holdings(
                budget_bytes=self.budget_bytes,
                memory_bytes=self._alive_bytes,
                in_memory=stock[Whereabouts.IN_MEMORY],
                in_scratch=stock[Whereabouts.IN_SCRATCH],
                at_rest=stock[Whereabouts.AT_REST],
                refused=self._refused,
                records=self._records.stock(),
            )

    def note_gone(self, plane: HeldPlane) -> None:
        """Take a note of a plane that nobody has any more; from anywhere, in the middle of anything."""
        entry = (plane.number, plane.whereabouts, plane.size_bytes, plane.scratch, plane.is_queued)
        self._dead_planes.append(entry)

    @property
    def _limit(self) -> int:
        """Most bytes of planes that are filed: what may be under way as well is kept free for it."""
        return self.budget_bytes - self._granted_bytes

    @property
    def _filed_bytes(self) -> int:
        return self._alive_bytes - self._queued_bytes

    def _make_room(self, nbytes: int, most: int | None = None) -> bool:
        """Put planes away until some bytes have room; False where they still have none.

        Parameters
        ----------
        nbytes
            What is needed.
        most
            How many planes are put away at most.
        """
        let_go: list[object] = []
        for turn in itertools.count():
            let_go.clear()  # outside the lock: giving pages back takes time
            with self._lock:
                self._take_notes()
                if self._filed_bytes + nbytes <= self._limit:
                    return True
                if turn == most:
                    return False
                victim = self._oldest()
                if victim is None:
                    self._is_stuck = True
                    return False
                if victim.is_elsewhere_too:
                    self._put_away(victim, let_go)
                    continue
                # So that no other thread takes it, too.
                del self._order[victim.number]
            self._write(victim, let_go)
            del victim
            if self._is_stuck:
                with self._lock:
                    self._put_light_away(self._limit - nbytes, let_go)
                    return self._filed_bytes + nbytes <= self._limit
        return False

    def _write(self, victim: HeldPlane, let_go: list[object]) -> None:
        """Put a plane that was taken out of the order into scratch, or back into the order."""
        pixels, slot = victim.memory, None
        if self._scratch is not None and pixels is not None:
            data = np.ascontiguousarray(pixels).reshape(-1).view(np.uint8)
            try:
                slot = self._scratch.write(memoryview(data.data))
            except OSError as error:
                _log.warning("a plane cannot be written to scratch: %s", error)
        del pixels
        with self._lock:
            victim.scratch = slot
            self._enter(victim)
            if slot is None:
                for order in (self._order, self._light):
                    if victim.number in order:
                        order.move_to_end(victim.number, last=False)
                self._is_stuck = True
            elif victim.number not in self._pinned:
                self._put_away(victim, let_go)

    def _put_light_away(self, room_bytes: int, let_go: list[object]) -> None:
        """Let go of planes that are elsewhere, too, until what is filed takes at most some bytes."""
        spared = 0
        while self._light and self._filed_bytes > room_bytes and spared <= len(self._pinned):
            number = next(iter(self._light))
            plane = self._light[number]()
            if plane is None:
                del self._light[number]
                self._order.pop(number, None)
            elif number in self._pinned:
                spared += 1
                self._touch(number)
            else:
                self._put_away(plane, let_go)
                del plane
                # What was just let go of counts until its last view has gone.
                let_go.clear()
                self._take_notes()

    def _put_away(self, plane: HeldPlane, let_go: list[object]) -> None:
        self._order.pop(plane.number, None)
        self._light.pop(plane.number, None)
        if plane.memory is not None:
            self._count(plane, -1)
            let_go.append(plane.memory)
            self.let_go_bytes += plane.size_bytes
            plane.memory = None
            self._count(plane, 1)

    def _oldest(self) -> HeldPlane | None:
        """Return the plane that nobody has looked at for longest and that is not on screen."""
        spared = 0
        while self._order and spared <= len(self._pinned):
            number = next(iter(self._order))
            plane = self._order[number]()
            if plane is None:
                del self._order[number]
                self._light.pop(number, None)
            elif number in self._pinned:
                spared += 1
                self._touch(number)
            else:
                return plane
        return None

    def _file(self, plane: HeldPlane) -> None:
        plane.is_queued = False
        self._queued_bytes -= plane.size_bytes
        self._enter(plane)

    def _enter(self, plane: HeldPlane) -> None:
        """Note a plane that is in memory as the one that was looked at last."""
        reference = weakref.ref(plane)
        self._order[plane.number] = reference
        if plane.is_elsewhere_too:
            self._light[plane.number] = reference
        self._touch(plane.number)

    def _touch(self, number: int) -> None:
        for order in (self._order, self._light):
            if number in order:
                order.move_to_end(number)

    def _count(self, plane: HeldPlane, sign: int) -> None:
        stock = self._stock[plane.whereabouts]
        stock[0] += sign
        stock[1] += sign * plane.size_bytes

    def _watch(self, array: npt.NDArray[Any], nbytes: int) -> None:
        """Have the memory of an array discounted when its last view has gone."""
        # NumPy gives every view the array that has the memory as its base, so that one is watched.
        while isinstance(array.base, np.ndarray):
            array = array.base
        weakref.finalize(array, self._dead_arrays.append, nbytes).atexit = False

    def _take_notes(self) -> None:
        """Discount what has gone since; in the lock."""
        while self._dead_arrays:
            self._alive_bytes -= self._dead_arrays.popleft()
            self._is_stuck = False
        while self._dead_planes:
            number, place, size_bytes, scratch, was_queued = self._dead_planes.popleft()
            self._stock[place][0] -= 1
            self._stock[place][1] -= size_bytes
            self._queued_bytes -= size_bytes if was_queued else 0
            self._order.pop(number, None)
            self._light.pop(number, None)
            if scratch is not None:
                scratch.close()
                self._is_stuck = False

    def _from_scratch(self, plane: HeldPlane, scratch: ScratchPlane) -> npt.NDArray[Any]:
        data = scratch.read(plane.size_bytes)
        if len(data) != plane.size_bytes:
            raise OSError(f"scratch holds {len(data)} bytes of a plane of {plane.size_bytes}")
        return np.frombuffer(data, plane.dtype).reshape(plane.shape)

    def _from_store(self, plane: HeldPlane) -> npt.NDArray[Any]:
        address = plane.address or ""
        try:
            pixels = self._load(address)
        except LookupError as error:
            raise OSError(f"{address} cannot be read: {error}") from error
        if pixels.shape != plane.shape:
            raise OSError(f"{address} is {pixels.shape} and not {plane.shape}, as it was announced")
        return pixels.astype(plane.dtype, copy=False)


def _nothing() -> None:
    """Do nothing: nobody waits for room."""
