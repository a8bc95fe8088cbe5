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


def memory_text(megabytes: float | None) -> str:
    """Return an amount of memory in few characters; nothing where it is not known."""
    if megabytes is None:
        return ""
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


def duration_text(seconds: float | None) -> str:
    """Return a duration in its two largest units; nothing where it is not known."""
    if seconds is None:
        return ""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (int(seconds), "s")]
    first = next((place for place, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2])


def number_or_text(value: str) -> int | str:
    """Return what an argument that may be either means: digits are a number."""
    return int(value) if value.isascii() and value.isdecimal() else value
