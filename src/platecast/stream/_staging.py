"""The one copy: from the caller's array, on whatever device, into memory that can travel."""

import threading
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np

from platecast.arrays import copy_into, to_host
from platecast.stream._staged import Pixels
from platecast.wire import Segment, SegmentPool, Spilled, SpillFile

Plane = np.ndarray[Any, np.dtype[Any]]

_INLINE_BYTES = 256 * 1024
"""Planes below this travel inside messages: passing a descriptor would cost more than the copy."""


@dataclass(frozen=True, slots=True)
class _Loan:
    segment: Segment
    nbytes: int
    returning: "weakref.finalize[Any, Any]"


class Staging:
    """Memory for the planes of one link; thread-safe.

    Parameters
    ----------
    pool
        Segments to use again.
    is_inline
        Whether all pixels travel inside messages, so that segments are of no use.
    """

    def __init__(self, pool: SegmentPool, *, is_inline: bool = False) -> None:
        self.pool = pool
        self._is_inline = is_inline
        self.spill = SpillFile()
        self._lock = threading.Lock()
        self._loans: dict[int, _Loan] = {}

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Plane:
        """Lend memory that `copy` takes back without copying; given up unsent, it is used again."""
        nbytes = int(np.prod(shape)) * dtype.itemsize
        segment = self._segment(nbytes)
        if segment is None:
            return np.empty(shape, dtype)
        plane = segment.view()[:nbytes].view(dtype).reshape(shape)
        address = plane.ctypes.data
        returning = weakref.finalize(plane, self._return, address)
        returning.atexit = False
        with self._lock:
            self._loans[address] = _Loan(segment, nbytes, returning)
        return plane

    def copy(self, image: object, shape: tuple[int, ...], dtype: np.dtype[Any], nbytes: int) -> Pixels:
        """Copy an array once, into plane memory where that pays; lent memory is taken as it is."""
        if (lent := self._take_loan(image, nbytes)) is not None:
            return lent
        segment = self._segment(nbytes)
        if segment is None:
            return to_host(image).astype(dtype, copy=False).tobytes()
        try:
            if isinstance(image, np.ndarray) and image.dtype == dtype and image.flags.c_contiguous:
                segment.write(image)
            else:
                copy_into(image, segment.view()[:nbytes].view(dtype).reshape(shape))
        except BaseException:
            segment.close()
            raise
        return segment

    def copy_to_disk(self, image: object, dtype: np.dtype[Any]) -> Spilled | None:
        """Copy an array to the spill file; `None` where that has no room either."""
        plane = np.ascontiguousarray(to_host(image).astype(dtype, copy=False))
        return self.spill.write(memoryview(plane.reshape(-1).view(np.uint8).data))

    def from_disk(self, spilled: Spilled) -> Segment | bytes:
        """Bring a plane back from the spill file, whose space is given up."""
        data = spilled.read(spilled.nbytes)
        spilled.close()
        segment = self._segment(spilled.nbytes)
        if segment is None:
            return data
        segment.write(np.frombuffer(data, np.uint8))
        return segment

    def close(self) -> None:
        """Close all memory that is here; what is lent stays the borrower's."""
        with self._lock:
            loans, self._loans = list(self._loans.values()), {}
        for loan in loans:
            loan.returning.detach()
            loan.segment.close()
        self.pool.close()
        self.spill.close()

    def _segment(self, nbytes: int) -> Segment | None:
        """Return plane memory, or `None` where it does not pay, or is not to be had."""
        if self._is_inline or nbytes < _INLINE_BYTES:
            return None
        try:
            return self.pool.take(nbytes)
        except OSError:
            return None

    def _take_loan(self, image: object, nbytes: int) -> Segment | None:
        if not self._loans or not isinstance(image, np.ndarray) or not image.flags.c_contiguous:
            return None
        with self._lock:
            loan = self._loans.get(image.ctypes.data)
            if loan is None or loan.nbytes != nbytes:
                return None
            del self._loans[image.ctypes.data]
        loan.returning.detach()
        image.flags.writeable = False
        return loan.segment

    def _return(self, address: int) -> None:
        with self._lock:
            loan = self._loans.pop(address, None)
        if loan is not None:
            self.pool.give_back(loan.segment)
