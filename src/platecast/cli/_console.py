"""Where commands write, and how: answers to standard output, everything else to standard error."""

from rich.console import Console
from rich.text import Text

out = Console()
errors = Console(stderr=True)

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
