"""`platecast connect`: compute on a server, look here, with nothing but ssh between them."""

import sys
import time
from typing import Annotated

import typer

from platecast.cli._console import errors, out
from platecast.cli._ports import PortOption, viewer_on
from platecast.errors import TunnelError
from platecast.manager import Tunnel, hold_far_end

_PAUSE_S = 3.0


def connect(
    destination: Annotated[str, typer.Argument(metavar="USER@HOST", help="As ssh takes it.")],
    port: PortOption = None,
    command: Annotated[
        str, typer.Option("--command", help="How platecast is called there, if it is not on the path.")
    ] = "platecast",
    ssh_option: Annotated[
        list[str] | None, typer.Option("--ssh-option", "-o", help="Option of ssh, as after its -o.")
    ] = None,
) -> None:
    """Let pipelines on another machine find the viewer of this one, through ssh, until Ctrl-C.

    The viewer is started where there is none. A tunnel that breaks is opened again.
    """
    endpoint, _ = viewer_on(port, title="platecast", virtual_screen=None)
    options = [f"-o{each}" for each in ssh_option or ()]
    was_open = False
    try:
        while endpoint.alive:
            try:
                with Tunnel(
                    endpoint, destination, command=command, ssh_options=options, on_message=_print
                ) as tunnel:
                    was_open = True
                    out.print(
                        f"connected: at {destination} this viewer is on port {tunnel.port}; Ctrl-C ends it",
                        highlight=False,
                        markup=False,
                    )
                    tunnel.wait()
            except TunnelError as error:
                if not was_open:
                    raise
                _print(str(error))
            _print(f"the tunnel to {destination} has ended; trying again in {_PAUSE_S:g} s")
            time.sleep(_PAUSE_S)
    except KeyboardInterrupt:
        out.print(f"disconnected from {destination}", highlight=False, markup=False)


def tunnel_end() -> None:
    """Hold the far end of a tunnel; `platecast connect` calls this."""
    hold_far_end(sys.stdin, lambda line: print(line, flush=True))


def _print(line: str) -> None:
    errors.print(line, highlight=False, markup=False, soft_wrap=True)
