"""Follows the log files of the viewers that this window started."""

import functools
import threading
from pathlib import Path

from qtpy.QtCore import QFileSystemWatcher, QObject, QTimer

from platecast.gui._log._buffer import LogBuffer, parse_lines
from platecast.gui._parts._background import Background

_PACE_MS = 250
_MOST_BYTES = 1 << 18
"""Of a file that grew by more at once only the end is shown."""


class LogTail(QObject):
    """Reads what is added to log files, in the background.

    Parameters
    ----------
    background
        Where files are read.
    buffer
        Where lines go.
    parent
        Its owner.
    """

    def __init__(self, background: Background, buffer: LogBuffer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._buffer = buffer
        self._sources: dict[str, str] = {}
        self._offsets: dict[str, int] = {}
        self._stale: set[str] = set()
        self._reading: set[str] = set()
        self._watcher = QFileSystemWatcher(self)
        self._watcher.fileChanged.connect(self._note)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PACE_MS)
        self._timer.timeout.connect(self._read_stale)

    def follow(self, path: Path, source: str) -> None:
        """Follow a file from its beginning.

        Parameters
        ----------
        path
            The file.
        source
            Who writes it.
        """
        name = str(path)
        self._sources[name] = source
        self._offsets[name] = 0
        if name not in self._watcher.files():
            self._watcher.addPath(name)
        self._note(name)

    def close(self) -> None:
        """Follow nothing any more."""
        self._timer.stop()
        if self._watcher.files():
            self._watcher.removePaths(self._watcher.files())

    def _note(self, name: str) -> None:
        self._stale.add(name)
        if not self._timer.isActive():
            self._timer.start()

    def _read_stale(self) -> None:
        stale, self._stale = self._stale - self._reading, self._stale & self._reading
        for name in stale:
            self._reading.add(name)
            self._background.run(
                functools.partial(_read, name, self._offsets[name]),
                functools.partial(self._take, name),
                functools.partial(self._give_up, name),
            )

    def _give_up(self, name: str, _why: str) -> None:
        self._reading.discard(name)

    def _take(self, name: str, found: tuple[str, int]) -> None:
        self._reading.discard(name)
        text, offset = found
        self._offsets[name] = offset
        self._buffer.put(parse_lines(text, self._sources[name]))
        if name in self._stale:
            self._timer.start()


def _read(name: str, offset: int, _stop: threading.Event) -> tuple[str, int]:
    """Return the whole lines after an offset, and where they end."""
    with Path(name).open("rb") as file:
        size = file.seek(0, 2)
        # The viewer after this one writes a new file.
        offset = 0 if offset > size else max(offset, size - _MOST_BYTES)
        file.seek(offset)
        content = file.read()
    whole = content[: content.rfind(b"\n") + 1]
    return whole.decode(errors="replace"), offset + len(whole)
