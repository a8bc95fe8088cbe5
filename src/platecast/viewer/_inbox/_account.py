"""The viewer's account of every sender's planes. Pure: no sockets, no threads."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from platecast.wire import Ack, Beat, DropReason, Ledger, SettledCounts, add_reasons, complete_reasons

_MOST_BEYOND = 1024


class SeqSet:
    """A set of sequence numbers that is nearly one run: everything up to `upto`, and a few beyond."""

    def __init__(self) -> None:
        self.upto = 0
        self._beyond: set[int] = set()
        self._gaps: deque[tuple[int, int]] = deque()

    def __contains__(self, seq: int) -> bool:
        return seq <= self.upto or seq in self._beyond

    @property
    def beyond(self) -> tuple[int, ...]:
        """The smallest numbers above `upto`, at most 1024 of them."""
        return tuple(sorted(self._beyond)[:_MOST_BEYOND])

    def add(self, seq: int) -> None:
        """Add one number."""
        if seq > self.upto:
            self._beyond.add(seq)
            self._advance()

    def skip(self, base: int, gaps: Iterable[tuple[int, int]]) -> None:
        """Count everything below `base`, and the numbers inside `gaps`, as part of the set."""
        self.upto = max(self.upto, base - 1)
        self._gaps = deque(sorted(gaps))
        self._advance()
        self._beyond = {seq for seq in self._beyond if seq > self.upto}

    def _advance(self) -> None:
        while True:
            following = self.upto + 1
            while self._gaps and self._gaps[0][1] < following:
                self._gaps.popleft()
            if following in self._beyond:
                self._beyond.discard(following)
                self.upto = following
            elif self._gaps and self._gaps[0][0] <= following:
                self.upto = self._gaps.popleft()[1]
            else:
                return


@dataclass(slots=True)
class _Counts:
    received: int = 0
    shown: int = 0
    superseded: int = 0
    failed: int = 0
    sent: int = 0
    dropped: int = 0
    elsewhere: int = 0
    replaced: int = 0
    """Superseded on the sender's side."""
    drop_reasons: dict[str, int] = field(default_factory=dict)
    failure_reasons: dict[str, int] = field(default_factory=dict)

    @property
    def given_up(self) -> int:
        """How many planes the sender will never deliver."""
        return self.dropped + self.replaced


