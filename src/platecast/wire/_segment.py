"""Plane memory as both ends see it: a segment that a sender writes, a buffer that a viewer maps."""

import abc
import ctypes
import mmap
import weakref
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

_COPIED_AT_ONCE_BYTES = 1 << 20
"""Up to this a copy keeps the interpreter's lock: getting it back can take longer than the copy."""

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def page_rounded(nbytes: int) -> int:
    """Return `nbytes` rounded up to whole pages."""
    return -(-nbytes // mmap.PAGESIZE) * mmap.PAGESIZE


class Segment(abc.ABC):
    """Memory of the sending end for one plane; not thread-safe, one owner at a time.

    Page faults cost several times the copy that they precede, so a segment that is written again, or was
    prepared, takes a copy as fast as memcpy.

    Parameters
    ----------
    capacity
        Size in bytes, whole pages.
    """

    __slots__ = ("_view", "capacity")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._view: Bytes | None = None

    @property
    @abc.abstractmethod
    def descriptor(self) -> int:
        """The highest descriptor that it has in use, -1 where it has none."""

    @property
    @abc.abstractmethod
    def closed(self) -> bool:
        """Whether `close` was called."""

    @abc.abstractmethod
    def allocate(self) -> None:
        """Allocate every page, so that the first write is a plain copy; raises `OSError`."""

    @abc.abstractmethod
    def prepare(self) -> Bytes:
        """Allocate every page and map it, so that the first write is as fast as later ones."""

    @abc.abstractmethod
    def close(self) -> None:
        """Give the segment up; pages live on where a viewer has adopted them, or an array is read still."""

    def write(self, array: np.ndarray[Any, Any]) -> None:
        """Copy a C-contiguous array to the start of the segment; raises `OSError` when memory is short."""
        flat = array.reshape(-1).view(np.uint8)
        target = self.view()
        if flat.nbytes <= _COPIED_AT_ONCE_BYTES:
            target.data[: flat.nbytes] = flat.data
        else:
            target[: flat.nbytes] = flat

    def view(self) -> Bytes:
        """Return the segment's bytes as a writable array, mapped into this process.

        Raises
        ------
        OSError
            There is not enough memory; without the allocation, writing would end the process by SIGBUS.
        """
        return self.prepare() if self._view is None else self._view

    def read(self, nbytes: int, offset: int = 0) -> bytes:
        """Return a copy of some bytes."""
        return self.view()[offset : offset + nbytes].tobytes()


class PassedBuffer(Protocol):
    """A sender's segment as it reaches the viewer."""

    def map(self, nbytes: int, on_release: Callable[[], None] | None = None) -> Bytes:
        """Map its first bytes, read-only, for as long as the returned array or a view of it lives.

        Parameters
        ----------
        nbytes
            How much is needed.
        on_release
            Called once the mapping is gone, in whichever thread let go of the last view.

        Raises
        ------
        ProtocolError
            It is smaller, or no such memory.
        OSError
            It cannot be mapped.
        """

    def copy(self, nbytes: int, offset: int = 0) -> Bytes:
        """Return a copy of part of it in memory of this process; raises as `map`."""

    def close(self) -> None:
        """Let go of it; what is mapped stays."""


def lasting_array(address: int, nbytes: int, release: Callable[[], None]) -> Bytes:
    """Return the bytes at an address as an array; `release` is called when it and its views are gone."""
    block = (ctypes.c_uint8 * nbytes).from_address(address)
    # Not at exit: arrays may still be read then, and the kernel unmaps anyway.
    weakref.finalize(block, release).atexit = False
    array: Bytes = np.frombuffer(memoryview(block), np.uint8)
    return array
