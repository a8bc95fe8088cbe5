"""The command line inside this process, for what needs no viewer of its own."""

import re
import sys
from dataclasses import dataclass

import pytest

from platecast.cli import main


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit status and what it wrote."""

    status: int
    out: str
    errors: str


@pytest.fixture
def platecast(monkeypatch, capsys):
    """Run a command; an unforeseen exception is the test's."""

    def run(*arguments):
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setattr(sys, "argv", ["platecast", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        written = capsys.readouterr()
        return Outcome(end.value.code or 0, _plain(written.out), _plain(written.err))

    return run


def _plain(text):
    """Return a text without the colours that typer puts in on some build servers."""
    return re.sub("\x1b\\[[0-9;]*m", "", text)
