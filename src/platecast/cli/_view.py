"""`platecast view`: a plate that lies on disk, in a viewer that reads what is looked at."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from platecast.cli._console import errors, out, print_error
from platecast.cli._filters import (
    ChannelOption,
    Filters,
    SiteOption,
    TimepointOption,
    WellOption,
    ZIndexOption,
)
from platecast.cli._interrupts import Interrupts
from platecast.cli._opened import Opened, open_all
from platecast.cli._ports import PortOption, viewer_on
from platecast.config import NapariStreamingConfig
from platecast.storage import PlateImage
from platecast.stream import PlateProgress, Stream, send_images
from platecast.wire import Endpoint, Ledger

_PATIENCE_S = 60.0
_LOOK_S = 0.25
_MOST_FAILURES = 5
"""Failures that are written out; the window says them all."""


def view(
    plate: Annotated[
        str, typer.Argument(help="Folder of a plate's images, OME-Zarr plate, or a run's output.")
    ],
    well: WellOption = None,
    site: SiteOption = None,
    channel: ChannelOption = None,
    z_index: ZIndexOption = None,
    timepoint: TimepointOption = None,
    step: Annotated[
        list[str] | None,
        typer.Option(help="Only this step of a run's output, by its index or name; may be given again."),
    ] = None,
    port: PortOption = None,
    headless: Annotated[
        bool | None,
        typer.Option(
            "--headless/--on-screen", help="Use a virtual screen.", show_default="where there is none"
        ),
    ] = None,
) -> None:
    """Show a plate that lies on disk; the viewer stays when this command ends.

    The window opens at once whatever the size of the plate: an image is read when it is looked at. Ctrl-C
    sends nothing more and waits for what was sent; a second one does not wait.
    """
    filters = Filters.of(well=well, channel=channel, site=site, z_index=z_index, timepoint=timepoint)
    parts = [(opened, filters.choose(opened.plate)) for opened in open_all(plate, step or [])]
    name = parts[0][0].plate.name
    endpoint, _ = viewer_on(port, title=f"platecast: {name}", virtual_screen=headless)
    total = sum(len(images) for _, images in parts)
    config = NapariStreamingConfig(napari_port=endpoint.port)
    failures: list[str] = []
    with (
        Interrupts() as interrupts,
        Stream(config=config, start_viewer=False) as stream,
        _progress(total) as tell,
    ):
        try:
            for opened, images in parts:
                failures += _send(stream, opened, images, tell, interrupts)
            ledger = _deliver(stream, interrupts)
        except KeyboardInterrupt:
            ledger = stream.flush(0.0)
        if interrupts.is_asked:
            errors.print(_left_over(ledger, total, endpoint), highlight=False)
            raise typer.Exit(130)
    for failure in failures[:_MOST_FAILURES]:
        print_error(failure)
    if len(failures) > _MOST_FAILURES:
        print_error(f"{len(failures) - _MOST_FAILURES} more images could not be read")
    out.print(f"{ledger.shown} of {total} images are shown in {_where(endpoint)}", highlight=False)
    if ledger.shown < total:
        raise typer.Exit(1)


def _send(
    stream: Stream,
    opened: Opened,
    images: tuple[PlateImage, ...],
    tell: Callable[[int], None],
    interrupts: Interrupts,
) -> tuple[str, ...]:
    """Send one plate, or its beginning where somebody interrupts; return what failed."""
    done = 0

    def on_progress(progress: PlateProgress) -> None:
        nonlocal done
        tell(progress.done - done)
        done = progress.done

    if interrupts.is_asked:
        return ()
    sent = send_images(
        stream,
        opened.plate,
        images=images,
        step=opened.step,
        on_progress=on_progress,
        is_over=lambda: interrupts.is_asked,
    )
    return sent.failures


def _deliver(stream: Stream, interrupts: Interrupts) -> Ledger:
    """Wait until the window has what was sent, which it takes once it is there."""
    end_s = time.monotonic() + _PATIENCE_S
    is_told = False
    while True:
        ledger = stream.flush(_LOOK_S)
        if not ledger.pending or time.monotonic() >= end_s:
            return ledger
        if interrupts.is_asked and not is_told:
            is_told = True
            errors.print(
                "stopping: the window is still to take what was sent; Ctrl-C again leaves it", highlight=False
            )


def _left_over(ledger: Ledger, total: int, endpoint: Endpoint) -> str:
    """Say exactly what an interruption has left."""
    parts = (
        (ledger.failed, "failed"),
        (ledger.dropped, "were dropped"),
        (ledger.pending, "were on their way and are lost"),
        (total - ledger.sent, "were not sent"),
    )
    rest = "".join(f", {count} {what}" for count, what in parts if count)
    return f"stopped: {ledger.shown} of {total} images are shown in {_where(endpoint)}{rest}"


def _where(endpoint: Endpoint) -> str:
    return f"the viewer on port {endpoint.port}"


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("Opening"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task("Opening", total=total)
        yield lambda more: progress.advance(task, more)
