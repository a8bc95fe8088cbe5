"""The progress channel: a viewer publishes its status, observers follow without asking.

The publisher is an XPUB that decides on each subscription: only who shows the viewer's token, which stands in
the connection file, hears anything. A subscription to everything or to a part of the token is not an error,
it stays silent.
"""

import contextlib
import hmac
import math
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import msgspec
import zmq

from platecast.wire._endpoint import LOOPBACK, Endpoint
from platecast.wire._status import ViewerStatus

_SUBSCRIBE, _UNSUBSCRIBE = 1, 0
_QUEUED_MESSAGES = 32
"""Kept for an observer that does not read; what it misses is said again with the next message."""
_MOST_REQUESTS_A_ROUND = 64
_MAX_BYTES = 1 << 20


class ProgressPublisher:
    """The publishing end. For the thread that owns the viewer's sockets.

    Parameters
    ----------
    context
        Where the socket is opened; a port that is free is taken.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self.socket = context.socket(zmq.XPUB)
        self.socket.linger = 0
        self.socket.sndhwm = _QUEUED_MESSAGES
        self.socket.setsockopt(zmq.XPUB_MANUAL, 1)
        self.socket.setsockopt(zmq.MAXMSGSIZE, 4096)
        self.address = f"tcp://{LOOPBACK}:{self.socket.bind_to_random_port(f'tcp://{LOOPBACK}')}"
        self.token = ""
        """What observers have to show; nobody hears anything while it is empty."""
        self.observers = 0

    def read_subscriptions(self) -> bool:
        """Accept or ignore what observers ask for; say whether one was accepted."""
        accepted = False
        for _ in range(_MOST_REQUESTS_A_ROUND):
            try:
                request = self.socket.recv(zmq.DONTWAIT)
            except zmq.Again:
                break
            topic = request[1:]
            if not self.token or not hmac.compare_digest(topic, self.token.encode()):
                continue
            if request[0] == _SUBSCRIBE:
                self.socket.setsockopt(zmq.SUBSCRIBE, topic)
                self.observers += 1
                accepted = True
            elif request[0] == _UNSUBSCRIBE:
                self.socket.setsockopt(zmq.UNSUBSCRIBE, topic)
                self.observers = max(0, self.observers - 1)
        return accepted

    def publish(self, body: object) -> None:
        """Say something to every observer; one that does not read misses it."""
        with contextlib.suppress(zmq.Again):
            self.socket.send_multipart([self.token.encode(), msgspec.json.encode(body)], zmq.DONTWAIT)

    def close(self, linger_s: float) -> None:
        """Close the socket; the last word may take `linger_s` to leave."""
        self.socket.close(linger=int(linger_s * 1000))


class ProgressSockets:
    """The observing end: follows any number of viewers. For one thread; a context manager.

    Each viewer has a socket of its own: a socket tells all its publishers what it subscribes to, and a token
    is shown to its own viewer only.
    """

    def __init__(self) -> None:
        self._context = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, 4096)
        self._poller = zmq.Poller()
        self._instances: dict[zmq.Socket[bytes], str] = {}
        self._sockets: dict[str, zmq.Socket[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def follow(self, endpoints: Iterable[Endpoint]) -> None:
        """Follow these viewers, and no others any longer."""
        wanted = {endpoint.instance: endpoint for endpoint in endpoints if endpoint.progress}
        for instance in self._sockets.keys() - wanted.keys():
            self._forget(instance)
        for instance in wanted.keys() - self._sockets.keys():
            endpoint = wanted[instance]
            socket = self._context.socket(zmq.SUB)
            socket.linger = 0
            socket.rcvhwm = _QUEUED_MESSAGES
            socket.setsockopt(zmq.MAXMSGSIZE, _MAX_BYTES)
            socket.subscribe(endpoint.token)
            socket.connect(endpoint.progress)
            self._poller.register(socket, zmq.POLLIN)
            self._sockets[instance] = socket
            self._instances[socket] = instance

    def receive(self, timeout_s: float) -> dict[str, ViewerStatus]:
        """Wait at most `timeout_s` and return the newest word of each viewer that said something."""
        if not self._sockets:
            # A poller without sockets does not wait at all.
            time.sleep(timeout_s)
            return {}
        deadline = time.monotonic() + timeout_s
        while True:
            left_s = max(0.0, deadline - time.monotonic())
            said = {}
            for socket, _ in self._poller.poll(math.ceil(left_s * 1000)):
                instance = self._instances[socket]
                newest = _newest(socket, instance)
                if newest is not None:
                    said[instance] = newest
            if said or time.monotonic() >= deadline:
                return said

    def close(self) -> None:
        """Follow nobody."""
        for instance in tuple(self._sockets):
            self._forget(instance)
        self._context.term()

    def _forget(self, instance: str) -> None:
        socket = self._sockets.pop(instance)
        del self._instances[socket]
        self._poller.unregister(socket)
        socket.close(linger=0)


def _newest(socket: zmq.Socket[bytes], instance: str) -> ViewerStatus | None:
    """Read what waits in a socket; whatever is no status of that viewer is ignored."""
    newest = None
    with contextlib.suppress(zmq.Again):
        while True:
            frames = socket.recv_multipart(zmq.DONTWAIT)
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                status = msgspec.json.decode(frames[-1], type=ViewerStatus)
                if status.instance == instance:
                    newest = status
    return newest
