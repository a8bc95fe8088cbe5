"""Tab *Log*: what this program and what it started have to say."""

import logging
from pathlib import Path

from qtpy.QtCore import QByteArray, Qt, QTimer
from qtpy.QtGui import (  # type: ignore[attr-defined]  # moved, where mypy does not look
    QFontDatabase,
    QGuiApplication,
    QKeySequence,
    QShortcut,
)
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from platecast.gui._log._buffer import LogBuffer, LogLine
from platecast.gui._log._table import MESSAGE_COLUMN, WIDTHS, LogFilter, LogTable, clock_text
from platecast.gui._parts._empty import EmptyState
from platecast.gui._parts._notice import Notice
from platecast.gui._parts._tables import header_of, make_table

_PACE_MS = 150
_LEVELS = (
    ("Everything", logging.DEBUG),
    ("Information and above", logging.INFO),
    ("Warnings and errors", logging.WARNING),
    ("Errors", logging.ERROR),
)


class LogPage(QWidget):
    """Shows what comes into a `LogBuffer`.

    Parameters
    ----------
    buffer
        The records.
    """

    def __init__(self, buffer: LogBuffer) -> None:
        super().__init__()
        self._buffer = buffer
        self.model = LogTable(self)
        self.filter = LogFilter(self.model, self)
        self.table = make_table(self.filter, "Log", WIDTHS, MESSAGE_COLUMN)
        self.level = QComboBox()
        for text, level in _LEVELS:
            self.level.addItem(text, level)
        self.level.setCurrentIndex(1)
        self.level.currentIndexChanged.connect(lambda _index: self._apply_filter())
        self.words = QLineEdit()
        self.words.setPlaceholderText("Words")
        self.words.setClearButtonEnabled(True)
        self.words.textChanged.connect(lambda _text: self._apply_filter())
        self.detail = QPlainTextEdit()
        self.detail.setReadOnly(True)
        self.detail.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.detail.setAccessibleName("Record")
        self.detail.setTabChangesFocus(True)
        self.notice = Notice()
        self.empty = EmptyState(
            "Nothing has been said yet",
            "Records of this window and of the viewers that it starts appear here.",
        )
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PACE_MS)
        self._timer.timeout.connect(self._take)
        buffer.came.connect(self._timer.start)
        model = self.table.selectionModel()
        assert model is not None  # noqa: S101 -- it has a model
        model.selectionChanged.connect(lambda *_: self._show_detail())
        self._lay_out()
        self._take()

    def text(self) -> str:
        """Return the records that the filter lets through, as a file has them."""
        rows = range(self.filter.rowCount())
        return "".join(_line_text(self._line(row)) for row in rows)

    def save_state(self) -> dict[str, QByteArray]:
        """Return how it is laid out."""
        return {"splitter": self._splitter.saveState(), "table": header_of(self.table).saveState()}

    def restore_state(self, state: dict[str, QByteArray]) -> None:
        """Lay out as it was."""
        self._splitter.restoreState(state["splitter"])
        header_of(self.table).restoreState(state["table"])

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        for text, field in (("&Show:", self.level), ("&With:", self.words)):
            label = QLabel(text)
            label.setBuddy(field)
            head.addWidget(label)
            head.addWidget(field, 1 if field is self.words else 0)
        for text, tip, slot in (
            ("&Copy", "Copy the records that are shown", self._copy),
            ("Sa&ve…", "Write the records that are shown into a file", self._ask_for_file),
            ("C&lear", "Let all records go", self._clear),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.clicked.connect(slot)
            head.addWidget(button)
        find = QShortcut(QKeySequence.StandardKey.Find, self)
        find.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        find.activated.connect(self.words.setFocus)
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        self._splitter.addWidget(self.table)
        self._splitter.addWidget(self.detail)
        self._splitter.setStretchFactor(0, 4)
        self._splitter.setStretchFactor(1, 1)
        self._splitter.setSizes([440, 130])
        self._splitter.setChildrenCollapsible(False)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self._splitter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 8)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self.notice)
        layout.addWidget(self._stack, 1)

    def _take(self) -> None:
        bar = self.table.verticalScrollBar()
        is_at_end = bar is None or bar.value() >= bar.maximum()
        self.model.add(self._buffer.take())
        self._stack.setCurrentWidget(self._splitter if self.model.rowCount() else self.empty)
        if is_at_end:
            self.table.scrollToBottom()

    def _apply_filter(self) -> None:
        self.filter.set_level(self.level.currentData())
        self.filter.set_words(self.words.text())
        self.table.scrollToBottom()

    def _line(self, row: int) -> LogLine:
        return self.model.line_at(self.filter.mapToSource(self.filter.index(row, 0)).row())

    def _show_detail(self) -> None:
        model = self.table.selectionModel()
        rows = model.selectedRows() if model is not None else []
        line = self._line(rows[0].row()) if rows else None
        self.detail.setPlainText("" if line is None else f"{line.text}\n{line.detail}".rstrip())

    def _copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.text())

    def _clear(self) -> None:
        self.model.clear()
        self.detail.clear()
        self._stack.setCurrentWidget(self.empty)

    def _ask_for_file(self) -> None:
        dialog = QFileDialog(self, "Save the log", "platecast.log")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.save)
        dialog.open()

    def save(self, name: str) -> None:
        """Write the records that are shown into a file."""
        try:
            Path(name).write_text(self.text(), encoding="utf-8")
        except OSError as error:
            self.notice.say(f"{name} could not be written: {error.strerror or error}")


def _line_text(line: LogLine) -> str:
    detail = f"\n{line.detail}" if line.detail else ""
    level = logging.getLevelName(line.level)
    return f"{clock_text(line.time_s)} {level} {line.source}: {line.text}{detail}\n"
