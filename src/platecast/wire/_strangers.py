"""Connections that have not proved yet who they are: few at a time, and none that sends more than a greeting.

ZeroMQ reads the first message of a stranger as it reads any other, into memory, up to the largest plane; and
it takes any number of strangers, each for 30 s. So a gigabyte of a viewer's memory for each connection, and
all of its descriptors, were had for nothing, before a key was asked for. Here every connection is watched
from when it is accepted until it is let in.

That it was let in is told by what it was sent, as TCP counts it: a stranger gets the greeting and, where it
knows the viewer's public key, a welcome (ZeroMQ RFC 23, 26); READY comes only after the authenticator agreed.
Where a system does not count (any but Linux) nothing is watched, and the time for a handshake is the limit.
"""

import contextlib
import logging
import os
import socket as sockets
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import zmq

_log = logging.getLogger(__name__)

CAN_WATCH = sys.platform == "linux"
HANDSHAKE_MS = 10_000
"""Longest handshake: eight messages, some of which are lost on a bad link."""
MOST_STRANGERS = 64
MOST_BYTES = 4096
"""Most that a stranger may send; a handshake takes 0.7 kB."""
_GREETING_AND_WELCOME_BYTES = 64 + 170
_ACKED_AND_RECEIVED = struct.Struct("@QQ")
_ACKED_OFFSET = 120
"""Of ``tcpi_bytes_acked`` in ``struct tcp_info`` (linux/tcp.h); ``tcpi_bytes_received`` follows."""
_TCP_INFO_BYTES = 192
_MOST_EVENTS_A_ROUND = 1024
LOOK_INTERVAL_S = 0.02
"""How often strangers are looked at: what they may send meanwhile is what the line carries in that time."""
_REPORT_INTERVAL_S = 60.0
_EVENT = struct.Struct("=Hi")


@dataclass(frozen=True, slots=True)
class _Connection:
    """One that was accepted; `number` is its descriptor, which belongs to ZeroMQ."""

    port: int
    number: int


class Strangers:
    """Watches sockets that are bound for other machines. For the thread that owns them.

    Parameters
    ----------
    bound
        ZeroMQ sockets, bound already, and their ports.
    """

    def __init__(self, bound: dict[int, "zmq.Socket[bytes]"]) -> None:
        events = zmq.Event.ACCEPTED | zmq.Event.DISCONNECTED
        self._bound = bound if CAN_WATCH else {}
        self.monitors = {port: each.get_monitor_socket(events) for port, each in self._bound.items()}
        """By port; to be polled."""
        self.cut = 0
        """How many were closed."""
        self._since: dict[_Connection, str] = {}
        """Addresses of strangers, in the order in which they came."""
        self._looked_at = 0.0
        self._reported_at = float("-inf")

    def __len__(self) -> int:
        return len(self._since)

    def look(self) -> None:
        """Note who came and went; close the connections of those who ask too much."""
        now = time.monotonic()
        has_news = False
        for port, monitor in self.monitors.items():
            has_news = self._read_events(port, monitor) or has_news
        if not has_news and now - self._looked_at < LOOK_INTERVAL_S:
            return
        self._looked_at = now
        for connection in tuple(self._since):
            self._judge(connection)
        while len(self._since) > MOST_STRANGERS:
            self._cut(self._one_of_too_many(), "too many at once")

    def close(self) -> None:
        """Stop watching; before the sockets are closed."""
        for port, monitor in self.monitors.items():
            self._bound[port].disable_monitor()
            monitor.close(linger=0)
        self.monitors.clear()

    def _read_events(self, port: int, monitor: "zmq.Socket[bytes]") -> bool:
        for count in range(_MOST_EVENTS_A_ROUND):
            try:
                event, number = _EVENT.unpack(monitor.recv_multipart(zmq.DONTWAIT)[0])
            except zmq.Again:
                return count > 0
            connection = _Connection(port, number)
            self._since.pop(connection, None)
            if event == zmq.Event.ACCEPTED:
                with contextlib.suppress(OSError), _opened(connection) as each:
                    self._since[connection] = each.getpeername()[0]
        return True

    def _judge(self, connection: _Connection) -> None:
        """Forget a connection that was let in, close one that sends too much."""
        try:
            with _opened(connection) as each:
                info = each.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_INFO, _TCP_INFO_BYTES)
            acked, received = _ACKED_AND_RECEIVED.unpack_from(info, _ACKED_OFFSET)
        except (OSError, struct.error):
            # It has gone, or this kernel does not count.
            self._since.pop(connection, None)
            return
        if acked > _GREETING_AND_WELCOME_BYTES:
            del self._since[connection]
        elif received > MOST_BYTES:
            self._cut(connection, f"{received} bytes before it was let in")

    def _one_of_too_many(self) -> _Connection:
        """Return the oldest stranger of the machine that has most: it locks out nobody but itself."""
        (crowd, _), *_ = Counter(self._since.values()).most_common(1)
        return next(connection for connection, address in self._since.items() if address == crowd)

    def _cut(self, connection: _Connection, reason: str) -> None:
        address = self._since.pop(connection)
        self.cut += 1
        cut_connection(connection.port, connection.number)
        now = time.monotonic()
        if now - self._reported_at > _REPORT_INTERVAL_S:
            self._reported_at = now
            _log.warning("a connection from %s was cut: %s (%d so far)", address, reason, self.cut)


def cut_connection(port: int, number: int) -> None:
    """End a connection of a bound ZeroMQ socket, which then closes it; from any thread.

    Parameters
    ----------
    port
        The socket's.
    number
        Its descriptor. Another connection to that port, which may have it by now, is made anew by its peer;
        anything else is left alone.
    """
    with contextlib.suppress(OSError), _opened(_Connection(port, number)) as each:
        each.shutdown(sockets.SHUT_RDWR)


@contextlib.contextmanager
def _opened(connection: _Connection) -> Iterator[sockets.socket]:
    """Open a copy of a descriptor that may be another one's by now.

    Raises
    ------
    OSError
        It is no connection to that port any more.
    """
    copy = os.dup(connection.number)
    try:
        opened = sockets.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise
    with opened:
        if (
            opened.family not in (sockets.AF_INET, sockets.AF_INET6)
            or opened.getsockname()[1] != connection.port
        ):
            raise OSError(f"descriptor {connection.number} is another one's")
        yield opened
