"""What waits for the viewer, what is under way, and the account of it. No sockets, no threads of its own.

Every plane has a sequence number from the moment it is offered and is, at any time, waiting, under way,
settled by a viewer, or dropped. Nothing leaves the account.
"""

import math
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from platecast.config import WhenFull
from platecast.stream._gaps import Gaps
from platecast.stream._lost import Lost, LostPlanes
from platecast.stream._staged import Room, Staged, Tally
from platecast.stream._waiting import WaitingPlanes
from platecast.wire import Ack, Beat, Counters, DropReason, Ledger, StreamCounts

CALM_ITEMS = 16
"""Planes that may wait on purpose, and with them the news of the viewer."""
_OLDEST_GIVES_WAY = (WhenFull.DROP_OLDEST, WhenFull.LATEST)


@dataclass(slots=True)
class _State:
    waiting: WaitingPlanes = field(default_factory=WaitingPlanes)
    under_way: dict[int, Staged] = field(default_factory=dict)
    by_number: dict[int, Staged] = field(default_factory=dict)
    """Planes that are not settled, by the numbers of their buffers."""
    tallies: dict[int, Tally] = field(default_factory=dict)
    gaps: Gaps = field(default_factory=Gaps)
    lost: LostPlanes = field(default_factory=LostPlanes)
    next_seq: int = 1
    given_up: int = 0
    elsewhere: int = 0
    account: bytes = b""
    reserved_bytes: int = 0
    under_way_bytes: int = 0


