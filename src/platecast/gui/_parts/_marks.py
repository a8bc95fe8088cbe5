"""Small marks that tell how something is by colour and by shape, so that nobody needs to see colours."""

import enum
import functools

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF

_SIZE_PX = 32
"""Drawn at twice the size of a line of text, for screens that have the pixels."""


class Mark(enum.Enum):
    """How something is."""

    GOOD = "good"
    """Green, a disc with a tick."""
    WAIT = "wait"
    """Amber, a triangle."""
    BAD = "bad"
    """Red, a square with a cross."""
    NONE = "none"
    """Grey, a ring."""


COLORS: dict[Mark, str] = {
    Mark.GOOD: "#2e9e5b",
    Mark.WAIT: "#e69f00",
    Mark.BAD: "#d23f31",
    Mark.NONE: "#8a919c",
}


@functools.cache
def mark_icon(mark: Mark) -> QIcon:
    """Return the icon of a mark; for the window's thread."""
    pixmap = QPixmap(_SIZE_PX, _SIZE_PX)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint_mark(painter, QRectF(0, 0, _SIZE_PX, _SIZE_PX), mark)
    painter.end()
    return QIcon(pixmap)


def paint_mark(painter: QPainter, box: QRectF, mark: Mark) -> None:
    """Draw a mark into a box."""
    color = QColor(COLORS[mark])
    side = box.width()
    inner = box.adjusted(side * 0.12, side * 0.12, -side * 0.12, -side * 0.12)
    line = QPen(QColor("#ffffff"), side * 0.1)
    line.setCapStyle(Qt.PenCapStyle.RoundCap)
    line.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)

    def at(x: float, y: float) -> QPointF:
        return QPointF(box.left() + x * side, box.top() + y * side)

    if mark is Mark.GOOD:
        painter.drawEllipse(inner)
        painter.setPen(line)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF([at(0.31, 0.52), at(0.45, 0.66), at(0.69, 0.37)]))
    elif mark is Mark.WAIT:
        painter.drawPolygon(QPolygonF([at(0.5, 0.1), at(0.94, 0.88), at(0.06, 0.88)]))
        painter.setPen(line)
        painter.drawLine(at(0.5, 0.4), at(0.5, 0.62))
        painter.drawPoint(at(0.5, 0.77))
    elif mark is Mark.BAD:
        painter.drawRoundedRect(inner, side * 0.1, side * 0.1)
        painter.setPen(line)
        painter.drawLine(at(0.35, 0.35), at(0.65, 0.65))
        painter.drawLine(at(0.65, 0.35), at(0.35, 0.65))
    else:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(color, side * 0.1))
        painter.drawEllipse(inner.adjusted(side * 0.05, side * 0.05, -side * 0.05, -side * 0.05))
