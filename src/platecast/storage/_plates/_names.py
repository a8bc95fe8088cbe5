"""Image files that nothing but their names speaks of."""

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from platecast.components import Components, FilenameConvention, find_conventions, parse_name
from platecast.errors import UnrecognizedNameError

_SAMPLE = 200
"""Names by which the convention of a folder is decided."""


@dataclass(slots=True)
class ReadNames:
    """What a folder's names say.

    Parameters
    ----------
    components
        Those of each image, by its relative path.
    left_out
        Relative paths of the files whose names are no image's.
    problems
        Names that are an image's and say something impossible.
    notes
        What was decided where names could be read in several ways.
    """

    components: dict[str, Components] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_names(places: Sequence[str], pattern: str | None, plate_columns: int | None) -> ReadNames:
    """Return what the names of files say.

    Parameters
    ----------
    places
        Relative paths, with ``/``.
    pattern, plate_columns
        Those of `parse_name`.
    """
    names = ReadNames()
    prefer = None if pattern is not None else _decide(places, names.notes)
    for place in places:
        try:
            names.components[place] = parse_name(
                place, pattern=pattern, plate_columns=plate_columns, prefer=prefer
            )
        except UnrecognizedNameError as error:
            if pattern is None and find_conventions(place):
                names.problems.append(f"{place}: {error}")
            else:
                names.left_out.append(place)
    if pattern is None and len(set(names.components.values())) < len(names.components):
        _tell_apart(names, plate_columns, prefer)
    return names


def _tell_apart(names: ReadNames, plate_columns: int | None, prefer: FilenameConvention | None) -> None:
    """Read names again that bear the same components, with what else is in them, if that tells them apart."""
    again = {
        kind.name
        for place in _twice(names.components)
        if (kind := _kind(place, prefer)) is not None and kind.tell_apart is not None
    }
    if not again:
        return
    read = dict(names.components)
    for place in read:
        kind = _kind(place, prefer)
        if kind is not None and kind.name in again:
            with contextlib.suppress(UnrecognizedNameError):
                read[place] = parse_name(place, plate_columns=plate_columns, prefer=prefer, tell_apart=True)
    if len(set(read.values())) > len(set(names.components.values())):
        names.components = read
        names.notes.append(
            f"names of {' and '.join(sorted(again))} that say the same are told apart by what else is in them"
        )


def _kind(place: str, prefer: FilenameConvention | None) -> FilenameConvention | None:
    """Return the convention by which a name was read."""
    found = find_conventions(place)
    return prefer if prefer in found else next(iter(found), None)


def _twice(components: Mapping[str, Components]) -> list[str]:
    """Return the places whose components another one bears, too."""
    counts = Counter(components.values())
    return [place for place, each in components.items() if counts[each] > 1]


def _decide(places: Sequence[str], notes: list[str]) -> FilenameConvention | None:
    """Return the convention to prefer: of several that could be meant, the one of most names in a sample."""
    sample = places[:: max(1, len(places) // _SAMPLE)][:_SAMPLE]
    readings = [found for place in sample if (found := find_conventions(place))]
    ambiguous = sum(len(found) > 1 for found in readings)
    if not ambiguous:
        return None
    # The order in which conventions are tried decides between equals: what is specific comes first.
    counts = Counter(convention.name for found in readings for convention in found)
    best = max(
        (convention for found in readings for convention in found),
        key=lambda convention: (counts[convention.name], -_place_of(convention, readings)),
    )
    others = sorted(
        {convention.name for found in readings if best in found for convention in found} - {best.name}
    )
    notes.append(
        f"names are read as {best.name}, as which {counts[best.name]} of {len(sample)} looked at can be read;"
        f" {ambiguous} could also be {' or '.join(others) or 'of other kinds'}"
    )
    return best


def _place_of(convention: FilenameConvention, readings: Sequence[Sequence[FilenameConvention]]) -> int:
    """Return how late a convention is tried among those that read the same name."""
    return max(found.index(convention) for found in readings if convention in found)
