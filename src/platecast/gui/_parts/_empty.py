"""What stands where there is nothing yet: a few words, and what to do about it."""

from qtpy.QtCore import Qt
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

_LINE_CHARACTERS = 80


class EmptyState(QWidget):
    """Words in the middle of a page, with at most one button.

    Parameters
    ----------
    title
        What there is not.
    text
        How it comes to be there.
    button
        What the button says; empty for none.
    """

    asked = QtSignal()
    """The button was pressed."""

    def __init__(self, title: str, text: str, button: str = "") -> None:
        super().__init__()
        self._title = QLabel(title)
        font = self._title.font()
        font.setPointSizeF(font.pointSizeF() * 1.35)
        font.setBold(True)
        self._title.setFont(font)
        self._text = QLabel(text)
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setFixedWidth(self._text.fontMetrics().averageCharWidth() * _LINE_CHARACTERS)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addStretch(2)
        for label in (self._title, self._text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setTextFormat(Qt.TextFormat.PlainText)
            # Not by an alignment: then a text that is wrapped would get the height of one line.
            line = QHBoxLayout()
            line.addStretch(1)
            line.addWidget(label)
            line.addStretch(1)
            layout.addLayout(line)
        self.button = QPushButton(button)
        self.button.setVisible(bool(button))
        self.button.clicked.connect(lambda: self.asked.emit())
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)

    def say(self, title: str, text: str) -> None:
        """Say something else."""
        self._title.setText(title)
        self._text.setText(text)

    @property
    def words(self) -> str:
        """What it says."""
        return f"{self._title.text()}\n{self._text.text()}"
