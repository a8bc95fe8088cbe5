"""The unix socket through which descriptors pass, and which proves that both ends share a machine.

Records are single SEQPACKET messages: a letter, then fixed fields in network order (`docs/protocol.md`).
A sender attaches with its id, the nonce that it received over TCP and the descriptor of its counter page;
afterwards it hands over one descriptor for each buffer, *before* it publishes the batch that names it.
The end of the stream is the surest sign that the other process is gone.
"""

import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from platecast.errors import ProtocolError

_ATTACH = struct.Struct("!c16s16s")
_SEGMENT = struct.Struct("!cQQ")
_ATTACHED = b"K"
_RECORD_BYTES = 64
_UCRED = struct.Struct("3i")
MAX_PATH_BYTES = 107
"""Longest path of a unix socket on Linux."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A sender proved that it is on this machine; `counters_fd` is the receiver's to close."""

    sender: bytes
    nonce: bytes
    counters_fd: int


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A descriptor for buffer `number` arrived; it is the receiver's to close."""

    number: int
    size: int
    fd: int


class HandoverListener:
    """The viewer's end: accepts connections of processes of the same user.

    Parameters
    ----------
    path
        Where to listen; a stale socket there is replaced. The folder must belong to the user alone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        try:
            self._socket.bind(str(path))
            path.chmod(0o600)
            self._socket.listen(64)
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        return self._socket.fileno()

    def accept(self) -> "HandoverConnection | None":
        """Return a new connection, or `None` when there is none or it is another user's."""
        try:
            connection, _ = self._socket.accept()
        except OSError:
            # Nobody there, gone again, or no descriptor left: whoever it is tries again.
            return None
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        if _UCRED.unpack(credentials)[1] != os.geteuid():
            connection.close()
            return None
        return HandoverConnection(connection)

    def close(self) -> None:
        """Stop listening and remove the socket's file."""
        self._socket.close()
        self.path.unlink(missing_ok=True)


class HandoverConnection:
    """One connected end; never blocks.

    Parameters
    ----------
    connection
        A connected SEQPACKET socket, owned from now on.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection

    @classmethod
    def connect(cls, path: str) -> "HandoverConnection":
        """Connect to a viewer's listener; raises `OSError` where it is not there or not reachable."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            connection.settimeout(1.0)
            connection.connect(path)
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
            if _UCRED.unpack(credentials)[1] != os.geteuid():
                raise PermissionError(f"the socket {path} belongs to another user")
        except OSError:
            connection.close()
            raise
        return cls(connection)

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        return self._socket.fileno()

    def attach(self, sender: bytes, nonce: bytes, counters_fd: int) -> None:
        """Say who this is and lend the page of counters."""
        socket.send_fds(self._socket, [_ATTACH.pack(b"A", sender, nonce)], [counters_fd])

    def confirm(self) -> None:
        """Tell the sender that it is attached."""
        self._socket.send(_ATTACHED)

    def hand_over(self, number: int, size: int, fd: int) -> None:
        """Pass the descriptor of a buffer; raises `BlockingIOError` when the viewer does not read."""
        socket.send_fds(self._socket, [_SEGMENT.pack(b"S", number, size)], [fd])

    def receive(self) -> Attached | HandedOver | bool | None:
        """Return the next record.

        Returns
        -------
        Attached or HandedOver
            What a sender sent.
        True
            The viewer's confirmation.
        None
            Nothing waits.
        False
            The other end is gone.

        Raises
        ------
        ProtocolError
            The record is malformed; the connection should be closed.
        """
        try:
            data, fds, _, _ = socket.recv_fds(self._socket, _RECORD_BYTES, 4)
        except BlockingIOError:
            return None
        except OSError:
            return False
        for fd in fds:
            # recv_fds ignores its flags before Python 3.14, MSG_CMSG_CLOEXEC among them.
            os.set_inheritable(fd, False)
        if data == _ATTACHED and not fds:
            return True
        if len(fds) == 1 and len(data) == _ATTACH.size and data[:1] == b"A":
            _, sender, nonce = _ATTACH.unpack(data)
            return Attached(sender, nonce, fds[0])
        if len(fds) == 1 and len(data) == _SEGMENT.size and data[:1] == b"S":
            _, number, size = _SEGMENT.unpack(data)
            return HandedOver(number, size, fds[0])
        for fd in fds:
            os.close(fd)
        if not data:
            return False
        raise ProtocolError(f"a record of {len(data)} bytes with {len(fds)} descriptors")

    def close(self) -> None:
        """Close this end."""
        self._socket.close()
