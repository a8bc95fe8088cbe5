"""One step again with other parameters, for a few wells, and its result beside the old one in the viewer."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from platecast.components import well_name
from platecast.config import NapariStreamingConfig, PipelineConfig
from platecast.errors import PipelineError
from platecast.manager import find_viewer, values_on_screen
from platecast.pipeline._compile import compile_run
from platecast.pipeline._fingerprint import fingerprint_images, fingerprint_steps
from platecast.pipeline._plan import WellTask
from platecast.pipeline._record import WellEntry, read_journal, read_record
from platecast.pipeline._report import Progress, RunReport
from platecast.pipeline._results import files_folder
from platecast.pipeline._run import execute
from platecast.pipeline._steps import RAW, Pipeline

_logger = logging.getLogger(__name__)


def tune(
    pipeline: Pipeline,
    plate: str | PathLike[str],
    output: str | PathLike[str],
    step: str,
    *,
    wells: Sequence[str] | None = None,
    show: bool = True,
    on_progress: Callable[[Progress], None] | None = None,
    override: PipelineConfig | None = None,
    **params: Any,  # noqa: ANN401 -- the step's own
) -> RunReport:
    """Run one step, and what follows it, again with other parameters.

    What the steps before it have written is read back where their code, parameters and images are unchanged,
    and computed again otherwise. The results are written to ``tuning`` in the output's folder for files, and
    replace nothing. In the viewer they belong to the same run under another name, such as
    ``Step_02_segment_threshold-3``, so that both can be compared; the same parameters replace themselves.

    Parameters
    ----------
    pipeline, plate, output
        As the run had them.
    step
        Name of the step.
    wells
        Labels of wells; `None`: the one that the viewer shows.
    show
        Show the results, whatever the pipeline's configuration says.
    on_progress
        As for `run`.
    override
        Choices that win over everything else.
    **params
        Parameters of the step that differ from the pipeline's.

    Returns
    -------
    RunReport
        What was done for these wells.

    Raises
    ------
    PipelineError
        The run cannot start as it is, there is no such step or well, or no viewer shows a well.
    """
    tuned = pipeline.with_step(pipeline.step(step).with_params(**params))
    first = 1 + [each.name for each in pipeline.steps].index(step)
    if show:
        shown = PipelineConfig(napari_streaming=NapariStreamingConfig(enabled=True))
        override = shown if override is None else _enabled(override)
    label = _label(params)
    folder = files_folder(Path(output)) / "tuning" / label
    compiled = compile_run(tuned, plate, folder, 1, "serial", override)
    port = compiled.settings[RAW].value.napari_streaming.napari_port
    tasks = _tasks_of(compiled.tasks, [_well_on_screen(port)] if wells is None else wells)
    record = read_record(Path(output)) or {}
    entries = {entry.well: entry for entry in read_journal(Path(output))}
    steps = fingerprint_steps(compiled.plan)[: first - 1]
    given = tuple(_with_results(task, entries.get(task.well), steps) for task in tasks)
    # That of a run which was killed is known by its wells alone.
    runs = [entries[task.well].run for task in tasks if task.well in entries]
    run = next(iter(runs), record.get("run", compiled.plan.run))
    if not entries:
        _logger.warning("%s holds no results of a run: all steps are computed", output)
    plan = replace(compiled.plan, run=run, first=first, suffix=f"_{label}")
    return execute(replace(compiled, plan=plan, tasks=given), on_progress=on_progress)


def _tasks_of(tasks: Sequence[WellTask], wells: Sequence[str]) -> list[WellTask]:
    chosen = [well_name(each) for each in wells]
    found = [task for task in tasks if task.images[0].components.well in chosen]
    absent = sorted(set(chosen) - {str(task.images[0].components.well) for task in found})
    if absent:
        there = ", ".join(task.well for task in tasks)
        raise PipelineError(f"the plate has no well {', '.join(absent)}: there are {there}")
    return found


def _with_results(task: WellTask, entry: WellEntry | None, steps: tuple[str, ...]) -> WellTask:
    """Return a task with what the steps before the tuned one have written, as long as it is unchanged."""
    if entry is None or entry.images != fingerprint_images(task):
        return task
    unchanged = 0
    while (
        unchanged < len(steps) and entry.steps[unchanged : unchanged + 1] == steps[unchanged : unchanged + 1]
    ):
        unchanged += 1
    return replace(task, given=entry.stored) if unchanged == len(steps) else task


def _enabled(override: PipelineConfig) -> PipelineConfig:
    fields = override.model_dump(exclude_unset=True)
    fields["napari_streaming"] = {**fields.get("napari_streaming", {}), "enabled": True}
    return PipelineConfig.model_validate(fields)


def _well_on_screen(port: int) -> str:
    viewer = find_viewer(port)
    found = None if viewer is None else values_on_screen(viewer.endpoint).get("well")
    if found is None:
        raise PipelineError(f"no viewer on port {port} shows a well: name one, wells=['A01']")
    return str(found)


def _label(params: dict[str, object]) -> str:
    """Return a name that tells results by their parameters, such as ``threshold-3``."""
    text = "_".join(f"{name}-{value}" for name, value in sorted(params.items()))
    return re.sub(r"[^\w.+-]+", "-", text)[:60].strip("-") or "again"
