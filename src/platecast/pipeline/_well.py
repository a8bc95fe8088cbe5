"""One well from its images to its results; the same in every executor."""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from platecast.arrays import as_labels, dtype_name, to_host
from platecast.components import Components, Kind, PlateLayout, StepId
from platecast.pipeline._report import Failure
from platecast.pipeline._results import ResultStore
from platecast.pipeline._screen import Screen
from platecast.pipeline._steps import RAW_STEP, Pipeline, Step
from platecast.storage import FileManager, PlateImage
from platecast.stream import Ledger


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What every worker of a run knows."""

    run: str
    pipeline: Pipeline
    output: Path
    layouts: tuple[PlateLayout, ...]


@dataclass(frozen=True, slots=True)
class WellTask:
    """One well's images; `number` tells the wells of a run apart."""

    number: int
    well: str
    images: tuple[PlateImage, ...]


@dataclass(frozen=True, slots=True)
class WellResult:
    """What became of a well, and the account of the worker that processed it as it stood then."""

    task: WellTask
    written: int
    failures: tuple[Failure, ...]
    worker: str
    ledger: Ledger


class WellWorker:
    """Processes wells, one after the other; belongs to one process.

    Parameters
    ----------
    plan
        The run.
    name
        Tells the workers of a run apart.
    """

    def __init__(self, plan: RunPlan, name: str) -> None:
        self._plan = plan
        self._name = name
        self._files = FileManager()
        self._results = ResultStore(plan.output, plan.pipeline, plan.layouts, self._files)
        self._steps = tuple(zip(plan.pipeline.step_ids, plan.pipeline.steps, strict=True))
        self.screen = Screen(plan.pipeline.config.napari_streaming, plan.run)

    def process(self, task: WellTask) -> WellResult:
        """Put every image of a well through the steps; what fails is reported and the rest goes on."""
        written = 0
        failures: list[Failure] = []
        for image in task.images:
            count, failure = self._process_image(task.well, image)
            written += count
            if failure is not None:
                failures.append(failure)
        return WellResult(task, written, tuple(failures), self._name, self.screen.ledger())

    def close(self) -> Ledger:
        """Wait, bounded, until what was sent is shown, and return the final account."""
        self._files.close()
        return self.screen.close()

    def _process_image(self, well: str, image: PlateImage) -> tuple[int, Failure | None]:
        written = 0
        at = RAW_STEP
        image_step: StepId | None = None
        try:
            result: object = self._files.load(image.path, image.backend)
            if self._plan.pipeline.config.stream_input:
                self._show(result, image.components, Kind.IMAGE, RAW_STEP, image.address)
            for at, step in self._steps:
                if not step.applies_to(image.components):
                    break
                # The next step gets what this one returned, wherever it is: planes that stay on a device
                # between steps are copied once for each result, never back.
                result = step.func(result, **step.params)
                kind = self._keep(result, image.components, at, step, image_step)
                image_step = at if kind is Kind.IMAGE else image_step
                written += 1
        # A step's own code, which may even call sys.exit(), or a file that somebody else wrote.
        except (Exception, SystemExit) as error:
            cause = f"{type(error).__name__}: {error}"
            return written, Failure(well, at, image.components, cause, traceback.format_exc())
        return written, None

    def _keep(
        self, result: object, components: Components, at: StepId, step: Step, image_step: StepId | None
    ) -> Kind:
        """Write a result, and only then show it; return what it means."""
        kind = step.kind_of(dtype_name(result))
        plane = as_labels(result) if kind is Kind.LABELS else to_host(result)
        address = self._results.save(plane, components, at, kind, image_step)
        self._show(plane, components, kind, at, address)
        return kind

    def _show(self, plane: object, components: Components, kind: Kind, step: StepId, address: str) -> None:
        self.screen.show(plane, components, kind=kind, step=step, address=address)


def tasks_of(wells: dict[str, tuple[PlateImage, ...]]) -> Sequence[WellTask]:
    """Return one task a well."""
    return [WellTask(number, well, images) for number, (well, images) in enumerate(wells.items())]
