"""A plane on its way, where it may wait, and the account of a stream of them."""

import enum
from dataclasses import dataclass, field

import msgspec

from platecast.components import PlaneId
from platecast.config import Display
from platecast.wire import DropReason, Ledger, Segment, SettledCounts, Spilled, add_reasons, complete_reasons

Pixels = Segment | Spilled | bytes

_NO_REASON = "not said"


class Room(enum.Enum):
    """Where a plane may wait."""

    IN_MEMORY = enum.auto()
    ON_DISK = enum.auto()
    NOWHERE = enum.auto()


class Staged(msgspec.Struct, eq=False, gc=False):
    """A plane whose pixels were copied and that is not settled yet.

    Nothing in it leads back to it, so the garbage collector does not follow it. Thousands may wait, and where
    that many objects have come it visits all of the program's, in the middle of some caller's call.
    """

    stream: int
    plane: PlaneId
    display: Display
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    pixels: Pixels | None
    """`None`: only the header travels, and the viewer reads the plane from where it rests."""
    address: str | None = None
    failure: str | None = None
    """Why there is no plane to send; it is told instead."""
    contrast: tuple[float, float] | None = None
    seq: int = 0
    numbers: tuple[int, ...] = ()
    """Buffer numbers of its transmissions to the present viewer, where the pixels went by descriptor."""
    kept_as: int | None = None
    """The number under which the viewer keeps the pages, if it does."""
    is_free: bool = False
    """Whether the viewer has said that it does not read the pages any more."""
    is_shared: bool = False
    """Whether an earlier viewer may still show the pages: they are never written again."""

    @property
    def waiting_bytes(self) -> int:
        """What the plane takes of the budget while it waits."""
        return self.nbytes if isinstance(self.pixels, Segment | bytes) else 0

    @property
    def travel_bytes(self) -> int:
        """What the plane takes of the viewer's window."""
        return 0 if self.pixels is None else self.nbytes

    def without_pixels(self) -> "Staged":
        """Return the header of a plane that rests somewhere, to take its place."""
        return msgspec.structs.replace(
            self, pixels=None, numbers=(), kept_as=None, is_free=False, is_shared=False
        )


@dataclass(slots=True)
class Tally:
    """The account of one stream: what this side knows, and what the viewers said."""

    sent: int = 0
    dropped: int = 0
    drop_reasons: dict[str, int] = field(default_factory=dict)
    replaced: int = 0
    """Superseded before they left."""
    before: tuple[int, int, int] = (0, 0, 0)
    """Shown, superseded and failed in earlier viewer instances."""
    failures_before: dict[str, int] = field(default_factory=dict)
    """The failed ones of them by reason."""
    now: tuple[int, int, int] = (0, 0, 0)
    """The same in the present one."""
    failures_now: dict[str, int] = field(default_factory=dict)

    def drop(self, reason: DropReason) -> None:
        """Count a plane that was given up."""
        self.dropped += 1
        self.drop_reasons[reason.value] = self.drop_reasons.get(reason.value, 0) + 1

    def take_in(self, counts: SettledCounts) -> None:
        """Take in what the present viewer says of this stream."""
        self.now = (counts.shown, counts.superseded, counts.failed)
        self.failures_now = complete_reasons(counts.reasons, counts.failed, _NO_REASON)

    def close_account(self) -> None:
        """Count what the present viewer has settled to the past: the next one begins at zero."""
        b, n = self.before, self.now
        self.before, self.now = (b[0] + n[0], b[1] + n[1], b[2] + n[2]), (0, 0, 0)
        self.failures_before = add_reasons(self.failures_before, self.failures_now)
        self.failures_now = {}

    def ledger(self) -> Ledger:
        """Return the account; the sums match by construction."""
        shown, superseded, failed = (b + n for b, n in zip(self.before, self.now, strict=True))
        superseded += self.replaced
        return Ledger(
            sent=self.sent,
            shown=shown,
            superseded=superseded,
            failed=failed,
            dropped=self.dropped,
            pending=self.sent - shown - superseded - failed - self.dropped,
            drop_reasons=dict(self.drop_reasons),
            failure_reasons=add_reasons(self.failures_before, self.failures_now),
        )
