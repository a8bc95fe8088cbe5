"""Dock *Stream*: what became of every plane, how fast they come, and who sends them."""

import time
from collections.abc import Callable, Mapping

import psutil
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QGridLayout, QLabel, QSizePolicy, QWidget

from platecast.viewer._inbox._arrivals import Inbox
from platecast.viewer._session._following import RULE, Following
from platecast.wire import Ledger

_INTERVAL_MS = 500
_ROWS = (
    ("sent", "Sent", "Planes that senders have sent, as far as they said"),
    ("shown", "Shown", "Readable from a layer"),
    ("superseded", "Replaced", "Replaced by a later plane of the same place"),
    ("failed", "Failed", "Refused, with a reason in the log"),
    ("dropped", "Dropped", "Given up by the sender on the way"),
    ("pending", "On the way", "Sent, and neither shown nor given up"),
    ("rate", "Rate", "Planes shown per second, over the last half second"),
    ("senders", "Senders", "Processes that are connected"),
    ("memory", "Process", "Memory of this window's process"),
    ("held", "In memory", "Memory of planes"),
    ("in_scratch", "In scratch", "Planes that gave way to others; read again when they are looked at"),
    ("at_rest", "At rest", "Planes in a store; read when they are looked at"),
    (
        "records",
        "Records",
        "Memory of points, shapes, tracks, vectors and tables; outside the budget of planes",
    ),
)
_FOLLOW = "Follow the newest plane"
_PAUSED = f"{_FOLLOW} (waits: you moved)"
_ALARM = "color: #e69f00; font-weight: bold"
_HALF = 7
_MEANINGS = {name: meaning for name, _, meaning in _ROWS}


class StreamDock(QWidget):
    """Shows the account of an inbox twice a second, while it is visible.

    Parameters
    ----------
    inbox
        Whose account it is.
    clock
        Returns seconds that never go back.
    following
        Whether the sliders go to the newest plane; can be chosen here.
    """

    def __init__(
        self,
        inbox: Inbox,
        clock: Callable[[], float] = time.monotonic,
        following: Following | None = None,
    ) -> None:
        super().__init__()
        self._inbox = inbox
        self._clock = clock
        self._process = psutil.Process()
        self._seen: tuple[float, int] | None = None
        self._values: dict[str, QLabel] = {}
        layout = QGridLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setVerticalSpacing(2)
        for place, (name, title, meaning) in enumerate(_ROWS):
            # Two columns of pairs: low, for the plate map above needs the height, and narrow.
            row, column = place % _HALF, place // _HALF * 2
            title_label, value = QLabel(title), QLabel("0")
            title_label.setToolTip(meaning)
            value.setToolTip(meaning)
            # Longer numbers must not move the border between docks and images.
            value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            layout.addWidget(title_label, row, column)
            layout.addWidget(value, row, column + 1)
            self._values[name] = value
        for column in (1, 3):
            layout.setColumnStretch(column, 1)
        self._following = following
        self.follow = QCheckBox(_FOLLOW)
        # Nor must longer words.
        self.follow.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.follow.setToolTip(RULE)
        self.follow.setVisible(following is not None)
        self.follow.clicked.connect(self._choose_following)
        layout.addWidget(self.follow, _HALF, 0, 1, 4)
        self.missed = QLabel()
        """Names a sender on another machine that is not heard; hidden where there is none."""
        self.missed.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.missed.setStyleSheet("color: #e69f00")
        layout.addWidget(self.missed, _HALF + 1, 0, 1, 4)
        layout.setRowStretch(_HALF + 2, 1)
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self._update_if_visible)
        self._timer.start()
        self.update_values()

    def stop(self) -> None:
        """Ask no more; for a window that closes."""
        self._timer.stop()

    def value(self, name: str) -> str:
        """Return what is said of a count of the ledger, or of another row."""
        return self._values[name].text()

    def update_values(self) -> None:
        """Show the account as it is now."""
        ledger = self._inbox.ledger()
        for name, count in ledger.counts().items():
            self._values[name].setText(f"{count:,}")
        for name, reasons in (("failed", ledger.failure_reasons), ("dropped", ledger.drop_reasons)):
            self._values[name].setToolTip(_reasons_text(_MEANINGS[name], reasons))
            _set_alarm(self._values[name], is_on=bool(reasons))
        unnamed = self._inbox.dropped_unnamed()
        if unnamed:
            self._values["dropped"].setText(f"{ledger.dropped:,} ({unnamed:,} unnamed)")
        self._values["rate"].setText(f"{self._rate(ledger):.0f} /s")
        self._values["memory"].setText(_memory_text(self._process.memory_info().rss))
        holdings = self._inbox.holdings()
        self._values["held"].setText(_memory_text(holdings.memory_bytes))
        self._values["held"].setToolTip(
            f"{_MEANINGS['held']}: {holdings.in_memory.planes:,} planes; "
            f"the most is {_memory_text(holdings.budget_bytes)}"
        )
        self._values["records"].setText(_memory_text(holdings.records.nbytes))
        for name, stock in (("in_scratch", holdings.in_scratch), ("at_rest", holdings.at_rest)):
            self._values[name].setText(_memory_text(stock.nbytes))
            self._values[name].setToolTip(f"{_MEANINGS[name]}: {stock.planes:,} planes")
        self._show_senders()
        if self._following is not None:
            self.follow.setChecked(self._following.is_on)
            is_paused = self._following.is_on and self._following.is_held
            self.follow.setText(_PAUSED if is_paused else _FOLLOW)

    def _show_senders(self) -> None:
        """Show how many there are, and which of them the window waits for."""
        missed = self._inbox.missed()
        self._values["senders"].setText(str(self._inbox.senders()))
        _set_alarm(self._values["senders"], is_on=bool(missed))
        others = f" (and {len(missed) - 1} more)" if len(missed) > 1 else ""
        self.missed.setText(f"{missed[0]}{others}" if missed else "")
        self.missed.setToolTip("\n".join(missed))
        self.missed.setVisible(bool(missed))

    def _choose_following(self, is_chosen: bool) -> None:
        if self._following is not None:
            self._following.chosen = is_chosen
            self.update_values()

    def _rate(self, ledger: Ledger) -> float:
        now, shown = self._clock(), ledger.shown + ledger.superseded
        before, self._seen = self._seen, (now, shown)
        if before is None or now <= before[0]:
            return 0.0
        return max(0.0, (shown - before[1]) / (now - before[0]))

    def _update_if_visible(self) -> None:
        if self.isVisible():
            self.update_values()


def _set_alarm(label: QLabel, *, is_on: bool) -> None:
    style = _ALARM if is_on else ""
    # The same one once more makes Qt lay out the dock and draw the whole window, twice a second.
    if label.styleSheet() != style:
        label.setStyleSheet(style)


def _reasons_text(meaning: str, reasons: Mapping[str, int]) -> str:
    lines = [f"{count:,}: {reason}" for reason, count in sorted(reasons.items(), key=lambda each: -each[1])]
    return "\n".join([meaning, *lines])


def _memory_text(nbytes: float) -> str:
    return f"{nbytes / 1e9:.1f} GB" if nbytes >= 1e9 else f"{nbytes / 1e6:.0f} MB"
