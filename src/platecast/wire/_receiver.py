"""The sockets of the receiving end: SUB for data, ROUTER for control, the unix socket for descriptors.

All of them belong to one thread. What a peer sends is decoded here and refused here; the caller sees only
typed messages.
"""

import contextlib
import logging
import math
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import zmq

from platecast.config import CONTROL_PORT_OFFSET
from platecast.errors import PairingError, PortInUseError, ProtocolError
from platecast.wire._codec import decode_batch, decode_sender_message, encode
from platecast.wire._door import Door
from platecast.wire._endpoint import LOOPBACK, handover_path
from platecast.wire._handover import (
    MAX_PATH_BYTES,
    Attached,
    HandedOver,
    HandoverConnection,
    HandoverListener,
)
from platecast.wire._memory import MemoryKind, memory_kind
from platecast.wire._messages import (
    MAX_CONTROL_BYTES,
    MAX_PLANE_BYTES,
    Batch,
    SenderMessage,
    ViewerMessage,
)
from platecast.wire._named import remove_stale_blocks
from platecast.wire._ports import check_ports, port_owner
from platecast.wire._progress import ProgressPublisher
from platecast.wire._strangers import LOOK_INTERVAL_S
from platecast.wire._waker import Waker

_log = logging.getLogger(__name__)
_MOST_MESSAGES_A_ROUND = 64
_HERE, _ELSEWHERE = b"\0", b"\1"
"""First byte of a route: by which socket its messages came."""


@dataclass(frozen=True, slots=True)
class Request:
    """A JSON request of a REQ client; answer with `ReceiverSockets.answer`."""

    client: bytes
    body: dict[str, Any]
    origin: str = ""
    """The name of the key of another machine; empty for this one."""


@dataclass(frozen=True, slots=True)
class FromSender:
    """A control message of a sender; `route` is where answers go."""

    route: bytes
    message: SenderMessage
    origin: str = ""
    """As of a request."""


@dataclass(frozen=True, slots=True)
class Data:
    """A batch and the frames that came with it."""

    batch: Batch
    frames: tuple[zmq.Frame, ...]
    origin: str = ""
    """As of a request."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A sender asks to pass descriptors over this connection; its nonce is still to be checked."""

    connection: int
    attached: Attached


@dataclass(frozen=True, slots=True)
class Buffer:
    """A descriptor came over this connection; the caller closes it."""

    connection: int
    buffer: HandedOver


