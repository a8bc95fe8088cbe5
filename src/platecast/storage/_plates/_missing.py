"""Which planes a plate's own images imply, and so which are missing."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeAlias, TypeVar

from platecast.components import Components

_Place: TypeAlias = tuple[str | None, int | None]
"""A well and a site."""
_Class: TypeAlias = tuple[int | str | None, bool, bool]
"""What is recorded in one go: a channel, with or without slices, with or without time points."""
_Moment: TypeAlias = tuple[int | None, int | None]
"""A time point and a slice."""
_Value = TypeVar("_Value", bound=Hashable)


def implied_but_absent(members: Sequence[Components]) -> list[Components]:
    """Return the planes that are implied by those there are, and are not among them.

    What at least half of its peers have is implied for the rest of them:

    - a site, where half of the wells have it;
    - a channel, with or without slices, where half of the sites have it: a projection is another thing than
      the stack beside it, and each channel has its own depth;
    - a time point or a slice of a channel, where half of the sites that have the channel have it, and a slice
      between two others where another channel has it.

    A well without any image is not implied. Several plates are looked at one by one.

    Examples
    --------
    >>> there = [Components(well=well, site=site) for well in ("A01", "A02") for site in (1, 2)]
    >>> implied_but_absent(there[:-1])
    [Components(well='A02', site=2)]
    """
    plates: dict[str | None, list[Components]] = defaultdict(list)
    for components in members:
        plates[components.plate].append(components)
    return [absent for each in plates.values() for absent in _absent_in_plate(each)]


def _absent_in_plate(members: list[Components]) -> list[Components]:
    planes: dict[_Place, dict[_Class, set[_Moment]]] = defaultdict(lambda: defaultdict(set))
    for each in members:
        recorded = (each.channel, each.z_index is not None, each.timepoint is not None)
        planes[each.well, each.site][recorded].add((each.timepoint, each.z_index))
    sites: dict[str | None, set[int | None]] = defaultdict(set)
    for well, site in planes:
        sites[well].add(site)
    # Not every well must have the sites of a few wells, but what most have is expected of all.
    usual_sites = _usual(sites.values(), len(sites))
    places = set(planes) | {(well, site) for well in sites for site in usual_sites}
    usual_classes = _usual(planes.values(), len(planes))
    usual_moments = _usual_moments(planes)
    return [
        _components(members[0].plate, place, recorded, moment)
        for place in places
        for recorded in usual_classes | planes.get(place, {}).keys()
        for moment in usual_moments[recorded] - planes.get(place, {}).get(recorded, set())
    ]


def _usual_moments(planes: dict[_Place, dict[_Class, set[_Moment]]]) -> dict[_Class, set[_Moment]]:
    stacks: dict[_Class, list[set[_Moment]]] = defaultdict(list)
    for classes in planes.values():
        for recorded, moments in classes.items():
            stacks[recorded].append(moments)
    everywhere = {z for each in stacks.values() for moments in each for _, z in moments if z is not None}
    usual: dict[_Class, set[_Moment]] = {}
    for recorded, each in stacks.items():
        usual[recorded] = _usual(each, len(each))
        depths: dict[int | None, set[int]] = defaultdict(set)
        for timepoint, z in usual[recorded]:
            if z is not None:
                depths[timepoint].add(z)
        for timepoint, present in depths.items():
            between = {z for z in everywhere if min(present) < z < max(present)}
            usual[recorded] |= {(timepoint, z) for z in between}
    return usual


def _usual(groups: Iterable[Iterable[_Value]], total: int) -> set[_Value]:
    counts = Counter(value for group in groups for value in group)
    return {value for value, count in counts.items() if 2 * count >= total}


def _components(plate: str | None, place: _Place, recorded: _Class, moment: _Moment) -> Components:
    well, site = place
    timepoint, z_index = moment
    return Components(
        plate=plate, well=well, site=site, channel=recorded[0], z_index=z_index, timepoint=timepoint
    )
