"""Who sends to this viewer: how senders come, prove that they share the machine, beat, and end.

For the receiver's thread, except where it says otherwise.
"""

import hmac
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psutil

from platecast.errors import ProtocolError
from platecast.layers import Shelf
from platecast.viewer._account import SenderAccount
from platecast.viewer._arrivals import Ticket
from platecast.wire import (
    PROTOCOL_VERSION,
    Batch,
    Beat,
    Buffer,
    CountersView,
    Endpoint,
    Hello,
    Joined,
    Ledger,
    ReceiverSockets,
    Refused,
    Welcome,
    memory_group,
    new_instance,
)

_log = logging.getLogger(__name__)

_LAST_MESSAGES_S = 1.0
"""How long messages of a sender that has ended may still come out of the sockets."""
_FOREIGN_WINDOW_BYTES = 64 << 20
"""Window of a sender in another memory cgroup: what is under way is charged to it until it was copied."""
_SILENCE_S = 30.0
"""A sender without a unix socket that has not beaten for this long has ended: nothing else would tell."""
_WINDOW_SHARE = 0.04
_WINDOW_LIMITS_BYTES = (128 << 20, 1 << 30)


@dataclass(slots=True, eq=False)
class Sender:
    """What the viewer knows of one sender besides its account."""

    account: SenderAccount
    route: bytes
    nonce: bytes
    pid: int
    window_bytes: int
    """Most bytes that may be under way from it."""
    same_group: bool
    """Whether its memory is charged to the viewer's own cgroup."""
    connection: int | None = None
    counters: CountersView | None = None
    buffers: dict[int, int] = field(default_factory=dict)
    """Descriptors that were handed over and are not mapped yet, by buffer number."""
    heard_at: float = field(default_factory=time.monotonic)
    ended_at: float | None = None

    def close_unnamed(self, batch: Batch) -> None:
        """Close buffers that were handed over for a batch that was never published: numbers only grow."""
        newest = max((item.buffer for item in batch.items if item.buffer is not None), default=0)
        for number in [number for number in self.buffers if number < newest]:
            os.close(self.buffers.pop(number))


