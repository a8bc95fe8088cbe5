"""`platecast runs` and `platecast stop`: pipelines that are running, wherever they were started."""

from typing import Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from platecast.cli._console import out, print_table
from platecast.pipeline import list_runs, stop_run


def runs(json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """List the running pipelines of this user, and how far they are."""
    found = list_runs()
    if json:
        out.print_json(
            data=[msgspec.to_builtins(status) | {"seconds_left": status.seconds_left} for status in found]
        )
        return
    if not found:
        out.print("no pipeline is running", highlight=False)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("run", "state", "wells", "failures", "left", "plate", "output"):
        table.add_column(name, overflow="fold")
    for status in found:
        left = "" if status.seconds_left is None else f"{status.seconds_left:.0f} s"
        wells = f"{status.wells_done} of {status.wells_total}"
        cells = (status.run, status.state, wells, str(status.failures), left, status.plate, status.output)
        table.add_row(*map(escape, cells))
    print_table(table)


def stop(
    run: Annotated[
        str, typer.Argument(help="The run, or how it begins.", show_default="the only running one")
    ] = "",
) -> None:
    """Let a running pipeline finish the wells that were begun, and no others."""
    status = stop_run(run)
    out.print(f"{status.run} stops after the wells that were begun", highlight=False)
