"""A user's own regular expression for file names: its named groups are the components."""

import functools
import re
from typing import Any

from platecast.components._components import Components
from platecast.components._conventions import NamedPath
from platecast.components._wells import well_name
from platecast.errors import UnrecognizedNameError

_MEANINGS = {
    "plate": ("plate", "barcode"),
    "well": ("well", "wellname"),
    "row": ("row", "wellrow"),
    "column": ("column", "col", "wellcolumn", "wellcol"),
    "site": ("site", "field", "fov", "sitenumber", "fieldnumber"),
    "channel": ("channel", "channelnumber", "channelname", "wave", "wavelength", "w"),
    "z_index": ("zindex", "z", "zslice", "zstep", "slice", "plane"),
    "timepoint": ("timepoint", "time", "t", "timeindex"),
}
_MEANING_OF = {word: meaning for meaning, words in _MEANINGS.items() for word in words}


class UserPattern:
    """A regular expression whose named groups are components.

    Parameters
    ----------
    pattern
        Searched for in the file's own name, or in the whole path where the pattern itself holds a ``/``.
        Groups bear the names of components, or those known from CellProfiler (``Plate``, ``Well``,
        ``Row`` and ``Column``, ``Site``, ``Field``, ``ChannelNumber``, ``ZIndex``, ``Timepoint``);
        case and underscores do not matter.

    Raises
    ------
    ValueError
        It is no regular expression, or a group's name has no meaning, or two groups mean the same.
    """

    def __init__(self, pattern: str) -> None:
        try:
            self._pattern = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"pattern={pattern!r} is not a regular expression: {error}") from error
        self._group_of: dict[str, str] = {}
        for group in self._pattern.groupindex:
            meaning = _MEANING_OF.get(group.replace("_", "").lower())
            if meaning is None:
                known = ", ".join(_MEANINGS)
                raise ValueError(f"pattern={pattern!r}: the group {group!r} has no meaning; use {known}")
            if meaning in self._group_of:
                raise ValueError(
                    f"pattern={pattern!r}: {self._group_of[meaning]!r} and {group!r} both mean {meaning}"
                )
            self._group_of[meaning] = group
        if not self._group_of:
            raise ValueError(f"pattern={pattern!r} has no named group: write (?P<well>[A-P][0-9]{{2}})")
        if ("row" in self._group_of) != ("column" in self._group_of):
            raise ValueError(f"pattern={pattern!r}: a well needs both row and column")
        if {"row", "well"} <= self._group_of.keys():
            raise ValueError(f"pattern={pattern!r}: give well, or row and column, not both")

    def read(self, path: NamedPath, plate_columns: int | None) -> Components:
        """Return the components that the groups catch.

        Raises
        ------
        UnrecognizedNameError
            The pattern is not found, or a group caught what its component cannot be.
        """
        text = self._pattern.pattern
        match = self._pattern.search(path.path if "/" in text else path.name)
        if match is None:
            raise UnrecognizedNameError(f"{path.path!r} does not match pattern={text!r}")
        values: dict[str, Any] = {meaning: match[group] for meaning, group in self._group_of.items()}
        if "row" in values:
            row, column = values.pop("row"), values.pop("column")
            if row is not None and column is not None:
                values["well"] = f"r{row}c{column}" if row.isdecimal() else f"{row}{column}"
        try:
            if values.get("well") is not None:
                values["well"] = well_name(values["well"], plate_columns=plate_columns)
            for number in ("site", "z_index", "timepoint"):
                if values.get(number) is not None:
                    values[number] = _number(self._group_of[number], values[number])
            if values.get("channel") is not None and values["channel"].isdecimal():
                values["channel"] = int(values["channel"])
            return Components(**values)
        except ValueError as error:
            raise UnrecognizedNameError(f"{path.path!r}, read by pattern={text!r}: {error}") from error


def _number(group: str, text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"the group {group!r} caught {text!r}, which is not a number")
    return int(text)


@functools.lru_cache(maxsize=32)
def compile_pattern(pattern: str) -> UserPattern:
    """Return the compiled pattern; a folder of files is read with one, so it is compiled once."""
    return UserPattern(pattern)
