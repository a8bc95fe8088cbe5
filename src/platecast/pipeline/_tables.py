"""Tables and points: from what a function returned to columns, and from columns to CSV. Pure."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from platecast.arrays import to_numpy
from platecast.components import COMPONENT_NAMES, Components, Kind
from platecast.errors import InvalidRecordsError
from platecast.records import Columns, Records, columns_of, make_records

_AXES = {2: ("y", "x"), 3: ("z", "y", "x")}


def is_table(result: object) -> bool:
    """Return whether something that a function returned has columns."""
    if isinstance(result, np.ndarray):
        return result.dtype.names is not None
    return isinstance(result, Mapping) or (hasattr(result, "columns") and hasattr(result, "__getitem__"))


def _is_single(value: object) -> bool:
    return isinstance(value, str | int | float) or getattr(value, "ndim", None) == 0


def table_of(result: object) -> Columns:
    """Return the columns of a mapping, a data frame or a structured array; single values are a row.

    Raises
    ------
    InvalidRecordsError
        It has no columns, or they are not as `columns_of` takes them, or one bears the name of a component.
    """
    if isinstance(result, Mapping):
        result = {name: [value] if _is_single(value) else value for name, value in result.items()}
    columns = columns_of(result)
    taken = [name for name in columns if name in COMPONENT_NAMES]
    if taken:
        raise InvalidRecordsError(
            f"a table's column cannot be called {', '.join(taken)}: that is added from the plane's components"
        )
    return columns


def point_table_of(result: object) -> Columns:
    """Return points as columns ``y, x`` or ``z, y, x``, with further columns where the result has some.

    Raises
    ------
    InvalidRecordsError
        They are neither ``(N, 2)`` nor ``(N, 3)`` nor columns with ``y`` and ``x``, or not finite.
    """
    if is_table(result):
        columns = table_of(result)
        if not {"y", "x"} <= columns.keys():
            raise InvalidRecordsError(f"points need columns 'y' and 'x', not {', '.join(columns)}")
    else:
        array = to_numpy(result)
        if array.ndim != 2 or array.shape[1] not in _AXES:
            raise InvalidRecordsError(f"points must have the shape (N, 2) or (N, 3), not {array.shape}")
        columns = {name: array[:, axis] for axis, name in enumerate(_AXES[array.shape[1]])}
    for name in _AXES[3]:
        if name in columns and not np.isfinite(columns[name].astype(float)).all():
            raise InvalidRecordsError(f"the column {name!r} of points holds values that are no numbers")
    return columns


def records_of(columns: Columns, kind: Kind) -> Records:
    """Return a table or points as they are shown."""
    if kind is not Kind.POINTS:
        return make_records(columns, kind)
    axes = [name for name in _AXES[3] if name in columns]
    features = {name: values for name, values in columns.items() if name not in axes}
    coordinates = np.stack([columns[name] for name in axes], axis=1)
    return make_records(coordinates, kind, features=features or None)


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
