"""`platecast keys` and `platecast pair`: who may send from other machines, and to which ones this one may."""

import getpass
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from platecast.cli._console import errors, out, print_table
from platecast.cli._ports import ViewerOption, the_endpoint
from platecast.errors import PairingError
from platecast.wire import Pairing, list_keys, pair_for, parse_pairing, revoke_key, store_pairing

keys = typer.Typer(help="Keys of other machines that may send to this user's viewers.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the key.")]


@keys.command("list")
def _list() -> None:
    """List the keys that may connect."""
    found = list_keys()
    if not found:
        out.print("no keys: `platecast start --listen ADDRESS` makes the first one", highlight=False)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("key", "made", "public"):
        table.add_column(column)
    for key in found:
        table.add_row(key.name, f"{key.made_at.astimezone():%Y-%m-%d %H:%M}", Text(key.public[:8] + "…"))
    print_table(table)


@keys.command("add")
def _add(name: NameArgument, port: ViewerOption = None) -> None:
    """Make a key for a viewer that listens, and print its pairing string."""
    endpoint = the_endpoint(port)
    if not endpoint.listen:
        raise PairingError(
            f"the viewer on port {endpoint.port} is for this machine only:"
            " start one with `platecast start --listen ADDRESS`"
        )
    print_pairing_text(pair_for(name, endpoint.listen, endpoint.port))


@keys.command("revoke")
def _revoke(name: NameArgument) -> None:
    """Let a key in no more, also not where it is connected now."""
    revoke_key(name)
    out.print(f"revoked: {name}", highlight=False, markup=False)


def pair(
    string: Annotated[
        str | None,
        typer.Argument(
            help="What `platecast start --listen` printed. Without it (or with `-`) it is asked for, or read"
            " from standard input: everybody on a machine can read the arguments of a command.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Keep a pairing string, so that what this user runs here may send to that viewer."""
    pairing = parse_pairing(_asked_for() if string in (None, "-") else str(string))
    path = store_pairing(pairing)
    out.print(
        f"paired with {pairing.host}, port {pairing.port} (in {path});"
        f" send with napari_host={pairing.host!r}, or PLATECAST_NAPARI_HOST={pairing.host}",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


def _asked_for() -> str:
    """Return a pairing string that is pasted, and not shown, or comes through a pipe."""
    given = typer.get_text_stream("stdin")
    if given.isatty():
        return getpass.getpass("pairing string (it is not shown): ")
    return given.read()


def print_pairing_text(pairing: Pairing) -> None:
    """Print a pairing string by itself on standard output, and what to do with it beside."""
    errors.print(
        "pairing string, a secret; on the other machine, once:  platecast pair  (it asks for the string)",
        highlight=False,
        soft_wrap=True,
    )
    out.print(pairing.to_text(), highlight=False, soft_wrap=True, markup=False)
