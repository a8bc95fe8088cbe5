"""`platecast watch`: a folder into which a microscope writes, shown image by image."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.status import Status

from platecast.cli._console import errors, out, print_error
from platecast.cli._ports import PortOption, viewer_on
from platecast.config import NapariStreamingConfig
from platecast.stream import FolderWatch, WatchReport, check_folder

_LOOK_S = 0.2
_MOST_FAILURES = 5


def watch(
    folder: Annotated[Path, typer.Argument(help="Folder that a plate is written into; it may come later.")],
    port: PortOption = None,
    poll: Annotated[
        bool | None,
        typer.Option(
            "--poll/--no-poll",
            help="Look again and again instead of waiting for events.",
            show_default="on network shares",
        ),
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Leave out the images that are there already.")] = False,
    idle_s: Annotated[
        float | None,
        typer.Option(
            "--idle-s", min=0.1, help="End after so many seconds without news.", show_default="never"
        ),
    ] = None,
    headless: Annotated[
        bool | None,
        typer.Option(
            "--headless/--on-screen", help="Use a virtual screen.", show_default="where there is none"
        ),
    ] = None,
) -> None:
    """Follow a folder and show every image, once, as soon as its file is finished; Ctrl-C ends it.

    What was shown is remembered: the same command goes on where it was ended. The viewer stays.
    """
    # Before a window opens for nothing.
    check_folder(folder)
    endpoint, _ = viewer_on(port, title=f"platecast: {folder.absolute().name}", virtual_screen=headless)
    config = NapariStreamingConfig(napari_port=endpoint.port)
    with FolderWatch(folder, config=config, start_viewer=False, poll=poll, existing=not new) as watching:
        try:
            _follow(watching, idle_s)
        except KeyboardInterrupt:
            errors.print("stopped", highlight=False)
    report = watching.report()
    for reason in tuple(report.failures.values())[:_MOST_FAILURES]:
        print_error(reason)
    out.print(
        f"{report.files} images of {watching.folder} are shown in the viewer on port {endpoint.port}"
        f"{_rest(report)}",
        highlight=False,
        soft_wrap=True,
    )
    if report.failures:
        raise typer.Exit(1)


def _follow(watching: FolderWatch, idle_s: float | None) -> None:
    """Say what happens until it is enough."""
    with errors.status(_line(watching, watching.report())) as status:
        while not _is_over(watching, idle_s, status):
            time.sleep(_LOOK_S)


def _is_over(watching: FolderWatch, idle_s: float | None, status: Status) -> bool:
    status.update(_line(watching, watching.report()))
    return idle_s is not None and watching.wait_idle(idle_s, timeout_s=_LOOK_S)


def _line(watching: FolderWatch, report: WatchReport) -> str:
    how = " by looking again and again" if report.polling else ""
    return f"{report.state} [bold]{escape(watching.folder)}[/]{how}: {report.files} images{_rest(report)}"


def _rest(report: WatchReport) -> str:
    ledger = report.ledger
    counts = (
        (report.growing, "being written"),
        (ledger.pending, "on the way"),
        (ledger.dropped, "dropped"),
        (len(report.failures), "failed"),
        (len(report.unknown), "of no kind we know"),
    )
    return "".join(f", {count} {what}" for count, what in counts if count)
