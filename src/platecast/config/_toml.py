"""Plain values as TOML; Python reads that format itself and does not write it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

NONE = "none"
"""Stands for `None`, which TOML lacks."""


def format_toml(fields: Mapping[str, Any]) -> str:
    """Return nested plain values as TOML.

    Examples
    --------
    >>> print(format_toml({"b": {"c": True}, "a": [1, 2]}), end="")
    a = [1, 2]
    <BLANKLINE>
    [b]
    c = true
    """
    return "".join(f"{line}\n" for line in _lines(fields, ())).lstrip("\n")


def _lines(fields: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    for name, value in fields.items():
        if not isinstance(value, Mapping):
            yield f"{name} = {_scalar(value)}"
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield ""
            yield f"[{'.'.join((*path, name))}]"
            yield from _lines(value, (*path, name))


def _scalar(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_scalar(each) for each in value)}]"
    # Texts, numbers and booleans are written in TOML as in JSON; what JSON would escape in pairs is left.
    return json.dumps(NONE if value is None else value, ensure_ascii=False)
