"""The wells of a plate as squares that are chosen with mouse and keys. Knows nothing of what they hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from qtpy.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look
from qtpy.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
)
from qtpy.QtWidgets import QToolTip, QWidget

from platecast.components import parse_well, plate_format
from platecast.widgets import WellSquares, height_px, label_font

_MOST_CELL_PX = 40
_LEAST = (4, 6)
_ARROWS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}
_Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class WellMark:
    """How a well is drawn.

    Parameters
    ----------
    color
        A colour's name, such as ``"#56b4e9"``.
    tip
        What is said of it under the mouse.
    sign
        ``""``, ``"cross"`` or ``"ring"``, so that nobody needs to see colours.
    """

    color: str
    tip: str = ""
    sign: str = ""


class WellGrid(QWidget):
    """Draws wells and lets several be chosen: click, drag, Ctrl and Shift, labels of rows and columns.

    Without Ctrl or Shift the new choice takes the place of the old one. Arrows move a cursor, Space chooses,
    Ctrl+A chooses all, Escape none.
    """

    chosen_changed = QtSignal()
    """Other wells are chosen than before."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wells: dict[_Place, tuple[str, WellMark]] = {}
        self._rows, self._columns = 8, 12
        self._chosen: set[_Place] = set()
        self._kept: set[_Place] = set()
        """What was chosen before the drag that goes on."""
        self._cursor: _Place | None = None
        self._anchor: _Place | None = None
        self._pressed: QPoint | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(200, 130)
        self.setAccessibleName("Wells")

    def set_wells(self, wells: Mapping[str, WellMark]) -> None:
        """Show these wells, by their labels; those that were chosen and are still there stay chosen."""
        before = self.chosen
        self._wells = {parse_well(name): (name, mark) for name, mark in wells.items()}
        rows = max((row for row, _ in self._wells), default=-1) + 1
        columns = max((column for _, column in self._wells), default=-1) + 1
        # A plate with few wells is more often a part of a large one than the whole of a small one.
        self._rows, self._columns = plate_format(max(rows, _LEAST[0]), max(columns, _LEAST[1]))
        self._chosen = {place for place in self._chosen if place in self._wells}
        if self._cursor not in self._wells:
            self._cursor = min(self._wells, default=None)
        self.updateGeometry()
        self.update()
        if self.chosen != before:
            self.chosen_changed.emit()

    @property
    def chosen(self) -> tuple[str, ...]:
        """The labels of the wells that are chosen, row by row."""
        return tuple(self._wells[place][0] for place in sorted(self._chosen) if place in self._wells)

    def choose(self, labels: Iterable[str]) -> None:
        """Choose these wells and no others."""
        self._set_chosen({parse_well(label) for label in labels} & self._wells.keys())

    def sizeHint(self) -> QSize:
        """Return a size at which 384 wells can be told apart."""
        return QSize(300, self.heightForWidth(300))

    def hasHeightForWidth(self) -> bool:
        """Say that the height follows from the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height at which the wells fill a width."""
        return height_px(self._rows, self._columns, label_font(self.font()), width, _MOST_CELL_PX)

    def rect_of(self, label: str) -> QRect:
        """Return where a well is drawn."""
        return self._squares.square(*parse_well(label)).toRect()

    @property
    def _squares(self) -> WellSquares:
        font = label_font(self.font())
        return WellSquares.in_widget(self._rows, self._columns, font, self.size(), _MOST_CELL_PX)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw labels and wells."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, squares = self.palette(), self._squares
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        squares.paint_labels(painter)
        unused = palette.color(QPalette.ColorRole.Mid)
        frame = QPen(palette.color(QPalette.ColorRole.WindowText), 2)
        for row in range(self._rows):
            for column in range(self._columns):
                found = self._wells.get((row, column))
                painter.setPen(Qt.PenStyle.NoPen)
                if found is None:
                    painter.setBrush(unused)
                    painter.drawEllipse(squares.unused_dot(row, column))
                    continue
                rect = squares.square(row, column)
                is_chosen = (row, column) in self._chosen
                _paint_well(painter, rect, found[1], is_faint=bool(self._chosen) and not is_chosen)
                if is_chosen:
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.setPen(frame)
                    painter.drawRoundedRect(rect, 2, 2)
        if self._cursor is not None and self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 2, Qt.PenStyle.DotLine))
            painter.drawRect(squares.square(*self._cursor).adjusted(-2, -2, 2, 2))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Begin a choice."""
        if event is None or event.button() is not Qt.MouseButton.LeftButton:
            return
        self._pressed = event.position().toPoint()
        keys = event.modifiers()
        adds = bool(keys & Qt.KeyboardModifier.ControlModifier)
        self._kept = set(self._chosen) if adds else set()
        place = self._place_at(self._pressed)
        if place in self._wells and keys & Qt.KeyboardModifier.ShiftModifier and self._anchor is not None:
            assert place is not None  # noqa: S101 -- it is a well's
            self._set_chosen(self._kept | self._between(self._anchor, place))
        elif place in self._wells:
            self._cursor = self._anchor = place
            self._set_chosen(self._kept ^ {place} if adds else {place})
        else:
            self._set_chosen(self._kept | self._line_at(self._pressed))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Choose what a drag goes over, or say what is under the mouse."""
        if event is None:
            return
        here = event.position().toPoint()
        if self._pressed is None:
            found = self._wells.get(self._place_at(here) or (-1, -1))
            text = "" if found is None else f"{found[0]}  {found[1].tip}".rstrip()
            QToolTip.showText(event.globalPosition().toPoint(), text, self)
            return
        if (here - self._pressed).manhattanLength() > 4:
            area, squares = QRectF(QRect(self._pressed, here).normalized()), self._squares
            self._set_chosen(
                self._kept | {place for place in self._wells if squares.square(*place).intersects(area)}
            )

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """End a drag."""
        self._pressed = None

    def leaveEvent(self, event: QEvent | None) -> None:
        """Say nothing any more."""
        QToolTip.hideText()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move the cursor, or choose."""
        if event is None:
            return
        key, keys = Qt.Key(event.key()), event.modifiers()
        if key in _ARROWS and self._cursor is not None:
            self._move(*_ARROWS[key], extends=bool(keys & Qt.KeyboardModifier.ShiftModifier))
        elif key == Qt.Key.Key_Space and self._cursor is not None:
            self._anchor = self._cursor
            self._set_chosen(self._chosen ^ {self._cursor})
        elif key == Qt.Key.Key_A and keys & Qt.KeyboardModifier.ControlModifier:
            self._set_chosen(set(self._wells))
        elif key == Qt.Key.Key_Escape and self._chosen:
            self._set_chosen(set())
        else:
            super().keyPressEvent(event)

    def _move(self, down: int, across: int, *, extends: bool) -> None:
        """Move the cursor to the next well in a straight line."""
        assert self._cursor is not None  # noqa: S101 -- asked by the caller
        row, column = self._cursor[0] + down, self._cursor[1] + across
        while 0 <= row < self._rows and 0 <= column < self._columns:
            if (row, column) in self._wells:
                if extends:
                    self._anchor = self._anchor or self._cursor
                    self._set_chosen(self._between(self._anchor, (row, column)))
                self._cursor = (row, column)
                self.update()
                return
            row, column = row + down, column + across

    def _between(self, first: _Place, second: _Place) -> set[_Place]:
        rows, columns = sorted((first[0], second[0])), sorted((first[1], second[1]))
        return {
            (row, column)
            for row, column in self._wells
            if rows[0] <= row <= rows[1] and columns[0] <= column <= columns[1]
        }

    def _place_at(self, point: QPoint) -> _Place | None:
        row, column = self._squares.row_at(point.y()), self._squares.column_at(point.x())
        return (row, column) if 0 <= row < self._rows and 0 <= column < self._columns else None

    def _line_at(self, point: QPoint) -> set[_Place]:
        """Return the wells of the row or column whose label is at a point; all for the corner."""
        squares = self._squares
        is_left, is_above = point.x() < squares.left_px, point.y() < squares.top_px
        if is_left and is_above:
            return set(self._wells)
        if is_above:
            return {place for place in self._wells if place[1] == squares.column_at(point.x())}
        if is_left:
            return {place for place in self._wells if place[0] == squares.row_at(point.y())}
        return set()

    def _set_chosen(self, chosen: set[_Place]) -> None:
        if chosen != self._chosen:
            self._chosen = chosen
            self.chosen_changed.emit()
        self.update()


def _paint_well(painter: QPainter, rect: QRectF, mark: WellMark, *, is_faint: bool) -> None:
    color = QColor(mark.color)
    color.setAlphaF(0.4 if is_faint else 1.0)
    if mark.sign == "ring":
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(color, max(1.0, rect.width() * 0.1)))
        painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 2, 2)
        return
    painter.setBrush(color)
    painter.drawRoundedRect(rect, 2, 2)
    if mark.sign == "cross":
        inner = rect.adjusted(*(side * rect.width() * 0.28 for side in (1, 1, -1, -1)))
        painter.setPen(QPen(QColor("#ffffff"), max(1.0, rect.width() * 0.1)))
        painter.drawLine(inner.topLeft(), inner.bottomRight())
        painter.drawLine(inner.topRight(), inner.bottomLeft())
