"""Who sends to this viewer: how senders come, prove that they share the machine, beat, and end.

For the receiver's thread, except where it says otherwise.
"""

import hmac
import logging
import time
from collections.abc import Callable, Iterator

import psutil

from platecast.errors import ProtocolError
from platecast.layers import Shelf
from platecast.viewer._inbox._account import SenderAccount
from platecast.viewer._inbox._arrivals import Ticket
from platecast.viewer._inbox._sender import LAST_MESSAGES_S, Sender
from platecast.wire import (
    PROTOCOL_VERSION,
    AttachBlocks,
    Beat,
    BlocksAttached,
    Buffer,
    CountersView,
    Endpoint,
    Hello,
    Joined,
    Ledger,
    MemoryKind,
    PassBlocks,
    PassedBlock,
    PassedDescriptor,
    ReceiverSockets,
    Refused,
    Welcome,
    codecs,
    memory_group,
    new_instance,
    process_start_time,
    remove_stale_blocks,
)

_log = logging.getLogger(__name__)

_FOREIGN_WINDOW_BYTES = 64 << 20
"""Window of a sender in another memory cgroup: what is under way is charged to it until it was copied."""
_LONGEST_HOST = 200
_WINDOW_SHARE = 0.04
_WINDOW_LIMITS_BYTES = (128 << 20, 1 << 30)


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

    def greet(self, route: bytes, hello: Hello, origin: str = "") -> None:
        """Welcome a sender that knows the token, or whose key was let in."""
        if not origin and not hmac.compare_digest(hello.token.encode(), self._endpoint.token.encode()):
            self._refuse(f"process {hello.pid} showed a wrong token")
            self._sockets.say(route, Refused(reason="wrong token"))
            return
        if len(hello.sender) != 16:
            self._refuse(f"a sender's name of {len(hello.sender)} bytes")
            return
        sender = self._senders.get(hello.sender)
        if sender is not None and sender.origin != origin:
            self._refuse(f"the key {origin!r} in the name of a sender that came otherwise")
            return
        if sender is None:
            host = (hello.host or origin)[:_LONGEST_HOST]
            same_group = not host and hello.memory_group == self._memory_group
            window_bytes = self._shelf.grant(self.window_bytes if same_group else _FOREIGN_WINDOW_BYTES)
            sender = Sender(
                SenderAccount(hello.sender),
                route,
                new_instance(),
                hello.pid,
                window_bytes,
                same_group,
                origin,
                host,
            )
            self._senders[hello.sender] = sender
            # Where it sees another process under this number, or none, it is in another container.
            is_here = not host and process_start_time(hello.pid) == hello.start_time
            sender.started = hello.start_time if is_here else None
        sender.route = route
        sender.ended_at = None
        sender.heard_at = time.monotonic()
        sender.account.forget_acknowledged()
        welcome = Welcome(
            version=PROTOCOL_VERSION,
            instance=bytes.fromhex(self._endpoint.instance),
            # What is no use on another machine is nobody's business there.
            handover="" if origin else self._sockets.handover,
            nonce=sender.nonce,
            window_bytes=sender.window_bytes,
            named=not origin and self._sockets.memory is not MemoryKind.INLINE,
            codecs=codecs(),
        )
        self._sockets.say(route, welcome)

    def hear(self, route: bytes, beat: Beat, origin: str = "") -> None:
        """Take in a sender's own account."""
        sender = self._senders.get(beat.sender)
        if sender is None or sender.origin != origin:
            # A goodbye may come after the account was closed: the unix socket is faster.
            if not beat.last:
                self._refuse("a beat of an unknown sender")
                self._sockets.say(route, Refused(reason="unknown sender: say hello first"))
            return
        sender.route = route
        sender.heard_at = time.monotonic()
        sender.account.hear(beat)
        if beat.last:
            sender.end()

    def join(self, joined: Joined) -> None:
        """Let a sender pass descriptors that knows its nonce."""
        attached = joined.attached
        counters = PassedDescriptor(attached.counters_fd)
        sender = self._senders.get(attached.sender)
        try:
            if sender is None or not hmac.compare_digest(attached.nonce, sender.nonce):
                raise ProtocolError("a connection that does not know its nonce")
            sender.counters = CountersView(counters)
        except ProtocolError as error:
            self._refuse(str(error))
            self._sockets.disconnect(joined.connection)
            return
        finally:
            counters.close()
        sender.connection = joined.connection
        sender.ended_at = None
        self._sockets.confirm(joined.connection)

    def leave(self, connection: int) -> None:
        """Note that the process at the other end of a connection has ended."""
        for sender in self:
            if sender.connection == connection:
                sender.connection = None
                sender.end()

    def keep_buffer(self, passed: Buffer) -> None:
        """Keep a descriptor until a batch names it."""
        buffer = PassedDescriptor(passed.buffer.fd)
        sender = next((each for each in self if each.connection == passed.connection), None)
        if sender is None:
            buffer.close()
            self._refuse("a buffer over a connection that is not attached")
            return
        previous = sender.buffers.pop(passed.buffer.number, None)
        if previous is not None:
            previous.close()
        sender.buffers[passed.buffer.number] = buffer

    def join_by_name(self, route: bytes, attach: AttachBlocks) -> None:
        """Let a sender pass blocks by name that knows its nonce, if this process can open them."""
        sender = self._senders.get(attach.sender)
        try:
            if sender is None or not hmac.compare_digest(attach.nonce, sender.nonce):
                raise ProtocolError("a block of counters from a sender that does not know its nonce")
            page = PassedBlock(attach.name, attach.size)
        except ProtocolError as error:
            # The sender hears nothing, and sends its pixels inside messages.
            self._refuse(str(error))
            return
        sender.counters = CountersView(page)
        sender.names_blocks = True
        self._sockets.say(route, BlocksAttached())

    def keep_blocks(self, passed: PassBlocks) -> None:
        """Keep named buffers until a batch names their numbers."""
        sender = self._senders.get(passed.sender)
        known = sender is not None and sender.names_blocks and hmac.compare_digest(passed.nonce, sender.nonce)
        if sender is None or not known:
            self._refuse("named buffers from a sender that has not attached")
            return
        for number, size, name in ((each.number, each.size, each.name) for each in passed.buffers):
            try:
                block = PassedBlock(name, size)
            except ProtocolError as error:
                self._refuse(f"buffer {number} of process {sender.pid}: {error}")
            else:
                previous, sender.buffers[number] = sender.buffers.get(number), block
                if previous is not None:
                    previous.close()
            sender.newest_buffer = max(sender.newest_buffer, number)

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

    def spoil(self, ticket: Ticket, error: str) -> None:
        """Note that a plane that was shown could not be read, also where its sender has ended."""
        sender = self._senders.get(ticket.sender)
        if sender is not None:
            sender.account.spoil(ticket.seq, ticket.stream, error)
        else:
            self._past += Ledger(shown=-1, failed=1, failure_reasons={error: 1})

    def restore(self, ticket: Ticket, error: str) -> None:
        """Note that a plane that had been spoilt was read after all, also where its sender has ended."""
        sender = self._senders.get(ticket.sender)
        if sender is not None:
            sender.account.restore(ticket.stream, error)
        else:
            self._past += Ledger(shown=1, failed=-1, failure_reasons={error: -1})

    def acknowledge(self) -> None:
        """Close the accounts of senders that have ended; tell the others what is new."""
        for sender in self:
            self._close_ended(sender)
            if (ack := sender.account.ack()) is not None:
                self._sockets.say(sender.route, ack)

    def _close_ended(self, sender: Sender) -> None:
        """Close the account of a sender that has ended, once its last messages are through."""
        if sender.connection is None and sender.ended_at is None and sender.is_gone():
            sender.end()
        if sender.ended_at is None:
            return
        stated = sender.account.stated()
        if sender.counters is not None:
            stated = max(stated, sender.counters.read())
        sent, dropped, elsewhere = stated
        arrived = sender.account.arrived
        if arrived < sent - dropped - elsewhere and time.monotonic() - sender.ended_at < LAST_MESSAGES_S:
            return
        if sender.account.arrived > sender.account.outcomes:
            return
        lost = sender.account.close(*stated)
        if lost:
            _log.warning("process %d ended before %d of its planes arrived", sender.pid, lost)
        for buffer in sender.buffers.values():
            buffer.close()
        if sender.names_blocks:
            remove_stale_blocks()
        if sender.connection is not None:
            self._sockets.disconnect(sender.connection)
        if (ack := sender.account.ack()) is not None:
            self._sockets.say(sender.route, ack)
        self._past += sender.account.ledger()
        self._shelf.ungrant(sender.window_bytes)
        del self._senders[sender.account.sender]


def default_window_bytes() -> int:
    """Return how much may be under way from one sender: 4% of the machine's memory, 128 MiB to 1 GiB."""
    low, high = _WINDOW_LIMITS_BYTES
    return min(max(int(psutil.virtual_memory().total * _WINDOW_SHARE), low), high)
