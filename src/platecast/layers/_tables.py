"""Tables by place: which features the rows of a table give to what lies there, and numbers by well."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from platecast.components import Components, PlaneId, StepId, well_name
from platecast.errors import InvalidWellError
from platecast.records import LABEL_NAMES, Records, row_labels

Features = dict[str, npt.NDArray[Any]]
"""Columns by name, all of one length."""

_Site = tuple[str, str | None, str | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Table:
    """A table, and the ticket that it came with."""

    records: Records
    step: StepId | None
    components: Components
    ticket: object


class Tables:
    """The tables of a window. For one thread."""

    def __init__(self) -> None:
        self._by_site: dict[_Site, dict[tuple[StepId | None, Components], Table]] = defaultdict(dict)

    def put(self, run: str, plane: PlaneId, records: Records, ticket: object) -> object | None:
        """Take in a table; return the ticket of the one of the same step and components that it replaces."""
        tables = self._by_site[_site(run, plane.components)]
        key = (plane.step, plane.components)
        replaced = tables.get(key)
        tables[key] = Table(records, plane.step, plane.components, ticket)
        return None if replaced is None else replaced.ticket

    def beside(self, run: str, components: Components) -> Iterator[Table]:
        """Yield the tables of a place.

        Well, site and timepoint are those of the place; a channel or z that a table names must be, too.
        """
        for table in self._by_site.get(_site(run, components), {}).values():
            named = table.components
            if all(
                getattr(named, name) in (None, getattr(components, name)) for name in ("channel", "z_index")
            ):
                yield table

    def all(self) -> Iterator[tuple[str, Table]]:
        """Yield every table and its run."""
        for site, tables in self._by_site.items():
            for table in tables.values():
                yield site[0], table

    def drop(self, runs: Set[str], steps: Set[StepId | None]) -> None:
        """Let the tables of some runs and steps go."""
        for site, tables in list(self._by_site.items()):
            if site[0] in runs:
                kept = {key: table for key, table in tables.items() if table.step not in steps}
                self._by_site[site] = kept

    def clear(self) -> None:
        """Let every table go."""
        self._by_site.clear()


def _site(run: str, components: Components) -> _Site:
    return run, components.plate, components.well, components.site, components.timepoint


def label_features(own: Mapping[str, npt.NDArray[Any]] | None, tables: Iterable[Records]) -> Features:
    """Return what is known of the labels of a plane: one row for each label that anything names.

    Parameters
    ----------
    own
        Columns that came with the labels themselves.
    tables
        Tables with a column of labels, later ones last: their columns win.

    Returns
    -------
    dict
        ``label`` first. Numbers that are not known are NaN, text is empty.
    """
    known = [dict(own)] if own else []
    known += [dict(table.features) for table in tables if row_labels(table) is not None]
    keyed = [(_labels_in(columns), columns) for columns in known]
    if not keyed:
        return {}
    labels = np.unique(np.concatenate([found for found, _ in keyed]))
    features: Features = {"label": labels}
    for found, columns in keyed:
        features |= _joined(labels, found, columns)
    return features


def record_features(records: Records, tables: Iterable[Records]) -> Features:
    """Return the features of points, shapes and so on: their own, and those of tables for their labels.

    Records without a column of labels take only from a table that has one row for each of them, labelled
    1, 2, 3, …: spots must not get what was measured in cells.
    """
    labels = row_labels(records)
    numbered = np.arange(1, records.count + 1)
    features = dict(records.features)
    for table in tables:
        found = row_labels(table)
        if found is not None and (labels is not None or np.array_equal(np.sort(found), numbered)):
            features |= _joined(numbered if labels is None else labels, found, table.features)
    return features


def _labels_in(columns: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.int64]:
    name = next(name for name in LABEL_NAMES if name in columns)
    return columns[name].astype(np.int64)


def _joined(
    labels: npt.NDArray[np.int64], found: npt.NDArray[np.int64], columns: Mapping[str, npt.NDArray[Any]]
) -> Features:
    """Return columns in the order of labels; of a label that has several rows the last counts."""
    order = np.argsort(found, kind="stable")
    place = np.searchsorted(found[order], labels, "right") - 1
    has_row = place >= 0
    rows = order[np.maximum(place, 0)] if len(order) else np.zeros(len(labels), int)
    if len(order):
        has_row &= found[rows] == labels
    joined: Features = {}
    for name, column in columns.items():
        if name in LABEL_NAMES:
            continue
        if has_row.all():
            joined[name] = column[rows]
        elif column.dtype.kind == "O":
            joined[name] = np.where(has_row, column[rows] if len(order) else "", "")
        else:
            values = column[rows].astype(np.float64) if len(order) else np.zeros(len(labels))
            joined[name] = np.where(has_row, values, np.nan)
    return joined


class WellSums:
    """Means of columns by well, from rows that come in pieces."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, int]] = {}

    def add(self, well: str | None, column: str, features: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take in the rows of one place; rows of no well count where a column ``well`` says theirs."""
        values = features.get(column)
        if values is None or values.dtype.kind == "O":
            return
        numbers = values.astype(np.float64)
        if well is not None:
            self._add(well, numbers)
            return
        names = features.get("well")
        if names is None or names.dtype.kind != "O":
            return
        wells, which = np.unique(names.astype(str), return_inverse=True)
        for place, name in enumerate(wells.tolist()):
            try:
                self._add(well_name(name), numbers[which == place])
            except InvalidWellError:
                continue

    def means(self) -> dict[str, float]:
        """Return the mean of each well that has a number."""
        return {well: total / count for well, (total, count) in self._sums.items() if count}

    def _add(self, well: str, numbers: npt.NDArray[np.float64]) -> None:
        finite = numbers[np.isfinite(numbers)]
        total, count = self._sums.get(well, (0.0, 0))
        self._sums[well] = (total + float(finite.sum()), count + int(finite.size))


def number_columns_of(features: Mapping[str, npt.NDArray[Any]]) -> list[str]:
    """Return the names of the columns that hold numbers and are no labels."""
    return [name for name, column in features.items() if column.dtype.kind != "O" and name not in LABEL_NAMES]
