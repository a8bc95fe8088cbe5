"""Running a pipeline over a plate."""

import logging
import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Literal, TypeAlias

from platecast.errors import StorageError
from platecast.pipeline._check import check_run
from platecast.pipeline._executors import Executor, SerialExecutor
from platecast.pipeline._processes import ProcessExecutor
from platecast.pipeline._report import Failure, Progress, RunReport
from platecast.pipeline._steps import Pipeline
from platecast.pipeline._well import RunPlan, WellResult, tasks_of
from platecast.storage import Plate, open_plate
from platecast.stream import Ledger, new_run

ExecutorName: TypeAlias = Literal["serial", "processes"]

_logger = logging.getLogger(__name__)


def run(
    pipeline: Pipeline,
    plate: str | os.PathLike[str],
    output: str | os.PathLike[str],
    workers: int = 1,
    *,
    executor: ExecutorName | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> RunReport:
    """Put every image of a plate through a pipeline, one well a task.

    Each step's results are written to ``<output>/Step_02_gaussian_blur/well-A01_….tif``, or into the OME-Zarr
    plate ``<output>/Step_02_gaussian_blur``, replacing those of an earlier run, and shown after that if the
    pipeline's configuration says so. Showing never stops the run: without a viewer the results are the same.

    Parameters
    ----------
    pipeline
        The steps and what they share.
    plate
        Folder with the images, or an OME-Zarr plate, see `open_plate`.
    output
        Folder for the results, an OME-Zarr store where its name ends in ``.zarr``; made if it is not
        there. Not inside `plate`.
    workers
        Number of processes.
    executor
        ``"serial"`` works in this process, ``"processes"`` in others; by default serial for one worker.
    on_progress
        Called in this thread after every well.

    Returns
    -------
    RunReport
        What was done and what failed.

    Raises
    ------
    PipelineError
        The run cannot start as it is; lists every reason. Nothing that happens later is raised.
    """
    start_s = time.perf_counter()
    plate, output = Path(plate), Path(output)
    opened = _open(plate)
    chosen = executor or ("serial" if workers == 1 else "processes")
    check_run(pipeline, opened, output, workers, chosen)
    tasks = tasks_of(opened.by_well())
    plan = RunPlan(new_run(), pipeline, output, opened.layouts)
    crew: Executor = SerialExecutor() if chosen == "serial" else ProcessExecutor(workers)
    tally = _Tally(plan.run, len(tasks), len(opened.images), start_s, on_progress)
    # Closed also when Ctrl-C ends the loop, so that no worker stays behind.
    with closing(crew.process(plan, tasks)) as results:
        for result in results:
            tally.add(result)
    return tally.report(output, crew.ledger())


def _open(plate: Path) -> Plate:
    """Open the plate; where that fails, return one without images and with the reason."""
    try:
        return open_plate(plate)
    except StorageError as error:
        return Plate(path=str(plate), problems=(str(error),))


class _Tally:
    """Adds up the results of a run."""

    def __init__(
        self,
        run: str,
        wells: int,
        planes: int,
        start_s: float,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._run = run
        self._wells = wells
        self._planes = planes
        self._start_s = start_s
        self._on_progress = on_progress
        self._wells_done = 0
        self._planes_done = 0
        self._written = 0
        self._failures: list[Failure] = []
        self._end_s = start_s

    def add(self, result: WellResult) -> None:
        """Count a finished well and say so."""
        self._end_s = time.perf_counter()
        self._wells_done += 1
        self._planes_done += len(result.task.images)
        self._written += result.written
        self._failures.extend(result.failures)
        for failure in result.failures:
            _logger.warning("%s", failure)
        if self._on_progress is None:
            return
        progress = Progress(
            run=self._run,
            well=result.task.well,
            wells_done=self._wells_done,
            wells_total=self._wells,
            planes_done=self._planes_done,
            planes_total=self._planes,
            planes_written=self._written,
            failures=len(self._failures),
            seconds=self._end_s - self._start_s,
        )
        try:
            self._on_progress(progress)
        except Exception:  # an observer's error is not the run's
            _logger.exception("on_progress failed and is not called again")
            self._on_progress = None

    def report(self, output: Path, ledger: Ledger) -> RunReport:
        """Return the whole."""
        return RunReport(
            run=self._run,
            output=output,
            wells=self._wells,
            planes_in=self._planes,
            planes_written=self._written,
            failures=tuple(self._failures),
            planes_sent=ledger.sent,
            planes_shown=ledger.shown,
            planes_superseded=ledger.superseded,
            planes_failed=ledger.failed,
            planes_dropped=ledger.dropped,
            planes_pending=ledger.pending,
            seconds=self._end_s - self._start_s,
        )
