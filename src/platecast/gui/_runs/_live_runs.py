"""All pipelines of this user that run, followed through their files."""

import os
from collections.abc import Mapping
from pathlib import Path

from qtpy.QtCore import QFileSystemWatcher, QObject, QTimer
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look

from platecast.gui._parts._background import Background
from platecast.gui._runs._run_view import RunView, read_runs
from platecast.pipeline import runs_dir

_PACE_MS = 250
_ALIVE_MS = 2000
"""How often processes are looked at while pipelines run: one that was killed changes no file."""


class LiveRuns(QObject):
    """Follows the runs, and remembers those that it has seen to their end.

    Parameters
    ----------
    background
        Where files are read.
    parent
        Its owner.
    """

    changed = QtSignal(object)
    """The runs by their identifiers, as `RunView`, whenever one of them has changed."""
    failed = QtSignal(str)
    """Runs cannot be followed; says why."""

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._runs: dict[str, RunView] = {}
        self._is_reading = False
        self._is_stale = False
        self._pace = QTimer(self)
        self._pace.setSingleShot(True)
        self._pace.setInterval(_PACE_MS)
        self._pace.timeout.connect(self._read)
        self._alive = QTimer(self)
        self._alive.setInterval(_ALIVE_MS)
        self._alive.timeout.connect(self._read)
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(lambda _path: self._look())
        self._folder = ""
        background.run(lambda _stop: runs_dir(), self._watch, self.failed.emit)

    @property
    def runs(self) -> Mapping[str, RunView]:
        """The runs by their identifiers."""
        return self._runs

    def forget_ended(self) -> None:
        """Forget all runs that have ended."""
        self._runs = {run: view for run, view in self._runs.items() if view.is_running}
        self.changed.emit(self._runs)

    def close(self) -> None:
        """Follow nothing any more."""
        self._pace.stop()
        self._alive.stop()
        folders = self._watcher.directories()
        if folders:
            self._watcher.removePaths(folders)

    def _watch(self, folder: Path) -> None:
        """Watch the folder of runs, and the one around it: the former comes and goes with runs."""
        self._folder = str(folder)
        self._watcher.addPath(str(folder.parent))
        self._look()

    def _look(self) -> None:
        if self._folder not in self._watcher.directories() and os.path.isdir(self._folder):
            self._watcher.addPath(self._folder)
        self._wait()

    def _wait(self) -> None:
        if not self._pace.isActive():
            self._pace.start()

    def _read(self) -> None:
        if self._is_reading:
            self._is_stale = True
            return
        self._is_reading, self._is_stale = True, False
        known = dict(self._runs)
        self._background.run(lambda _stop: read_runs(known), self._take, self._give_up)

    def _take(self, runs: dict[str, RunView]) -> None:
        self._is_reading = False
        # What was forgotten while files were read stays forgotten.
        runs = {run: view for run, view in runs.items() if run in self._runs or view.is_running}
        has_changed = runs != self._runs
        self._runs = runs
        if any(view.is_running for view in runs.values()):
            self._alive.start()
        else:
            self._alive.stop()
        if has_changed:
            self.changed.emit(runs)
        if self._is_stale:
            self._wait()

    def _give_up(self, why: str) -> None:
        self._is_reading = False
        self.failed.emit(why)
