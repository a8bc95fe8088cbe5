"""Which port a command means."""

from typing import Annotated

import typer

from platecast.config import DEFAULT_PORT, MAX_PORT
from platecast.errors import ViewerNotFoundError
from platecast.manager import find_or_start
from platecast.wire import Endpoint, list_endpoints, read_endpoint

QUIT_TIMEOUT_S = 30.0
"""How long a viewer may take to end: one that was just started is deaf until its window is there."""

PortOption = Annotated[
    int | None,
    typer.Option(
        "--port",
        min=1,
        max=MAX_PORT,
        help="Data port; control is 1000 above.",
        show_default=f"{DEFAULT_PORT}, or the next free pair",
    ),
]

ViewerArgument = Annotated[int | None, typer.Argument(help="Data port.", show_default="the only viewer")]
ViewerOption = Annotated[
    int | None,
    typer.Option("--port", min=1, max=MAX_PORT, help="Data port.", show_default="the only viewer"),
]


def viewer_on(
    port: int | None,
    *,
    title: str,
    virtual_screen: bool | None,
    memory_budget_mb: float | None = None,
    listen: str = "",
) -> tuple[Endpoint, bool]:
    """Find or start the viewer on `port`; without one, on the default pair or the next that is free.

    Returns
    -------
    endpoint, started
        The viewer, and whether it was started here.
    """
    chosen = DEFAULT_PORT if port is None else port
    found = read_endpoint(chosen)
    if found is not None:
        return found, False
    endpoint = find_or_start(
        chosen,
        or_next=port is None,
        title=title,
        virtual_screen=virtual_screen,
        memory_budget_mb=memory_budget_mb,
        listen=listen,
    )
    return endpoint, True


def the_endpoint(port: int | None) -> Endpoint:
    """Return the viewer on `port`, or the only one there is; nothing is asked of it."""
    endpoints = list_endpoints()
    chosen = [each for each in endpoints if port in (None, each.port, each.asked_port)]
    ports = ", ".join(str(each.port) for each in endpoints)
    if not chosen:
        where = "" if port is None else f" on port {port}"
        raise ViewerNotFoundError(f"no viewer{where}" + (f"; there are viewers on {ports}" if ports else ""))
    if len(chosen) > 1:
        raise ViewerNotFoundError(f"there are viewers on ports {ports}: name one")
    return chosen[0]
