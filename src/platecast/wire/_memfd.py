"""Anonymous memory that is passed by descriptor; Linux only.

A segment never has a name, so nothing can be left behind: the kernel frees its pages when the last
descriptor and the last mapping are gone, however the processes end.
"""

import functools
import importlib.util
import mmap
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from platecast.errors import ProtocolError
from platecast.wire._libc import map_shared, unmap
from platecast.wire._segment import Bytes, Segment, lasting_array

AVAILABLE = (
    sys.platform == "linux"
    and hasattr(os, "memfd_create")
    and hasattr(socket, "SO_PEERCRED")
    and importlib.util.find_spec("fcntl") is not None
)
"""Whether this system passes plane memory by descriptor."""


class MemfdSegment(Segment):
    """A memfd, sealed against shrinking.

    The first content is written with ``pwrite``, which needs no page faults and fails with an `OSError`
    instead of a signal when memory is short. Only what is written a second time is mapped: a mapping costs
    three copies, and a viewer that keeps every plane never gives a segment back.

    Parameters
    ----------
    capacity
        Size in bytes, whole pages.
    label
        What the system's list of mappings calls it.

    Raises
    ------
    OSError
        No descriptor or no memory is left.
    """

    __slots__ = ("_written", "fd")

    def __init__(self, capacity: int, label: str = "platecast") -> None:
        import fcntl  # there is none on Windows

        super().__init__(capacity)
        self.fd = os.memfd_create(label, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self._written = False
        os.ftruncate(self.fd, capacity)
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)

    @property
    def descriptor(self) -> int:
        """The descriptor, -1 once it is closed."""
        return self.fd

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self.fd < 0

    def allocate(self) -> None:
        """Allocate every page."""
        os.posix_fallocate(self.fd, 0, self.capacity)

    def prepare(self) -> Bytes:
        """Allocate every page and map it, so that the first write is as fast as later ones."""
        self.allocate()
        address = map_shared(self.fd, self.capacity, writable=True, written=self._written)
        self._view = lasting_array(address, self.capacity, functools.partial(unmap, address, self.capacity))
        return self._view

    def write(self, array: np.ndarray[Any, Any]) -> None:
        """Copy a C-contiguous array to the start of the segment."""
        if self._written or self._view is not None:
            super().write(array)
            return
        data = memoryview(array.reshape(-1).view(np.uint8).data)
        done = 0
        while done < len(data):
            done += os.pwrite(self.fd, data[done:], done)
        self._written = True

    def read(self, nbytes: int, offset: int = 0) -> bytes:
        """Return a copy of some bytes, without mapping them."""
        return os.pread(self.fd, nbytes, offset)

    def close(self) -> None:
        """Give up the descriptor and the mapping."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        self._view = None


class PassedDescriptor:
    """A descriptor that a peer passed, owned from now on.

    Parameters
    ----------
    fd
        The descriptor.
    """

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def map(self, nbytes: int, on_release: Callable[[], None] | None = None) -> Bytes:
        """Map the first bytes; the descriptor is not needed for that any more."""
        return map_read_only(self.fd, nbytes, on_release)

    def copy(self, nbytes: int, offset: int = 0) -> Bytes:
        """Return a copy of part of it, without mapping it; the interpreter's lock is given up meanwhile."""
        _check_sealed(self.fd, offset + nbytes)
        # Its own mapping rather than the heap: it goes back to the system whole, whatever lives beside it.
        copy = mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        done = 0
        while done < nbytes:
            done += os.preadv(self.fd, [memoryview(copy)[done:]], offset + done)
        return np.frombuffer(copy, np.uint8)

    def close(self) -> None:
        """Close the descriptor."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def map_read_only(fd: int, nbytes: int, on_release: Callable[[], None] | None = None) -> Bytes:
    """Map the first bytes of a peer's segment; the caller keeps and closes the descriptor.

    The mapping needs no descriptor and lives exactly as long as the returned array and its views.

    Parameters
    ----------
    fd
        Descriptor that a peer passed.
    nbytes
        How much is needed.
    on_release
        Called once the mapping is gone, in whichever thread let go of the last view.

    Raises
    ------
    ProtocolError
        The segment is smaller, or could be truncated under the reader, which would end it by SIGBUS.
    """
    _check_sealed(fd, nbytes)
    address = map_shared(fd, nbytes, writable=False)
    view = lasting_array(address, nbytes, functools.partial(_release, address, nbytes, on_release))
    view.flags.writeable = False
    return view


def _check_sealed(fd: int, nbytes: int) -> None:
    """Raise `ProtocolError` where a peer's segment is too small, or could still become so."""
    import fcntl  # there is none on Windows

    size = os.fstat(fd).st_size
    if size < nbytes:
        raise ProtocolError(f"a segment of {size} bytes does not hold {nbytes}")
    try:
        seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    except OSError as error:
        raise ProtocolError("the descriptor is no sealable memory") from error
    if not seals & fcntl.F_SEAL_SHRINK:
        raise ProtocolError("the segment is not sealed against shrinking")


def _release(address: int, nbytes: int, on_release: Callable[[], None] | None) -> None:
    unmap(address, nbytes)
    if on_release is not None:
        on_release()
