"""Log records as a table, the oldest of which give way."""

import logging
import time
from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, QSortFilterProxyModel, Qt

from platecast.gui._log._buffer import LogLine
from platecast.gui._parts._marks import Mark, mark_icon

MOST_LINES = 10_000
_SPARE = 1000
"""Removed together: a removal at each line would cost more than all else."""
COLUMNS = ("Time", "Level", "From", "Message")
WIDTHS = (14, 14, 18, 60)
MESSAGE_COLUMN = 3


class LogTable(QAbstractTableModel):
    """One row a record, in the order in which they came. For the window's thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lines: list[LogLine] = []

    def add(self, lines: Sequence[LogLine]) -> None:
        """Take in more records."""
        if not lines:
            return
        over = len(self._lines) + len(lines) - MOST_LINES
        if over > 0 and self._lines:
            gone = min(len(self._lines), over + _SPARE)
            self.beginRemoveRows(QModelIndex(), 0, gone - 1)
            del self._lines[:gone]
            self.endRemoveRows()
        lines = lines[-MOST_LINES:]
        first = len(self._lines)
        self.beginInsertRows(QModelIndex(), first, first + len(lines) - 1)
        self._lines += lines
        self.endInsertRows()

    def clear(self) -> None:
        """Let all records go."""
        self.beginResetModel()
        self._lines.clear()
        self.endResetModel()

    def line_at(self, row: int) -> LogLine:
        """Return the record of a row."""
        return self._lines[row]

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of records."""
        return 0 if parent is not None and parent.isValid() else len(self._lines)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:  # noqa: ANN401 -- a QVariant
        """Return the title of a column."""
        is_title = orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole
        return COLUMNS[section] if is_title else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401 -- a QVariant
        """Return what a cell says, and its mark."""
        line = self._lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return (
                clock_text(line.time_s),
                logging.getLevelName(line.level).lower(),
                line.source,
                line.text,
            )[index.column()]
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 1:
            return mark_icon(mark_of_level(line.level))
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == MESSAGE_COLUMN:
            return line.text
        return None


class LogFilter(QSortFilterProxyModel):
    """Lets records of some level and with some words through."""

    def __init__(self, source: LogTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._table = source
        self._level = logging.INFO
        self._words = ""
        self.setSourceModel(source)

    def set_level(self, level: int) -> None:
        """Let only records of this level and above through."""
        self._level = level
        self.invalidateFilter()

    def set_words(self, words: str) -> None:
        """Let only records that contain these words through, in whatever case."""
        self._words = words.strip().casefold()
        self.invalidateFilter()

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        """Say whether a record is let through."""
        line = self._table.line_at(row)
        if line.level < self._level:
            return False
        said = f"{line.source} {line.text} {line.detail}".casefold() if self._words else ""
        return self._words in said


def mark_of_level(level: int) -> Mark:
    """Return the mark of a record's level."""
    if level >= logging.ERROR:
        return Mark.BAD
    return Mark.WAIT if level >= logging.WARNING else Mark.NONE


def clock_text(time_s: float) -> str:
    """Return the time of the day."""
    return time.strftime("%H:%M:%S", time.localtime(time_s)) + f".{int(time_s % 1 * 10)}"
