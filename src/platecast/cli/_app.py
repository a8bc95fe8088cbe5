"""The commands put together, and what becomes of their errors."""

import logging
import sys
from typing import Annotated

import typer
from rich.logging import RichHandler

from platecast._version import __version__
from platecast.cli._connect import connect, tunnel_end
from platecast.cli._console import errors, print_error
from platecast.cli._convert import convert
from platecast.cli._demo import demo
from platecast.cli._doctor import doctor
from platecast.cli._keys import keys, pair
from platecast.cli._ls import ls
from platecast.cli._manager import manager
from platecast.cli._quit import kill, quit_
from platecast.cli._run import run, tune
from platecast.cli._runs import runs, stop
from platecast.cli._send import send
from platecast.cli._start import start
from platecast.cli._status import status
from platecast.cli._view import view
from platecast.cli._watch import watch
from platecast.cli._window import clear, goto, screenshot
from platecast.errors import PlatecastError, ViewerNotFoundError

_NO_VIEWER = 3

app = typer.Typer(
    name="platecast",
    help="Shows the images of a running high-content-screening pipeline, live, in napari.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_show_locals=False,
)
app.command()(demo)
app.command()(start)
app.command()(view)
app.command()(watch)
app.command()(ls)
app.command()(manager)
app.command()(convert)
app.command()(status)
app.command()(send)
app.command()(goto)
app.command()(clear)
app.command()(screenshot)
app.command(name="quit")(quit_)
app.command()(kill)
app.command()(doctor)
app.command()(run)
app.command()(tune)
app.command()(runs)
app.command()(stop)
app.command()(pair)
app.command()(connect)
app.command(name="tunnel-end", hidden=True)(tunnel_end)
app.add_typer(keys, name="keys")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
) -> None:
    level = logging.DEBUG if verbose else logging.WARNING
    # On the handler, too: some libraries set levels of their own.
    handler = RichHandler(level, console=errors, show_path=False, show_time=False)
    logging.basicConfig(level=level, format="%(message)s", handlers=[handler])


def main() -> None:
    """Run the command line; a foreseen error is one line. `docs/cli.md` lists the exit statuses."""
    try:
        app(prog_name="platecast")
    except ViewerNotFoundError as error:
        print_error(error)
        sys.exit(_NO_VIEWER)
    except PlatecastError as error:
        print_error(error)
        sys.exit(1)
