"""Runs as others see them: a file for each running pipeline, and one that asks it to stop.

They lie in ``runs`` in the user's runtime folder, where no other user gets in: ``RUN.json`` says how far a
run is and is replaced a few times a second; who creates ``RUN.stop`` stops it. Both go when the run ends. A
file whose process is gone is stale and removed by whoever finds it.
"""

import contextlib
import logging
import os
import time
from pathlib import Path

import msgspec

from platecast.errors import PipelineError, PlatecastError, StorageError
from platecast.pipeline._results import write_text
from platecast.wire import process_start_time, runtime_dir

_log = logging.getLogger(__name__)
_FOLDER = "runs"
_WRITE_INTERVAL_S = 0.2


class RunStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far a running pipeline is.

    Parameters
    ----------
    run
        Identifier of the run.
    pid, start_time
        The process that started it, and when that started, see `process_start_time`.
    state
        ``"running"`` or ``"stopping"``.
    plate, output
        Folders.
    steps
        Names of the steps.
    executor, workers
        Who processes the wells.
    ports
        Data ports of the viewers where it is shown.
    wells
        Labels of all wells, in the plate's order.
    wells_done, wells_total, planes_done, planes_total, planes_written, failures
        As in `Progress`.
    well
        The well that was finished last.
    seconds
        Time since the start.
    """

    run: str
    pid: int
    start_time: float
    state: str
    plate: str
    output: str
    steps: tuple[str, ...]
    executor: str
    workers: int
    ports: tuple[int, ...] = ()
    wells: tuple[str, ...] = ()
    wells_done: int = 0
    wells_total: int = 0
    planes_done: int = 0
    planes_total: int = 0
    planes_written: int = 0
    failures: int = 0
    well: str = ""
    seconds: float = 0.0

    @property
    def alive(self) -> bool:
        """Whether the process that runs it still does."""
        return process_start_time(self.pid) == self.start_time

    @property
    def seconds_left(self) -> float | None:
        """Time that the rest will take at the pace so far; `None` before the first well."""
        if not self.planes_done:
            return None
        return self.seconds / self.planes_done * (self.planes_total - self.planes_done)


class RunFile:
    """The file of a run in this process; a context manager. Without a runtime folder it does nothing.

    Parameters
    ----------
    status
        How the run begins.
    """

    def __init__(self, status: RunStatus) -> None:
        self.status = status
        self._folder: Path | None = None
        self._written_s = 0.0

    def __enter__(self) -> "RunFile":
        try:
            self._folder = runs_dir()
            self.update(now=True)
        except (OSError, PlatecastError) as error:
            self._folder = None
            _log.warning("nobody can follow or stop this run from elsewhere: %s", error)
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            _remove(self._folder, self.status.run)

    def update(self, *, now: bool = False, **changes: object) -> None:
        """Change what the file says; it is written a few times a second at most, or at once."""
        self.status = msgspec.structs.replace(self.status, **changes)
        if self._folder is not None and (now or time.monotonic() - self._written_s > _WRITE_INTERVAL_S):
            try:
                self._write()
            except StorageError as error:
                _log.warning("%s", error)

    @property
    def asks_to_stop(self) -> bool:
        """Whether somebody wants the run to stop."""
        return self._folder is not None and (self._folder / f"{self.status.run}.stop").exists()

    def _write(self) -> None:
        assert self._folder is not None  # noqa: S101 -- for the type checker
        text = msgspec.json.format(msgspec.json.encode(self.status)).decode()
        write_text(self._folder / f"{self.status.run}.json", text)
        self._written_s = time.monotonic()


def list_runs() -> list[RunStatus]:
    """Return the running pipelines of this user on this machine, the oldest first."""
    folder = runtime_dir() / _FOLDER
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            status = msgspec.json.decode(path.read_bytes(), type=RunStatus)
        except FileNotFoundError:
            continue
        except (OSError, msgspec.DecodeError) as error:
            _log.warning("cannot read the run file %s: %s; remove it", path, error)
            continue
        if status.alive:
            found.append(status)
        else:
            _remove(folder, status.run)
    return found


def stop_run(run: str) -> RunStatus:
    """Ask a running pipeline to stop: wells that were begun are finished, and no others are begun.

    Parameters
    ----------
    run
        Its identifier, or the beginning of one.

    Raises
    ------
    PipelineError
        There is no such run, or several begin like this.
    """
    found = list_runs()
    chosen = [status for status in found if status.run.startswith(run)]
    if not found:
        raise PipelineError("no pipeline is running")
    if len(chosen) != 1:
        there = ", ".join(status.run for status in found)
        how = "no running pipeline is" if not chosen else f"{len(chosen)} running pipelines are"
        which = f"{how} called {run!r}" if run else f"{len(chosen)} pipelines are running: name one"
        raise PipelineError(f"{which}: there are {there}")
    (runtime_dir() / _FOLDER / f"{chosen[0].run}.stop").touch(mode=0o600)
    return chosen[0]


def runs_dir() -> Path:
    """Return the folder of run files, made where it is missing."""
    folder = runtime_dir() / _FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def new_status(run: str, **facts: object) -> RunStatus:
    """Return the status of a run of this process that begins now."""
    return msgspec.convert(
        {
            "run": run,
            "pid": os.getpid(),
            "start_time": process_start_time(os.getpid()) or 0.0,
            "state": "running",
            **facts,
        },
        RunStatus,
    )


def _remove(folder: Path, run: str) -> None:
    for suffix in (".json", ".stop"):
        (folder / f"{run}{suffix}").unlink(missing_ok=True)
    # Not while another run has its file there.
    with contextlib.suppress(OSError):
        folder.rmdir()
