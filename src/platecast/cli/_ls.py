"""`platecast ls`: which viewers there are."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from platecast.cli._console import out
from platecast.manager import ViewerInfo, list_viewers

_COLOURS = {"ready": "green", "busy": "yellow", "starting": "yellow", "not responding": "red"}


def ls(json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """List the viewers of this user, with the account of what they were sent."""
    viewers = list_viewers()
    if json:
        out.print_json(data=[viewer.as_dict() for viewer in viewers])
    elif not viewers:
        out.print("no viewer; start one with: platecast start", highlight=False)
    else:
        out.print(_table(viewers))


def _table(viewers: list[ViewerInfo]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("port", "pid"):
        table.add_column(name, justify="right")
    table.add_column("title")
    table.add_column("state")
    for name in ("shown", "pending", "dropped", "failed", "memory"):
        table.add_column(name, justify="right")
    for viewer in viewers:
        ledger = viewer.ledger
        counts = (
            ["", "", "", ""]
            if ledger is None
            else [str(ledger.shown), str(ledger.pending), str(ledger.dropped), str(ledger.failed)]
        )
        memory = "" if viewer.memory_mb is None else f"{viewer.memory_mb:.0f} MB"
        state = f"[{_COLOURS[viewer.state]}]{viewer.state}[/]"
        endpoint = viewer.endpoint
        table.add_row(str(endpoint.port), str(endpoint.pid), escape(endpoint.title), state, *counts, memory)
    return table
