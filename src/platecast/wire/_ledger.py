"""The account of every plane: each is shown, superseded, failed, dropped or pending, and the sums match."""

import enum
from collections.abc import Mapping

import msgspec

MOST_REASONS = 16
"""Most reasons that are told apart in one account; more are counted together."""
_OTHER_REASONS = "other reasons"
_LONGEST_REASON = 200


class DropReason(enum.StrEnum):
    """Why a plane was given up on the way."""

    NO_ROOM = "no room"
    """The sender's budget was full and this plane had to give way."""
    TIMED_OUT = "waited too long"
    """No room came free within `block_timeout_s`."""
    DISK_FULL = "disk full"
    """The spill file, or its disk, was full."""
    SENDER_ENDED = "sender ended"
    """The sender ended, or was killed, before the viewer had the plane."""
    NOT_SAID = "not said"
    """The sender gave no reason."""


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """How many planes were sent and what became of them; ``sent`` is the sum of the other counts.

    Examples
    --------
    >>> ledger = Ledger(sent=3, shown=1, dropped=2, drop_reasons={"no room": 2})
    >>> ledger.counts()["dropped"], ledger.settled
    (2, True)
    """

    sent: int = 0
    shown: int = 0
    """Readable from a layer."""
    superseded: int = 0
    """Replaced by a later plane of the same place."""
    failed: int = 0
    """Refused by the viewer, with a reason."""
    dropped: int = 0
    """Given up on the way, with a reason."""
    pending: int = 0
    """On the way."""
    drop_reasons: dict[str, int] = {}
    """How many were dropped by reason, see `DropReason`; the sum is `dropped`."""
    failure_reasons: dict[str, int] = {}
    """How many failed by reason, in the viewer's words; the sum is `failed`."""

    def __add__(self, other: "Ledger") -> "Ledger":
        counts = other.counts()
        return Ledger(
            **{name: count + counts[name] for name, count in self.counts().items()},
            drop_reasons=add_reasons(self.drop_reasons, other.drop_reasons),
            failure_reasons=add_reasons(self.failure_reasons, other.failure_reasons),
        )

    def counts(self) -> dict[str, int]:
        """Return the six counts by name."""
        return {
            "sent": self.sent,
            "shown": self.shown,
            "superseded": self.superseded,
            "failed": self.failed,
            "dropped": self.dropped,
            "pending": self.pending,
        }

    def given_up(self, reason: DropReason) -> "Ledger":
        """Return this account with everything that is on the way dropped."""
        return msgspec.structs.replace(
            self,
            dropped=self.dropped + self.pending,
            pending=0,
            drop_reasons=add_reasons(self.drop_reasons, {reason: self.pending}),
        )

    @property
    def settled(self) -> bool:
        """Whether nothing is on the way."""
        return self.pending == 0


def add_reasons(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Add up counts by reason, also one less; a bounded number of reasons of bounded length is told apart."""
    total = dict(counts)
    for reason, count in more.items():
        if not count:
            continue
        name = str(reason)[:_LONGEST_REASON]
        if name not in total and len(total) >= MOST_REASONS - 1:
            name = _OTHER_REASONS
        total[name] = total.get(name, 0) + count
        if not total[name]:
            del total[name]
    return total


def complete_reasons(counts: Mapping[str, int], total: int, otherwise: str) -> dict[str, int]:
    """Return counts by reason whose sum is `total`, whatever a peer said.

    Parameters
    ----------
    counts
        What the peer said.
    total
        What it counted.
    otherwise
        The reason of those for which it gave none.
    """
    stated = sum(counts.values())
    if stated > total or min(counts.values(), default=0) < 0:
        return add_reasons({}, {otherwise: total})
    return add_reasons(add_reasons({}, counts), {otherwise: total - stated})
