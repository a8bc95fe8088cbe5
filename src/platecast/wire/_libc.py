"""Calls of the C library that Python does not offer, or not without a cost."""

import ctypes
import functools
import mmap
import sys

_MAP_POPULATE = getattr(mmap, "MAP_POPULATE", 0)
_MADV_POPULATE_READ = 22
_PUNCH_HOLE = 0x02 | 0x01
"""FALLOC_FL_PUNCH_HOLE, which must come with FALLOC_FL_KEEP_SIZE."""


def map_shared(fd: int, nbytes: int, *, writable: bool, written: bool = False) -> int:
    """Map a descriptor's first bytes and return their address; made resident at once where writable.

    Python's own mmap keeps a duplicate of the descriptor, and the lock of the interpreter while pages are
    made resident.

    Parameters
    ----------
    fd
        The descriptor.
    nbytes
        How much of it.
    writable
        Whether it is going to be written.
    written
        Whether all of it was written before. Its pages are then made resident sixteen at a time instead of
        one by one, in less than half of the time.

    Raises
    ------
    OSError
        The system refuses.
    """
    protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
    populates = writable and not written
    flags = mmap.MAP_SHARED | (_MAP_POPULATE if populates else 0)
    address: int | None = _libc().mmap(None, nbytes, protection, flags, fd, 0)
    if address is None or address == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "plane memory cannot be mapped")
    if writable and written and sys.platform == "linux":
        # Where the system does not know this (before Linux 5.14), the first write makes them resident.
        _libc().madvise(address, nbytes, _MADV_POPULATE_READ)
    return address


def unmap(address: int, nbytes: int) -> None:
    """Undo `map_shared`."""
    _libc().munmap(address, nbytes)


def punch_hole(fd: int, offset: int, nbytes: int) -> None:
    """Give a part of a file back to the disk, where the system can; its size stays."""
    if sys.platform == "linux":
        _libc().fallocate(fd, _PUNCH_HOLE, offset, nbytes)


def give_back_free_memory() -> None:
    """Return to the system what was freed in the C library, where that can be asked for it (glibc).

    It keeps freed blocks of up to 32 MB for later: 600 MB after 3.6 GB of small planes had passed through.
    """
    if sys.platform == "linux" and (trim := getattr(_libc(), "malloc_trim", None)) is not None:
        trim(0)


def write_byte(fd: int) -> None:
    """Write a byte to a non-blocking pipe without giving up the interpreter's lock.

    `os.write` gives it up, and the thread that is woken takes it: the caller would wait for that thread to be
    done, at the end of every call.
    """
    _held_libc().write(fd, b"\0", 1)


@functools.cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    size, integer, offset = ctypes.c_size_t, ctypes.c_int, ctypes.c_int64
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, size, integer, integer, integer, offset]
    libc.munmap.argtypes = [ctypes.c_void_p, size]
    if sys.platform == "linux":
        libc.madvise.argtypes = [ctypes.c_void_p, size, integer]
        libc.fallocate.argtypes = [integer, integer, offset, offset]
    return libc


@functools.cache
def _held_libc() -> ctypes.PyDLL:
    libc = ctypes.PyDLL(None)
    libc.write.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]
    libc.write.restype = ctypes.c_ssize_t
    return libc
