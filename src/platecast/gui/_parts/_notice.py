"""A line across a page that says what went wrong, until somebody has read it."""

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from platecast.gui._parts._marks import COLORS, Mark, mark_icon


class Notice(QFrame):
    """A mark, a text and a way to dismiss it; hidden while there is nothing to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kind = Mark.BAD
        self._mark = QLabel()
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        close = QToolButton()
        close.setText("✕")
        close.setAutoRaise(True)
        close.setToolTip("Dismiss")
        close.setAccessibleName("Dismiss")
        close.clicked.connect(self.clear)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 6, 6, 6)
        layout.setSpacing(8)
        top = Qt.AlignmentFlag.AlignTop
        layout.addWidget(self._mark, 0, top)
        layout.addWidget(self._text, 1)
        layout.addWidget(close, 0, top)
        self.hide()

    def say(self, text: str, mark: Mark = Mark.BAD) -> None:
        """Show a text; it takes the place of the one before."""
        side = self.fontMetrics().height()
        self._mark.setPixmap(mark_icon(mark).pixmap(QSize(side, side)))
        self._text.setText(text)
        self._kind = mark
        self.show()

    def clear(self) -> None:
        """Hide it."""
        self._text.clear()
        self.hide()

    @property
    def text(self) -> str:
        """What it says; empty while it is hidden."""
        return self._text.text()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the frame, here and not by a style sheet, which would keep light colours in the dark."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(COLORS[self._kind]), 1))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()
