"""The receiver's thread: validates what senders say, adopts their memory, keeps the account.

Nothing here waits for the window: arrivals and commands go into a queue that the window's thread empties,
outcomes come back through another one. `ping` is answered here, and says how long ago the window's loop
last turned, so that a frozen window is never taken for a healthy one.
"""

import functools
import hmac
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil

from platecast._version import __version__
from platecast.components import PlateLayout
from platecast.config import Display
from platecast.errors import ProtocolError
from platecast.layers import Pixels, Shelf
from platecast.viewer._account import SenderAccount
from platecast.viewer._arrivals import Arrival, Command, Ticket
from platecast.viewer._rest import load_resting
from platecast.wire import (
    PROTOCOL_VERSION,
    Batch,
    Beat,
    Buffer,
    CountersView,
    Data,
    Endpoint,
    FromSender,
    Hello,
    Item,
    Joined,
    Ledger,
    Left,
    Malformed,
    ReceiverSockets,
    Refused,
    Request,
    Welcome,
    check_item,
    map_read_only,
    memory_group,
    new_instance,
    process_start_time,
)

_log = logging.getLogger(__name__)

_POLL_S = 0.25
_BUSY_AFTER_S = 1.0
_LAST_MESSAGES_S = 1.0
"""How long messages of a sender that has ended may still come out of the sockets."""
MOST_MAPPINGS = 50_000
"""Planes that are mapped at once; Linux allows a process 65,530 mappings, and others need some, too."""
_FOREIGN_WINDOW_BYTES = 64 << 20
"""Window of a sender in another memory cgroup: what is under way is charged to it until it was copied."""
_SILENCE_S = 30.0
"""A sender without a unix socket that has not beaten for this long has ended: nothing else would tell."""
_WINDOW_SHARE = 0.04
_WINDOW_LIMITS_BYTES = (128 << 20, 1 << 30)


@dataclass(slots=True, eq=False)
class _Sender:
    """What the receiver knows of one sender besides its account."""

    account: SenderAccount
    route: bytes
    nonce: bytes
    pid: int
    same_group: bool
    connection: int | None = None
    counters: CountersView | None = None
    buffers: dict[int, int] = field(default_factory=dict)
    """Descriptors that were handed over and are not mapped yet, by buffer number."""
    heard_at: float = field(default_factory=time.monotonic)
    ended_at: float | None = None


