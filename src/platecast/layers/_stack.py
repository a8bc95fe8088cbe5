"""Planes along the shared axes, as the array that napari takes for a layer's data."""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from platecast.layers._axes import Axes
from platecast.layers._key import AXIS_NAMES, Index

_LEADING = len(AXIS_NAMES)
_Picked = int | Sequence[int]


class PlaneStack:
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
    plane_shape, dtype
        Of every plane; one of another data type is converted each time it is read.
    """

    def __init__(
        self, axes: Axes, stacked: Sequence[str], plane_shape: Sequence[int], dtype: npt.DTypeLike
    ) -> None:
        self._axes = axes
        self._stacked = tuple(stacked)
        self._stacked_places = tuple(AXIS_NAMES.index(name) for name in stacked)
        self._planes: dict[Index, npt.NDArray[Any]] = {}
        self._blank: npt.NDArray[Any] | None = None
        self.plane_shape = tuple(plane_shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype)

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

    @property
    def stacked(self) -> tuple[str, ...]:
        """The axes along which the planes vary."""
        return self._stacked

    @property
    def indices(self) -> tuple[Index, ...]:
        """Indices of the planes that are there, in the order in which they came first."""
        return tuple(self._planes)

    @property
    def nbytes(self) -> int:
        """Memory of the planes that are there, in bytes."""
        return sum(plane.nbytes for plane in self._planes.values())

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<PlaneStack {self.shape} {self.dtype}, {len(self._planes)} planes>"

    def put(self, index: Index, plane: npt.NDArray[Any]) -> None:
        """Take in a plane without copying it; the one it replaces is let go.

        Raises
        ------
        ValueError
            The plane's shape or the index's length is not that of the stack.
        """
        if plane.shape != self.plane_shape or len(index) != len(self._stacked):
            raise ValueError(f"plane {plane.shape} at {index} does not fit {self!r} over {self._stacked}")
        view = plane.view(np.uint8) if plane.dtype == np.bool_ else plane.view()
        view.flags.writeable = False
        self._planes[index] = view

    def plane(self, index: Index) -> npt.NDArray[Any] | None:
        """Return the plane of an index as it was taken in, read-only, or `None` if it is missing."""
        return self._planes.get(index)

    def is_missing(self, position: Sequence[int]) -> bool:
        """Say whether there is no plane at a position along the leading axes."""
        return self._index_at(position) not in self._planes

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

    def _index_at(self, position: Sequence[int]) -> Index | None:
        """Return the values at a position; `None` where an axis has none yet."""
        index = []
        for name, place in zip(self._stacked, self._stacked_places, strict=True):
            value = self._axes.value(name, position[place])
            if value is None:
                return None
            index.append(value)
        return tuple(index)

    def _read(self, position: Sequence[int]) -> npt.NDArray[Any]:
        index = self._index_at(position)
        plane = None if index is None else self._planes.get(index)
        if plane is None:
            return self._blank_plane()
        if plane.dtype == self.dtype:
            return plane
        converted = plane.astype(self.dtype)
        converted.flags.writeable = False
        return converted

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
