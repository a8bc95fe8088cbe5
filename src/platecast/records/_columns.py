"""Named columns out of whatever users keep them in: a dict, a data frame, a structured array."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from platecast.arrays import to_numpy
from platecast.errors import InvalidRecordsError

Columns = dict[str, npt.NDArray[Any]]
"""Columns by name: numbers of a dtype that can travel, or text as an array of `str` objects."""

_LONGEST_NAME = 256
_MISSING = ("NAType", "NaTType")
_WIDENED = {"bool": "uint8", "float16": "float32", "longdouble": "float64", "uint64": "float64"}


def columns_of(table: object) -> Columns:
    """Return the columns of a table.

    Parameters
    ----------
    table
        A mapping of names to columns, a data frame (pandas, polars, or whatever has ``columns`` and takes a
        name in brackets), or a NumPy structured array. Columns hold numbers, booleans or text; missing
        values become NaN or empty text.

    Raises
    ------
    InvalidRecordsError
        It is no table, or a column cannot be sent; the message says which.

    Examples
    --------
    >>> columns_of({"label": [1, 2], "area": [30.5, 12.0]})["area"]
    array([30.5, 12. ])
    """
    columns: Columns = {}
    for name, values in _items(table):
        text = str(name)
        if not text or len(text) > _LONGEST_NAME or text in columns:
            raise InvalidRecordsError(
                f"a column named {text[:40]!r}: names are text of 1 to {_LONGEST_NAME} letters, each once"
            )
        columns[text] = _column(text, values)
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidRecordsError(f"columns differ in length: {_some(lengths)}")
    return columns


def _items(table: object) -> Iterable[tuple[object, object]]:
    names = table.dtype.names if isinstance(table, np.ndarray) else None
    if names:
        return [(name, table[name]) for name in names]  # type: ignore[index]  # an array with names
    if isinstance(table, Mapping):
        return table.items()
    if hasattr(table, "columns") and hasattr(table, "__getitem__"):
        return [(name, table[name]) for name in table.columns]
    raise InvalidRecordsError(
        f"{type(table).__name__} is no table: use a dict of columns, a data frame or a structured array"
    )


def _column(name: str, values: object) -> npt.NDArray[Any]:
    try:
        column = values.to_numpy() if hasattr(values, "to_numpy") else to_numpy(values)
    except (ValueError, TypeError) as error:
        raise InvalidRecordsError(f"column {name!r} cannot be read as an array: {error}") from error
    if column.ndim != 1:
        raise InvalidRecordsError(
            f"column {name!r} has shape {column.shape}: expected one value for each row"
        )
    if column.dtype.kind == "U" and isinstance(values, list | tuple):
        # NumPy would make text of the numbers among text.
        return _objects(name, list(values))
    if column.dtype.kind in "UT":
        return column.astype(object)
    if column.dtype.kind == "O":
        return _objects(name, column.tolist())
    if column.dtype.kind not in "biuf":
        raise InvalidRecordsError(f"column {name!r} is {column.dtype}: only numbers and text can be sent")
    if column.dtype == np.uint64 and column.size and column.max() <= np.iinfo(np.int64).max:
        return column.astype(np.int64)
    native = column.dtype.newbyteorder("=")
    return np.ascontiguousarray(column, dtype=_WIDENED.get(native.name, native))


def _objects(name: str, values: list[Any]) -> npt.NDArray[Any]:
    """Return Python objects as text where there is some, else as numbers."""
    is_missing = [value is None or type(value).__name__ in _MISSING for value in values]
    if any(isinstance(value, str) for value in values):
        texts = [
            "" if lacks or value != value else value for value, lacks in zip(values, is_missing, strict=True)
        ]
        odd = next((text for text in texts if not isinstance(text, str)), None)
        if odd is not None:
            raise InvalidRecordsError(f"column {name!r} mixes text and {type(odd).__name__} ({odd!r})")
        column = np.empty(len(texts), object)
        column[:] = texts
        return column
    try:
        numbers = [np.nan if lacks else value for value, lacks in zip(values, is_missing, strict=True)]
        return np.array(numbers, np.float64)
    except (ValueError, TypeError) as error:
        raise InvalidRecordsError(f"column {name!r} holds neither numbers nor text: {error}") from error


def _some(lengths: Mapping[str, int]) -> str:
    first = next(iter(lengths.values()))
    other = next(name for name, length in lengths.items() if length != first)
    return f"{next(iter(lengths))!r} has {first} rows, {other!r} has {lengths[other]}"
