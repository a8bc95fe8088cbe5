"""What passes between the receiver's thread and the window's thread.

The receiver's thread validates messages and adopts their memory; the window's thread files planes into
layers and answers commands. The two share an `Inbox` and nothing else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from platecast.components import PlaneId, PlateLayout
from platecast.config import Display
from platecast.layers import Holdings, Pixels
from platecast.records import Records
from platecast.wire import LayerStatus, Ledger


@dataclass(frozen=True, slots=True)
class Ticket:
    """Names one plane of one sender in the account."""

    sender: bytes
    seq: int
    stream: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A plane, or records, that were received and wait to be filed.

    Parameters
    ----------
    plane
        What it is.
    display
        How its sender wants it shown.
    array
        Its pixels, ``(Y, X)`` or ``(Y, X, 3 | 4)``, read-only; the memory is released when the last
        reference to the array goes. Or a plane that is read when it is looked at, or records.
    contrast
        Robust lower and upper limit that the sender computed, if it did.
    ticket
        Its place in the account.
    features
        The polygons that were painted into the plane, for their columns.
    """

    plane: PlaneId
    display: Display
    array: Pixels | Records
    contrast: tuple[float, float] | None
    ticket: Ticket
    features: Records | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A plane that its sender could not send.

    Parameters
    ----------
    plane
        What it would be.
    display
        How its sender would have wanted it shown.
    reason
        Why there is none.
    ticket
        Its place in the account.
    """

    plane: PlaneId
    display: Display
    reason: str
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Dropped:
    """A plane that its sender gave up on the way; the account has it from elsewhere.

    Parameters
    ----------
    plane
        What it would be.
    display
        How its sender would have wanted it shown.
    reason
        Why it was given up.
    """

    plane: PlaneId
    display: Display
    reason: str


@dataclass(frozen=True, slots=True)
class Command:
    """A request to the window; `reply` may be called once, from the window's thread.

    ``reply(answer, blobs)`` takes a JSON-able answer and binary attachments.
    """

    name: str
    args: dict[str, Any]
    reply: Callable[[dict[str, Any], Sequence[bytes]], None]


Incoming = Arrival | Failure | Dropped | PlateLayout | Command
"""What waits for the window."""


class Inbox(Protocol):
    """What the window's thread sees of the receiver. None of its methods blocks."""

    def take(self) -> Incoming | None:
        """Return the oldest thing that waits, or `None`."""

    def settle(self, ticket: Ticket, error: str | None = None) -> None:
        """Say that a plane is readable from a layer, or why it never will be."""

    def spoil(self, ticket: Ticket, reason: str) -> None:
        """Say that a plane that was shown could not be read when it was looked at."""

    def restore(self, ticket: Ticket, reason: str) -> None:
        """Say that a plane that could not be read for a while is there after all."""

    def supersede(self, ticket: Ticket) -> None:
        """Say that a plane that was shown has been replaced by a later one."""

    def beat(self) -> None:
        """Say that the window's loop is alive."""

    def ledger(self) -> Ledger:
        """Return the account of every plane that was sent to this viewer."""

    def holdings(self) -> Holdings:
        """Return where the planes are, and what they take."""

    def pin(self, planes: Sequence[Pixels]) -> None:
        """Say which planes are on screen: they stay in memory."""

    def dropped_unnamed(self) -> int:
        """Return how many planes were dropped of which their senders could not say what they were."""

    def senders(self) -> int:
        """Return how many senders are connected."""

    def missed(self) -> Sequence[str]:
        """Return which senders on other machines are not heard, and for how long, in words."""

    def show_layers(self, layers: Sequence[LayerStatus]) -> None:
        """Say which layers there are."""
