"""Where commands write: answers to standard output, everything else to standard error."""

from rich.console import Console
from rich.text import Text

out = Console()
errors = Console(stderr=True)


def print_error(error: object) -> None:
    """Write one line about what failed; what it quotes, such as a path, is never taken for markup."""
    errors.print(Text.assemble(("Error:", "bold red"), f" {error}"), soft_wrap=True)