@dataclass(slots=True, eq=False)
class SenderAccount:
    """One sender's planes in this viewer.

    Parameters
    ----------
    sender
        The sender's 16 bytes.
    """

    sender: bytes
    received: SeqSet = field(default_factory=SeqSet)
    settled: SeqSet = field(default_factory=SeqSet)
    said_goodbye: bool = False
    lost: int = 0
    """Planes that neither arrived nor were announced as dropped, found out when the sender ended."""
    _streams: dict[int, _Counts] = field(default_factory=dict)
    _changed: set[int] = field(default_factory=set)
    _failures: list[tuple[int, str]] = field(default_factory=list)
    _taken: list[int] = field(default_factory=list)
    _freed: list[int] = field(default_factory=list)
    _last_upto: int = -1
    _news: bool = False

    def receive(self, seq: int, stream: int) -> bool:
        """Note that a plane arrived; False when it had arrived before."""
        if seq in self.received:
            # Its sender does not know yet.
            self._news = True
            return False
        self.received.add(seq)
        self._of(stream).received += 1
        return True

    def settle(self, seq: int, stream: int, error: str | None) -> None:
        """Note that a plane is readable from a layer, or failed."""
        if seq in self.settled:
            return
        self.settled.add(seq)
        counts = self._of(stream)
        if error is None:
            counts.shown += 1
        else:
            counts.failed += 1
            counts.failure_reasons = add_reasons(counts.failure_reasons, {error: 1})
            self._failures.append((seq, error))
        self._changed.add(stream)

    def supersede(self, stream: int) -> None:
        """Note that a plane that was shown has been replaced."""
        counts = self._of(stream)
        counts.shown -= 1
        counts.superseded += 1
        self._changed.add(stream)

    def spoil(self, seq: int, stream: int, error: str) -> None:
        """Note that a plane that was shown could not be read when it was looked at."""
        counts = self._of(stream)
        counts.shown -= 1
        counts.failed += 1
        counts.failure_reasons = add_reasons(counts.failure_reasons, {error: 1})
        self._failures.append((seq, error))
        self._changed.add(stream)

    def restore(self, stream: int, error: str) -> None:
        """Note that a plane that had been spoilt was read after all."""
        counts = self._of(stream)
        counts.shown += 1
        counts.failed -= 1
        counts.failure_reasons = add_reasons(counts.failure_reasons, {error: -1})
        self._changed.add(stream)

    def take(self, number: int) -> None:
        """Note that the viewer keeps a buffer's pages."""
        self._taken.append(number)

    def free(self, number: int) -> None:
        """Note that a buffer is the sender's again."""
        self._freed.append(number)

    def hear(self, beat: Beat) -> None:
        """Take in the sender's own account."""
        self._news = True
        for seqs in (self.received, self.settled):
            seqs.skip(beat.base, beat.gaps)
        for said in beat.streams:
            counts = self._of(said.stream)
            counts.sent, counts.dropped, counts.elsewhere = said.sent, said.dropped, said.elsewhere
            counts.replaced = said.superseded
            counts.drop_reasons = complete_reasons(said.reasons, said.dropped, DropReason.NOT_SAID)
            # Said again to every beat: an ack is lost where the sender did not read for long.
            self._changed.add(said.stream)
        self.said_goodbye = self.said_goodbye or beat.last

    def close(self, sent: int, given_up: int, elsewhere: int) -> int:
        """Account for what a sender that has ended never delivered.

        Parameters
        ----------
        sent, given_up, elsewhere
            What it counted itself, which may be later than its last beat.

        Returns
        -------
        int
            How many planes it had meant to deliver.
        """
        announced = sum(counts.given_up for counts in self._streams.values())
        self.lost = max(sent - elsewhere - self.arrived - announced, 0)
        return max(sent - given_up - elsewhere - self.arrived, 0)

    @property
    def arrived(self) -> int:
        """How many planes arrived, each counted once."""
        return sum(counts.received for counts in tuple(self._streams.values()))

    @property
    def outcomes(self) -> int:
        """How many of them are settled."""
        return sum(c.shown + c.superseded + c.failed for c in self._streams.values())

    def stated(self) -> tuple[int, int, int]:
        """Return what the sender last said: planes sent, given up, settled by earlier viewers."""
        counts = self._streams.values()
        return sum(c.sent for c in counts), sum(c.given_up for c in counts), sum(c.elsewhere for c in counts)

    def ack(self) -> Ack | None:
        """Return what the sender does not know yet, `None` where there is nothing."""
        # That planes arrived is no news by itself: they are settled soon, or the next beat is answered.
        if not (self._news or self._changed or self._freed or self.settled.upto != self._last_upto):
            return None
        streams = tuple(
            SettledCounts(n, c.shown, c.superseded, c.failed, dict(c.failure_reasons))
            for n, c in self._streams.items()
            if n in self._changed
        )
        ack = Ack(
            received=self.received.upto,
            upto=self.settled.upto,
            beyond=self.settled.beyond,
            streams=streams,
            failures=tuple(self._failures),
            taken=tuple(self._taken),
            freed=tuple(self._freed),
        )
        self._last_upto, self._news = self.settled.upto, False
        for each in (self._changed, self._failures, self._taken, self._freed):
            each.clear()
        return ack

    def forget_acknowledged(self) -> None:
        """Tell a sender that connected anew everything again."""
        self._changed.update(self._streams)
        self._news = True

    def ledger(self) -> Ledger:
        """Return this sender's account in this viewer instance.

        What the sender has not said yet is at least what arrived.
        """
        streams = tuple(self._streams.values())
        shown, superseded, failed = (
            sum(getattr(counts, name) for counts in streams) for name in ("shown", "superseded", "failed")
        )
        dropped = sum(counts.dropped for counts in streams) + self.lost
        replaced = sum(counts.replaced for counts in streams)
        superseded += replaced
        said = sum(max(c.sent - c.elsewhere, c.received + c.given_up) for c in streams)
        sent = max(said, self.arrived + dropped + replaced)
        pending = sent - shown - superseded - failed - dropped
        drop_reasons: dict[str, int] = {DropReason.SENDER_ENDED.value: self.lost} if self.lost else {}
        failure_reasons: dict[str, int] = {}
        for counts in streams:
            drop_reasons = add_reasons(drop_reasons, counts.drop_reasons)
            failure_reasons = add_reasons(failure_reasons, counts.failure_reasons)
        return Ledger(
            sent=sent,
            shown=shown,
            superseded=superseded,
            failed=failed,
            dropped=dropped,
            pending=pending,
            drop_reasons=drop_reasons,
            failure_reasons=failure_reasons,
        )

    def _of(self, stream: int) -> _Counts:
        return self._streams.setdefault(stream, _Counts())