@dataclass(frozen=True, slots=True)
class Left:
    """The process at the other end of this connection is gone."""

    connection: int


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message was refused before it was understood."""

    reason: str


@dataclass(frozen=True, slots=True)
class Observed:
    """Somebody began to follow the progress channel, and has heard nothing yet."""


Event = Request | FromSender | Data | Joined | Buffer | Left | Malformed | Observed


class ReceiverSockets:
    """The bound sockets of one viewer; binding is the first thing that a viewer does.

    Parameters
    ----------
    port
        Data port; the control port is 1000 above. Both are bound on loopback.
    instance
        16 bytes that name this life of the viewer.
    listen
        Address of this machine at which other machines are let in, too, encrypted and by their keys only.

    Raises
    ------
    PortInUseError
        One of the two ports is taken; nothing stays bound.
    PairingError
        `listen` is no address of this machine.
    """

    def __init__(self, port: int, instance: bytes, listen: str = "") -> None:
        check_ports(port)
        self.port = port
        self.memory = memory_kind()
        """The plane memory that this viewer takes; with any but `MemoryKind.INLINE` also named blocks."""
        remove_stale_blocks()
        self._context = zmq.Context()
        self._poller = zmq.Poller()
        self._connections: dict[int, HandoverConnection] = {}
        self._next_connection = 1
        self._waker = Waker()
        self._poller.register(self._waker.fileno(), zmq.POLLIN)
        try:
            self.data = self._bind(zmq.SUB, port, MAX_PLANE_BYTES)
            self.data.subscribe(instance)
            self.control = self._bind(zmq.ROUTER, port + CONTROL_PORT_OFFSET, MAX_CONTROL_BYTES)
            self.progress = ProgressPublisher(self._context)
            self._poller.register(self.progress.socket, zmq.POLLIN)
            self.door = Door(self._context, listen, port, instance) if listen else None
            """Where other machines come in."""
        except (PortInUseError, PairingError):
            self._context.destroy(linger=0)
            self._waker.close()
            raise
        for each in () if self.door is None else self.door.sockets:
            self._poller.register(each, zmq.POLLIN)
        self.listener = _listen(handover_path(port, instance)) if self.memory is MemoryKind.MEMFD else None
        if self.listener is not None:
            self._poller.register(self.listener.fileno(), zmq.POLLIN)

    @property
    def handover(self) -> str:
        """Path of the unix socket, empty where there is none."""
        return "" if self.listener is None else str(self.listener.path)

    def wake(self) -> None:
        """Make `poll` return; from any thread, and without effect once closed."""
        self._waker.wake()

    def poll(self, timeout_s: float) -> list[Event]:
        """Wait at most `timeout_s` and return what came, a bounded number of messages a round."""
        if self.door is not None and len(self.door.strangers):
            timeout_s = min(timeout_s, LOOK_INTERVAL_S)
        ready = dict(self._poller.poll(math.ceil(timeout_s * 1000)))
        events: list[Event] = []
        if self._waker.fileno() in ready:
            self._waker.drain()
        if self.control in ready:
            events.extend(self._read_control())
        if self.door is not None:
            events.extend(self._read_door(self.door, ready))
        if self.progress.socket in ready and self.progress.read_subscriptions():
            events.append(Observed())
        events.extend(self.poll_handover())
        if self.data in ready:
            for data in self._read_data():
                # What a batch names was handed over before it was published.
                events.extend(self.poll_handover())
                events.append(data)
        return events

    def poll_handover(self) -> list[Event]:
        """Return what waits on the unix socket, without waiting."""
        events: list[Event] = []
        while self.listener is not None and (connection := self.listener.accept()) is not None:
            self._connections[self._next_connection] = connection
            self._poller.register(connection.fileno(), zmq.POLLIN)
            self._next_connection += 1
        for number, connection in list(self._connections.items()):
            events.extend(self._read_connection(number, connection))
        return events

    def confirm(self, connection: int) -> None:
        """Accept a connection that `Joined` announced; nothing where it has gone meanwhile."""
        found = self._connections.get(connection)
        if found is not None:
            with contextlib.suppress(OSError):
                found.confirm()

    def disconnect(self, connection: int) -> None:
        """Close a connection."""
        found = self._connections.pop(connection, None)
        if found is not None:
            # Before it is closed: a closed descriptor that stays in the poller is a busy loop.
            self._poller.unregister(found.fileno())
            found.close()

    def say(self, route: bytes, message: ViewerMessage) -> None:
        """Send a control message to a sender; dropped where that sender is gone or does not read."""
        self._send(route, [encode(message)])

    def answer(self, client: bytes, body: dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
        """Answer a `Request`; dropped where the client is gone."""
        self._send(client, [b"", msgspec.json.encode(body), *blobs])

    def close(self, linger_s: float = 0.2) -> None:
        """Close everything and remove the unix socket; answers may take `linger_s` to leave."""
        for number in list(self._connections):
            self.disconnect(number)
        if self.listener is not None:
            self.listener.close()
        self.data.close(linger=0)
        self.control.close(linger=int(linger_s * 1000))
        if self.door is not None:
            self.door.close(linger_s)
        self.progress.close(linger_s)
        self._context.term()
        self._waker.close()

    def _bind(self, kind: int, port: int, limit_bytes: int) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        socket.linger = 0
        socket.setsockopt(zmq.MAXMSGSIZE, limit_bytes)
        try:
            socket.bind(f"tcp://{LOOPBACK}:{port}")
        except zmq.ZMQError as error:
            socket.close()
            raise PortInUseError(error.errno, f"port {port} is taken by {port_owner(port)}") from error
        self._poller.register(socket, zmq.POLLIN)
        return socket

    def _send(self, route: bytes, frames: list[bytes]) -> None:
        """Send to whoever is meant by a route, which begins with the socket that leads there."""
        socket = self.control if route[:1] == _HERE or self.door is None else self.door.control
        with contextlib.suppress(zmq.Again):
            socket.send_multipart([route[1:], *frames], zmq.DONTWAIT)

    def _read_control(self) -> Iterator[Event]:
        for _ in range(_MOST_MESSAGES_A_ROUND):
            try:
                frames = self.control.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            yield _control_event(frames, _HERE)

    def _read_data(self) -> Iterator[Data | Malformed]:
        for _ in range(_MOST_MESSAGES_A_ROUND):
            try:
                frames = self.data.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            yield _data_event(frames)

    def _read_door(self, door: Door, ready: Mapping[object, int]) -> Iterator[Event]:
        if door.admission.socket in ready:
            door.admission.answer()
        door.strangers.look()
        if door.control in ready:
            for origin, frames in door.read(door.control, _MOST_MESSAGES_A_ROUND):
                yield _control_event([frame.bytes for frame in frames], _ELSEWHERE, origin)
        if door.data in ready:
            for origin, frames in door.read(door.data, _MOST_MESSAGES_A_ROUND):
                yield _data_event(frames, origin)

    def _read_connection(self, number: int, connection: HandoverConnection) -> Iterator[Event]:
        while True:
            try:
                record = connection.receive()
            except ProtocolError as error:
                self.disconnect(number)
                yield Malformed(str(error))
                yield Left(number)
                return
            if record is None:
                return
            if record is False:
                self.disconnect(number)
                yield Left(number)
                return
            if isinstance(record, Attached):
                yield Joined(number, record)
            elif isinstance(record, HandedOver):
                yield Buffer(number, record)


def _listen(path: Path) -> HandoverListener | None:
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        _log.warning(
            "%s is too long for a unix socket: pixels travel inside messages, at about half the speed", path
        )
        return None
    return HandoverListener(path)


def _control_event(frames: list[bytes], place: bytes, origin: str = "") -> Request | FromSender | Malformed:
    try:
        if len(frames) == 2:
            return FromSender(place + frames[0], decode_sender_message(frames[1]), origin)
        if len(frames) != 3 or frames[1] != b"":
            raise ProtocolError(f"a control message of {len(frames)} frames")
        try:
            body = msgspec.json.decode(frames[2], type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProtocolError(f"a request that is no JSON object: {error}") from error
        return Request(place + frames[0], body, origin)
    except ProtocolError as error:
        return Malformed(str(error))


def _data_event(frames: Sequence[zmq.Frame], origin: str = "") -> Data | Malformed:
    try:
        if len(frames) < 2:
            raise ProtocolError(f"a data message of {len(frames)} frames")
        return Data(decode_batch(frames[1].bytes), tuple(frames[2:]), origin)
    except ProtocolError as error:
        return Malformed(str(error))


def new_instance() -> bytes:
    """Return 16 random bytes that name one life of a viewer or of a sender, or serve as a nonce."""
    return secrets.token_bytes(16)
