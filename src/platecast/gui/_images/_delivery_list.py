"""What was sent to which viewer, and what became of it: a line each."""

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from platecast.gui._images._deliveries import Target

_MOST_LINES = 4


class DeliveryList(QWidget):
    """Shows the newest deliveries; hidden while there is none."""

    retry_asked = QtSignal(object)
    """The `Target` for whose viewer the user wants another try."""
    discard_asked = QtSignal(object)
    """The `Target` whose waiting images the user gives up."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[_Line] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self.hide()

    def show_targets(self, targets: Sequence[Target]) -> None:
        """Show how these are; those to which nothing was sent have no line."""
        counted = [(target, target.count) for target in targets]
        shown = [target for target, count in counted if count.total][-_MOST_LINES:]
        while len(self._lines) > len(shown):
            line = self._lines.pop()
            line.hide()
            line.deleteLater()
        while len(self._lines) < len(shown):
            line = _Line(self)
            self._lines.append(line)
            self._layout.addWidget(line)
        for line, target in zip(self._lines, shown, strict=True):
            line.set_target(target)
        self.setVisible(bool(shown))

    @property
    def texts(self) -> list[str]:
        """What the lines say."""
        return [line.text for line in self._lines]


class _Line(QWidget):
    def __init__(self, owner: DeliveryList) -> None:
        super().__init__(owner)
        self._target: Target | None = None
        self._label = QLabel()
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._bar = QProgressBar()
        self._bar.setFixedWidth(180)
        self._bar.setTextVisible(False)
        self._retry = QPushButton("Start again")
        self._retry.clicked.connect(lambda: owner.retry_asked.emit(self._target))
        self._discard = QPushButton("Discard")
        self._discard.setToolTip("Forget the images that wait, and this line")
        self._discard.clicked.connect(lambda: owner.discard_asked.emit(self._target))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._bar)
        layout.addWidget(self._label, 1)
        layout.addWidget(self._retry)
        layout.addWidget(self._discard)

    def set_target(self, target: Target) -> None:
        self._target = target
        count = target.count
        ledger = count.ledger
        done = ledger.shown + ledger.superseded + ledger.failed + ledger.dropped
        self._bar.setRange(0, max(1, count.total))
        self._bar.setValue(done)
        text = f"{target.name} — {count}"
        if target.error:
            text += f". {target.error.splitlines()[0]}"
        elif target.port is None:
            text += ". The viewer is being started"
        self._label.setText(text)
        self._label.setToolTip(target.error or text)
        self._retry.setVisible(bool(target.error))
        self._discard.setVisible(bool(target.error) or count.settled)
        self._discard.setText("Discard" if count.waiting else "Hide")

    @property
    def text(self) -> str:
        return self._label.text()
