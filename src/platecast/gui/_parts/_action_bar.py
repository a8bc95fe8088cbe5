"""Actions of a page as a row of buttons."""

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtGui import QAction  # type: ignore[attr-defined]  # moved, where mypy does not look
from qtpy.QtWidgets import QHBoxLayout, QToolButton, QWidget

_GAP_PX = 16


def action_bar(*groups: Sequence[QAction]) -> QWidget:
    """Return a row with a button for each action, and a gap between groups."""
    bar = QWidget()
    layout = QHBoxLayout(bar)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(6)
    for place, group in enumerate(groups):
        if place:
            layout.addSpacing(_GAP_PX)
        for action in group:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            # Unlike a button of a toolbar it is reached with the Tab key.
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setMinimumHeight(button.fontMetrics().height() + 12)
            layout.addWidget(button)
    layout.addStretch(1)
    return bar
