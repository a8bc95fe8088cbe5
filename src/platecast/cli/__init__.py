"""The command line; one module a command."""

from platecast.cli._app import main

__all__ = ["main"]
