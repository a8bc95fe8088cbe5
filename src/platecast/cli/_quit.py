"""`platecast quit`: close viewers."""

from typing import Annotated

import typer

from platecast.cli._console import out
from platecast.cli._ports import QUIT_TIMEOUT_S, the_viewer
from platecast.manager import list_viewers, quit_viewer


def quit_(
    port: Annotated[int | None, typer.Argument(help="Data port.", show_default="the only viewer")] = None,
    every: Annotated[bool, typer.Option("--all", help="Close all viewers of this user.")] = False,
) -> None:
    """Close a viewer, and the virtual screen it may have."""
    viewers = list_viewers() if every else [the_viewer(port)]
    if not viewers:
        out.print("no viewer to close")
    for viewer in viewers:
        quit_viewer(viewer.endpoint, QUIT_TIMEOUT_S)
        out.print(f"viewer on port {viewer.endpoint.port} is closed", highlight=False)
