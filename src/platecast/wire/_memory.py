"""Plane memory: anonymous memory that is passed between processes by descriptor.

A segment never has a name, so nothing can be left behind: the kernel frees its pages when the last
descriptor and the last mapping are gone, however the processes end.
"""

import contextlib
import ctypes
import fcntl
import functools
import mmap
import os
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from platecast.errors import ProtocolError

AVAILABLE = sys.platform == "linux"
"""Whether this system passes plane memory by descriptor; elsewhere pixels travel inside the messages."""

_MAP_POPULATE = getattr(mmap, "MAP_POPULATE", 0)

_COPIED_AT_ONCE_BYTES = 1 << 20
"""Up to this a copy keeps the interpreter's lock: getting it back can take longer than the copy."""

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def page_rounded(nbytes: int) -> int:
    """Return `nbytes` rounded up to whole pages."""
    return -(-nbytes // mmap.PAGESIZE) * mmap.PAGESIZE


class Segment:
    """Memory of the sending end for one plane; not thread-safe, one owner at a time.

    Page faults cost several times the copy that they precede. So the first content is written with
    ``pwrite``, which needs none and fails with an `OSError` instead of a signal when memory is short; later
    ones are copied through a mapping, as fast as memcpy, and so is the first one after `prepare`.

    Parameters
    ----------
    capacity
        Size in bytes, whole pages.

    Raises
    ------
    OSError
        No descriptor or no memory is left.
    """

    __slots__ = ("_view", "_written", "capacity", "fd")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.fd = os.memfd_create("platecast", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self._view: Bytes | None = None
        self._written = False
        os.ftruncate(self.fd, capacity)
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)

    def prepare(self) -> Bytes:
        """Allocate every page and map it, so that the first write is as fast as later ones."""
        os.posix_fallocate(self.fd, 0, self.capacity)
        self._view = _map(self.fd, self.capacity, mmap.PROT_READ | mmap.PROT_WRITE)
        return self._view

    def write(self, array: np.ndarray[Any, Any]) -> None:
        """Copy a C-contiguous array to the start of the segment."""
        flat = array.reshape(-1).view(np.uint8)
        if self._written or self._view is not None:
            target = self.view()
            if flat.nbytes <= _COPIED_AT_ONCE_BYTES:
                _held().memmove(target.ctypes.data, flat.ctypes.data, flat.nbytes)
            else:
                target[: flat.nbytes] = flat
            return
        data = memoryview(flat.data)
        done = 0
        while done < len(data):
            done += os.pwrite(self.fd, data[done:], done)
        self._written = True

    def view(self) -> Bytes:
        """Return the segment's bytes as a writable array, mapped into this process.

        Raises
        ------
        OSError
            There is not enough memory; without the allocation, writing would end the process by SIGBUS.
        """
        return self.prepare() if self._view is None else self._view

    def read(self, nbytes: int, offset: int = 0) -> bytes:
        """Return a copy of some bytes, without mapping them."""
        return os.pread(self.fd, nbytes, offset)

    def close(self) -> None:
        """Give up the descriptor and the mapping; pages live on where a viewer has adopted them."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        self._view = None


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
    view = _map(fd, nbytes, mmap.PROT_READ, on_release)
    view.flags.writeable = False
    return view


def copy_out(fd: int, nbytes: int, offset: int = 0) -> Bytes:
    """Return a copy of part of a peer's segment in fresh memory of this process, without mapping the segment.

    The interpreter's lock is given up meanwhile. Raises as `map_read_only`.
    """
    _check_sealed(fd, offset + nbytes)
    # Its own mapping rather than the heap: it goes back to the system whole, whatever lives beside it.
    copy = mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    done = 0
    while done < nbytes:
        done += os.preadv(fd, [memoryview(copy)[done:]], offset + done)
    return np.frombuffer(copy, np.uint8)


def _check_sealed(fd: int, nbytes: int) -> None:
    """Raise `ProtocolError` where a peer's segment is too small, or could still become so."""
    size = os.fstat(fd).st_size
    if size < nbytes:
        raise ProtocolError(f"a segment of {size} bytes does not hold {nbytes}")
    try:
        seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    except OSError as error:
        raise ProtocolError("the descriptor is no sealable memory") from error
    if not seals & fcntl.F_SEAL_SHRINK:
        raise ProtocolError("the segment is not sealed against shrinking")


def _map(fd: int, nbytes: int, protection: int, on_release: Callable[[], None] | None = None) -> Bytes:
    """Map a descriptor's first bytes for as long as the returned array or a view of it lives.

    Through the C library, because Python's own mmap keeps a duplicate of the descriptor, and the lock of
    the interpreter while pages are made resident. Writable mappings are made resident at once.
    """
    populate = _MAP_POPULATE if protection & mmap.PROT_WRITE else 0
    address = _libc().mmap(None, nbytes, protection, mmap.MAP_SHARED | populate, fd, 0)
    if address == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "plane memory cannot be mapped")
    block = (ctypes.c_uint8 * nbytes).from_address(address)
    # Not at exit: arrays may still be read then, and the kernel unmaps anyway.
    weakref.finalize(block, _unmap, address, nbytes, on_release).atexit = False
    view: Bytes = np.frombuffer(memoryview(block), np.uint8)
    return view


def _unmap(address: int, nbytes: int, on_release: Callable[[], None] | None) -> None:
    _libc().munmap(address, nbytes)
    if on_release is not None:
        on_release()


@functools.cache
def _libc() -> ctypes.CDLL:
    """Return the C library with the two calls that Python's mmap module cannot make without a descriptor."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int64,
    ]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return libc


def wake(fd: int) -> None:
    """Make a non-blocking pipe readable, without giving up the interpreter's lock.

    `os.write` gives it up, and the thread that is woken takes it: the caller would wait for that thread to be
    done, at the end of every call.
    """
    _held().write(fd, b"\0", 1)


@functools.cache
def _held() -> ctypes.PyDLL:
    """Return the C library with short calls that keep the interpreter's lock."""
    libc = ctypes.PyDLL(None)
    libc.memmove.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    libc.write.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]
    libc.write.restype = ctypes.c_ssize_t
    return libc


def memory_group() -> str:
    """Return the memory cgroup of this process; empty where there is none.

    With the namespace in which its path is to be read: in a container of its own every group is called ``/``.
    """
    try:
        namespace = os.readlink("/proc/self/ns/cgroup")
        return f"{namespace} {_memory_path()}"
    except OSError:
        return ""


def _memory_path() -> str:
    """Return the path of this process's memory cgroup."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8") as lines:
            groups = [line.rstrip("\n").split(":", 2) for line in lines]
    except OSError:
        return ""
    for _, controllers, path in groups:
        if "memory" in controllers.split(","):
            return path
    return next((path for _, controllers, path in groups if not controllers), "")


def memory_limit_bytes() -> int:
    """Return how much memory this process may use: the machine's, or less where its cgroup says so."""
    limit = psutil.virtual_memory().total
    group = _memory_path().strip("/")
    for root, file in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        for folder in (Path(root, group), *Path(root, group).parents):
            with contextlib.suppress(OSError, ValueError):  # "max", or a file of the other version
                limit = min(limit, int((folder / file).read_text()))
            if folder == Path(root):
                break
    return limit
