"""Tables: from what a function returned to columns, and from columns to CSV and back. Pure."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeGuard

import numpy as np
import numpy.typing as npt

from platecast.arrays import any_to_host
from platecast.components import COMPONENT_NAMES, Components
from platecast.errors import UnsupportedArrayError

Columns: TypeAlias = dict[str, npt.NDArray[Any]]
"""Columns of equal length by their names; numbers, booleans or text."""

_AXES = {2: ("y", "x"), 3: ("z", "y", "x")}


def is_table(result: object) -> bool:
    """Return whether something that a function returned has columns."""
    return isinstance(result, Mapping) or _is_frame(result) or _is_structured(result)


def columns_of(result: object) -> Columns:
    """Return the columns of a mapping, a data frame or a structured array; a single value is a row.

    Raises
    ------
    UnsupportedArrayError
        It has no columns, or they differ in length, or one bears the name of a component.
    """
    if isinstance(result, Mapping):
        found = {str(name): values for name, values in result.items()}
    elif _is_frame(result):
        found = {str(name): result[name].to_numpy() for name in result.columns}
    elif _is_structured(result):
        found = {name: result[name] for name in result.dtype.names or ()}
    else:
        raise UnsupportedArrayError(
            f"{type(result).__name__} is no table: return a mapping of columns, a data frame or a"
            " structured array"
        )
    columns = {name: _column(name, values) for name, values in found.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise UnsupportedArrayError(f"the columns of a table differ in length: {lengths}")
    taken = [name for name in columns if name in COMPONENT_NAMES]
    if taken:
        raise UnsupportedArrayError(
            f"a table's column cannot be called {', '.join(taken)}: that is added from the plane's components"
        )
    return columns


def points_of(result: object) -> Columns:
    """Return points as columns ``y, x`` or ``z, y, x``, with further columns where the result has some.

    Raises
    ------
    UnsupportedArrayError
        They are neither ``(N, 2)`` nor ``(N, 3)`` nor columns with ``y`` and ``x``, or not finite.
    """
    if is_table(result):
        columns = columns_of(result)
        if not {"y", "x"} <= columns.keys():
            raise UnsupportedArrayError(f"points need columns 'y' and 'x', not {', '.join(columns)}")
    else:
        array = any_to_host(result)
        if array.ndim != 2 or array.shape[1] not in _AXES:
            raise UnsupportedArrayError(f"points must have the shape (N, 2) or (N, 3), not {array.shape}")
        columns = {name: array[:, axis] for axis, name in enumerate(_AXES[array.shape[1]])}
    for name in _AXES[3]:
        if name in columns and not np.isfinite(columns[name].astype(float)).all():
            raise UnsupportedArrayError(f"the column {name!r} of points holds values that are no numbers")
    return columns


def format_rows(members: Iterable[tuple[Components, Columns]]) -> str:
    """Return tables of several planes as one CSV text: first the planes' components, then the columns."""
    members = tuple(members)
    given = [name for name in COMPONENT_NAMES if any(name in each.present for each, _ in members)]
    names = list(dict.fromkeys(name for _, columns in members for name in columns))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*given, *names])
    for components, columns in members:
        plane = [getattr(components, name) for name in given]
        values = [columns[name].tolist() if name in columns else None for name in names]
        for row in range(len(next(iter(columns.values()), ()))):
            writer.writerow([*plane, *("" if each is None else each[row] for each in values)])
    return text.getvalue()


def join_csv(texts: Sequence[str]) -> str:
    """Return several CSV texts with headers as one; columns that one of them lacks are empty there."""
    parts = [list(csv.reader(io.StringIO(text))) for text in texts]
    headers = [part[0] for part in parts if part]
    names = list(dict.fromkeys(name for header in headers for name in header))
    names = [name for name in COMPONENT_NAMES if name in names] + [
        name for name in names if name not in COMPONENT_NAMES
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for header, *rows in filter(None, parts):
        places = [header.index(name) if name in header else None for name in names]
        writer.writerows([["" if place is None else row[place] for place in places] for row in rows])
    return text.getvalue()


def _column(name: str, values: object) -> npt.NDArray[Any]:
    column = np.asarray(values) if isinstance(values, str | list | tuple) else any_to_host(values)
    if column.ndim == 0:
        column = column[np.newaxis]
    if column.ndim != 1:
        raise UnsupportedArrayError(f"the column {name!r} of a table has the shape {column.shape}, not (N,)")
    if column.dtype.kind not in "biufUSOT":
        raise UnsupportedArrayError(f"the column {name!r} of a table is {column.dtype}: numbers or text only")
    return column


def _is_frame(result: object) -> TypeGuard[Any]:
    return (
        hasattr(result, "columns") and hasattr(result, "__getitem__") and not isinstance(result, np.ndarray)
    )


def _is_structured(result: object) -> TypeGuard[npt.NDArray[Any]]:
    return isinstance(result, np.ndarray) and result.dtype.names is not None