class Outbox:
    """The planes of one sender; thread-safe.

    Parameters
    ----------
    budget_bytes
        Most bytes that may wait; what is under way is bounded by the viewer's window instead.
    release
        Called, outside the lock, with every plane that was dropped, to let go of its pixels.
    counters
        The page that tells the viewer what was sent should this process be killed.
    """

    def __init__(self, budget_bytes: int, release: Callable[[Staged], None], counters: Counters) -> None:
        self.budget_bytes = budget_bytes
        self._release = release
        self._counters = counters
        self._state = _State()
        self._released_later: deque[Staged] = deque()
        # Entered as it is, never through the condition, whose `__enter__` is Python code: Ctrl-C in there
        # would leave the lock taken for ever.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)

    def open_stream(self) -> int:
        """Return the number of a new stream of this sender."""
        with self._lock:
            number = len(self._state.tallies) + 1
            self._state.tallies[number] = Tally()
            return number

    def reserve(self, nbytes: int, when_full: WhenFull, timeout_s: float, *, may_spill: bool = False) -> Room:
        """Make room for a plane before its pixels are copied.

        Parameters
        ----------
        nbytes
            What the plane needs.
        when_full
            Who gives way.
        timeout_s
            Longest wait with `WhenFull.BLOCK`.
        may_spill
            Whether planes go to disk before any of them gives way.

        Returns
        -------
        Room
            `Room.IN_MEMORY`, reserved; `Room.ON_DISK`, to be tried; or `Room.NOWHERE`: the plane itself gives
            way and the caller calls `drop`.
        """
        victims: list[Staged] = []
        with self._lock:
            if when_full is WhenFull.BLOCK:
                self._changed.wait_for(lambda: self._fits(nbytes), timeout_s)
            if not self._fits(nbytes) and (may_spill or when_full is WhenFull.SPILL):
                return Room.ON_DISK
            while (
                when_full in _OLDEST_GIVES_WAY and not self._fits(nbytes) and self._state.waiting.has_pixels
            ):
                victims.append(self._lighten())
            fits = self._fits(nbytes)
            if fits:
                self._state.reserved_bytes += nbytes
        if victims:
            # This plane is copied into the buffer of the first. Many give way at once after a viewer has
            # gone, and closing all that they lie in takes longer than a call may.
            self._released_later.extend(victims[1:])
            self._release(victims[0])
        return Room.IN_MEMORY if fits else Room.NOWHERE

    def release_rest(self) -> None:
        """Let go of the pixels of planes that had to give way, as far as `reserve` has left them."""
        while self._released_later:
            self._release(self._released_later.popleft())

    def put(self, staged: Staged, *, replaces: bool = False) -> None:
        """Queue a plane for which room was reserved in memory, or which waits on disk.

        Parameters
        ----------
        staged
            The plane.
        replaces
            Whether it takes the place of a waiting plane of the same identity.
        """
        replaced = None
        with self._lock:
            state = self._state
            state.reserved_bytes -= staged.waiting_bytes
            staged.seq = self._number(staged.stream)
            if replaces:
                replaced = state.waiting.replace(staged)
            if replaced is not None:
                self._forget_buffers(replaced)
                self._state.tallies[replaced.stream].replaced += 1
                self._give_up(replaced.seq)
            state.waiting.push(staged)
        if replaced is not None:
            self._release(replaced)

    def drop(self, stream: int, lost: Lost) -> None:
        """Account for a plane that was offered and could not be queued."""
        with self._lock:
            self._state.lost.add(lost)
            self._count_dropped(stream, self._number(stream), lost.reason)

    def take_lost(self, most: int) -> tuple[list[Lost], int]:
        """Return what the viewer is to be told of planes that were dropped, and how many have no name."""
        with self._lock:
            return self._state.lost.take(most)

    def put_lost_back(self, lost: list[Lost], unnamed: int) -> None:
        """Undo `take_lost` where the viewer could not be told."""
        with self._lock:
            self._state.lost.put_back(lost, unnamed)

    @property
    def has_lost(self) -> bool:
        """Whether the viewer is still to be told of planes that were dropped."""
        return bool(self._state.lost)

    def unreserve(self, nbytes: int) -> None:
        """Give back room that is not going to be used."""
        with self._lock:
            self._state.reserved_bytes -= nbytes
            self._changed.notify_all()

    def take(self, window_bytes: int, most: int, batch_bytes: float = math.inf) -> list[Staged]:
        """Move the next planes from waiting to under way, as far as the viewer's window allows.

        Parameters
        ----------
        window_bytes
            Most bytes under way; one plane may always be.
        most
            Most planes to move.
        batch_bytes
            Most bytes to move, if that is more than one plane.
        """
        with self._lock:
            state = self._state
            taken: list[Staged] = []
            while (first := state.waiting.first) is not None and len(taken) < most:
                if state.under_way and state.under_way_bytes + first.travel_bytes > window_bytes:
                    break
                if taken and sum(each.nbytes for each in taken) + first.nbytes > batch_bytes:
                    break
                taken.append(state.waiting.pop(first.seq))
                state.under_way[first.seq] = first
                state.under_way_bytes += first.travel_bytes
            if taken:
                self._changed.notify_all()
            return taken

    def travels_as(self, staged: Staged, number: int) -> None:
        """Note the number of the buffer in which a plane goes to the viewer."""
        with self._lock:
            staged.numbers += (number,)
            self._state.by_number[number] = staged

    def put_back(self, staged: list[Staged]) -> None:
        """Undo `take` for planes that could not be sent."""
        with self._lock:
            self._to_waiting(staged)

    def acknowledge(self, ack: Ack) -> list[Staged]:
        """Take in the viewer's account; return the planes that are settled by it."""
        with self._lock:
            state = self._state
            self._note_buffers(ack.taken, ack.freed)
            settled = self._settled_under_way(ack.upto, ack.beyond)
            settled += state.waiting.pop_settled(ack.upto, set(ack.beyond))
            for staged in settled:
                self._forget_buffers(staged)
            for counts in ack.streams:
                if counts.stream in state.tallies:
                    state.tallies[counts.stream].take_in(counts)
            self._changed.notify_all()
            return settled

    def overdue(self, received: int) -> list[Staged]:
        """Return what is under way although the viewer says that it has received less."""
        with self._lock:
            return [staged for staged in self._state.under_way.values() if staged.seq > received]

    def forget_viewer(self) -> None:
        """Go on without a viewer: what was under way waits again."""
        with self._lock:
            self._to_waiting(list(self._state.under_way.values()))
            self._state.by_number.clear()
            for staged in self._state.waiting:
                staged.is_shared = staged.is_shared or bool(staged.numbers)
                staged.numbers, staged.kept_as, staged.is_free = (), None, False
        # What is over the budget now may wait: it was under way, and the next plane makes it give way.

    def meet_viewer(self, account: bytes) -> None:
        """Begin or go on with an account in a viewer.

        Where the viewer knows this sender still, its counts go on. Otherwise they start anew, and what was
        settled so far is of the past: adding the same counts twice would be the alternative.

        Parameters
        ----------
        account
            What names the account: the nonce of the viewer's welcome.
        """
        with self._lock:
            if account == self._state.account:
                return
            self._state.account = account
            for tally in self._state.tallies.values():
                self._state.elsewhere += sum(tally.now)
                tally.close_account()
            self._write_counters()

    def beat(self, sender: bytes, *, last: bool = False) -> Beat:
        """Return this side's account as a message."""
        with self._lock:
            base = self._base()
            counts = tuple(
                StreamCounts(
                    number,
                    tally.sent,
                    tally.dropped,
                    sum(tally.before),
                    tally.replaced,
                    dict(tally.drop_reasons),
                )
                for number, tally in self._state.tallies.items()
                if tally.sent
            )
            gaps = self._state.gaps.at_or_above(base)
            return Beat(sender=sender, base=base, gaps=gaps, streams=counts, last=last)

    def ledger(self, stream: int) -> Ledger:
        """Return the account of one stream."""
        with self._lock:
            return self._state.tallies[stream].ledger()

    def wait_settled(self, stream: int | None, timeout_s: float) -> bool:
        """Wait until nothing of a stream (`None`: of any) is pending; False when time is up."""
        numbers = None if stream is None else [stream]

        def settled() -> bool:
            tallies = self._state.tallies
            return all(tallies[n].ledger().settled for n in (tallies if numbers is None else numbers))

        with self._lock:
            return self._changed.wait_for(settled, max(timeout_s, 0.0))

    @property
    def waiting(self) -> int:
        """How many planes wait to be sent."""
        return len(self._state.waiting)

    @property
    def is_pressing(self) -> bool:
        """Whether more waits than may wait on purpose where planes come one by one."""
        return len(self._state.waiting) > CALM_ITEMS or self.is_filling

    @property
    def is_filling(self) -> bool:
        """Whether so much waits that it should not wait on purpose."""
        return self._state.waiting.nbytes > self.budget_bytes / 4

    @property
    def unsettled(self) -> int:
        """How many planes wait or are under way."""
        return len(self._state.waiting) + len(self._state.under_way)

    def drop_all(self) -> int:
        """Give up what is not settled, because this sender ends; return how many planes that were."""
        with self._lock:
            self._to_waiting(list(self._state.under_way.values()))
            victims = list(iter(self._drop_oldest, None))
            interrupted = self._drop_interrupted()
        for victim in victims:
            self._release(victim)
        self.release_rest()
        return len(victims) + interrupted

    def _note_buffers(self, taken: Iterable[int], freed: Iterable[int]) -> None:
        """Note what the viewer says of buffers, which is before it says that their planes are settled."""
        by_number = self._state.by_number
        for number in taken:
            if number in by_number:
                by_number[number].kept_as = number
        for number in freed:
            if number in by_number:
                by_number[number].is_free = True

    def _forget_buffers(self, staged: Staged) -> None:
        for number in staged.numbers:
            self._state.by_number.pop(number, None)

    def _settled_under_way(self, upto: int, beyond: Iterable[int]) -> list[Staged]:
        """Take out what is settled; the planes under way are in the order of their numbers."""
        state = self._state
        settled: list[Staged] = []
        while state.under_way and (first := next(iter(state.under_way))) <= upto:
            settled.append(state.under_way.pop(first))
        settled += [state.under_way.pop(seq) for seq in beyond if seq in state.under_way]
        for staged in settled:
            state.under_way_bytes -= staged.travel_bytes
        return settled

    def _fits(self, nbytes: int) -> bool:
        used = self._state.waiting.nbytes + self._state.reserved_bytes
        return used == 0 or used + nbytes <= self.budget_bytes

    def _number(self, stream: int) -> int:
        seq = self._state.next_seq
        self._state.next_seq += 1
        self._state.tallies[stream].sent += 1
        self._write_counters()
        return seq

    def _write_counters(self) -> None:
        state = self._state
        self._counters.write(state.next_seq - 1, state.given_up, state.elsewhere)

    def _count_dropped(self, stream: int, seq: int, reason: DropReason) -> None:
        self._state.tallies[stream].drop(reason)
        self._give_up(seq)

    def _give_up(self, seq: int) -> None:
        self._state.given_up += 1
        self._write_counters()
        self._state.gaps.add(seq)
        self._changed.notify_all()

    def _base(self) -> int:
        state = self._state
        firsts = [next(iter(state.under_way))] if state.under_way else []
        if state.waiting.first is not None:
            firsts.append(state.waiting.first.seq)
        return min(firsts, default=state.next_seq)

    def _drop_oldest(self) -> Staged | None:
        first = self._state.waiting.first
        if first is not None:
            self._state.waiting.pop(first.seq)
            self._forget_buffers(first)
            self._count_dropped(first.stream, first.seq, DropReason.SENDER_ENDED)
        return first

    def _drop_interrupted(self) -> int:
        """Drop what was numbered and is nowhere: an interrupt (Ctrl-C) may come between any two steps."""
        count = 0
        for tally in self._state.tallies.values():
            for _ in range(tally.ledger().pending):
                tally.drop(DropReason.SENDER_ENDED)
                self._state.given_up += 1
                count += 1
        self._write_counters()
        return count

    def _lighten(self) -> Staged:
        """Take the pixels of the oldest plane that has some; the header of one that rests stays."""
        staged, is_gone = self._state.waiting.lighten()
        self._forget_buffers(staged)
        if is_gone:
            self._state.lost.add(Lost(staged.plane, staged.display, DropReason.NO_ROOM))
            self._count_dropped(staged.stream, staged.seq, DropReason.NO_ROOM)
        return staged

    def _to_waiting(self, staged: list[Staged]) -> None:
        state = self._state
        for each in sorted(staged, key=lambda s: s.seq, reverse=True):
            state.under_way.pop(each.seq, None)
            state.under_way_bytes -= each.travel_bytes
            state.waiting.push(each, first=True)
