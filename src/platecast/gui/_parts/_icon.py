"""The program's icon: three by three wells, one of which is being looked at."""

from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap

_SIZES_PX = (16, 24, 32, 48, 64, 128)
_GROUND, _WELL, _HERE = "#26303d", "#56b4e9", "#f0c808"


def app_icon() -> QIcon:
    """Return the icon; for the window's thread."""
    icon = QIcon()
    for side in _SIZES_PX:
        pixmap = QPixmap(side, side)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(_GROUND))
        painter.drawRoundedRect(QRectF(0, 0, side, side), side * 0.18, side * 0.18)
        cell = side * 0.26
        for row in range(3):
            for column in range(3):
                painter.setBrush(QColor(_HERE if (row, column) == (1, 1) else _WELL))
                x, y = side * 0.13 + column * cell, side * 0.13 + row * cell
                painter.drawEllipse(QRectF(x, y, cell * 0.82, cell * 0.82))
        painter.end()
        icon.addPixmap(pixmap)
    return icon
