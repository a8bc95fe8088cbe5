"""`platecast demo`: a plate, a pipeline, a viewer."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from platecast.cli._console import errors, out, print_table
from platecast.cli._ports import QUIT_TIMEOUT_S, PortOption, viewer_on
from platecast.cli._progress import run_progress
from platecast.config import NapariStreamingConfig
from platecast.errors import ViewerNotFoundError
from platecast.manager import find_viewer, has_screen, quit_viewer, take_screenshot
from platecast.pipeline import RunReport
from platecast.wire import Endpoint

_READY_TIMEOUT_S = 60.0
_SCREENSHOT_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class _Outcome:
    run: RunReport
    viewer: Endpoint
    screenshot: Path

    def as_dict(self) -> dict[str, Any]:
        run = self.run
        return {
            "run": run.run,
            "planes_sent": run.planes_sent,
            "planes_shown": run.planes_shown,
            "planes_superseded": run.planes_superseded,
            "planes_failed": run.planes_failed,
            "planes_dropped": run.planes_dropped,
            "planes_pending": run.planes_pending,
            "seconds": run.seconds,
            "images_per_s": run.planes_shown / run.seconds if run.seconds else 0.0,
            "viewer_pid": self.viewer.pid,
            "port": self.viewer.port,
            "screenshot": str(self.screenshot),
            "output": str(run.output),
            "failures": [str(failure) for failure in run.failures],
        }


def demo(
    plate: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="A real plate.", show_default="a synthetic one is made"
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for plate, results and screenshot.")] = Path(
        "platecast-demo"
    ),
    nuclei: Annotated[
        str | None,
        typer.Option(help="Channel of the nuclei.", show_default="guessed from the channels' names"),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 2,
    port: PortOption = None,
    headless: Annotated[
        bool | None,
        typer.Option(
            "--headless/--on-screen",
            help="Use a virtual screen and end after the screenshot.",
            show_default="where there is no screen",
        ),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave a headless viewer running.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the report to this file, as JSON.")] = None,
) -> None:
    """Run a pipeline over a plate and watch it in a viewer."""
    # Needs the extra "demo", which the other commands do without.
    from platecast.demo import run_demo

    virtual = not has_screen() if headless is None else headless
    viewer, started = viewer_on(port, title="platecast demo", virtual_screen=virtual)
    verb = "started" if started else "used again"
    errors.print(f"viewer {verb}: port {viewer.port}, process {viewer.pid}", highlight=False)
    try:
        with run_progress("Preparing the plate") as on_progress:
            done = run_demo(
                plate,
                output,
                streaming=NapariStreamingConfig(napari_port=viewer.port),
                workers=workers,
                nuclei=nuclei,
                on_progress=on_progress,
            )
        screenshot = _save_screenshot(viewer, output.resolve() / "screenshot.png")
    finally:
        if virtual and started and not keep:
            quit_viewer(viewer, QUIT_TIMEOUT_S)
    outcome = _Outcome(done.run, viewer, screenshot)
    if report is not None:
        report.write_bytes(msgspec.json.format(msgspec.json.encode(outcome.as_dict())))
    _print(outcome, f"{done.plate} (nuclei in channel {done.nuclei_channel})")
    if not virtual or keep or not started:
        out.print(f"The viewer stays open: platecast quit {viewer.port} closes it.", highlight=False)
    if not done.run.ok or done.run.planes_shown + done.run.planes_superseded < done.run.planes_sent:
        raise typer.Exit(1)


def _save_screenshot(viewer: Endpoint, path: Path) -> Path:
    """Save a picture of the window once it is there and idle."""
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while (info := find_viewer(viewer.port)) is not None and info.state != "ready":
        if time.monotonic() > deadline:
            raise ViewerNotFoundError(f"the window on port {viewer.port} is still {info.state}")
        time.sleep(0.1)
    picture = take_screenshot(viewer, timeout_s=_SCREENSHOT_TIMEOUT_S)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture)
    return path


def _print(outcome: _Outcome, plate: str) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    run, facts = outcome.run, outcome.as_dict()
    for label, value in (
        ("plate", plate),
        ("planes sent", str(run.planes_sent)),
        ("planes shown", str(run.planes_shown)),
        ("planes dropped", str(run.planes_dropped)),
        ("planes failed", str(run.planes_failed)),
        ("seconds", f"{run.seconds:.1f}"),
        ("images/s", f"{facts['images_per_s']:.1f}"),
        ("results", str(run.output)),
        ("screenshot", str(outcome.screenshot)),
    ):
        table.add_row(label, escape(value))
    for failure in run.failures:
        table.add_row("[red]failed[/]", escape(str(failure)))
    print_table(table)
