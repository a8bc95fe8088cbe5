"""Tab *Runs*: pipelines in progress, their wells, and what failed in them."""

from collections.abc import Callable, Mapping

from qtpy.QtCore import QByteArray, QSignalBlocker, Qt, QUrl
from qtpy.QtGui import (  # type: ignore[attr-defined]  # moved, where mypy does not look
    QAction,
    QDesktopServices,
    QFontDatabase,
    QKeySequence,
)
from qtpy.QtWidgets import (
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from platecast.components import parse_well
from platecast.errors import InvalidWellError
from platecast.gui._parts._action_bar import action_bar
from platecast.gui._parts._background import Background
from platecast.gui._parts._empty import EmptyState
from platecast.gui._parts._notice import Notice
from platecast.gui._parts._tables import header_of, make_table
from platecast.gui._parts._well_grid import WellGrid, WellMark
from platecast.gui._runs._live_runs import LiveRuns
from platecast.gui._runs._run_table import COLUMNS, STRETCHED, RunTable
from platecast.gui._runs._run_view import RunFailure, RunView
from platecast.pipeline import stop_run

_DONE, _FAILED, _WAITING, _BEFORE = "#56b4e9", "#d55e00", "#8a919c", "#3a7ca5"
_MOST_FAILURES = 500
_FAILURE = Qt.ItemDataRole.UserRole


class RunsPage(QWidget):
    """Shows pipelines that run, and stops them.

    Parameters
    ----------
    background
        Where runs are stopped.
    runs
        The runs.
    """

    def __init__(self, background: Background, runs: LiveRuns) -> None:
        super().__init__()
        self._background = background
        self._runs = runs
        self._shown: RunView | None = None
        self.model = RunTable()
        self.table = make_table(self.model, "Runs", [column.width for column in COLUMNS], STRETCHED)
        self.grid = WellGrid()
        self.grid.chosen_changed.connect(self._show_failures)
        self.legend = QLabel()
        self.legend.setWordWrap(True)
        self.failures = QListWidget()
        self.failures.setAccessibleName("Failures")
        self.failures.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.failures.setUniformItemSizes(True)
        self.failures.currentItemChanged.connect(lambda *_: self._show_traceback())
        self.traceback = QPlainTextEdit()
        self.traceback.setReadOnly(True)
        self.traceback.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.traceback.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.traceback.setAccessibleName("Traceback")
        self.traceback.setTabChangesFocus(True)
        self.notice = Notice()
        self.empty = EmptyState(
            "No pipeline is running",
            "A pipeline that is run by a script, a notebook or “platecast run” appears here by itself, well"
            " by well, with everything that fails in it.",
        )
        self._make_actions()
        self._lay_out()
        model = self.table.selectionModel()
        assert model is not None  # noqa: S101 -- it has a model
        model.selectionChanged.connect(lambda *_: self._show_chosen())
        runs.changed.connect(self.show_runs)
        runs.failed.connect(lambda why: self.notice.say(f"Runs cannot be followed: {why}"))
        self.show_runs({})

    def show_runs(self, runs: Mapping[str, RunView]) -> None:
        """Show these runs; the choice stays where it is."""
        chosen = self.chosen
        self.model.set_runs(runs)
        if runs and self.chosen is None:
            row = None if chosen is None else self.model.row_of(chosen.status.run)
            self.table.selectRow(row or 0)
        self._stack.setCurrentWidget(self._splitter if runs else self.empty)
        self.forget_action.setEnabled(any(not view.is_running for view in runs.values()))
        self._show_chosen()

    @property
    def chosen(self) -> RunView | None:
        """The run that is chosen in the table."""
        model = self.table.selectionModel()
        rows = model.selectedRows() if model is not None else []
        return self.model.view_at(rows[0].row()) if rows else None

    def stop(self) -> None:
        """Let the run that is chosen finish the wells that were begun, and no others."""
        chosen = self.chosen
        if chosen is not None:
            self._background.run(
                lambda _stop: stop_run(chosen.status.run),
                lambda _: None,
                lambda why: self.notice.say(f"The run was not stopped: {why}"),
            )

    def open_output(self) -> None:
        """Show the folder of the results."""
        chosen = self.chosen
        if chosen is not None and not QDesktopServices.openUrl(QUrl.fromLocalFile(chosen.status.output)):
            self.notice.say(f"No program opened the folder {chosen.status.output}")

    def save_state(self) -> dict[str, QByteArray]:
        """Return how it is laid out."""
        return {
            "splitter": self._splitter.saveState(),
            "detail": self._detail.saveState(),
            "failures": self._texts.saveState(),
            "table": header_of(self.table).saveState(),
        }

    def restore_state(self, state: dict[str, QByteArray]) -> None:
        """Lay out as it was."""
        self._splitter.restoreState(state["splitter"])
        self._detail.restoreState(state["detail"])
        self._texts.restoreState(state["failures"])
        header_of(self.table).restoreState(state["table"])

    def _make_actions(self) -> None:
        self.stop_action = self._action("S&top run", "Ctrl+Shift+T", self.stop)
        self.output_action = self._action("Open &output", "Ctrl+Shift+O", self.open_output)
        self.forget_action = self._action("&Forget ended runs", "Ctrl+Shift+F", self._runs.forget_ended)

    def _action(self, text: str, shortcut: str, callback: Callable[[], None]) -> QAction:
        action = QAction(text, self)
        action.setShortcut(QKeySequence(shortcut))
        action.setToolTip(f"{text.replace('&', '')}  ({shortcut})")
        action.triggered.connect(lambda _checked=False: callback())
        return action

    def _lay_out(self) -> None:
        bar = action_bar([self.stop_action, self.output_action], [self.forget_action])
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.grid)
        column.addWidget(self.legend)
        column.addStretch(1)
        self._texts = QSplitter(Qt.Orientation.Vertical)
        self._texts.addWidget(self.failures)
        self._texts.addWidget(self.traceback)
        self._texts.setStretchFactor(1, 1)
        self._detail = QSplitter()
        self._detail.addWidget(left)
        self._detail.addWidget(self._texts)
        self._detail.setStretchFactor(1, 1)
        self._detail.setSizes([380, 700])
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        self._splitter.addWidget(self.table)
        self._splitter.addWidget(self._detail)
        self._splitter.setStretchFactor(0, 1)
        self._splitter.setStretchFactor(1, 2)
        for each in (self._texts, self._detail, self._splitter):
            each.setChildrenCollapsible(False)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self._splitter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.setSpacing(6)
        layout.addWidget(bar)
        layout.addWidget(self.notice)
        layout.addWidget(self._stack, 1)

    def _show_chosen(self) -> None:
        chosen = self.chosen
        self.stop_action.setEnabled(chosen is not None and chosen.state == "running")
        self.output_action.setEnabled(chosen is not None)
        if chosen == self._shown:
            return
        is_same = (
            chosen is not None and self._shown is not None and chosen.status.run == self._shown.status.run
        )
        self._shown = chosen
        wells = {} if chosen is None else _marks(chosen)
        with QSignalBlocker(self.grid):
            if not is_same:
                self.grid.choose(())
            self.grid.set_wells(wells)
        self.grid.setVisible(bool(wells))
        self.legend.setText("" if chosen is None else _legend(chosen))
        self._show_failures()

    def _show_failures(self) -> None:
        wells = set(self.grid.chosen)
        known = () if self._shown is None else self._shown.failures
        wanted = [failure for failure in known if not wells or _plain(failure.well) in wells][:_MOST_FAILURES]
        current = self._current
        shown = [self.failures.item(row) for row in range(self.failures.count())]
        if [item.data(_FAILURE) for item in shown if item is not None] == wanted and wanted:
            return
        with QSignalBlocker(self.failures):
            self.failures.clear()
            for failure in wanted:
                item = QListWidgetItem(failure.text)
                item.setData(_FAILURE, failure)
                item.setToolTip(failure.text)
                self.failures.addItem(item)
        place = wanted.index(current) if current in wanted else 0
        if wanted:
            self.failures.setCurrentRow(place)
        self._show_traceback()

    @property
    def _current(self) -> RunFailure | None:
        item = self.failures.currentItem()
        return None if item is None else item.data(_FAILURE)

    def _show_traceback(self) -> None:
        failure = self._current
        if failure is None:
            text = "Nothing has failed."
        elif failure.traceback:
            text = failure.traceback
        else:
            text = f"{failure.text}\n\nThere is no traceback: the worker process was lost."
        if text != self.traceback.toPlainText():
            self.traceback.setPlainText(text)


