"""The viewers as a table that changes in place."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from platecast.gui._parts._marks import Mark, mark_icon
from platecast.manager import ViewerInfo
from platecast.texts import duration_text, memory_text

_RATE_SPAN_S = 3.0
_MARKS = {
    "ready": Mark.GOOD,
    "busy": Mark.WAIT,
    "starting": Mark.WAIT,
    "not responding": Mark.BAD,
    "gone": Mark.BAD,
}
_MEANINGS = {
    "ready": "Its window answers at once",
    "busy": "Its window has not answered for a second: it is drawing or reading; nothing is lost",
    "starting": "It takes images already; its window is not there yet",
    "not responding": "Nothing has been heard from it; it may come back",
}
SORT_ROLE = Qt.ItemDataRole.UserRole
"""What a column is sorted by, where its text would be sorted wrongly."""


def mark_of(state: str) -> Mark:
    """Return the mark of a viewer's state."""
    return _MARKS.get(state, Mark.NONE)


@dataclass(slots=True)
class _Row:
    viewer: ViewerInfo
    heard: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=64))
    """When how many planes had been shown."""

    @property
    def rate(self) -> float | None:
        """Planes shown a second, lately."""
        if len(self.heard) < 2:
            return None
        (first_s, first), (last_s, last) = self.heard[0], self.heard[-1]
        return max(0.0, (last - first) / (last_s - first_s)) if last_s > first_s else None


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    text: Callable[[_Row], str]
    value: Callable[[_Row], Any]
    is_number: bool = True
    tip: str = ""


def _count(name: str) -> Callable[[_Row], int]:
    return lambda row: 0 if row.viewer.ledger is None else int(getattr(row.viewer.ledger, name))


def _count_text(name: str) -> Callable[[_Row], str]:
    count = _count(name)
    return lambda row: "" if row.viewer.ledger is None else f"{count(row):,}"


def _rate_text(row: _Row) -> str:
    rate = row.rate
    return "" if rate is None else f"{rate:.0f}/s" if rate >= 10 or rate == 0 else f"{rate:.1f}/s"


COLUMNS: tuple[_Column, ...] = (
    _Column("State", lambda row: row.viewer.state, lambda row: row.viewer.state, is_number=False),
    _Column("Port", lambda row: str(row.viewer.endpoint.port), lambda row: row.viewer.endpoint.port),
    _Column(
        "Title", lambda row: row.viewer.endpoint.title, lambda row: row.viewer.endpoint.title, is_number=False
    ),
    _Column("Shown", _count_text("shown"), _count("shown"), tip="Images that can be looked at"),
    _Column("Pending", _count_text("pending"), _count("pending"), tip="Images on their way"),
    _Column("Dropped", _count_text("dropped"), _count("dropped"), tip="Images given up on the way"),
    _Column("Failed", _count_text("failed"), _count("failed"), tip="Images that could not be shown"),
    _Column("Rate", _rate_text, lambda row: row.rate or 0.0, tip="Images that came lately, per second"),
    _Column(
        "Memory",
        lambda row: memory_text(row.viewer.memory_mb),
        lambda row: row.viewer.memory_mb or 0.0,
        tip="Memory of its process",
    ),
    _Column(
        "Up",
        lambda row: duration_text(row.viewer.uptime_s),
        lambda row: row.viewer.uptime_s or 0.0,
        tip="Time since it was started",
    ),
)
PORT_COLUMN, TITLE_COLUMN = 1, 2


class ViewerTable(QAbstractTableModel):
    """One row a viewer, in the order in which they came. For the window's thread.

    Parameters
    ----------
    parent
        Its owner.
    clock
        Tells the time in seconds.
    """

    def __init__(self, parent: QObject | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(parent)
        self._rows: list[_Row] = []
        self._clock = clock

    def apply(self, changes: Iterable[ViewerInfo]) -> None:
        """Take in how some viewers are now; those that are gone lose their row."""
        places = {row.viewer.endpoint.instance: place for place, row in enumerate(self._rows)}
        changed: list[int] = []
        new: list[ViewerInfo] = []
        gone: list[int] = []
        for viewer in changes:
            place = places.get(viewer.endpoint.instance)
            if place is not None:
                (gone if viewer.state == "gone" else changed).append(place)
                self._rows[place].viewer = viewer
                self._note(self._rows[place])
            elif viewer.state != "gone":
                new.append(viewer)
        if changed:
            # One notice for all: a view draws each row once, however many changed.
            last = self.index(max(changed), len(COLUMNS) - 1)
            self.dataChanged.emit(self.index(min(changed), 0), last)
        for place in sorted(gone, reverse=True):
            self.beginRemoveRows(QModelIndex(), place, place)
            del self._rows[place]
            self.endRemoveRows()
        if new:
            self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(new) - 1)
            self._rows += [_Row(viewer) for viewer in new]
            for row in self._rows[-len(new) :]:
                self._note(row)
            self.endInsertRows()

    def viewer_at(self, row: int) -> ViewerInfo:
        """Return the viewer of a row."""
        return self._rows[row].viewer

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of viewers."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:  # noqa: ANN401 -- a QVariant
        """Return the title of a column, or what it means."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tip or None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401 -- a QVariant
        """Return what a cell says, how it is sorted, and its mark."""
        row, column = self._rows[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(row)
        if role == SORT_ROLE:
            return column.value(row)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 0:
            return mark_icon(mark_of(row.viewer.state))
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tip(row.viewer)
        return None

    def _note(self, row: _Row) -> None:
        ledger = row.viewer.ledger
        if ledger is None:
            return
        now = self._clock()
        row.heard.append((now, ledger.shown + ledger.superseded))
        while len(row.heard) > 2 and now - row.heard[0][0] > _RATE_SPAN_S:
            row.heard.popleft()


def _alignment(column: _Column) -> int:
    side = Qt.AlignmentFlag.AlignRight if column.is_number else Qt.AlignmentFlag.AlignLeft
    return int((side | Qt.AlignmentFlag.AlignVCenter).value)


def _tip(viewer: ViewerInfo) -> str:
    lines = [f"{viewer.state}: {_MEANINGS.get(viewer.state, '')}".rstrip(": ")]
    ledger = viewer.ledger
    if ledger is not None:
        lines += [f"{count:,} dropped: {reason}" for reason, count in ledger.drop_reasons.items()]
        lines += [f"{count:,} failed: {reason}" for reason, count in ledger.failure_reasons.items()]
    lines.append(f"process {viewer.endpoint.pid}")
    if viewer.endpoint.virtual_screen:
        lines.append("on a virtual screen, which nobody sees")
    return "\n".join(lines)
