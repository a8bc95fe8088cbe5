"""What is said about a run: while it goes on, and when it is over."""

from dataclasses import dataclass, field
from pathlib import Path

from platecast.components import Components, StepId

LOST = (
    "the worker process ended before the well was finished: it was killed, ran out of memory or crashed"
    " (a script that calls run() with several workers must do so under if __name__ == '__main__')"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """One plane, or one whole well, that could not be processed.

    Parameters
    ----------
    well
        Label of the well.
    step
        The step that failed; ``StepId(0, "raw")`` where the image could not be read, `None` where the
        well's worker process was lost.
    components
        The plane, `None` for a whole well.
    error
        Type and message in one line.
    traceback
        Where it happened, as Python prints it; empty for a lost process.
    """

    well: str
    step: StepId | None
    components: Components | None
    error: str
    traceback: str = ""

    def __str__(self) -> str:
        where = f"well {self.well}"
        if self.components is not None:
            where = ", ".join(f"{name} {getattr(self.components, name)}" for name in self.components.present)
        step = "" if self.step is None else f", step {self.step.index} {self.step.name}"
        return f"{where}{step}: {self.error}"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; given after every well.

    Parameters
    ----------
    run
        Identifier of the run.
    well
        The well that was just finished.
    wells_done, wells_total
        Finished wells, with or without failures, of all wells; those that a resumed run skips count.
    planes_done, planes_total
        Images of finished wells, of all images.
    planes_written
        Results on disk so far.
    failures
        Number of failures so far.
    seconds
        Time since the start.
    """

    run: str
    well: str
    wells_done: int
    wells_total: int
    planes_done: int
    planes_total: int
    planes_written: int
    failures: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did.

    Parameters
    ----------
    run
        Identifier of the run.
    output
        Folder of the results.
    wells
        Number of wells of the plate.
    wells_done
        Wells that this run finished, with or without failures.
    wells_skipped
        Wells that an earlier run had finished.
    planes_in
        Images that were found.
    planes_written
        Images and labels that this run wrote, of all steps together.
    tables
        The CSV files of steps that make tables or points, each with all wells.
    failures
        What could not be processed; the rest was.
    planes_sent, planes_shown, planes_superseded, planes_failed, planes_dropped, planes_pending
        The account of the planes that were sent to be shown, summed over all workers; all zero where nothing
        was to be shown.
    seconds
        From the start until the last result was written; the viewer may take longer.
    started
        When it began, in ISO 8601.
    record
        The run's record; `None` where it could not be written.
    """

    run: str
    output: Path
    wells: int
    wells_done: int
    wells_skipped: int
    planes_in: int
    planes_written: int
    tables: tuple[Path, ...] = field(repr=False)
    failures: tuple[Failure, ...]
    planes_sent: int
    planes_shown: int
    planes_superseded: int
    planes_failed: int
    planes_dropped: int
    planes_pending: int
    seconds: float
    started: str
    record: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether every image was processed and its results written; showing them does not count."""
        return not self.failures and self.state == "finished"

    @property
    def state(self) -> str:
        """``"finished"``, or ``"stopped"`` where wells are left that were not begun."""
        return "finished" if self.wells_done + self.wells_skipped >= self.wells else "stopped"

    @property
    def images_per_s(self) -> float:
        """Results written a second."""
        return self.planes_written / self.seconds if self.seconds > 0 else 0.0
