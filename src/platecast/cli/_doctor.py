"""`platecast doctor`: what is wrong, and what to do about it."""

from typing import Annotated

import typer
from rich.text import Text

from platecast.cli._console import out
from platecast.config import MAX_PORT
from platecast.manager import Level, diagnose

_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "bold red"}
_NAME_WIDTH = 14
_LEVEL_WIDTH = 7


def doctor(
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=MAX_PORT, help="Look at this pair of ports.", show_default="5555"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Look at everything that a viewer needs, and say what is wrong and what to do about it."""
    findings = []
    for finding in diagnose(port):
        findings.append(finding)
        if not json:
            line = Text.assemble(
                (f"{finding.level:{_LEVEL_WIDTH}} ", _COLOURS[finding.level]),
                f"{finding.name:{_NAME_WIDTH}} {finding.what}",
            )
            out.print(line, soft_wrap=True)
            if finding.advice:
                out.print(Text(f"{'':{_LEVEL_WIDTH + _NAME_WIDTH + 2}}{finding.advice}"), soft_wrap=True)
    if json:
        out.print_json(
            data=[
                {"name": each.name, "level": each.level, "what": each.what, "advice": each.advice}
                for each in findings
            ]
        )
    if any(finding.level is Level.ERROR for finding in findings):
        raise typer.Exit(1)
