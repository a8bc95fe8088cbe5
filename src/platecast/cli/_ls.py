"""`platecast ls`: which viewers there are."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from platecast.cli._console import out, print_table, state_text
from platecast.manager import ViewerInfo, list_viewers
from platecast.texts import duration_text, memory_text

_NUMBERS = ("shown", "pending", "dropped", "failed")


def ls(json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """List the viewers of this user, with the account of what they were sent."""
    viewers = list_viewers()
    if json:
        out.print_json(data=[viewer.as_dict() for viewer in viewers])
    elif not viewers:
        out.print("no viewer; start one with: platecast start", highlight=False)
    else:
        print_table(_table(viewers))


def _table(viewers: list[ViewerInfo]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("port", "pid"):
        table.add_column(name, justify="right")
    table.add_column("title")
    table.add_column("state")
    for name in ("up", *_NUMBERS, "memory", "pixels"):
        table.add_column(name, justify="right")
    for viewer in viewers:
        endpoint, ledger = viewer.endpoint, viewer.ledger
        table.add_row(
            str(endpoint.port),
            str(endpoint.pid),
            Text(endpoint.title),
            state_text(viewer.state),
            duration_text(viewer.uptime_s),
            *("" if ledger is None else str(getattr(ledger, name)) for name in _NUMBERS),
            memory_text(viewer.memory_mb),
            memory_text(viewer.pixels_mb),
        )
    return table
