"""Tab *Viewers*: the table, what one can do to a viewer, and its picture."""

import functools
import threading
from collections.abc import Callable

from qtpy.QtCore import QByteArray, QSortFilterProxyModel, Qt, QTimer
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look
from qtpy.QtGui import (  # type: ignore[attr-defined]  # moved, where mypy does not look
    QAction,
    QKeySequence,
    QShowEvent,
)
from qtpy.QtWidgets import (
    QLabel,
    QMessageBox,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from platecast.gui._parts._action_bar import action_bar
from platecast.gui._parts._background import Background, Task
from platecast.gui._parts._empty import EmptyState
from platecast.gui._parts._notice import Notice
from platecast.gui._parts._tables import header_of, make_table
from platecast.gui._viewers._picture import Picture
from platecast.gui._viewers._viewer_table import PORT_COLUMN, SORT_ROLE, TITLE_COLUMN, ViewerTable
from platecast.manager import ViewerInfo, kill_viewer, quit_viewer, raise_viewer, take_screenshot
from platecast.wire import Endpoint

_PICTURE_DELAY_MS = 300
"""Who goes through the table with the arrow keys wants no picture of each viewer."""
_QUIT_TIMEOUT_S = 30.0
"""One that was just started is deaf until its window is there."""
_CHOOSE = "Choose a viewer to see its window here."


class ViewersPage(QWidget):
    """Shows the viewers, and ends, raises and pictures them.

    Parameters
    ----------
    background
        Where it asks viewers for something.
    """

    start_asked = QtSignal()
    """The user wants a new viewer."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._picture_task: Task | None = None
        self._pictured = ""
        self.model = ViewerTable(self)
        self.sorted = QSortFilterProxyModel(self)
        self.sorted.setSourceModel(self.model)
        self.sorted.setSortRole(SORT_ROLE)
        self.table = make_table(self.sorted, "Viewers", _WIDTHS, TITLE_COLUMN)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(PORT_COLUMN, Qt.SortOrder.AscendingOrder)
        self.picture = Picture(_CHOOSE)
        self.notice = Notice()
        self.empty = EmptyState(
            "No viewer is running",
            "A viewer starts by itself when a pipeline or a script sends its first image. You can also start"
            " one now, and send images of a plate to it from the tab Images.",
            "Start viewer…",
        )
        self.empty.asked.connect(self.start_asked)
        self._about = QLabel()
        self._about.setTextFormat(Qt.TextFormat.PlainText)
        self._about.setWordWrap(True)
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(_PICTURE_DELAY_MS)
        self._delay.timeout.connect(self._follow_choice)
        self._make_actions()
        self._lay_out()
        chosen = self.table.selectionModel()
        assert chosen is not None  # noqa: S101 -- it has a model
        chosen.selectionChanged.connect(lambda *_: self._choice_changed())
        self.table.doubleClicked.connect(lambda _index: self.raise_action.trigger())
        self._choice_changed()
        self._show_or_hide()

    def apply(self, changes: tuple[ViewerInfo, ...]) -> None:
        """Take in how some viewers are now."""
        self.model.apply(changes)
        self._show_or_hide()
        chosen = self.chosen
        if chosen is not None and any(chosen.endpoint.instance == each.endpoint.instance for each in changes):
            self._update_actions()
            if self._pictured != chosen.endpoint.instance and not self._delay.isActive():
                self._delay.start()

    @property
    def chosen(self) -> ViewerInfo | None:
        """The viewer that is chosen in the table."""
        model = self.table.selectionModel()
        rows = model.selectedRows() if model is not None else []
        return self.model.viewer_at(self.sorted.mapToSource(rows[0]).row()) if rows else None

    def choose(self, port: int) -> None:
        """Choose the viewer on a port."""
        for row in range(self.model.rowCount()):
            if self.model.viewer_at(row).endpoint.port == port:
                self.table.selectRow(self.sorted.mapFromSource(self.model.index(row, 0)).row())

    @property
    def actions_of_a_viewer(self) -> tuple[QAction, ...]:
        """What can be done with the viewer that is chosen."""
        return (self.raise_action, self.picture_action, self.quit_action, self.kill_action)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Take the picture that was not taken while nobody looked."""
        super().showEvent(event)
        self._delay.start()

    def save_state(self) -> dict[str, QByteArray]:
        """Return how it is laid out."""
        return {"splitter": self._splitter.saveState(), "table": header_of(self.table).saveState()}

    def restore_state(self, state: dict[str, QByteArray]) -> None:
        """Lay out as it was."""
        self._splitter.restoreState(state["splitter"])
        header_of(self.table).restoreState(state["table"])

    def take_picture(self) -> None:
        """Show a new picture of the viewer that is chosen."""
        chosen = self.chosen
        if chosen is None:
            return
        self._delay.stop()
        if self._picture_task is not None:
            self._picture_task.cancel()
        self._pictured = chosen.endpoint.instance
        port = chosen.endpoint.port
        self.picture.set_text(f"Taking a picture of the viewer on port {port} …")
        self._picture_task = self._background.run(
            lambda stop: take_screenshot(chosen.endpoint, stop=stop),
            self.picture.set_png,
            lambda why: self.picture.set_text(f"No picture: {why}"),
        )

    def _make_actions(self) -> None:
        self.start_action = self._action("&Start viewer…", "Ctrl+N", self.start_asked.emit)
        self.raise_action = self._action("&Bring to front", "Ctrl+Return", self._raise)
        self.picture_action = self._action("Take &picture", "F5", self.take_picture)
        self.quit_action = self._action("&Quit viewer", "Ctrl+W", self._quit)
        self.kill_action = self._action("&End by force…", "Ctrl+Shift+K", self._confirm_kill)

    def _action(self, text: str, shortcut: str, callback: Callable[[], None]) -> QAction:
        action = QAction(text, self)
        action.setShortcut(QKeySequence(shortcut))
        action.setToolTip(f"{text.replace('&', '')}  ({shortcut})")
        action.triggered.connect(lambda _checked=False: callback())
        return action

    def _lay_out(self) -> None:
        bar = action_bar([self.start_action], self.actions_of_a_viewer)
        side = QWidget()
        below = QVBoxLayout(side)
        below.setContentsMargins(0, 0, 0, 0)
        below.addWidget(self.picture, 1)
        below.addWidget(self._about)
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        self._splitter.addWidget(self.table)
        self._splitter.addWidget(side)
        self._splitter.setStretchFactor(0, 2)
        self._splitter.setStretchFactor(1, 3)
        self._splitter.setChildrenCollapsible(False)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self._splitter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.setSpacing(6)
        layout.addWidget(bar)
        layout.addWidget(self.notice)
        layout.addWidget(self._stack, 1)

    def _show_or_hide(self) -> None:
        is_there = self.model.rowCount() > 0
        self._stack.setCurrentWidget(self._splitter if is_there else self.empty)
        model = self.table.selectionModel()
        if is_there and model is not None and not model.hasSelection():
            self.table.selectRow(0)

    def _choice_changed(self) -> None:
        self._update_actions()
        chosen = self.chosen
        if chosen is None:
            self._pictured = ""
            self.picture.set_text(_CHOOSE)
        elif chosen.endpoint.instance != self._pictured:
            self._pictured = ""
            self.picture.set_text(f"Port {chosen.endpoint.port}")
            self._delay.start()

    def _follow_choice(self) -> None:
        chosen = self.chosen
        if chosen is None or chosen.endpoint.instance == self._pictured or not self.isVisible():
            return
        if chosen.state == "ready":
            self.take_picture()
        else:
            # A picture makes the viewer draw: not while it has other things to do. It comes with "ready".
            self.picture.set_text(f"The viewer on port {chosen.endpoint.port} is {chosen.state}.")

    def _update_actions(self) -> None:
        chosen = self.chosen
        for action in self.actions_of_a_viewer:
            action.setEnabled(chosen is not None)
        self._about.setVisible(chosen is not None)
        if chosen is not None:
            self._about.setText(_describe(chosen))

    def _raise(self) -> None:
        self._ask(raise_viewer, "could not be brought to the front")

    def _quit(self) -> None:
        self._ask(functools.partial(quit_viewer, timeout_s=_QUIT_TIMEOUT_S), "did not quit")

    def _confirm_kill(self) -> None:
        chosen = self.chosen
        if chosen is None:
            return
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setWindowTitle("End by force")
        box.setText(f"End the viewer “{chosen.endpoint.title}” on port {chosen.endpoint.port} by force?")
        box.setInformativeText(
            f"Process {chosen.endpoint.pid} ends at once. What it shows and is not saved is lost; images on"
            " their way wait for the next viewer on this port."
        )
        end = box.addButton("&End by force", QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(cancel)
        assert end is not None  # noqa: S101 -- it was just added
        end.clicked.connect(lambda: self._ask(_kill, "was not ended", chosen))
        box.open()

    def _ask(self, work: Callable[..., None], failure: str, viewer: ViewerInfo | None = None) -> None:
        chosen = self.chosen if viewer is None else viewer
        if chosen is not None:
            endpoint = chosen.endpoint
            self.notice.clear()
            self._background.run(
                lambda stop: work(endpoint, stop=stop),
                lambda _: None,
                lambda why: self.notice.say(f"The viewer on port {endpoint.port} {failure}: {why}"),
            )


_WIDTHS = (20, 8, 24, 11, 11, 11, 9, 9, 11, 12)
"""Of the columns, in characters."""


def _kill(endpoint: Endpoint, stop: threading.Event) -> None:
    """End a viewer's process; that takes two seconds at most, and is not left half done."""
    kill_viewer(endpoint)


def _describe(viewer: ViewerInfo) -> str:
    endpoint, ledger = viewer.endpoint, viewer.ledger
    parts = [f"Process {endpoint.pid}"]
    parts.append("stays when its owner ends" if endpoint.persistent else "ends with its owner")
    if endpoint.virtual_screen:
        parts.append("on a virtual screen, which nobody sees")
    if viewer.status is not None:
        parts.append(f"{viewer.status.layer_count} layers")
    if ledger is not None:
        parts += [f"{count:,} dropped: {reason}" for reason, count in ledger.drop_reasons.items()]
        parts += [f"{count:,} failed: {reason}" for reason, count in ledger.failure_reasons.items()]
    return " · ".join(parts)