class Roster:
    """The senders of one viewer and the sum of their accounts.

    Parameters
    ----------
    sockets
        Where answers go; owned by the receiver.
    endpoint
        The connection file, whose token senders must show.
    refuse
        Called with what broke the protocol.
    shelf
        Holds the planes, and grants what may be under way.
    """

    def __init__(
        self, sockets: ReceiverSockets, endpoint: Endpoint, refuse: Callable[[str], None], shelf: Shelf
    ) -> None:
        self.window_bytes = default_window_bytes()
        """Most bytes under way from one sender of this memory cgroup."""
        self._shelf = shelf
        self._sockets = sockets
        self._endpoint = endpoint
        self._refuse = refuse
        self._memory_group = memory_group()
        self._senders: dict[bytes, Sender] = {}
        self._past = Ledger()

    def __iter__(self) -> Iterator[Sender]:
        """Iterate over the senders that are there; from any thread."""
        # A tuple of a dictionary's values is made in one go.
        return iter(tuple(self._senders.values()))

    def find(self, name: bytes) -> Sender | None:
        """Return the sender of this name, `None` where there is none (any more)."""
        return self._senders.get(name)

    def forget(self, name: bytes) -> None:
        """Forget a sender and its account, which counts no more."""
        sender = self._senders.pop(name, None)
        if sender is not None:
            self._shelf.ungrant(sender.window_bytes)

    def ledger(self) -> Ledger:
        """Return the account of everything that this viewer was ever sent; from any thread."""
        return sum((sender.account.ledger() for sender in self), self._past)

    def greet(self, route: bytes, hello: Hello) -> None:
        """Welcome a sender that knows the token."""
        if not hmac.compare_digest(hello.token.encode(), self._endpoint.token.encode()):
            self._refuse(f"process {hello.pid} showed a wrong token")
            self._sockets.say(route, Refused(reason="wrong token"))
            return
        if len(hello.sender) != 16:
            self._refuse(f"a sender's name of {len(hello.sender)} bytes")
            return
        sender = self._senders.get(hello.sender)
        if sender is None:
            same_group = hello.memory_group == self._memory_group
            window_bytes = self._shelf.grant(self.window_bytes if same_group else _FOREIGN_WINDOW_BYTES)
            sender = Sender(
                SenderAccount(hello.sender), route, new_instance(), hello.pid, window_bytes, same_group
            )
            self._senders[hello.sender] = sender
        sender.route = route
        sender.ended_at = None
        sender.account.forget_acknowledged()
        welcome = Welcome(
            version=PROTOCOL_VERSION,
            instance=bytes.fromhex(self._endpoint.instance),
            handover=self._sockets.handover,
            nonce=sender.nonce,
            window_bytes=sender.window_bytes,
        )
        self._sockets.say(route, welcome)

    def hear(self, route: bytes, beat: Beat) -> None:
        """Take in a sender's own account."""
        sender = self._senders.get(beat.sender)
        if sender is None:
            # A goodbye may come after the account was closed: the unix socket is faster.
            if not beat.last:
                self._refuse("a beat of an unknown sender")
                self._sockets.say(route, Refused(reason="unknown sender: say hello first"))
            return
        sender.route = route
        sender.heard_at = time.monotonic()
        sender.account.hear(beat)
        if beat.last:
            _end(sender)

    def join(self, joined: Joined) -> None:
        """Let a sender pass descriptors that knows its nonce."""
        attached = joined.attached
        sender = self._senders.get(attached.sender)
        try:
            if sender is None or not hmac.compare_digest(attached.nonce, sender.nonce):
                raise ProtocolError("a connection that does not know its nonce")
            sender.counters = CountersView(attached.counters_fd)
        except ProtocolError as error:
            self._refuse(str(error))
            self._sockets.disconnect(joined.connection)
            return
        finally:
            os.close(attached.counters_fd)
        sender.connection = joined.connection
        sender.ended_at = None
        self._sockets.confirm(joined.connection)

    def leave(self, connection: int) -> None:
        """Note that the process at the other end of a connection has ended."""
        for sender in self:
            if sender.connection == connection:
                sender.connection = None
                _end(sender)

    def keep_buffer(self, passed: Buffer) -> None:
        """Keep a descriptor until a batch names it."""
        fd = passed.buffer.fd
        sender = next((each for each in self if each.connection == passed.connection), None)
        if sender is None:
            os.close(fd)
            self._refuse("a buffer over a connection that is not attached")
            return
        previous = sender.buffers.pop(passed.buffer.number, None)
        if previous is not None:
            os.close(previous)
        sender.buffers[passed.buffer.number] = fd

    def settle(self, ticket: Ticket, error: str | None) -> None:
        """Note that a plane is readable from a layer, or failed."""
        sender = self._senders.get(ticket.sender)
        if sender is not None:
            sender.account.settle(ticket.seq, ticket.stream, error)

    def supersede(self, ticket: Ticket) -> None:
        """Note that a plane that was shown has been replaced, also where its sender has ended."""
        sender = self._senders.get(ticket.sender)
        if sender is not None:
            sender.account.supersede(ticket.stream)
        else:
            self._past += Ledger(shown=-1, superseded=1)

    def acknowledge(self) -> None:
        """Close the accounts of senders that have ended; tell the others what is new."""
        for sender in self:
            self._close_ended(sender)
            if (ack := sender.account.ack()) is not None:
                self._sockets.say(sender.route, ack)

    def _close_ended(self, sender: Sender) -> None:
        """Close the account of a sender that has ended, once its last messages are through."""
        if sender.connection is None and time.monotonic() - sender.heard_at > _SILENCE_S:
            _end(sender)
        if sender.ended_at is None:
            return
        stated = sender.account.stated()
        if sender.counters is not None:
            stated = max(stated, sender.counters.read())
        sent, dropped, elsewhere = stated
        arrived = sender.account.arrived
        if arrived < sent - dropped - elsewhere and time.monotonic() - sender.ended_at < _LAST_MESSAGES_S:
            return
        if sender.account.arrived > sender.account.outcomes:
            return
        lost = sender.account.close(*stated)
        if lost:
            _log.warning("process %d ended before %d of its planes arrived", sender.pid, lost)
        for fd in sender.buffers.values():
            os.close(fd)
        if sender.connection is not None:
            self._sockets.disconnect(sender.connection)
        if (ack := sender.account.ack()) is not None:
            self._sockets.say(sender.route, ack)
        self._past += sender.account.ledger()
        self._shelf.ungrant(sender.window_bytes)
        del self._senders[sender.account.sender]


def _end(sender: Sender) -> None:
    if sender.ended_at is None:
        sender.ended_at = time.monotonic()


def default_window_bytes() -> int:
    """Return how much may be under way from one sender: 4% of the machine's memory, 128 MiB to 1 GiB."""
    low, high = _WINDOW_LIMITS_BYTES
    return min(max(int(psutil.virtual_memory().total * _WINDOW_SHARE), low), high)
