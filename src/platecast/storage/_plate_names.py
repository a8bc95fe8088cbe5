"""Image files that nothing but their names speaks of."""

from collections import Counter
from collections.abc import Sequence
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
    return names


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