def _plain(label: str) -> str:
    """Return the well in a label that may begin with the plate's name."""
    return label.rpartition(" ")[2]


def _marks(view: RunView) -> dict[str, WellMark]:
    """Return how the wells are drawn; of a run over several plates, a well is as its worst one."""
    marks: dict[str, WellMark] = {}
    for label in (*view.status.wells, *view.wells):
        well = _plain(label)
        try:
            parse_well(well)
        except InvalidWellError:
            continue
        known = marks.get(well)
        if label not in view.wells:
            mark = WellMark(_WAITING, "waiting", "ring")
        elif view.wells[label]:
            mark = WellMark(_FAILED, "done, with failures", "cross")
        elif label in view.skipped:
            mark = WellMark(_BEFORE, "done by an earlier run")
        else:
            mark = WellMark(_DONE, "done")
        if known is None or _RANK[mark.color] > _RANK[known.color]:
            marks[well] = mark
    return marks


_RANK = {_DONE: 0, _BEFORE: 0, _WAITING: 1, _FAILED: 2}


def _legend(view: RunView) -> str:
    failed = sum(view.wells.values())
    done = len(view.wells) - failed
    waiting = max(0, view.status.wells_total - len(view.wells))
    parts = [(done, "done"), (failed, "with failures"), (waiting, "waiting")]
    text = " · ".join(f"{count:,} {word}" for count, word in parts if count)
    return f"{text}. Choose wells to see their failures only." if failed else text
