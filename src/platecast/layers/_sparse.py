"""What is there along the shared axes, kept by its values and never by positions."""

from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from platecast.layers._axes import Axes
from platecast.layers._key import AXIS_NAMES, Index, Value


class _Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


T = TypeVar("T", bound=_Sized)


class SparseStack(Generic[T]):
    """Planes of some sort by their index; missing ones take nothing.

    Parameters
    ----------
    axes
        The shared axes, which others may extend.
    stacked
        The axes along which the planes vary, in the order of `AXIS_NAMES`.
    """

    def __init__(self, axes: Axes, stacked: Sequence[str]) -> None:
        self._axes = axes
        self._stacked = tuple(stacked)
        self._stacked_places = tuple(AXIS_NAMES.index(name) for name in stacked)
        self._planes: dict[Index, T] = {}

    @property
    def stacked(self) -> tuple[str, ...]:
        """The axes along which the planes vary."""
        return self._stacked

    @property
    def indices(self) -> tuple[Index, ...]:
        """Indices of the planes that are there, in the order in which they came first."""
        return tuple(self._planes)

    @property
    def count(self) -> int:
        """Number of planes that are there."""
        return len(self._planes)

    @property
    def nbytes(self) -> int:
        """Memory of the planes that are there, in bytes."""
        return sum(plane.nbytes for plane in self._planes.values())

    def take_out(self, index: Index) -> bool:
        """Let a plane go, which is missing from then on; say whether there was one."""
        return self._planes.pop(index, None) is not None

    def plane(self, index: Index) -> T | None:
        """Return the plane of an index as it was taken in, or `None` if it is missing."""
        return self._planes.get(index)

    def is_missing(self, position: Sequence[int]) -> bool:
        """Say whether there is no plane at a position along the leading axes."""
        return self._index_at(position) not in self._planes

    def planes(self) -> list[T]:
        """Return all planes that are there, as they were taken in."""
        return list(self._planes.values())

    def planes_at(self, positions: Sequence[Iterable[int]]) -> list[T]:
        """Return the planes that are there, as they were taken in, among some positions of each axis."""
        return [self._planes[index] for index in self.indices_at(positions)]

    def indices_at(self, positions: Sequence[Iterable[int]]) -> list[Index]:
        """Return the indices of the planes that are there among some positions of each axis."""
        wanted: list[set[Value]] = []
        for name, place in zip(self._stacked, self._stacked_places, strict=True):
            values = {self._axes.value(name, position) for position in positions[place]}
            wanted.append({value for value in values if value is not None})
        if all(len(values) == 1 for values in wanted):
            index = tuple(next(iter(values)) for values in wanted)
            return [index] if index in self._planes else []
        return [
            index
            for index in self._planes
            if all(value in values for value, values in zip(index, wanted, strict=True))
        ]

    def _index_at(self, position: Sequence[int]) -> Index | None:
        """Return the values at a position; `None` where an axis has none yet."""
        index = []
        for name, place in zip(self._stacked, self._stacked_places, strict=True):
            value = self._axes.value(name, position[place])
            if value is None:
                return None
            index.append(value)
        return tuple(index)
