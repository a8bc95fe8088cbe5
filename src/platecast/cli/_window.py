"""`platecast goto`, `clear` and `screenshot`: what one would do in the window."""

from pathlib import Path
from typing import Annotated

import typer

from platecast.cli._console import number_or_text, out
from platecast.cli._ports import ViewerOption, the_endpoint
from platecast.errors import PlatecastError
from platecast.manager import clear_layers, go_to, take_screenshot


def goto(
    well: Annotated[str | None, typer.Argument(help="Well, such as B03.", show_default="the same")] = None,
    site: Annotated[int | None, typer.Option(help="Site.", show_default="the same")] = None,
    channel: Annotated[str | None, typer.Option(help="Channel.", show_default="the same")] = None,
    z_index: Annotated[int | None, typer.Option("--z", help="Slice.", show_default="the same")] = None,
    timepoint: Annotated[
        int | None, typer.Option("--time", help="Time point.", show_default="the same")
    ] = None,
    port: ViewerOption = None,
) -> None:
    """Show another place: a well, a site, a slice, a time point."""
    values = {"well": well, "site": site, "z_index": z_index, "timepoint": timepoint}
    chosen: dict[str, int | str] = {name: value for name, value in values.items() if value is not None}
    if channel is not None:
        chosen["channel"] = number_or_text(channel)
    if not chosen:
        raise typer.BadParameter("say where to go: a well, --site, --channel, --z or --time")
    shown = go_to(the_endpoint(port), chosen)
    out.print(", ".join(f"{name} {value}" for name, value in shown.items()), highlight=False, markup=False)


def clear(
    run: Annotated[str | None, typer.Option(help="Only layers of this run.")] = None,
    step: Annotated[str | None, typer.Option(help="Only layers of this step: its index or its name.")] = None,
    earlier_runs: Annotated[
        bool, typer.Option("--earlier-runs", help="Only layers of all runs but the newest.")
    ] = False,
    port: ViewerOption = None,
) -> None:
    """Remove layers from a window, and let their planes go; without a choice, all of them."""
    chosen = None if step is None else number_or_text(step)
    cleared = clear_layers(the_endpoint(port), run=run, step=chosen, earlier_runs=earlier_runs)
    out.print(
        f"{cleared.cleared} layers with {cleared.planes} planes removed, {cleared.freed_mb:.0f} MB freed",
        highlight=False,
    )


def screenshot(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to write the picture, a PNG.")],
    canvas_only: Annotated[
        bool, typer.Option("--canvas-only", help="Only the images, not the window.")
    ] = False,
    port: ViewerOption = None,
) -> None:
    """Write a picture of a window."""
    if file.suffix.lower() != ".png":
        raise typer.BadParameter(f"{file}: pictures are PNG files, so the name ends with .png")
    picture = take_screenshot(the_endpoint(port), canvas_only=canvas_only)
    try:
        file.write_bytes(picture)
    except OSError as error:
        raise PlatecastError(f"{file} could not be written: {error.strerror or error}") from error
    out.print(f"{file}", highlight=False, markup=False, soft_wrap=True)
