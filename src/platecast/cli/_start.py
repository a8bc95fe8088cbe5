"""`platecast start`: a viewer, before there is anything to see."""

from typing import Annotated

import typer

from platecast.cli._console import out
from platecast.cli._ports import PortOption, viewer_on
from platecast.config import DEFAULT_PORT
from platecast.manager import start_viewer, wait_ready


def start(
    port: PortOption = None,
    title: Annotated[str, typer.Option(help="Title of the window.")] = "platecast",
    headless: Annotated[
        bool | None,
        typer.Option(
            "--headless/--on-screen", help="Use a virtual screen.", show_default="where there is none"
        ),
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Start another one where there is one already.")] = False,
    memory_budget_mb: Annotated[
        float | None,
        typer.Option(
            "--memory-budget-mb",
            min=1,
            help="Memory for images; what is beyond it is put away to disk until it is looked at.",
            show_default="half of what there is",
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until its window is there.")] = False,
) -> None:
    """Start a viewer, or find the one that is there; it stays when this command ends."""
    if new:
        chosen = DEFAULT_PORT if port is None else port
        endpoint = start_viewer(
            chosen,
            or_next=port is None,
            title=title,
            virtual_screen=headless,
            memory_budget_mb=memory_budget_mb,
        )
        started = True
    else:
        endpoint, started = viewer_on(
            port, title=title, virtual_screen=headless, memory_budget_mb=memory_budget_mb
        )
    if wait:
        wait_ready(endpoint)
    verb = "started" if started else "is there already"
    out.print(f"viewer {verb}: port {endpoint.port}, process {endpoint.pid}", highlight=False)
