"""Records of this process and lines of others', put together for a window."""

import logging
import re
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from qtpy.QtCore import QObject
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look

_MOST_WAITING = 5000
_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d+) ([A-Z]+) (\S+?): (.*)")
"""As a viewer's log file has them."""
_STAMP = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One record.

    Parameters
    ----------
    time_s
        When, as `time.time` tells it.
    level
        As `logging` has it.
    source
        Who says it: ``manager`` for this window, ``viewer 5555`` for a viewer.
    text
        What, without a traceback.
    detail
        The traceback, or other lines that belong to it.
    """

    time_s: float
    level: int
    source: str
    text: str
    detail: str = ""


class LogBuffer(QObject, logging.Handler):
    """A log handler that keeps records until the window takes them; from any thread.

    Parameters
    ----------
    parent
        Its owner.
    """

    came = QtSignal()
    """There are records to `take`; said once until they are taken."""

    def __init__(self, parent: QObject | None = None) -> None:
        QObject.__init__(self, parent)
        logging.Handler.__init__(self)
        self._waiting: deque[LogLine] = deque(maxlen=_MOST_WAITING)
        self._guard = threading.Lock()
        self._is_told = False
        self._is_closed = False

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record; see `logging.Handler.emit`."""
        try:
            detail = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
            text, _, rest = record.getMessage().partition("\n")
            detail = f"{rest}\n{detail}".strip("\n")
            self.put([LogLine(record.created, record.levelno, "manager", text, detail)])
        except Exception:
            # What logging itself does where a handler fails.
            self.handleError(record)

    def put(self, lines: list[LogLine]) -> None:
        """Keep lines; the oldest give way where nobody takes them."""
        with self._guard:
            self._waiting.extend(lines)
            tell = bool(lines) and not self._is_told and not self._is_closed
            self._is_told = self._is_told or tell
        if tell:
            self.came.emit()

    def take(self) -> list[LogLine]:
        """Return what has come since the last call."""
        with self._guard:
            lines = list(self._waiting)
            self._waiting.clear()
            self._is_told = False
        return lines

    def close(self) -> None:
        """Say nothing any more."""
        self._is_closed = True
        logging.Handler.close(self)


def parse_lines(text: str, source: str) -> list[LogLine]:
    r"""Return the records in a log file's text; lines that begin none belong to the one before.

    Parameters
    ----------
    text
        Whole lines.
    source
        Who wrote them.

    Examples
    --------
    >>> parse_lines("2026-03-01 14:05:09,120 INFO napari: ready\n  at last\n", "viewer 5555")[0].detail
    '  at last'
    """
    lines: list[LogLine] = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is not None:
            moment = datetime.strptime(match[1], _STAMP).timestamp() + int(match[2]) / 1000
            level = logging.getLevelNamesMapping().get(match[3], logging.INFO)
            lines.append(LogLine(moment, level, source, match[5]))
        elif not line.strip():
            continue
        elif lines:
            last = lines[-1]
            detail = f"{last.detail}\n{line}" if last.detail else line
            lines[-1] = LogLine(last.time_s, last.level, source, last.text, detail)
        else:
            # What a library printed, or the rest of a record that was read before.
            lines.append(LogLine(time.time(), logging.INFO, source, line))
    return lines
