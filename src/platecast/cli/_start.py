"""`platecast start`: a viewer, before there is anything to see."""

from typing import Annotated

import typer

from platecast.cli._console import out
from platecast.cli._keys import print_pairing_text
from platecast.cli._ports import PortOption, viewer_on
from platecast.config import DEFAULT_PORT
from platecast.errors import PairingError
from platecast.manager import start_viewer, wait_ready
from platecast.wire import Endpoint, list_keys, pair_for


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
    listen: Annotated[
        str,
        typer.Option(
            "--listen",
            metavar="ADDRESS",
            help="Let in other machines, encrypted and by key only; the address at which they find this one.",
            show_default="this machine only",
        ),
    ] = "",
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
            listen=listen,
        )
        started = True
    else:
        endpoint, started = viewer_on(
            port, title=title, virtual_screen=headless, memory_budget_mb=memory_budget_mb, listen=listen
        )
        if listen and endpoint.listen != listen:
            raise PairingError(
                f"the viewer on port {endpoint.port} is there already and does not listen at {listen}:"
                " quit it first, or start another one with --new"
            )
    if wait:
        wait_ready(endpoint)
    verb = "started" if started else "is there already"
    out.print(f"viewer {verb}: port {endpoint.port}, process {endpoint.pid}", highlight=False)
    if listen:
        _print_pairing(endpoint)


def _print_pairing(endpoint: Endpoint) -> None:
    """Print the first pairing string, or which keys there are: those of earlier days still serve."""
    keys = list_keys()
    if keys:
        names = ", ".join(key.name for key in keys)
        out.print(
            f"it listens at {endpoint.listen}; keys that may connect: {names}"
            " (another one: platecast keys add NAME)",
            highlight=False,
            soft_wrap=True,
        )
        return
    print_pairing_text(pair_for("first", endpoint.listen, endpoint.port))
