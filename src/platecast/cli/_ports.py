"""Which port a command means."""

from typing import Annotated

import typer

from platecast.config import DEFAULT_PORT, MAX_PORT
from platecast.errors import PortInUseError, ViewerNotFoundError
from platecast.manager import ViewerInfo, find_or_start, list_viewers
from platecast.wire import Endpoint, read_endpoint

_PORTS_TRIED = 100

PortOption = Annotated[
    int | None,
    typer.Option(
        "--port",
        min=1,
        max=MAX_PORT,
        help=f"Data port; control is 1000 above. [default: {DEFAULT_PORT}, or the next free pair]",
    ),
]


def viewer_on(port: int | None, *, title: str, virtual_screen: bool | None) -> tuple[Endpoint, bool]:
    """Find or start the viewer on `port`; without one, on the first pair of ports that is ours or free.

    Returns
    -------
    endpoint, started
        The viewer, and whether it was started here.
    """
    candidates = [port] if port is not None else list(range(DEFAULT_PORT, DEFAULT_PORT + _PORTS_TRIED))
    for candidate in candidates:
        found = read_endpoint(candidate) is not None
        try:
            return find_or_start(candidate, title=title, virtual_screen=virtual_screen), not found
        except PortInUseError:
            if candidate == candidates[-1]:
                raise
    raise AssertionError("there is at least one candidate")


def the_viewer(port: int | None) -> ViewerInfo:
    """Return the viewer on `port`, or the only one there is."""
    viewers = list_viewers()
    chosen = [viewer for viewer in viewers if port in (None, viewer.endpoint.port)]
    ports = ", ".join(str(viewer.endpoint.port) for viewer in viewers)
    if not chosen:
        where = "" if port is None else f" on port {port}"
        raise ViewerNotFoundError(f"no viewer{where}" + (f"; there are viewers on {ports}" if ports else ""))
    if len(chosen) > 1:
        raise ViewerNotFoundError(f"there are viewers on ports {ports}: name one, or use --all")
    return chosen[0]
