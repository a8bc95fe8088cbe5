"""From a pipeline, a plate and an output to a run that can start, or to everything that is in its way."""

import logging
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from platecast.config import PipelineConfig, Resolved
from platecast.errors import ConfigError, PipelineError, StorageError
from platecast.pipeline._check import (
    component_problems,
    is_address,
    output_problems,
    plate_problems,
    showing_problems,
    step_problems,
)
from platecast.pipeline._plan import RunPlan, WellTask, tasks_of
from platecast.pipeline._results import backend_of
from platecast.pipeline._steps import RAW, Pipeline, folder_name
from platecast.pipeline._workers import fitting_workers, viewer_problems, worker_problems
from platecast.storage import Plate, open_plate
from platecast.stream import new_run

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CompiledRun:
    """A run that can start.

    Parameters
    ----------
    plan
        What every worker gets.
    plate
        The plate.
    tasks
        One for each well.
    settings
        What holds for the raw images and the run (under ``raw``) and for each step, with origins.
    executor
        ``"serial"``, ``"processes"``, ``"dask"``, a scheduler's address or a ``distributed.Client``.
    workers
        Number of workers; what a Dask cluster of somebody else has is its own affair.
    """

    plan: RunPlan
    plate: Plate
    tasks: tuple[WellTask, ...]
    settings: dict[str, Resolved[PipelineConfig]]
    executor: object
    workers: int

    @property
    def executor_name(self) -> str:
        """The executor in one word."""
        return str(self.executor) if self.executor in ("serial", "processes") else "dask"

    def describe(self) -> str:
        """Return what the run will do, for people: the plate, each step, and the settings with origins."""
        plan, plate, wells = self.plan, self.plate, _count(len(self.tasks), "well")
        lines = [
            f"plate     {plate.path}: {wells}, {_count(len(plate.images), 'image')}",
            f"output    {plan.output}",
            f"executor  {self.executor_name}, {_count(self.workers, 'worker')}",
            "steps",
            *(f"  {self._describe_step(number)}" for number in range(1, len(plan.pipeline.steps) + 1)),
        ]
        lines += ["settings", *(f"  {line}" for line in self.settings[RAW].explain().splitlines())]
        for name, resolved in self.settings.items():
            own = [
                line for line in resolved.explain().splitlines() if line.endswith(("  step", "  function"))
            ]
            lines += [f"settings of step {name!r}", *(f"  {line}" for line in own)] if own else []
        return "\n".join(lines)

    def _describe_step(self, number: int) -> str:
        plan, step, config = self.plan, self.plan.pipeline.steps[number - 1], self.plan.settings[number]
        names = ", ".join(folder_name(output.step) for output in plan.pipeline.outputs[number - 1])
        inputs = ", ".join(ref for _, ref in plan.pipeline.inputs_of(number))
        over = f" over {', '.join(step.over)}" if step.over else ""
        only = f" of {_values_in_words(step.only)}" if step.only else ""
        params = ", ".join(f"{name}={value!r}" for name, value in step.params.items())
        stored = backend_of(plan.output, config.backend) if config.stored else "not stored"
        chosen = {name: values for name, values in config.filters.items() if values is not None}
        shown = f"shown on {config.napari_streaming.napari_port}" + (
            f" of {_values_in_words(chosen)}" if chosen else ""
        )
        fate = f"{stored}, {shown if config.napari_streaming.enabled else 'not shown'}"
        return f"{names}: {inputs}{over}{only} -> ({params}) {fate}"


def compile_run(
    pipeline: Pipeline,
    plate: str | os.PathLike[str],
    output: str | os.PathLike[str],
    workers: int | None = None,
    executor: object = None,
    override: PipelineConfig | None = None,
) -> CompiledRun:
    """Check everything about a run that can be known before it starts, and return what there is to do.

    Nothing is left behind: neither folders nor processes.

    Parameters
    ----------
    pipeline, plate, output, workers, executor
        As for `run`.
    override
        Choices that win over everything else.

    Raises
    ------
    PipelineError
        The run cannot start; the message lists every reason.
    """
    # The viewer, which reads planes that rest, and the next run may work in other folders.
    if not isinstance(pipeline, Pipeline):
        raise PipelineError(f"run() needs a Pipeline, not {pipeline!r}: Pipeline([...])")
    output = Path(os.path.abspath(output))
    plate = os.fspath(plate) if is_address(plate) else os.path.abspath(plate)
    problems = list(step_problems(pipeline))
    opened = _open(plate)
    try:
        settings = _settings(pipeline, plate, override)
    except ConfigError as error:
        # What is set elsewhere is not known then; the rest can be checked with what the pipeline says.
        problems += str(error).splitlines()
        settings = {
            name: Resolved(pipeline.config) for name in (RAW, *(step.name for step in pipeline.steps))
        }
    values = tuple(settings[name].value for name in (RAW, *(step.name for step in pipeline.steps)))
    count = values[0].workers or 1 if workers is None else workers
    chosen = executor or values[0].executor or ("serial" if count == 1 else "processes")
    owners = [("the pipeline" if name == RAW else f"step {name!r}", each) for name, each in settings.items()]
    plan = RunPlan(new_run(), pipeline, output, opened.layouts, values)
    problems += [
        *plate_problems(opened),
        *output_problems(opened.path, output, opened.images, values[1:]),
        *component_problems(pipeline, opened.images),
        *showing_problems(owners, opened.images),
        *worker_problems(pipeline, count, chosen),
        *viewer_problems(plan.streaming),
    ]
    if problems:
        raise PipelineError("the pipeline cannot run:\n" + "\n".join(f"- {problem}" for problem in problems))
    tasks = tuple(tasks_of(opened.by_well()))
    if count > 1 and chosen in ("processes", "dask"):
        count = _fitting(count, fitting_workers(pipeline, opened, values[0].worker_memory_mb))
    return CompiledRun(plan, opened, tasks, settings, chosen, count)


def _settings(
    pipeline: Pipeline, plate: str, override: PipelineConfig | None
) -> dict[str, Resolved[PipelineConfig]]:
    names = (None, *(step.name for step in pipeline.steps))
    beside = None if is_address(plate) else plate
    return {name or RAW: pipeline.settings(name, beside, override) for name in names}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _values_in_words(values: Mapping[str, Collection[object]]) -> str:
    """Return components and their values, such as ``channel DAPI, GFP and site 1``."""
    return " and ".join(f"{name} {', '.join(sorted(map(str, each)))}" for name, each in values.items())


def _fitting(wanted: int, fitting: int) -> int:
    if fitting < wanted:
        _logger.warning(
            "%d workers instead of %d: more do not fit into memory; set worker_memory_mb if less is enough",
            fitting,
            wanted,
        )
    return min(wanted, fitting)


def _open(plate: str) -> Plate:
    """Open the plate; where that fails, return one without images and with the reason."""
    try:
        return open_plate(plate)
    except StorageError as error:
        return Plate(path=plate, problems=(str(error),))
