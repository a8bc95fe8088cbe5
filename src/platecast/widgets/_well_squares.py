"""Where the wells of a plate lie in a widget that draws them as squares, and what is written beside them."""

from dataclasses import dataclass
from typing import Self

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QFont, QFontMetrics, QPainter

from platecast.components import row_name

_LABEL_PX = 10
_STEPS = (1, 2, 4, 6, 8, 12)
"""Every which row or column has a label, where there is no room for all of them."""


@dataclass(frozen=True, slots=True)
class WellSquares:
    """The squares of the wells of one plate, in a widget of one size.

    Parameters
    ----------
    rows, columns
        Of the plate.
    font
        That of the labels, see `label_font`.
    left_px, top_px
        Where the first square begins; above it and left of it are the labels.
    cell_px
        Side of a square and the gap around it.
    """

    rows: int
    columns: int
    font: QFont
    left_px: float
    top_px: float
    cell_px: float

    @classmethod
    def in_widget(
        cls, rows: int, columns: int, font: QFont, size: QSize, most_cell_px: float, *, centred: bool = False
    ) -> Self:
        """Return the largest squares with which a plate fits a widget.

        Parameters
        ----------
        rows, columns, font
            See the class.
        size
            Of the widget.
        most_cell_px
            The largest square that is wanted.
        centred
            Whether what is left of the width is at both sides.
        """
        left, top = margins_px(font, rows)
        across, down = (size.width() - left - 2) / columns, (size.height() - top - 2) / rows
        cell = max(1.0, min(across, down, most_cell_px))
        spare = (size.width() - left - cell * columns) / 2 if centred else 0.0
        return cls(rows, columns, font, left + spare, top, cell)

    @property
    def area(self) -> QRectF:
        """All squares."""
        return QRectF(self.left_px, self.top_px, self.cell_px * self.columns, self.cell_px * self.rows)

    def square(self, row: int, column: int) -> QRectF:
        """Return where a well is drawn."""
        gap = 0.5 if self.cell_px < 9 else 1.0 if self.cell_px < 20 else 2.0
        x, y = self.left_px + column * self.cell_px + gap, self.top_px + row * self.cell_px + gap
        return QRectF(x, y, self.cell_px - 2 * gap, self.cell_px - 2 * gap)

    def row_at(self, y: float) -> int:
        """Return the row at a height, which the plate need not have."""
        return int((y - self.top_px) // self.cell_px)

    def column_at(self, x: float) -> int:
        """Return the column at a distance from the left, which the plate need not have."""
        return int((x - self.left_px) // self.cell_px)

    def label_steps(self) -> tuple[int, int]:
        """Return every which row and column has a label, so that none runs into the next."""
        metrics = QFontMetrics(self.font)
        widest = metrics.horizontalAdvance("48" if self.columns > 9 else "8") + 4
        return self._step(metrics.height() - 2), self._step(widest)

    def paint_labels(self, painter: QPainter) -> None:
        """Write the names of rows and columns, in the painter's colour."""
        painter.setFont(self.font)
        every_row, every_column = self.label_steps()
        height = painter.fontMetrics().height()
        for column in range(0, self.columns, every_column):
            box = QRectF(self.left_px + (column + 0.5) * self.cell_px - 20, 0, 40, height)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(column + 1))
        for row in range(0, self.rows, every_row):
            box = QRectF(0, self.top_px + (row + 0.5) * self.cell_px - 10, self.left_px - 3, 20)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, row_name(row))

    def unused_dot(self, row: int, column: int) -> QRectF:
        """Return the dot in the place of a well that is not used: it shows the format of the plate."""
        side = max(1.0, self.cell_px * 0.2)
        middle = self.square(row, column).center()
        return QRectF(middle.x() - side / 2, middle.y() - side / 2, side, side)

    def _step(self, needed_px: float) -> int:
        return next((step for step in _STEPS if step * self.cell_px >= needed_px), _STEPS[-1])


def label_font(font: QFont) -> QFont:
    """Return a widget's font in the size of labels."""
    small = QFont(font)
    small.setPixelSize(_LABEL_PX)
    return small


def margins_px(font: QFont, rows: int) -> tuple[float, float]:
    """Return the room for the names of rows and for those of columns."""
    metrics = QFontMetrics(font)
    return metrics.horizontalAdvance("AF" if rows > 26 else "H") + 6.0, metrics.height() + 2.0


def height_px(rows: int, columns: int, font: QFont, width_px: int, most_cell_px: float) -> int:
    """Return the height at which the squares of a plate fill a width."""
    left, top = margins_px(font, rows)
    return round(top + min(most_cell_px, (width_px - left - 2) / columns) * rows) + 3
