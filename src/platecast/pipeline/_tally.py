"""Adds up the results of a run while they come in."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from platecast.components import StepId
from platecast.pipeline._plan import RunPlan, WellResult, WellTask
from platecast.pipeline._report import Failure, Progress, RunReport
from platecast.stream import Ledger

_logger = logging.getLogger(__name__)

_SAID = 3
"""How many failures of one kind are logged."""


class Tally:
    """Adds up the results of a run, and tells whoever wants to know.

    Parameters
    ----------
    plan
        The run.
    wells
        All wells of the plate.
    tasks
        Those that are to be processed; the others are finished already.
    started
        When the run began.
    on_progress
        Called after every well.
    """

    def __init__(
        self,
        plan: RunPlan,
        wells: Sequence[WellTask],
        tasks: Sequence[WellTask],
        started: str,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._plan = plan
        self._wells = len(wells)
        self._planes = sum(len(task.images) for task in wells)
        self._skipped = len(wells) - len(tasks)
        self._planes_done = self._planes - sum(len(task.images) for task in tasks)
        self._started = started
        self._start_s = self._end_s = time.perf_counter()
        self._on_progress = on_progress
        self._wells_done = 0
        self._written = 0
        self._failures: list[Failure] = []
        self._alike: Counter[tuple[StepId | None, str]] = Counter()

    def add(self, result: WellResult) -> Progress:
        """Count a finished well and say so."""
        self._end_s = time.perf_counter()
        self._wells_done += 1
        self._planes_done += len(result.task.images)
        self._written += result.planes_written
        self._failures.extend(result.failures)
        for failure in result.failures:
            self._say(failure)
        progress = Progress(
            run=self._plan.run,
            well=result.task.well,
            wells_done=self._skipped + self._wells_done,
            wells_total=self._wells,
            planes_done=self._planes_done,
            planes_total=self._planes,
            planes_written=self._written,
            failures=len(self._failures),
            seconds=self._end_s - self._start_s,
        )
        _logger.info("well %s is done, %d of %d", progress.well, progress.wells_done, progress.wells_total)
        if self._on_progress is not None:
            try:
                self._on_progress(progress)
            except Exception:  # an observer's error is not the run's
                _logger.exception("on_progress failed and is not called again")
                self._on_progress = None
        return progress

    def _say(self, failure: Failure) -> None:
        """Log a failure, and no more than a few that are alike: a step may fail on every plane of a plate."""
        alike = failure.step, failure.error
        self._alike[alike] += 1
        if self._alike[alike] <= _SAID:
            _logger.warning("%s", failure)
        elif self._alike[alike] == _SAID + 1:
            _logger.warning("more of this kind are in the record: %s", failure.error)

    def report(self, ledger: Ledger, tables: tuple[Path, ...]) -> RunReport:
        """Return the whole."""
        return RunReport(
            run=self._plan.run,
            output=self._plan.output,
            wells=self._wells,
            wells_done=self._wells_done,
            wells_skipped=self._skipped,
            planes_in=self._planes,
            planes_written=self._written,
            tables=tables,
            failures=tuple(self._failures),
            planes_sent=ledger.sent,
            planes_shown=ledger.shown,
            planes_superseded=ledger.superseded,
            planes_failed=ledger.failed,
            planes_dropped=ledger.dropped,
            planes_pending=ledger.pending,
            seconds=self._end_s - self._start_s,
            started=self._started,
        )
