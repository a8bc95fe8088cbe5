"""What a run is: the values that every worker of it gets, and what it gives back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from platecast.components import PlateLayout
from platecast.config import NapariStreamingConfig, PipelineConfig
from platecast.pipeline._report import Failure
from platecast.pipeline._results import Stored
from platecast.pipeline._steps import Pipeline
from platecast.storage import PlateImage

if TYPE_CHECKING:  # a worker of a run that shows nothing need not import what sends
    from platecast.stream import Ledger


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What every worker of a run knows.

    Parameters
    ----------
    run
        Identifier of the run, under which planes are shown.
    pipeline
        The steps.
    output
        Where results go.
    layouts
        What each plate holds.
    settings
        What holds for the raw images, followed by what holds for each step.
    first
        The first step whose results are written and shown; those of earlier ones are only used.
    suffix
        Appended to the names of steps where results are written and shown.
    """

    run: str
    pipeline: Pipeline
    output: Path
    layouts: tuple[PlateLayout, ...]
    settings: tuple[PipelineConfig, ...]
    first: int = 1
    suffix: str = ""

    @property
    def streaming(self) -> tuple[NapariStreamingConfig, ...]:
        """The different ways to viewers that the run needs."""
        return tuple(
            dict.fromkeys(each.napari_streaming for each in self.settings if each.napari_streaming.enabled)
        )


@dataclass(frozen=True, slots=True)
class WellTask:
    """One well's images.

    Parameters
    ----------
    number
        Tells the wells of a run apart.
    well
        The well's label.
    images
        Its raw images.
    given
        Results of an earlier run that need not be computed again.
    """

    number: int
    well: str
    images: tuple[PlateImage, ...]
    given: tuple[Stored, ...] = ()


@dataclass(frozen=True, slots=True)
class WellResult:
    """What became of a well.

    Parameters
    ----------
    task
        The well.
    stored
        Where its results rest.
    failures
        What could not be processed.
    worker
        Who processed it.
    ledger
        The account of that worker as it stood then; `None` where nothing is shown.
    seconds
        Time spent, by the names of the steps' functions, and for ``read``, ``write`` and ``show``.
    """

    task: WellTask
    stored: tuple[Stored, ...] = ()
    failures: tuple[Failure, ...] = ()
    worker: str = ""
    ledger: "Ledger | None" = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def planes_written(self) -> int:
        """Number of planes that rest; a well's table is none."""
        return sum(not each.address.startswith("csv:") for each in self.stored)


def tasks_of(wells: Mapping[str, tuple[PlateImage, ...]]) -> Sequence[WellTask]:
    """Return one task a well."""
    return [WellTask(number, well, images) for number, (well, images) in enumerate(wells.items())]
