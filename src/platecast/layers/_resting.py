"""Planes whose pixels rest in a store and are read when they are looked at."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

CACHE_BYTES = 256 << 20
"""Memory for planes that were read and may be looked at again."""


class RestingPlane:
    """One plane that is not in memory. For any thread.

    Parameters
    ----------
    address
        Where it rests, as ``backend:path``.
    shape
        ``(Y, X)`` or ``(Y, X, 3 | 4)``.
    dtype
        Of its pixels, as its header says.
    shelf
        Reads it.
    """

    nbytes = 0
    """The memory that it takes while nobody looks."""

    def __init__(self, address: str, shape: tuple[int, ...], dtype: npt.DTypeLike, shelf: "Shelf") -> None:
        self.address = address
        self.shape = shape
        self.ndim = len(shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._shelf = shelf

    def pixels(self) -> npt.NDArray[Any]:
        """Read the plane, or return it from the planes that were read lately; read-only.

        Raises
        ------
        OSError
            It cannot be read, or is not what its header said.
        """
        return self._shelf.read(self)

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:  # noqa: ANN401 -- NumPy's keys
        picked: npt.NDArray[Any] = self.pixels()[key]
        return picked

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.pixels(), dtype=dtype, copy=copy)


Pixels = npt.NDArray[Any] | RestingPlane
"""A plane in memory, or one that is read when it is looked at."""


class Shelf:
    """Reads resting planes and keeps the latest in memory. For any thread.

    Parameters
    ----------
    load
        Returns the plane at an address; raises `OSError` or `LookupError` where it cannot.
    cache_bytes
        Most memory for planes that were read.
    """

    def __init__(self, load: Callable[[str], npt.NDArray[Any]], cache_bytes: int = CACHE_BYTES) -> None:
        self._load = load
        self._cache_bytes = cache_bytes
        self._lock = threading.Lock()
        self._recent: OrderedDict[str, npt.NDArray[Any]] = OrderedDict()
        self._recent_bytes = 0

    def plane(self, address: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> RestingPlane:
        """Return a plane that this shelf reads when it is looked at."""
        return RestingPlane(address, shape, dtype, self)

    def read(self, plane: RestingPlane) -> npt.NDArray[Any]:
        """Return a plane's pixels, read-only; raises as `RestingPlane.pixels`."""
        with self._lock:
            found = self._recent.get(plane.address)
            if found is not None:
                self._recent.move_to_end(plane.address)
                return found
        try:
            # Not in the lock: a slow disk must not keep others from what is in memory.
            pixels = self._load(plane.address)
        except LookupError as error:
            raise OSError(f"{plane.address} cannot be read: {error}") from error
        if pixels.shape != plane.shape:
            raise OSError(f"{plane.address} is {pixels.shape} and not {plane.shape}, as it was announced")
        pixels = pixels.astype(plane.dtype, copy=False)
        pixels.flags.writeable = False
        self._keep(plane.address, pixels)
        return pixels

    def _keep(self, address: str, pixels: npt.NDArray[Any]) -> None:
        with self._lock:
            if address in self._recent:
                return
            self._recent[address] = pixels
            self._recent_bytes += pixels.nbytes
            while self._recent_bytes > self._cache_bytes and len(self._recent) > 1:
                _, oldest = self._recent.popitem(last=False)
                self._recent_bytes -= oldest.nbytes
