"""From a file's name to the components of its image.

The conventions themselves stand in `_conventions`; here they are tried in turn.
"""

import re
from pathlib import PurePath

from platecast.components._components import Components
from platecast.components._conventions import CONVENTIONS, FilenameConvention, NamedPath, format_name
from platecast.components._user_pattern import compile_pattern
from platecast.errors import PlatecastError, UnrecognizedNameError

__all__ = [
    "FilenameConvention",
    "find_convention",
    "find_conventions",
    "format_name",
    "parse_name",
    "readable",
]

_KNOWN = ", ".join(convention.name for convention in CONVENTIONS)
_LITTER = re.compile(r"\.|~\$|.*_thumb(?:nail)?(?:s|\b|_|[0-9A-Fa-f]{8}-)", re.ASCII)
_HIDDEN = (".", "~$")
_THUMBNAILS = frozenset(("thumb", "thumbs", "thumbnail", "thumbnails"))
"""Folders of small copies, which bear the names of their images."""


def parse_name(
    name: str | PurePath,
    *,
    pattern: str | None = None,
    plate_columns: int | None = None,
    prefer: FilenameConvention | None = None,
    tell_apart: bool = False,
) -> Components:
    r"""Return the components that the name of an image states.

    Parameters
    ----------
    name
        A file's name, with the folders around it where they are known: some instruments write time and z
        there (``TimePoint_1/ZStep_3``). Either kind of slash separates them.
    pattern
        A regular expression of your own instead of the known conventions. It is searched for in the file's
        own name (in the whole path where it holds a ``/``), and its named groups are the components:
        ``plate``, ``well`` or ``row`` and ``column``, ``site``, ``channel``, ``z_index``, ``timepoint``,
        or the names known from CellProfiler such as ``ChannelNumber`` and ``Field``.
    plate_columns
        Number of columns of the plate, for instruments that number the wells instead of naming them
        (Yokogawa CQ1 and CQ3K).
    prefer
        The convention to try before all others: the one of the other names around, where a name follows
        several.
    tell_apart
        Whether to take for components what only may be some, such as the fields of a grid, or text before the
        well: for names that are not told apart without it.

    Returns
    -------
    Components
        Values as the instrument writes them, whatever it counts from; the well in its canonical form. The
        plate only where every file of the plate states the same one.

    Raises
    ------
    UnrecognizedNameError
        No convention knows the name as one of a raw image, or the well in it does not exist.
    ValueError
        `pattern` is not a regular expression, or one of its groups has no meaning.

    Examples
    --------
    >>> parse_name("TimePoint_1/ZStep_3/9987_B02_s1_w2.TIF")
    Components(plate='9987', well='B02', site=1, channel=2, z_index=3, timepoint=1)
    >>> parse_name("img-b7-gfp.tif", pattern=r"img-(?P<well>\w+)-(?P<channel>\w+)")
    Components(well='B07', channel='gfp')
    """
    path = _split(name)
    if pattern is not None:
        if _LITTER.match(path.name):
            raise UnrecognizedNameError(f"{path.path!r} is a hidden file or a thumbnail, not an image")
        return compile_pattern(pattern).read(path, plate_columns)
    convention, match = _find(path, prefer)
    try:
        return convention.read(match, path, plate_columns, tell_apart=tell_apart)
    except PlatecastError as error:
        raise UnrecognizedNameError(f"{path.path!r}, a name of {convention.name}: {error}") from error


def find_convention(name: str | PurePath) -> FilenameConvention:
    """Return the convention that a name follows.

    Raises
    ------
    UnrecognizedNameError
        It follows none.

    Examples
    --------
    >>> find_convention("P1_B02_s1_w2.TIF").name
    'ImageXpress'
    """
    return _find(_split(name))[0]


def find_conventions(name: str | PurePath) -> tuple[FilenameConvention, ...]:
    """Return every convention that a name could follow, in the order in which they are tried.

    Examples
    --------
    >>> [convention.name for convention in find_conventions("holiday.tif")]
    []
    """
    path = _split(name)
    if _is_litter(path):
        return ()
    return tuple(convention for convention in CONVENTIONS if convention.match(path) is not None)


def readable(name: str) -> str:
    """Return a file's name as text; one whose bytes are no UTF-8 comes from a system that had Latin-1.

    Examples
    --------
    >>> readable("Pl\udce4tte")
    'Plätte'
    """
    if name.isascii():
        return name
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape").decode("latin-1")
    return name


def _split(name: str | PurePath) -> NamedPath:
    folder, _, own = readable(str(name)).replace("\\", "/").rstrip("/").rpartition("/")
    return NamedPath(folder, own)


def _is_litter(path: NamedPath) -> bool:
    return path.name.startswith(_HIDDEN) or path.last_folder.lower() in _THUMBNAILS


def _find(
    path: NamedPath, prefer: FilenameConvention | None = None
) -> tuple[FilenameConvention, re.Match[str]]:
    if not _is_litter(path):
        if prefer is not None:
            match = prefer.match(path)
            if match is not None:
                return prefer, match
        for convention in CONVENTIONS:
            match = convention.match(path)
            if match is not None:
                return convention, match
    raise UnrecognizedNameError(
        f"{path.path!r} is not the name of a raw image in any known convention ({_KNOWN}): "
        "leave it out, state its components, or give a pattern with groups such as (?P<well>...)"
    )
