"""`platecast status`: how one viewer is, once or as it changes."""

import queue
from typing import Annotated

import msgspec
import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from platecast.cli._console import out, print_table, state_text
from platecast.cli._ports import ViewerArgument, the_endpoint
from platecast.errors import ViewerNotFoundError
from platecast.manager import ViewerInfo, ViewerWatch, find_viewer
from platecast.texts import duration_text, memory_text
from platecast.wire import Endpoint, SenderStatus, ViewerStatus

_SILENCE_S = 3.0
"""A sender says something twice a second; this long without is worth a word."""


def status(
    port: ViewerArgument = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the viewer ends or Ctrl-C.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON; with --follow a line a change.")] = False,
) -> None:
    """Say how a viewer is: its state, the account of what it was sent, its layers and memory."""
    endpoint = the_endpoint(port)
    if follow:
        _follow(endpoint, json)
        return
    viewer = find_viewer(endpoint.port)
    if viewer is None:
        raise ViewerNotFoundError(f"the viewer on port {endpoint.port} has just gone")
    if json:
        out.print_json(data=viewer.as_dict())
    else:
        print_table(_page(viewer))


def _follow(endpoint: Endpoint, json: bool) -> None:
    news: queue.SimpleQueue[ViewerInfo] = queue.SimpleQueue()
    with ViewerWatch(news.put) as watch:
        try:
            if out.is_terminal and not json:
                _follow_on_screen(endpoint, news)
            else:
                _follow_in_lines(endpoint, news, json)
        except KeyboardInterrupt:
            # The usual end of following.
            return
        finally:
            watch.changes()


def _next(endpoint: Endpoint, news: "queue.SimpleQueue[ViewerInfo]") -> ViewerInfo:
    while True:
        viewer = news.get()
        if viewer.endpoint.instance == endpoint.instance:
            return viewer


def _follow_on_screen(endpoint: Endpoint, news: "queue.SimpleQueue[ViewerInfo]") -> None:
    with Live(console=out, auto_refresh=False) as live:
        viewer = None
        while viewer is None or viewer.state != "gone":
            viewer = _next(endpoint, news)
            live.update(_page(viewer), refresh=True)


def _follow_in_lines(endpoint: Endpoint, news: "queue.SimpleQueue[ViewerInfo]", json: bool) -> None:
    """Print a line for each change of what a line says, so nothing for a mere sign of life."""
    said: object = None
    viewer = None
    while viewer is None or viewer.state != "gone":
        viewer = _next(endpoint, news)
        status = viewer.status
        state = (viewer.state, None if status is None else (status.ledger, status.layers))
        if state != said:
            said = state
            line = msgspec.json.encode(viewer.as_dict()).decode() if json else _line(viewer)
            out.print(line, highlight=False, markup=False, soft_wrap=True)


def _line(viewer: ViewerInfo) -> str:
    ledger = viewer.ledger
    if ledger is None:
        return viewer.state
    counts = ", ".join(f"{count} {name}" for name, count in ledger.counts().items())
    return f"{viewer.state}: {counts}; {memory_text(viewer.memory_mb)}"


def _page(viewer: ViewerInfo) -> RenderableType:
    endpoint, status = viewer.endpoint, viewer.status
    head = Text.assemble((endpoint.title, "bold"), f"  port {endpoint.port}  process {endpoint.pid}  ")
    head.append(state_text(viewer.state))
    if status is None:
        return head
    head.append(f"  up {duration_text(status.uptime_s)}")
    facts = Table.grid(padding=(0, 2))
    ledger = status.ledger
    counts = "  ".join(f"{count} {name}" for name, count in ledger.counts().items())
    facts.add_row("planes", counts + (f"  ({status.queued} wait for the window)" if status.queued else ""))
    for name, reasons in (("dropped", ledger.drop_reasons), ("failed", ledger.failure_reasons)):
        for reason, count in reasons.items():
            facts.add_row(name, f"[yellow]{count}: {escape(reason)}[/]")
    facts.add_row("memory", _memory(status))
    senders = ", ".join(map(_sender, status.senders))
    facts.add_row("senders", senders or "none")
    if status.refused:
        facts.add_row(
            "refused", f"[yellow]{status.refused} messages that broke the protocol; its log tells[/]"
        )
    parts: list[RenderableType] = [head, facts]
    if status.layers:
        parts.append(_layers(viewer))
    return Group(*parts)


def _memory(status: ViewerStatus) -> str:
    """Return what the process takes, and where the pixels of its planes are."""
    planes = status.planes
    words = [memory_text(status.memory_mb)]
    words.append(f"pixels {memory_text(planes.memory_mb)} of at most {memory_text(planes.budget_mb)}")
    for stock, where in ((planes.in_scratch, "in scratch"), (planes.at_rest, "at rest")):
        if stock.planes:
            words.append(f"{stock.planes} planes {where}")
    if planes.records.planes:
        words.append(f"records {memory_text(planes.records.mb)}")
    return ", ".join(words)


def _sender(sender: SenderStatus) -> str:
    if not sender.host:
        slower = " (inside messages: slower)" if sender.memory == "inline" else ""
        return f"process {sender.pid}{slower}"
    silent = f" ([yellow]not heard for {sender.silent_s:.0f} s[/])" if sender.silent_s > _SILENCE_S else ""
    return f"process {sender.pid} on {escape(sender.host)}{silent}"


def _layers(viewer: ViewerInfo) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("layer", overflow="fold")
    table.add_column("kind")
    table.add_column("planes", justify="right")
    table.add_column("memory", justify="right")
    if viewer.status is None:
        return table
    for layer in viewer.status.layers:
        table.add_row(escape(layer.name), layer.kind, str(layer.planes), memory_text(layer.nbytes / 1e6))
    left_out = viewer.status.layer_count - len(viewer.status.layers)
    if left_out > 0:
        table.add_row(f"and {left_out} more", "", "", "")
    return table
