"""Dock *Compare steps*: which steps are seen beside each other or in turns."""

from collections.abc import Callable, Sequence

from qtpy.QtCore import Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from platecast.viewer._session._canvas import Canvas
from platecast.viewer._session._steps import Step, step_text

_HINT = "Steps of the newest run, at the same place.\nCtrl+K begins and ends, K shows the next step in turns."
_EMPTY = "No steps yet."


class CompareDock(QWidget):
    """Lists the steps and begins or ends a comparison.

    Parameters
    ----------
    canvas
        Whose steps they are.
    compare
        Compares steps, beside each other or in turns; without steps it ends.
    """

    def __init__(self, canvas: Canvas, compare: Callable[[Sequence[Step], bool], None]) -> None:
        super().__init__()
        self._canvas = canvas
        self._compare = compare
        self._steps: tuple[Step, ...] = ()
        self._list = QListWidget()
        self._list.setAccessibleName("Steps to compare")
        self._list.itemChanged.connect(self._allow)
        self._hint = QLabel(_HINT)
        self._hint.setWordWrap(True)
        self.side_by_side = QPushButton("Side by side")
        self.in_turns = QPushButton("In turns")
        self.end = QPushButton("End")
        self.side_by_side.clicked.connect(lambda: self._compare(self.chosen, True))
        self.in_turns.clicked.connect(lambda: self._compare(self.chosen, False))
        self.end.clicked.connect(lambda: self._compare((), True))
        buttons = QHBoxLayout()
        for button in (self.side_by_side, self.in_turns, self.end):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.addWidget(self._list, 1)
        layout.addLayout(buttons)
        layout.addWidget(self._hint)
        self.refresh()

    @property
    def chosen(self) -> tuple[Step, ...]:
        """The steps that are ticked, in their order."""
        ticked = (self._list.item(row) for row in range(self._list.count()))
        return tuple(
            step
            for step, item in zip(self._steps, ticked, strict=True)
            if item is not None and item.checkState() == Qt.CheckState.Checked
        )

    def refresh(self) -> None:
        """List the steps that there are now; a step that is new is ticked while there are only two."""
        steps = self._canvas.steps
        if steps != self._steps or not self._list.count():
            ticked = set(self.chosen) if self._steps and self._list.count() == len(self._steps) else set()
            ticked |= set(steps[-2:]) if len(ticked) < 2 else set()
            self._steps = steps
            self._list.blockSignals(True)
            self._list.clear()
            for step in steps:
                item = QListWidgetItem(step_text(step))
                item.setCheckState(Qt.CheckState.Checked if step in ticked else Qt.CheckState.Unchecked)
                self._list.addItem(item)
            self._list.blockSignals(False)
        self._hint.setText(_HINT if steps else _EMPTY)
        self._allow()

    def showEvent(self, event: QShowEvent | None) -> None:
        """List the steps that came while the dock was not to be seen."""
        super().showEvent(event)
        self.refresh()

    def _allow(self, _item: object = None) -> None:
        is_enough = len(self.chosen) > 1
        self.side_by_side.setEnabled(is_enough)
        self.in_turns.setEnabled(is_enough)
        self.end.setEnabled(bool(self._canvas.compared))
