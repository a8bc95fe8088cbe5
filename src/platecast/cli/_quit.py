"""`platecast quit` and `platecast kill`: end viewers."""

from typing import Annotated

import typer

from platecast.cli._console import out
from platecast.cli._ports import ViewerArgument, the_endpoint
from platecast.manager import kill_viewer, quit_viewer
from platecast.wire import list_endpoints

_TIMEOUT_S = 10.0


def quit_(
    port: ViewerArgument = None,
    every: Annotated[bool, typer.Option("--all", help="Close all viewers of this user.")] = False,
) -> None:
    """Close a viewer, and the virtual screen it may have."""
    endpoints = list_endpoints() if every else [the_endpoint(port)]
    if not endpoints:
        out.print("no viewer to close")
    for endpoint in endpoints:
        quit_viewer(endpoint, _TIMEOUT_S)
        out.print(f"viewer on port {endpoint.port} is closed", highlight=False)


def kill(port: ViewerArgument = None) -> None:
    """End a viewer that does not respond, by force; its process is verified first."""
    endpoint = the_endpoint(port)
    kill_viewer(endpoint)
    out.print(f"viewer on port {endpoint.port} (process {endpoint.pid}) was ended by force", highlight=False)
