"""The sockets of the sending end: XPUB for data, DEALER for control, the unix socket for descriptors.

Data goes out only after the viewer's subscription to its own instance was seen; a plain PUB loses what it
sends before that, without a word (`docs/decisions/0002-sockets.md`). One thread owns the object.
"""

import contextlib
import math
from collections.abc import Sequence

import zmq

from platecast.errors import ProtocolError
from platecast.wire._codec import decode_viewer_message, encode
from platecast.wire._counters import Counters
from platecast.wire._endpoint import Endpoint
from platecast.wire._handover import HandoverConnection
from platecast.wire._memfd import MemfdSegment
from platecast.wire._messages import (
    Ack,
    AttachBlocks,
    Batch,
    BlocksAttached,
    NamedBuffer,
    PassBlocks,
    Refused,
    SenderMessage,
    Welcome,
)
from platecast.wire._named import NamedSegment
from platecast.wire._pairing import Pairing
from platecast.wire._segment import Segment
from platecast.wire._waker import Waker

_QUEUED_BATCHES = 64
_CONNECT_S = 3.0
"""Longest wait for a machine to answer: the system's own is two minutes, in which a cable is back in."""
_HEARTBEAT_S = 2.0
_HEARTBEAT_PATIENCE_S = 12.0
"""How long a connection may be silent before it is made anew. A heartbeat waits behind what the system has
queued, which is seconds on a bad link."""


