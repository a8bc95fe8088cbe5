"""How one thread makes another one's poll return."""

import contextlib
import math
import os
import select
import socket
import sys
import threading

from platecast.wire._libc import write_byte

_DRAINED_BYTES = 4096


class Waker:
    """A pipe to oneself; where polling knows sockets only (Windows), a pair of those.

    `wake` may be called from any thread, everything else from the one that polls.
    """

    def __init__(self) -> None:
        # Reentrant: a plane that is released in the middle of `wake` wakes, too.
        self._lock = threading.RLock()
        self._pair: tuple[socket.socket, socket.socket] | None = None
        if sys.platform == "win32":
            self._pair = socket.socketpair()
            for end in self._pair:
                end.setblocking(False)
            self._read, self._write = (end.fileno() for end in self._pair)
        else:
            self._read, self._write = os.pipe()
            os.set_blocking(self._read, False)
            os.set_blocking(self._write, False)

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        return self._read

    def wake(self) -> None:
        """Make the descriptor readable; nothing once it is closed."""
        with self._lock:
            if self._write < 0:
                return
            if self._pair is None:
                write_byte(self._write)
            else:
                with contextlib.suppress(BlockingIOError):
                    self._pair[1].send(b"\0")

    def drain(self) -> None:
        """Take in every call of `wake` so far."""
        with contextlib.suppress(BlockingIOError):
            if self._pair is None:
                os.read(self._read, _DRAINED_BYTES)
            else:
                self._pair[0].recv(_DRAINED_BYTES)

    def wait(self, timeout_s: float) -> None:
        """Wait for `wake`, at most `timeout_s`, and take it in."""
        if sys.platform == "win32":
            select.select([self._read], [], [], timeout_s)
        else:
            # Not `select`, which knows no descriptors above 1023.
            poll = select.poll()
            poll.register(self._read, select.POLLIN)
            poll.poll(math.ceil(timeout_s * 1000))
        self.drain()

    def close(self) -> None:
        """Give the descriptors back."""
        with self._lock:
            if self._write < 0:
                return
            if self._pair is None:
                os.close(self._read)
                os.close(self._write)
            else:
                for end in self._pair:
                    end.close()
            self._read = self._write = -1
