"""The runs as a table."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt

from platecast.gui._parts._marks import Mark, mark_icon
from platecast.gui._runs._run_view import ENDED, RunView
from platecast.texts import duration_text


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    text: Callable[[RunView], str]
    width: int
    """In characters."""
    is_number: bool = False


def _rate(view: RunView) -> str:
    rate = view.rate
    return "" if rate is None else f"{rate:.1f}/s" if rate < 10 else f"{rate:.0f}/s"


def _left(view: RunView) -> str:
    return duration_text(view.status.seconds_left) if view.is_running else ""


COLUMNS = (
    _Column("State", lambda view: view.state, 16),
    _Column("Plate", lambda view: os.path.basename(os.path.normpath(view.status.plate)), 24),
    _Column("Steps", lambda view: ", ".join(view.status.steps), 28),
    _Column("Wells", lambda view: f"{view.status.wells_done:,} of {view.status.wells_total:,}", 16, True),
    _Column("Failures", lambda view: f"{view.status.failures:,}", 11, True),
    _Column("Results", lambda view: f"{view.status.planes_written:,}", 11, True),
    _Column("Rate", _rate, 10, True),
    _Column("Time", lambda view: duration_text(view.status.seconds), 12, True),
    _Column("Left", _left, 12, True),
)
STRETCHED = 2


def mark_of_run(view: RunView) -> Mark:
    """Return the mark of a run's state."""
    if view.state == ENDED or view.status.failures:
        return Mark.BAD if not view.is_running else Mark.WAIT
    return Mark.WAIT if view.state in ("stopping", "stopped") else Mark.GOOD


class RunTable(QAbstractTableModel):
    """One row a run, the newest first. For the window's thread."""

    def __init__(self) -> None:
        super().__init__()
        self._views: list[RunView] = []

    def set_runs(self, runs: Mapping[str, RunView]) -> None:
        """Show these runs."""
        views = sorted(runs.values(), key=lambda view: view.status.run, reverse=True)
        if [view.status.run for view in views] != [view.status.run for view in self._views]:
            self.beginResetModel()
            self._views = views
            self.endResetModel()
        elif views:
            self._views = views
            self.dataChanged.emit(self.index(0, 0), self.index(len(views) - 1, len(COLUMNS) - 1))

    def view_at(self, row: int) -> RunView:
        """Return the run of a row."""
        return self._views[row]

    def row_of(self, run: str) -> int | None:
        """Return the row of a run."""
        return next((row for row, view in enumerate(self._views) if view.status.run == run), None)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of runs."""
        return 0 if parent is not None and parent.isValid() else len(self._views)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:  # noqa: ANN401 -- a QVariant
        """Return the title of a column."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section].title
        return _alignment(COLUMNS[section]) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401 -- a QVariant
        """Return what a cell says, and its mark."""
        view, column = self._views[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(view)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 0:
            return mark_icon(mark_of_run(view))
        if role == Qt.ItemDataRole.ToolTipRole:
            status = view.status
            return f"run {status.run}\nplate {status.plate}\noutput {status.output}\nprocess {status.pid}"
        return None


def _alignment(column: _Column) -> int:
    side = Qt.AlignmentFlag.AlignRight if column.is_number else Qt.AlignmentFlag.AlignLeft
    return int((side | Qt.AlignmentFlag.AlignVCenter).value)
