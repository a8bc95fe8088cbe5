"""`platecast start`: a viewer, before there is anything to see."""

from typing import Annotated

import typer

from platecast.cli._console import out
from platecast.cli._ports import PortOption, viewer_on


def start(
    port: PortOption = None,
    title: Annotated[str, typer.Option(help="Title of the window.")] = "platecast",
    headless: Annotated[
        bool | None,
        typer.Option(
            "--headless/--on-screen", help="Use a virtual screen.", show_default="where there is none"
        ),
    ] = None,
) -> None:
    """Start a viewer, or find the one that is there; it stays when this command ends."""
    endpoint, started = viewer_on(port, title=title, virtual_screen=headless)
    verb = "started" if started else "is there already"
    out.print(f"viewer {verb}: port {endpoint.port}, process {endpoint.pid}", highlight=False)
