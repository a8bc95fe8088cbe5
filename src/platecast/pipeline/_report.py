"""What is said about a run: while it goes on, and when it is over."""

from dataclasses import dataclass
from pathlib import Path

from platecast.components import Components, StepId


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
        Finished wells, with or without failures, of all wells.
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
        Number of wells.
    planes_in
        Images that were found.
    planes_written
        Results on disk, of all steps together.
    failures
        What could not be processed; the rest was.
    planes_sent, planes_shown, planes_superseded, planes_failed, planes_dropped, planes_pending
        The account of the planes that were sent to be shown, summed over all workers; all zero where nothing
        was to be shown.
    seconds
        From the start until the last result was written; the viewer may take longer.
    """

    run: str
    output: Path
    wells: int
    planes_in: int
    planes_written: int
    failures: tuple[Failure, ...]
    planes_sent: int
    planes_shown: int
    planes_superseded: int
    planes_failed: int
    planes_dropped: int
    planes_pending: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every image was processed and its results written; showing them does not count."""
        return not self.failures

    @property
    def images_per_s(self) -> float:
        """Results written a second."""
        return self.planes_written / self.seconds if self.seconds > 0 else 0.0
