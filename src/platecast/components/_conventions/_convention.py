"""What a file-name convention is: a grammar of names, and how the values in a name are read."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from platecast.components._components import Components

Values = dict[str, Any]
"""The named groups of a pattern and what they caught; what `Components` is made from in the end."""

DERIVED = (
    r"(?!(?:.*[_ .-])?(?:masks?|mask[A-Z][A-Za-z]*|overlays?|outlines?|thumb(?:nail)?s?"
    r"|labels?|seg|segmentation)\.[a-z.]+\Z)"
)
"""Begins the patterns that end in free text: a mask beside an image bears its name and a word more."""

TIFF = r"\.(?i:tiff?)"
"""The suffix that most microscopes write, in either case."""

IMAGE = r"\.(?i:tiff?|png|jpe?g|bmp)"
"""The suffix of an image that was converted or exported and kept its name: the name is the convention."""

GUID = r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"
"""An identifier that some microscopes add, so that no two names are the same."""


class NamedPath(NamedTuple):
    """A path in two parts: the folders (with ``/`` between them, without the last one) and the name."""

    folder: str
    name: str

    @property
    def path(self) -> str:
        """The whole path."""
        return f"{self.folder}/{self.name}" if self.folder else self.name

    @property
    def last_folder(self) -> str:
        """Name of the folder that holds the file; empty where it is not known."""
        return self.folder.rpartition("/")[2]


Refinement = Callable[[Values, NamedPath, int | None], None]
"""Turns what a name's groups caught into components, in place: ``(values, path, plate_columns)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilenameConvention:
    """How one instrument or program names its images.

    Parameters
    ----------
    name
        What it is called in messages.
    pattern
        Grammar of the whole file name. Its groups are components, or what `refine` makes components of.
    base
        The components that are numbers in these names, and the first number of each; `None` where
        instruments differ. Values are kept as they are written, whatever the base.
    marker
        Text that each of its names holds, tested before the pattern because that costs a tenth.
    whole_path
        Whether the pattern describes the path instead of the file's own name.
    refine
        What is left to do where groups are not yet components, or folders state some.
    tell_apart
        What else a name or its folders say that could be a component, where the names of a plate are not told
        apart without it: done after `refine`.
    """

    name: str
    pattern: re.Pattern[str]
    base: Mapping[str, int | None]
    marker: str = ""
    whole_path: bool = False
    refine: Refinement | None = None
    tell_apart: Refinement | None = None

    def match(self, path: NamedPath) -> re.Match[str] | None:
        """Return the match of a name that follows this convention, `None` for any other."""
        if self.marker not in path.name:
            return None
        return self.pattern.fullmatch(path.path if self.whole_path else path.name)

    def read(
        self, match: re.Match[str], path: NamedPath, plate_columns: int | None, *, tell_apart: bool = False
    ) -> Components:
        """Return the components that a name states, with `tell_apart` also those that it may state.

        Raises
        ------
        InvalidWellError
            The name has the form, but the well in it does not exist or needs `plate_columns`.
        """
        values: Values = match.groupdict()
        if self.refine is not None:
            self.refine(values, path, plate_columns)
        if tell_apart and self.tell_apart is not None:
            self.tell_apart(values, path, plate_columns)
        for number in self.base:
            text = values.get(number)
            if text is not None:
                values[number] = int(text)
        return Components(**values)


def numbers_from(first: int | None, *names: str) -> Mapping[str, int | None]:
    """Return the base of components that are all counted from the same number."""
    return MappingProxyType(dict.fromkeys(names, first))


def grammar(*parts: str) -> re.Pattern[str]:
    """Compile a pattern written in parts; digits are ASCII digits."""
    return re.compile("".join(parts), re.ASCII)
