"""Where commands write, and how: answers to standard output, everything else to standard error."""

import os

from rich.console import Console, RenderableType
from rich.text import Text

_NO_EDGE = 10_000
"""Columns of what is no terminal: a table there has the width of its content."""

out = Console()
errors = Console(stderr=True)

_COLOURS = {"ready": "green", "busy": "yellow", "starting": "yellow", "not responding": "red", "gone": "red"}


def print_error(error: object) -> None:
    """Write one line about what failed; what it quotes, such as a path, is never taken for markup."""
    errors.print(Text.assemble(("Error:", "bold red"), f" {error}"), soft_wrap=True)


def print_table(table: RenderableType) -> None:
    """Write tables; they are cut at the edge of a terminal, or at `COLUMNS`: a pipe and a file have none."""
    has_edge = out.is_terminal or "COLUMNS" in os.environ
    (out if has_edge else Console(width=_NO_EDGE)).print(table)


def state_text(state: str) -> Text:
    """Return a viewer's state in its colour."""
    return Text(state, _COLOURS.get(state, ""))


def number_or_text(value: str) -> int | str:
    """Return what an argument that may be either means: digits are a number."""
    return int(value) if value.isascii() and value.isdecimal() else value
