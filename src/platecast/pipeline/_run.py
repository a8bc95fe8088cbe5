"""Running a pipeline over a plate."""

import datetime
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from platecast.components import StepId
from platecast.errors import StorageError
from platecast.pipeline._compile import CompiledRun, compile_run
from platecast.pipeline._executors import Executor, SerialExecutor
from platecast.pipeline._fingerprint import fingerprint_images, fingerprint_steps
from platecast.pipeline._plan import WellResult
from platecast.pipeline._processes import ProcessExecutor
from platecast.pipeline._record import Journal, write_record
from platecast.pipeline._report import Progress, RunReport
from platecast.pipeline._results import join_tables
from platecast.pipeline._runfile import RunFile, new_status
from platecast.pipeline._steps import Pipeline
from platecast.pipeline._tally import Tally

_logger = logging.getLogger(__name__)


def run(
    pipeline: Pipeline,
    plate: str | os.PathLike[str],
    output: str | os.PathLike[str],
    workers: int | None = None,
    *,
    executor: object = None,
    resume: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> RunReport:
    """Put every image of a plate through a pipeline, one well a task.

    Each step's results are written to ``<output>/Step_02_gaussian_blur/well-A01_….tif``, or into the OME-Zarr
    plate ``<output>/Step_02_gaussian_blur``, replacing those of an earlier run, and shown after that if the
    pipeline's configuration says so. Tables are written as CSV, one for each well and one of all. Showing
    never stops the run: without a viewer the results are the same.

    ``run.json`` beside the results tells what was run, how long it took and what failed. Ctrl-C, `stop_run`
    or ``platecast stop`` let the wells that were begun be finished; a second Ctrl-C ends at once. Ctrl-C
    raises `KeyboardInterrupt`, once everything is put in order.

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
        Number of processes; by default what is configured, else one.
    executor
        ``"serial"`` works in this process, ``"processes"`` in others, ``"dask"`` in those of a Dask cluster
        on this machine; a scheduler's address or a ``distributed.Client`` uses that cluster. By default
        what is configured, else serial for one worker and processes for more.
    resume
        Skip wells that an earlier run into `output` has finished without failures, with the same code,
        parameters and images. This run then goes on under the earlier one's identifier, and what it shows
        joins the layers where that one's wells are; these are not sent again.
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
    compiled = compile_run(pipeline, plate, output, workers, executor)
    return execute(compiled, resume=resume, on_progress=on_progress)


def execute(
    compiled: CompiledRun,
    *,
    resume: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> RunReport:
    """Run what was compiled; otherwise as `run`."""
    started = datetime.datetime.now(tz=datetime.UTC).astimezone().isoformat(timespec="seconds")
    journal = Journal(compiled.plan.output, keep=resume)
    steps = fingerprint_steps(compiled.plan)
    images = {task.well: fingerprint_images(task) for task in compiled.tasks}
    earlier = {task.well: journal.finished(task.well, images[task.well], steps) for task in compiled.tasks}
    tasks = [task for task in compiled.tasks if earlier[task.well] is None]
    # One run: its wells belong to the same layers, whoever computed them and when.
    going_on = [entry.run for entry in earlier.values() if entry is not None]
    plan = replace(compiled.plan, run=going_on[-1]) if going_on else compiled.plan
    compiled = replace(compiled, plan=plan)
    tally = Tally(plan, compiled.tasks, tasks, started, on_progress)
    crew = _crew(compiled, len(tasks))
    status = new_status(
        plan.run,
        plate=compiled.plate.path,
        output=str(plan.output),
        steps=tuple(step.name for step in plan.pipeline.steps),
        executor=compiled.executor_name,
        workers=compiled.workers,
        ports=tuple(sorted({config.napari_port for config in plan.streaming})),
        wells=tuple(task.well for task in compiled.tasks),
        wells_total=len(compiled.tasks),
        planes_total=len(compiled.plate.images),
    )
    with RunFile(status) as file, _interrupts() as interrupted:

        def stop() -> bool:
            asked = interrupted.is_set() or file.asks_to_stop
            if asked and file.status.state == "running":
                file.update(now=True, state="stopping")
            return asked

        # Closed also when a second Ctrl-C ends the loop, so that no worker stays behind.
        with closing(crew.process(plan, tasks, stop)) as results:
            for result in results:
                _note(journal, result, images[result.task.well], steps, plan.run)
                progress = tally.add(result)
                file.update(**_status_of(progress))
        report = tally.report(crew.ledger(), _join_tables(compiled, journal))
        report = _write_record(compiled, report, journal)
    if interrupted.is_set() and report.state == "stopped":
        done = report.wells_done + report.wells_skipped
        raise KeyboardInterrupt(
            f"stopped after {done} of {report.wells} wells; resume=True goes on from there"
        )
    return report


def _crew(compiled: CompiledRun, wells: int) -> Executor:
    if compiled.executor == "serial":
        return SerialExecutor()
    workers = max(1, min(compiled.workers, wells))
    if compiled.executor == "processes":
        return ProcessExecutor(workers)
    # Needs the extra "dask", and takes half a second.
    from platecast.pipeline._dask import DaskExecutor

    return DaskExecutor(compiled.executor, workers)


def _note(journal: Journal, result: WellResult, images: str, steps: tuple[str, ...], run: str) -> None:
    try:
        journal.add(result, images, steps, run)
    except StorageError as error:
        _logger.warning("a resumed run will process well %s again: %s", result.task.well, error)


def _status_of(progress: Progress) -> dict[str, Any]:
    names = ("well", "wells_done", "planes_done", "planes_written", "failures", "seconds")
    return {name: getattr(progress, name) for name in names}


def _join_tables(compiled: CompiledRun, journal: Journal) -> tuple[Path, ...]:
    """Put the wells' tables of each step together, in the plate's order."""
    parts: dict[str, dict[str, None]] = {}
    for task in compiled.tasks:
        entry = journal.entries.get(task.well)
        for stored in entry.stored if entry is not None else ():
            if stored.address.startswith("csv:"):
                parts.setdefault(stored.ref, {})[stored.address.removeprefix("csv:")] = None
    tables = []
    for output in (output for outputs in compiled.plan.pipeline.outputs for output in outputs):
        if output.ref in parts:
            try:
                step = StepId(output.step.index, output.step.name + compiled.plan.suffix)
                tables.append(join_tables(compiled.plan.output, step, list(parts[output.ref])))
            except (OSError, UnicodeDecodeError) as error:
                _logger.warning("the tables of %s are not put together: %s", output.ref, error)
    return tuple(tables)


def _write_record(compiled: CompiledRun, report: RunReport, journal: Journal) -> RunReport:
    wells = [task.well for task in compiled.tasks]
    entries = [journal.entries[well] for well in wells if well in journal.entries]
    try:
        return replace(
            report,
            record=write_record(compiled.plan, compiled.plate.path, compiled.settings, report, entries),
        )
    except StorageError as error:
        _logger.warning("this run leaves no record: %s", error)
        return report


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event; the second one interrupts as ever."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def note(number: int, frame: FrameType | None) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        interrupted.set()
        _logger.warning("stopping when the wells that were begun are finished; press Ctrl-C again to end now")

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
