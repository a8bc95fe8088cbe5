"""`platecast run` and `platecast tune`: a pipeline over a plate, and one step of it again."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from platecast.cli._console import errors, out, print_table
from platecast.cli._pipeline_file import PipelineArgument, SetOption, apply_settings, load_pipeline
from platecast.cli._progress import run_progress
from platecast.config import PipelineConfig
from platecast.errors import PipelineError
from platecast.pipeline import RunReport, compile_run, execute
from platecast.pipeline import tune as tune_step

_INTERRUPTED = 130
_FAILURES_LISTED = 10

PlateOption = Annotated[
    str, typer.Option("--plate", help="Folder of the plate's images, or an OME-Zarr plate.")
]
OutputOption = Annotated[
    Path, typer.Option("--output", help="Folder for the results; an OME-Zarr store if it is called OUT.zarr.")
]


def run(
    file: PipelineArgument,
    plate: PlateOption,
    output: OutputOption,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes.", show_default="as configured, else 1")
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            help="serial, processes, dask, or a Dask scheduler's address.",
            show_default="processes for several workers",
        ),
    ] = None,
    stream: Annotated[
        bool | None,
        typer.Option("--stream/--no-stream", help="Show what is made.", show_default="as configured"),
    ] = None,
    settings: SetOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, say what would be done.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Skip wells that were finished with the same steps and images.")
    ] = False,
) -> None:
    """Run the pipeline in a Python file over a plate."""
    fields: dict[str, Any] = {}
    pipeline = apply_settings(load_pipeline(file), settings or [], fields)
    if stream is not None:
        fields.setdefault("napari_streaming", {})["enabled"] = stream
    if workers is not None:
        fields["workers"] = workers
    address = executor if executor is not None and "://" in executor else None
    if executor is not None and address is None:
        fields["executor"] = executor
    override = _override(fields)
    compiled = compile_run(pipeline, plate, output, executor=address, override=override)
    if dry_run:
        out.print(escape(compiled.describe()), highlight=False, soft_wrap=True)
        return
    try:
        with run_progress("Starting workers") as on_progress:
            report = execute(compiled, resume=resume, on_progress=on_progress)
    except KeyboardInterrupt as error:
        errors.print(escape(str(error) or "stopped"), highlight=False)
        raise typer.Exit(_INTERRUPTED) from error
    print_report(report)
    if not report.ok:
        raise typer.Exit(1)


def tune(
    file: PipelineArgument,
    plate: PlateOption,
    output: OutputOption,
    step: Annotated[str, typer.Option("--step", help="The step to run again, with all that follow.")],
    settings: SetOption = None,
    well: Annotated[
        list[str] | None,
        typer.Option(help="Only this well; may be given several times.", show_default="the one on screen"),
    ] = None,
) -> None:
    """Run one step again with other parameters, and show its result beside the old one."""
    fields: dict[str, Any] = {}
    pipeline = load_pipeline(file)
    before = pipeline.step(step).params
    named = [
        each if each.startswith(f"{step}.") or not _is_parameter(each) else f"{step}.{each}"
        for each in settings or []
    ]
    changed = apply_settings(pipeline, named, fields).step(step).params
    params: dict[str, Any] = {
        name: value for name, value in changed.items() if name not in before or before[name] is not value
    }
    with run_progress("Starting") as on_progress:
        report = tune_step(
            pipeline,
            plate,
            output,
            step,
            wells=well or None,
            on_progress=on_progress,
            override=_override(fields),
            **params,
        )
    print_report(report)
    if not report.ok:
        raise typer.Exit(1)


def print_report(report: RunReport) -> None:
    """Say what a run did."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    skipped = f", {report.wells_skipped} were done before" if report.wells_skipped else ""
    for label, value in (
        ("run", report.run),
        ("state", report.state),
        ("wells", f"{report.wells_done} of {report.wells}{skipped}"),
        ("results", f"{report.planes_written} planes in {report.output}"),
        *(("table", str(path)) for path in report.tables),
        ("seconds", f"{report.seconds:.1f}"),
        *([("shown", f"{report.planes_shown} of {report.planes_sent} planes")] if report.planes_sent else []),
        *([("record", str(report.record))] if report.record else []),
    ):
        table.add_row(label, escape(value))
    for failure in report.failures[:_FAILURES_LISTED]:
        table.add_row("[red]failed[/]", escape(str(failure)))
    if (more := len(report.failures) - _FAILURES_LISTED) > 0:
        table.add_row("[red]failed[/]", f"and {more} more, all of them with tracebacks in the record")
    print_table(table)


def _override(fields: dict[str, Any]) -> PipelineConfig:
    try:
        return PipelineConfig.from_fields(fields, source="command line")
    except ValueError as error:
        raise PipelineError(str(error)) from error


def _is_parameter(setting: str) -> bool:
    """Say whether a setting without a step's name means the tuned step and no choice of the run."""
    name = setting.partition("=")[0]
    return "." not in name and name not in _CHOICES


_CHOICES = {*PipelineConfig.model_fields, *PipelineConfig().napari_streaming.__class__.model_fields}
