"""Where commands write: answers to standard output, everything else to standard error."""

from rich.console import Console

out = Console()
errors = Console(stderr=True)