class Receiver:
    """The viewer's end of the protocol; implements `Inbox` for the window's thread.

    Parameters
    ----------
    sockets
        Bound already; owned, and closed by the thread when it ends.
    endpoint
        What the connection file says.
    owner_pid
        Process with which the viewer ends, if any.
    shelf
        Reads planes of which only the header came.
    """

    def __init__(
        self,
        sockets: ReceiverSockets,
        endpoint: Endpoint,
        owner_pid: int | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self._shelf = shelf or Shelf(load_resting)
        self._sockets = sockets
        self._endpoint = endpoint
        self._instance = bytes.fromhex(endpoint.instance)
        self._owner = None if owner_pid is None else (owner_pid, process_start_time(owner_pid))
        self._owner_seen_at = time.monotonic()
        self._memory_group = memory_group()
        self._window_bytes = default_window_bytes()
        self._senders: dict[bytes, _Sender] = {}
        self._past = Ledger()
        self._refused = 0
        self._mappings = 0
        self._started_at = time.monotonic()
        self._beat_at: float | None = None
        self._arrivals: deque[Arrival | PlateLayout | Command] = deque()
        self._outcomes: deque[Callable[[], None]] = deque()
        self._answers: deque[tuple[bytes, dict[str, Any], Sequence[bytes]]] = deque()
        self._woken = False
        self._has_passed_on = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="platecast-receiver", daemon=True)
        self.on_work: Callable[[], None] = _nothing
        """Called in the receiver's thread when something waits for the window; must not block."""

    @property
    def port(self) -> int:
        """The data port."""
        return self._endpoint.port

    # For the window's thread.

    def start(self) -> None:
        """Start receiving."""
        self._thread.start()

    def stop(self) -> None:
        """Stop receiving, say what is settled, close the sockets."""
        self._stopping.set()
        self._sockets.wake()
        self._thread.join()

    def take(self) -> Arrival | PlateLayout | Command | None:
        """Return the oldest thing that waits, or `None`."""
        try:
            return self._arrivals.popleft()
        except IndexError:
            return None

    def settle(self, ticket: Ticket, error: str | None = None) -> None:
        """Say that a plane is readable from a layer, or why it never will be."""
        self._tell(functools.partial(self._settle, ticket, error))

    def supersede(self, ticket: Ticket) -> None:
        """Say that a plane that was shown has been replaced by a later one."""
        self._tell(functools.partial(self._supersede, ticket))

    def beat(self) -> None:
        """Say that the window's loop is alive."""
        self._beat_at = time.monotonic()

    def senders(self) -> int:
        """Return how many senders are connected."""
        return sum(sender.ended_at is None for sender in tuple(self._senders.values()))

    def _tell(self, outcome: Callable[[], None]) -> None:
        self._outcomes.append(outcome)
        self._wake()

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            self._sockets.wake()

    # For the receiver's own thread.

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._turn(_POLL_S)
            except Exception:
                # The edge of the thread: one bad message must not end the viewer.
                _log.exception("the receiver failed on a message and goes on")
        try:
            self._turn(0.0)
        finally:
            self._sockets.close()

    def _turn(self, timeout_s: float) -> None:
        events = self._sockets.poll(timeout_s)
        self._woken = False
        for event in events:
            try:
                self._handle(event)
            except Exception:
                # The edge towards a peer: its message must cost nobody else theirs.
                _log.exception("the receiver failed on a message and goes on")
        while self._outcomes:
            self._outcomes.popleft()()
        while self._answers:
            self._sockets.answer(*self._answers.popleft())
        for sender in list(self._senders.values()):
            self._close_ended(sender)
            if (ack := sender.account.ack()) is not None:
                self._sockets.say(sender.route, ack)
        self._watch_owner()
        # Not by the queue's length: the window takes from it at the same time.
        if self._has_passed_on:
            self._has_passed_on = False
            self.on_work()

    def _watch_owner(self) -> None:
        now = time.monotonic()
        if self._owner is None or now - self._owner_seen_at < _POLL_S:
            return
        self._owner_seen_at = now
        pid, started = self._owner
        # It may have ended before we looked for the first time.
        if started is None or process_start_time(pid) != started:
            self._owner = None
            _log.info("the process that owns this viewer has ended")
            self._pass_on(Command("quit", {}, _no_reply))

    def _pass_on(self, item: Arrival | PlateLayout | Command) -> None:
        self._arrivals.append(item)
        self._has_passed_on = True

    def _handle(self, event: object) -> None:
        match event:
            case Data(batch, frames):
                self._receive(batch, [frame.buffer for frame in frames])
            case FromSender(route, Hello() as hello):
                self._greet(route, hello)
            case FromSender(route, Beat() as beat):
                self._hear(route, beat)
            case Buffer(connection, buffer):
                self._keep_buffer(connection, buffer.number, buffer.fd)
            case Joined():
                self._join(event)
            case Left(connection):
                self._leave(connection)
            case Request():
                self._answer(event)
            case Malformed(reason):
                self._refuse(reason)

    def _greet(self, route: bytes, hello: Hello) -> None:
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
            sender = _Sender(SenderAccount(hello.sender), route, new_instance(), hello.pid, same_group)
            self._senders[hello.sender] = sender
        sender.route = route
        sender.ended_at = None
        sender.account.forget_acknowledged()
        welcome = Welcome(
            version=PROTOCOL_VERSION,
            instance=self._instance,
            handover=self._sockets.handover,
            nonce=sender.nonce,
            window_bytes=self._window_bytes if sender.same_group else _FOREIGN_WINDOW_BYTES,
        )
        self._sockets.say(route, welcome)

    def _hear(self, route: bytes, beat: Beat) -> None:
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
            self._end(sender)

    def _join(self, joined: Joined) -> None:
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

    def _leave(self, connection: int) -> None:
        for sender in self._senders.values():
            if sender.connection == connection:
                sender.connection = None
                self._end(sender)

    def _end(self, sender: _Sender) -> None:
        if sender.ended_at is None:
            sender.ended_at = time.monotonic()

    def _close_ended(self, sender: _Sender) -> None:
        """Close the account of a sender that has ended, once its last messages are through."""
        if sender.connection is None and time.monotonic() - sender.heard_at > _SILENCE_S:
            self._end(sender)
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
        del self._senders[sender.account.sender]

    def _keep_buffer(self, connection: int, number: int, fd: int) -> None:
        sender = next((s for s in self._senders.values() if s.connection == connection), None)
        if sender is None:
            os.close(fd)
            self._refuse("a buffer over a connection that is not attached")
            return
        previous = sender.buffers.pop(number, None)
        if previous is not None:
            os.close(previous)
        sender.buffers[number] = fd

    def _receive(self, batch: Batch, frames: list[memoryview]) -> None:
        sender = self._senders.get(batch.sender)
        if sender is None:
            self._refuse("a batch of an unknown sender")
            return
        for layout in batch.layouts:
            self._pass_on(layout)
        sizes = [len(frame) for frame in frames]
        for item in batch.items:
            fd = None if item.buffer is None else sender.buffers.pop(item.buffer, None)
            try:
                if not sender.account.receive(item.seq, item.stream):
                    continue
                check_item(item, batch, sizes)
                if item.buffer is not None and fd is None:
                    raise ProtocolError(f"buffer {item.buffer} was not handed over")
                pixels = frames[item.frame] if item.frame is not None else None
                if fd is None and pixels is None:
                    array: Pixels = self._shelf.plane(item.address or "", item.shape, item.dtype)
                else:
                    array = self._adopt(sender, item, fd, pixels)
                self._file(sender, item, batch.displays[item.display], array)
            except (ProtocolError, OSError) as error:
                self._refuse(f"plane {item.seq} of process {sender.pid}: {error}")
                sender.account.settle(item.seq, item.stream, str(error))
                if item.buffer is not None:
                    sender.account.free(item.buffer)
            finally:
                if fd is not None:
                    os.close(fd)
        self._close_unnamed(sender, batch)

    def _close_unnamed(self, sender: _Sender, batch: Batch) -> None:
        """Close buffers that were handed over for a batch that was never published: numbers only grow."""
        newest = max((item.buffer for item in batch.items if item.buffer is not None), default=0)
        for number in [number for number in sender.buffers if number < newest]:
            os.close(sender.buffers.pop(number))

    def _file(self, sender: _Sender, item: Item, display: Display, array: Pixels) -> None:
        ticket = Ticket(sender.account.sender, item.seq, item.stream)
        self._pass_on(Arrival(item.plane, display, array, item.contrast, ticket))

    def _adopt(
        self, sender: _Sender, item: Item, fd: int | None, frame: memoryview | None
    ) -> np.ndarray[Any, Any]:
        """Return a plane's pixels: the sender's own pages, or a copy.

        A copy where the pages are charged to another memory cgroup, and where there are so many mappings that
        the process would soon get no more of them.
        """
        if fd is None:
            data = np.frombuffer(frame or b"", np.uint8)
        elif item.buffer is not None and sender.same_group and self._mappings < MOST_MAPPINGS:
            freed = functools.partial(self._free, sender.account.sender, item.buffer)
            data = map_read_only(fd, item.offset + item.nbytes, freed)
            self._mappings += 1
            sender.account.take(item.buffer)
        else:
            data = map_read_only(fd, item.offset + item.nbytes).copy()
            if item.buffer is not None:
                sender.account.free(item.buffer)
        pixels = data[item.offset : item.offset + item.nbytes].view(item.dtype).reshape(item.shape)
        pixels.flags.writeable = False
        return pixels

    def _free(self, sender: bytes, number: int) -> None:
        """Note that the last view of an adopted buffer is gone; in whichever thread that happened."""
        self._tell(functools.partial(self._say_freed, sender, number))

    def _say_freed(self, name: bytes, number: int) -> None:
        self._mappings -= 1
        sender = self._senders.get(name)
        if sender is not None:
            sender.account.free(number)

    def _settle(self, ticket: Ticket, error: str | None) -> None:
        sender = self._senders.get(ticket.sender)
        if sender is not None:
            sender.account.settle(ticket.seq, ticket.stream, error)

    def _supersede(self, ticket: Ticket) -> None:
        sender = self._senders.get(ticket.sender)
        if sender is not None:
            sender.account.supersede(ticket.stream)
        else:
            self._past += Ledger(shown=-1, superseded=1)

    def _answer(self, request: Request) -> None:
        name = request.body.get("type")
        if name == "ping":
            self._sockets.answer(request.client, self.pong())
            return
        token = str(request.body.get("token", ""))
        if not hmac.compare_digest(token.encode(), self._endpoint.token.encode()):
            self._refuse(f"a request {name!r} with a wrong token")
            self._sockets.answer(request.client, {"error": "wrong token: it is in the connection file"})
            return
        if name == "status":
            self._sockets.answer(request.client, self.status())
            return
        args = {key: value for key, value in request.body.items() if key not in ("type", "token")}
        self._pass_on(Command(str(name), args, functools.partial(self._reply, request.client)))

    def _reply(self, client: bytes, answer: dict[str, Any], blobs: Sequence[bytes]) -> None:
        self._answers.append((client, answer, blobs))
        self._wake()

    def _refuse(self, reason: str) -> None:
        self._refused += 1
        _log.warning("refused: %s", reason)

    def ledger(self) -> Ledger:
        """Return the account of everything that this viewer was ever sent."""
        # For any thread: a tuple of a dictionary's values is made in one go.
        return sum((sender.account.ledger() for sender in tuple(self._senders.values())), self._past)

    def pong(self) -> dict[str, Any]:
        """Return what anybody may know, as the answer to `ping`."""
        age_s = None if self._beat_at is None else time.monotonic() - self._beat_at
        state = "starting" if age_s is None else "busy" if age_s > _BUSY_AFTER_S else "ready"
        return {
            "type": "pong",
            "protocol": PROTOCOL_VERSION,
            "version": __version__,
            "port": self._endpoint.port,
            "pid": self._endpoint.pid,
            "instance": self._endpoint.instance,
            "title": self._endpoint.title,
            "state": state,
            "gui_age_s": age_s,
            "uptime_s": time.monotonic() - self._started_at,
        }

    def status(self) -> dict[str, Any]:
        """Return the account and what the viewer is doing, as the answer to `status`."""
        ledger = self.ledger()
        return {
            **self.pong(),
            "type": "status",
            "ledger": {name: getattr(ledger, name) for name in ledger.__struct_fields__},
            "senders": [
                {"pid": s.pid, "by_descriptor": s.connection is not None} for s in self._senders.values()
            ],
            "queued": len(self._arrivals),
            "refused": self._refused,
            "memory_mb": psutil.Process().memory_info().rss / 1e6,
        }


def default_window_bytes() -> int:
    """Return how much may be under way from one sender: 4% of the machine's memory, 128 MiB to 1 GiB."""
    low, high = _WINDOW_LIMITS_BYTES
    return min(max(int(psutil.virtual_memory().total * _WINDOW_SHARE), low), high)


def _nothing() -> None:
    """Do nothing, until the window is there."""


def _no_reply(answer: dict[str, Any], blobs: Sequence[bytes]) -> None:
    """Answer nobody: the request was our own."""
