"""What the doctor found out about one thing."""

import enum
from dataclasses import dataclass


class Level(enum.StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """Something works less well, or not at all and is not needed by everybody."""
    ERROR = "error"
    """No viewer will start, or nothing can reach it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    name
        What was looked at, in a word or two.
    level
        How bad it is.
    what
        What was found, with the values.
    advice
        What to do about it; empty where nothing is to be done.
    """

    name: str
    level: Level
    what: str
    advice: str = ""


def ok(name: str, what: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(name, Level.OK, what)


def warning(name: str, what: str, advice: str) -> Finding:
    """Return a finding of something that could be better."""
    return Finding(name, Level.WARNING, what, advice)


def error(name: str, what: str, advice: str) -> Finding:
    """Return a finding of something that does not work."""
    return Finding(name, Level.ERROR, what, advice)
