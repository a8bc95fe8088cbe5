"""`platecast manager`: the window for viewers, images, runs and log."""

from typing import Annotated

import typer

from platecast.errors import PlatecastError
from platecast.manager import has_screen


def manager(
    plate: Annotated[
        str,
        typer.Argument(help="A plate to open at once: a folder, OME-Zarr plate or URL.", show_default="none"),
    ] = "",
) -> None:
    """Open a window with your viewers, the images of a plate, pipelines in progress, and the log."""
    if not has_screen():
        raise PlatecastError(
            "there is no screen for a window: set DISPLAY, or use `platecast ls`, `view` and `runs` here"
        )
    try:
        from platecast.gui import run_manager
    except ImportError as error:
        raise PlatecastError(
            f"the window needs Qt, which is not installed ({error}): pip install 'platecast[viewer]'"
        ) from error
    raise typer.Exit(run_manager(plate))
