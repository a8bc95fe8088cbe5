"""A picture that fills the room it has, and keeps its shape."""

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QPainter, QPaintEvent, QPalette, QPixmap
from qtpy.QtWidgets import QSizePolicy, QWidget


class Picture(QWidget):
    """Shows a picture, or words where there is none.

    Parameters
    ----------
    text
        The words.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._text = text
        self._pixmap = QPixmap()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 100)

    def set_png(self, content: bytes) -> None:
        """Show the picture in the bytes of a PNG file."""
        self._pixmap = QPixmap()
        self._pixmap.loadFromData(content, "PNG")
        self.update()

    def set_text(self, text: str) -> None:
        """Show words and no picture."""
        self._text = text
        self._pixmap = QPixmap()
        self.update()

    @property
    def picture_size(self) -> QSize:
        """Size of the picture in pixels; empty where there is none."""
        return self._pixmap.size()

    @property
    def text(self) -> str:
        """The words for where there is no picture."""
        return self._text

    def sizeHint(self) -> QSize:
        """Return a size at which a window's picture can be made out."""
        return QSize(420, 270)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the picture in the middle, or the words."""
        painter = QPainter(self)
        if self._pixmap.isNull():
            painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.AlternateBase))
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(12, 12, -12, -12), flags, self._text)
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            shown = self._pixmap.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            left = (self.width() - shown.width()) / 2
            painter.drawPixmap(
                QRectF(left, 0, shown.width(), shown.height()), self._pixmap, QRectF(self._pixmap.rect())
            )
        painter.end()
