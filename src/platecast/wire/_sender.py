"""The sockets of the sending end: XPUB for data, DEALER for control, the unix socket for descriptors.

Data goes out only after the viewer's subscription to its own instance was seen; a plain PUB loses what it
sends before that, without a word (`docs/decisions/0002-sockets.md`). One thread owns the object.
"""

import contextlib
import math
import os
from collections.abc import Sequence

import zmq

from platecast.errors import ProtocolError
from platecast.wire._codec import decode_viewer_message, encode
from platecast.wire._endpoint import Endpoint
from platecast.wire._handover import HandoverConnection
from platecast.wire._messages import Batch, SenderMessage, ViewerMessage, Welcome

_QUEUED_BATCHES = 64


class SenderSockets:
    """Connected sockets towards one life of one viewer.

    Parameters
    ----------
    endpoint
        The viewer, as its connection file names it.
    wake_fd
        A descriptor that becomes readable when another thread has work for this one.
    """

    def __init__(self, endpoint: Endpoint, wake_fd: int) -> None:
        self._context = zmq.Context()
        self._wake_fd = wake_fd
        self._handover: HandoverConnection | None = None
        self._topic = bytes.fromhex(endpoint.instance)
        self._poller = zmq.Poller()
        self._poller.register(wake_fd, zmq.POLLIN)
        self.control = self._socket(zmq.DEALER, endpoint.control_address)
        self.data = self._socket(zmq.XPUB, endpoint.data_address)
        self.subscribed = False
        """Whether this instance of the viewer takes data."""
        self.gone = False
        """Whether the other end went away; only `close` is of use then."""
        self.attached = False
        """Whether the same machine was proved, so that descriptors may be passed."""

    def poll(self, timeout_s: float) -> list[ViewerMessage]:
        """Wait for news at most `timeout_s`; return what the viewer said and update the flags."""
        ready = dict(self._poller.poll(math.ceil(timeout_s * 1000)))
        if self._wake_fd in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_fd, 4096)
        if self.data in ready:
            self._read_subscriptions()
        if self._handover is not None and self._handover.fileno() in ready:
            self._read_handover(self._handover)
        return self._read_control() if self.control in ready else []

    def attach(self, welcome: Welcome, sender: bytes, counters_fd: int) -> bool:
        """Ask for the descriptor channel; `attached` becomes true once the viewer confirms.

        Returns
        -------
        bool
            False where the viewer cannot be reached that way: pixels then travel inside the messages.
        """
        if not welcome.handover:
            return False
        try:
            self._handover = HandoverConnection.connect(welcome.handover)
            self._handover.attach(sender, welcome.nonce, counters_fd)
        except OSError:
            self._drop_handover()
            return False
        self._poller.register(self._handover.fileno(), zmq.POLLIN)
        return True

    def hand_over(self, number: int, size: int, fd: int) -> bool:
        """Pass a buffer's descriptor; False when the viewer does not read at the moment or is gone."""
        if self._handover is None:
            return False
        try:
            self._handover.hand_over(number, size, fd)
        except BlockingIOError:
            return False
        except OSError as error:
            # Too many descriptors under way (ETOOMANYREFS) passes; a broken connection shows when it is read.
            self.gone = self.gone or isinstance(error, ConnectionError)
            return False
        return True

    def publish(self, batch: Batch, frames: Sequence[memoryview | bytes]) -> bool:
        """Send a batch; False when the queue to the viewer is full. `frames` must not change later."""
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
        if kind == zmq.XPUB:
            socket.setsockopt(zmq.XPUB_NODROP, 1)
        socket.connect(address)
        self._poller.register(socket, zmq.POLLIN)
        return socket

    def _read_subscriptions(self) -> None:
        with contextlib.suppress(zmq.Again):
            while True:
                message = self.data.recv(zmq.DONTWAIT)
                if message[1:] == self._topic:
                    self.gone = self.gone or (self.subscribed and message[:1] == b"\x00")
                    self.subscribed = message[:1] == b"\x01"

    def _read_control(self) -> list[ViewerMessage]:
        messages: list[ViewerMessage] = []
        with contextlib.suppress(zmq.Again):
            while True:
                messages.append(decode_viewer_message(self.control.recv(zmq.DONTWAIT)))
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