class SenderSockets:
    """Connected sockets towards one life of one viewer.

    Parameters
    ----------
    endpoint
        The viewer, as its connection file names it, or as it is paired with this machine.
    waker
        By which another thread says that it has work for this one.
    """

    def __init__(self, endpoint: Endpoint | Pairing, waker: Waker) -> None:
        self._context = zmq.Context()
        self._waker = waker
        self._secrets: tuple[bytes, bytes] | None = None
        self._named: list[NamedBuffer] = []
        self._handover: HandoverConnection | None = None
        self._pairing = endpoint if isinstance(endpoint, Pairing) else None
        self._topic = b"" if isinstance(endpoint, Pairing) else bytes.fromhex(endpoint.instance)
        self._topics: set[bytes] = set()
        self._poller = zmq.Poller()
        self._poller.register(waker.fileno(), zmq.POLLIN)
        self.control = self._socket(zmq.DEALER, endpoint.control_address)
        self.data = self._socket(zmq.XPUB, endpoint.data_address)
        self.subscribed = False
        """Whether this instance of the viewer takes data."""
        self.gone = False
        """Whether the other end went away; only `close` is of use then."""
        self.attached = False
        """Whether the same machine was proved, so that descriptors may be passed."""

    def poll(self, timeout_s: float) -> list[Welcome | Refused | Ack]:
        """Wait for news at most `timeout_s`; return what the viewer said and update the flags."""
        ready = dict(self._poller.poll(math.ceil(timeout_s * 1000)))
        if self._waker.fileno() in ready:
            self._waker.drain()
        if self.data in ready:
            self._read_subscriptions()
        if self._handover is not None and self._handover.fileno() in ready:
            self._read_handover(self._handover)
        return self._read_control() if self.control in ready else []

    def follow(self, instance: bytes) -> None:
        """Send to this life of the viewer, which a viewer on another machine tells with its welcome."""
        self._topic = instance
        self.subscribed = instance in self._topics

    def attach(self, welcome: Welcome, sender: bytes, counters: Counters) -> bool:
        """Ask to pass plane memory, of the kind of the counters; `attached` once the viewer confirms.

        Returns
        -------
        bool
            False where the viewer cannot be reached that way: pixels then travel inside the messages.
        """
        page = counters.segment
        if isinstance(page, NamedSegment) and welcome.named:
            self._secrets = sender, welcome.nonce
            return self.say(
                AttachBlocks(sender=sender, nonce=welcome.nonce, name=page.name, size=page.capacity)
            )
        if not isinstance(page, MemfdSegment) or not welcome.handover:
            return False
        try:
            self._handover = HandoverConnection.connect(welcome.handover)
            self._handover.attach(sender, welcome.nonce, page.fd)
        except OSError:
            self._drop_handover()
            return False
        self._poller.register(self._handover.fileno(), zmq.POLLIN)
        return True

    def hand_over(self, number: int, size: int, segment: Segment) -> bool:
        """Pass a buffer; False when the viewer does not read at the moment or is gone."""
        if isinstance(segment, NamedSegment):
            self._named.append(NamedBuffer(number, size, segment.name))
            return True
        if self._handover is None or not isinstance(segment, MemfdSegment):
            return False
        try:
            self._handover.hand_over(number, size, segment.fd)
        except BlockingIOError:
            return False
        except OSError as error:
            # Too many descriptors under way (ETOOMANYREFS) passes; a broken connection shows when it is read.
            self.gone = self.gone or isinstance(error, ConnectionError)
            return False
        return True

    def publish(self, batch: Batch, frames: Sequence[memoryview | bytes]) -> bool:
        """Send a batch; False when the queue to the viewer is full. `frames` must not change later."""
        named, self._named = tuple(self._named), []
        if named and self._secrets is not None:
            sender, nonce = self._secrets
            if not self.say(PassBlocks(sender=sender, nonce=nonce, buffers=named)):
                return False
        try:
            self.data.send_multipart([self._topic, encode(batch), *frames], zmq.DONTWAIT, copy=not frames)
        except zmq.Again:
            return False
        return True

    def say(self, message: SenderMessage) -> bool:
        """Send a control message; False when the queue to the viewer is full."""
        try:
            self.control.send(encode(message), zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def abandon(self) -> None:
        """Close the descriptor channel in a forked child, where it would hide the parent's end."""
        if self._handover is not None:
            self._handover.close()

    def close(self, linger_s: float = 0.0) -> None:
        """Close everything; control messages may take `linger_s` to leave."""
        self._drop_handover()
        self.data.close(linger=0)
        self.control.close(linger=int(linger_s * 1000))
        self._context.term()

    def _socket(self, kind: int, address: str) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        socket.linger = 0
        socket.immediate = True
        socket.sndhwm = _QUEUED_BATCHES
        socket.reconnect_ivl_max = 1000
        if self._pairing is not None:
            _protect(socket, self._pairing)
        if kind == zmq.XPUB:
            socket.setsockopt(zmq.XPUB_NODROP, 1)
        socket.connect(address)
        self._poller.register(socket, zmq.POLLIN)
        return socket

    def _read_subscriptions(self) -> None:
        with contextlib.suppress(zmq.Again):
            while True:
                message = self.data.recv(zmq.DONTWAIT)
                change = self._topics.add if message[:1] == b"\x01" else self._topics.discard
                change(message[1:])
                if message[1:] == self._topic:
                    self.gone = self.gone or (self.subscribed and message[:1] == b"\x00")
                    self.subscribed = message[:1] == b"\x01"

    def _read_control(self) -> list[Welcome | Refused | Ack]:
        messages: list[Welcome | Refused | Ack] = []
        with contextlib.suppress(zmq.Again):
            while True:
                message = decode_viewer_message(self.control.recv(zmq.DONTWAIT))
                if isinstance(message, BlocksAttached):
                    self.attached = True
                else:
                    messages.append(message)
        return messages

    def _read_handover(self, handover: HandoverConnection) -> None:
        while True:
            record = handover.receive()
            if record is None:
                return
            if record is not True:
                self._drop_handover()
                self.gone = True
                if record is not False:
                    raise ProtocolError(f"the viewer sent {record} to a sender")
                return
            self.attached = True

    def _drop_handover(self) -> None:
        if self._handover is not None:
            with contextlib.suppress(KeyError):
                self._poller.unregister(self._handover.fileno())
            self._handover.close()
            self._handover = None


def _protect(socket: zmq.Socket[bytes], pairing: Pairing) -> None:
    """Encrypt a socket, and let it notice a link that is broken; before it is connected."""
    socket.ipv6 = ":" in pairing.host
    socket.curve_serverkey = pairing.viewer_key.encode()
    socket.curve_secretkey = pairing.secret_key.encode()
    socket.curve_publickey = pairing.public_key.encode()
    socket.setsockopt(zmq.CONNECT_TIMEOUT, int(_CONNECT_S * 1000))
    # Without a TTL: the viewer, which receives nothing while one large plane comes, would give up on us.
    socket.setsockopt(zmq.HEARTBEAT_IVL, int(_HEARTBEAT_S * 1000))
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, int(_HEARTBEAT_PATIENCE_S * 1000))
