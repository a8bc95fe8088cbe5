"""Where commands write, and how: answers to standard output, everything else to standard error."""

import os

from rich.console import Console, ConsoleDimensions
from rich.text import Text

_NO_EDGE = 10_000
"""Columns of what is no terminal: a table there has the width of its content."""


class _Console(Console):
    """A console that cuts lines at the edge of a terminal alone; a pipe and a file have none."""

    @property  # type: ignore[misc]  # rich lets it be set, which nobody does
    def size(self) -> ConsoleDimensions:
        """How much room there is; what `COLUMNS` says counts everywhere."""
        found = super().size
        has_edge = self.is_terminal or "COLUMNS" in os.environ
        return found if has_edge else ConsoleDimensions(_NO_EDGE, found.height)


out = _Console()
errors = _Console(stderr=True)

_COLOURS = {"ready": "green", "busy": "yellow", "starting": "yellow", "not responding": "red", "gone": "red"}


def print_error(error: object) -> None:
    """Write one line about what failed; what it quotes, such as a path, is never taken for markup."""
    errors.print(Text.assemble(("Error:", "bold red"), f" {error}"), soft_wrap=True)


def state_text(state: str) -> Text:
    """Return a viewer's state in its colour."""
    return Text(state, _COLOURS.get(state, ""))


def number_or_text(value: str) -> int | str:
    """Return what an argument that may be either means: digits are a number."""
    return int(value) if value.isascii() and value.isdecimal() else value
