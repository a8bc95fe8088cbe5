"""The axes that all layers share, and the values along them."""

import bisect
import re
from collections.abc import Callable, Iterable, Mapping

from platecast.components import PlateLayout, parse_well
from platecast.layers._key import AXIS_NAMES, Value

_DIGITS = re.compile(r"(\d+)")


class Axes:
    """The values of every axis: the union over all that was placed or announced.

    All layers have the same axes, so a position means the same in each of them. Values are sorted (wells
    by row and column, numbers numerically, text naturally) and may be inserted anywhere, so positions
    change when an axis grows and nothing may be kept by position.

    Announced values count only once a plane varies along their axis: channels that are layers have no
    slider, whatever the plate is known to hold.
    """

    def __init__(self) -> None:
        self._values: dict[str, list[Value]] = {name: [] for name in AXIS_NAMES}
        self._positions: dict[str, dict[Value, int]] = {name: {} for name in AXIS_NAMES}
        self._announced: dict[str, set[Value]] = {name: set() for name in AXIS_NAMES}

    @property
    def lengths(self) -> tuple[int, ...]:
        """Number of positions of each axis, in the order of `AXIS_NAMES`; an unused axis has one."""
        return tuple(max(1, len(self._values[name])) for name in AXIS_NAMES)

    def values(self, axis: str) -> tuple[Value, ...]:
        """Return the values along an axis, in order; empty where no plane varies along it."""
        return tuple(self._values[axis])

    def announced(self, axis: str) -> frozenset[Value]:
        """Return every value of a component that was announced, whether it is an axis or not."""
        return frozenset(self._announced[axis])

    def value(self, axis: str, position: int) -> Value | None:
        """Return the value at a position, or `None` along an unused axis.

        Raises
        ------
        IndexError
            The axis is used and has no such position.
        """
        values = self._values[axis]
        return values[position] if values else None

    def position(self, components: Mapping[str, Value]) -> dict[str, int]:
        """Return the positions of some components; those along unused axes are left out.

        Raises
        ------
        LookupError
            A value is not on its axis.
        """
        found = {}
        for axis, value in components.items():
            positions = self._positions[axis]
            if not positions:
                continue
            if value not in positions:
                known = ", ".join(str(known) for known in self._values[axis])
                raise LookupError(f"{axis}={value!r} is not there: this window has {known}")
            found[axis] = positions[value]
        return found

    def add(self, components: Mapping[str, Value]) -> bool:
        """Take in the values of a plane along the axes it varies on; say whether an axis grew."""
        grew = False
        for axis, value in components.items():
            if value in self._positions[axis]:
                continue
            if self._values[axis]:
                bisect.insort(self._values[axis], value, key=_sort_key(axis))
                self._renumber(axis)
            else:
                self._merge(axis, {value} | self._announced[axis])
            grew = True
        return grew

    def announce(self, layout: PlateLayout) -> bool:
        """Take in what a plate is known to hold; say whether an axis grew."""
        grew = False
        for axis in AXIS_NAMES:
            announced: tuple[Value, ...] = getattr(layout, axis)
            self._announced[axis].update(announced)
            if self._values[axis] and not self._announced[axis] <= self._positions[axis].keys():
                self._merge(axis, self._announced[axis])
                grew = True
        return grew

    def rebuild(self, used: Mapping[str, Iterable[Value]]) -> None:
        """Have the values along which planes vary now, and what was announced of the same components."""
        for axis in AXIS_NAMES:
            values = set(used.get(axis, ()))
            self._values[axis].clear()
            self._merge(axis, values | self._announced[axis] if values else ())

    def clear(self) -> None:
        """Forget every value, announced ones too."""
        for axis in AXIS_NAMES:
            self._values[axis].clear()
            self._positions[axis].clear()
            self._announced[axis].clear()

    def _merge(self, axis: str, values: Iterable[Value]) -> None:
        self._values[axis] = sorted({*self._values[axis], *values}, key=_sort_key(axis))
        self._renumber(axis)

    def _renumber(self, axis: str) -> None:
        self._positions[axis] = {value: position for position, value in enumerate(self._values[axis])}


def sort_values(axis: str, values: Iterable[Value]) -> list[Value]:
    """Return values of a component in the order that they have along an axis."""
    return sorted(values, key=_sort_key(axis))


_SortKey = tuple[tuple[int, int, str], ...]


def _sort_key(axis: str) -> Callable[[Value], _SortKey]:
    return _well_key if axis == "well" else _natural_key


def _well_key(value: Value) -> _SortKey:
    row, column = parse_well(str(value))
    return ((row, column, ""),)


def _natural_key(value: Value) -> _SortKey:
    """Numbers before text; digits inside text count as numbers, so that ``w2`` comes before ``w10``."""
    if isinstance(value, int):
        return ((0, value, ""),)
    parts = _DIGITS.split(value)
    key = tuple((1, int(part), "") if part.isdigit() else (2, 0, part.casefold()) for part in parts if part)
    # Text that differs in case or in leading zeros only must still have one order.
    return (*key, (3, 0, value))
