"""Planes along the shared axes, as the array that napari takes for a layer's data."""

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from platecast.layers._axes import Axes
from platecast.layers._held import HeldPlane, Pixels
from platecast.layers._key import AXIS_NAMES, Index
from platecast.layers._sparse import SparseStack

_log = logging.getLogger(__name__)

_LEADING = len(AXIS_NAMES)
_Picked = int | Sequence[int]


class PlaneStack(SparseStack[Pixels]):
    """A sparse array of planes, ``(well, site, channel, timepoint, z_index, Y, X[, 3 | 4])``.

    Taking a plane in costs one dictionary entry and no copy; looking at one plane returns a read-only view
    of it. Planes are kept by their values, so an axis may grow anywhere at any time; `shape` always says
    the present size. Along an axis on which the stack does not vary, every position holds the same plane.
    A plane that is missing reads as zeros; `is_missing` tells it from one that is dark.

    Parameters
    ----------
    axes
        The shared axes, which others may extend.
    stacked
        The axes along which the planes vary, in the order of `AXIS_NAMES`.
    plane_shape
        Of every plane; where Y and X are 0, planes may differ in size, and smaller ones are padded to the
        largest each time they are read.
    dtype
        Of every plane; one of another data type is converted each time it is read.
    """

    def __init__(
        self, axes: Axes, stacked: Sequence[str], plane_shape: Sequence[int], dtype: npt.DTypeLike
    ) -> None:
        super().__init__(axes, stacked)
        self._blank: npt.NDArray[Any] | None = None
        self._is_padded = 0 in plane_shape
        self.plane_shape = tuple(plane_shape)
        """Shape of a plane that is read; of the largest plane so far where smaller ones are padded."""
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.on_unreadable: Callable[[PlaneStack, Index, str], None] | None = None
        """Called in the thread that looks with the reason why a plane could not be read; its owner takes it
        out. Without an owner it is missing at once."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Present lengths of all axes."""
        return self._axes.lengths + self.plane_shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return _LEADING + len(self.plane_shape)

    @property
    def size(self) -> int:
        """Number of values, counting planes that are missing."""
        return prod(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<PlaneStack {self.shape} {self.dtype}, {len(self._planes)} planes>"

    def put(self, index: Index, plane: Pixels) -> bool:
        """Take in a plane without copying it; the one it replaces is let go.

        Returns
        -------
        bool
            Whether the planes that are read got larger by it.

        Raises
        ------
        ValueError
            The plane's shape or the index's length is not that of the stack.
        """
        fits = plane.shape == self.plane_shape or (
            self._is_padded
            and plane.ndim == len(self.plane_shape)
            and plane.shape[2:] == self.plane_shape[2:]
        )
        if not fits or len(index) != len(self._stacked):
            raise ValueError(f"plane {plane.shape} at {index} does not fit {self!r} over {self._stacked}")
        if not isinstance(plane, HeldPlane) and (plane.dtype == np.bool_ or plane.flags.writeable):
            plane = plane.view(np.uint8) if plane.dtype == np.bool_ else plane.view()
            plane.flags.writeable = False
        self._planes[index] = plane
        largest = tuple(map(max, plane.shape, self.plane_shape))
        if largest == self.plane_shape:
            return False
        self.plane_shape, self._blank = largest, None
        return True

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:  # noqa: ANN401 -- NumPy's keys
        """Return the values of a key of ints, slices, sequences of ints and ``...``, read-only.

        One plane is a view; more than one are gathered into new memory. Several sequences among the leading
        axes are taken as an outer product, not paired as NumPy would.
        """
        leading, inner = self._split(key)
        picked = [_pick(part, length) for part, length in zip(leading, self._axes.lengths, strict=True)]
        positions = [(part,) if isinstance(part, int) else tuple(part) for part in picked]
        kept = tuple(len(part) for part in picked if not isinstance(part, int))
        if all(len(part) == 1 for part in positions):
            plane: npt.NDArray[Any] = self._read(tuple(part[0] for part in positions))[inner]
            return plane.reshape(kept + plane.shape) if kept else plane
        return self._gather(positions, inner).reshape(kept + self._inner_shape(inner))

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Return everything as one NumPy array, missing planes as zeros."""
        return np.array(self[...], dtype=dtype, copy=copy)

    def _split(self, key: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:  # noqa: ANN401 -- NumPy's keys
        parts = key if isinstance(key, tuple) else (key,)
        dots = [place for place, part in enumerate(parts) if part is Ellipsis]
        if len(dots) > 1 or len(parts) - len(dots) > self.ndim:
            raise IndexError(f"{key!r} is no key for {self.ndim} axes")
        fill = (slice(None),) * (self.ndim - len(parts) + len(dots))
        parts = parts[: dots[0]] + fill + parts[dots[0] + 1 :] if dots else parts + fill
        return parts[:_LEADING], parts[_LEADING:]

    def _read(self, position: Sequence[int]) -> npt.NDArray[Any]:
        index = self._index_at(position)
        found = None if index is None else self._planes.get(index)
        plane = self._taken_down(index, found) if isinstance(found, HeldPlane) else found
        if plane is None:
            return self._blank_plane()
        if plane.dtype == self.dtype and plane.shape == self.plane_shape:
            return plane
        converted = np.zeros(self.plane_shape, self.dtype)
        converted[: plane.shape[0], : plane.shape[1]] = plane
        converted.flags.writeable = False
        return converted

    def _taken_down(self, index: Index | None, resting: HeldPlane) -> npt.NDArray[Any] | None:
        """Read a plane from where it rests; one that cannot be read is missing from now on."""
        try:
            return resting.pixels()
        except OSError as error:
            if index is not None and self.on_unreadable is not None:
                self.on_unreadable(self, index, str(error))
                return None
            _log.warning("a plane is missing: %s", error)
            if index is not None:
                self._planes.pop(index, None)
            return None

    def _blank_plane(self) -> npt.NDArray[Any]:
        if self._blank is None:
            self._blank = np.zeros(self.plane_shape, self.dtype)
            self._blank.flags.writeable = False
        return self._blank

    def _inner_shape(self, inner: tuple[Any, ...]) -> tuple[int, ...]:
        shape: tuple[int, ...] = self._blank_plane()[inner].shape
        return shape

    def _gather(self, positions: Sequence[tuple[int, ...]], inner: tuple[Any, ...]) -> npt.NDArray[Any]:
        """Copy planes together; axes on which the stack does not vary are repeated without a copy."""
        inner_shape = self._inner_shape(inner)
        lengths = tuple(len(part) for part in positions)
        varying = [
            part if place in self._stacked_places else part[:1] for place, part in enumerate(positions)
        ]
        gathered = np.zeros(tuple(len(part) for part in varying) + inner_shape, self.dtype)
        for target, position in _enumerate_product(varying):
            if not self.is_missing(position):
                gathered[target] = self._read(position)[inner]
        gathered.flags.writeable = False
        return np.broadcast_to(gathered, lengths + inner_shape)


def _pick(part: Any, length: int) -> _Picked:  # noqa: ANN401 -- NumPy's keys
    """Return the positions that one part of a key asks for, none of them negative."""
    if isinstance(part, slice):
        return range(length)[part]
    if isinstance(part, (int, np.integer)) and not isinstance(part, (bool, np.bool_)):
        return _checked(int(part), length)
    numbers = np.asarray(part)
    if numbers.ndim == 0 and numbers.dtype.kind in "ui":
        return _checked(int(numbers), length)
    if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "ui"):
        raise IndexError(f"{part!r} is no key for an axis: expected ints, slices or sequences of ints")
    return [_checked(int(number), length) for number in numbers]


def _checked(position: int, length: int) -> int:
    if not -length <= position < length:
        raise IndexError(f"position {position} is outside an axis of {length}")
    return position % length


def _enumerate_product(parts: Sequence[Sequence[int]]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield target and source position of every combination."""
    for pairs in product(*(tuple(enumerate(part)) for part in parts)):
        yield tuple(target for target, _ in pairs), tuple(source for _, source in pairs)
