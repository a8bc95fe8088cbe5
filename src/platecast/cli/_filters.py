"""The options by which commands take a part of a plate, and which of its images they mean."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated

import typer

from platecast.components import Components, well_name
from platecast.errors import InvalidComponentsError, StorageError
from platecast.storage import Plate, PlateImage

WellOption = Annotated[
    list[str] | None,
    typer.Option("--well", help="Only this well, or several: B02 or B*; may be given again."),
]
ChannelOption = Annotated[
    list[str] | None,
    typer.Option("--channel", help="Only this channel, by its number or name; may be given again."),
]
SiteOption = Annotated[
    list[str] | None, typer.Option("--site", help="Only this site, or several: 3 or 1-4; may be given again.")
]
ZIndexOption = Annotated[
    list[str] | None,
    typer.Option("--z-index", "--z", help="Only this slice, or several: 3 or 1-4; may be given again."),
]
TimepointOption = Annotated[
    list[str] | None,
    typer.Option("--timepoint", help="Only this time point, or several: 3 or 1-4; may be given again."),
]

_JOKERS = frozenset("*?")
_NUMBERS = re.compile(r"([0-9]+)(?:-([0-9]+))?", re.ASCII)
_Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which images a command takes; empty means all, and what is given must all be met.

    Parameters
    ----------
    wells
        In their canonical form, or with ``*`` and ``?`` in it.
    channels
        Numbers or names, as text.
    sites, z_indices, timepoints
        First and last number of each range. An image without the component is not taken.
    """

    wells: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    sites: tuple[_Span, ...] = ()
    z_indices: tuple[_Span, ...] = ()
    timepoints: tuple[_Span, ...] = ()

    @classmethod
    def of(
        cls,
        *,
        well: Sequence[str] | None = None,
        channel: Sequence[str] | None = None,
        site: Sequence[str] | None = None,
        z_index: Sequence[str] | None = None,
        timepoint: Sequence[str] | None = None,
    ) -> "Filters":
        """Return the filters that a command's options ask for.

        Raises
        ------
        InvalidWellError
            A well is no label of one.
        InvalidComponentsError
            A number is none.
        """
        return cls(
            wells=frozenset(map(_well, well or ())),
            channels=frozenset(channel or ()),
            sites=_spans("--site", site),
            z_indices=_spans("--z-index", z_index),
            timepoints=_spans("--timepoint", timepoint),
        )

    def wants(self, components: Components, channel_names: Mapping[int | str, str]) -> bool:
        """Return whether an image is one of those that are asked for.

        Parameters
        ----------
        components
            What the image is.
        channel_names
            What channels are called beside their values.
        """
        channel = components.channel
        return (
            (not self.wells or _is_well(components.well, self.wells))
            and (not self.channels or not self.channels.isdisjoint(_called(channel, channel_names)))
            and _is_in(components.site, self.sites)
            and _is_in(components.z_index, self.z_indices)
            and _is_in(components.timepoint, self.timepoints)
        )

    def choose(self, plate: Plate) -> tuple[PlateImage, ...]:
        """Return the images of a plate that are asked for.

        Raises
        ------
        StorageError
            The plate has nothing of what one of the options names: it is mistyped rather than empty.
        """
        self._check(plate)
        names = plate.channel_names
        chosen = tuple(image for image in plate.images if self.wants(image.components, names))
        if not chosen and plate.images:
            raise StorageError(
                f"{plate.path} has images of each of these, and none of all of them together: "
                f"its wells are {_list(plate.wells)}, its channels {_list(plate.channels)}"
            )
        return chosen

    def _check(self, plate: Plate) -> None:
        absent = sorted(
            wanted for wanted in self.wells if not any(_is_well(well, {wanted}) for well in plate.wells)
        )
        if absent:
            raise StorageError(f"{plate.path} has no well {', '.join(absent)}: it has {_list(plate.wells)}")
        called = [_called(value, plate.channel_names) for value in plate.channels]
        unknown = sorted(self.channels.difference(*called))
        if unknown:
            known = [" or ".join(names) for names in called]
            raise StorageError(f"{plate.path} has no channel {', '.join(unknown)}: it has {_list(known)}")
        for name, spans, values in (
            ("site", self.sites, plate.sites),
            ("slice", self.z_indices, plate.z_indices),
            ("time point", self.timepoints, plate.timepoints),
        ):
            for first, last in spans:
                if not any(first <= value <= last for value in values):
                    asked = first if first == last else f"{first}-{last}"
                    raise StorageError(f"{plate.path} has no {name} {asked}: it has {_list(values)}")


def _called(channel: int | str | None, names: Mapping[int | str, str]) -> tuple[str, ...]:
    """Return the texts by which a channel can be meant, its value first."""
    if channel is None:
        return ()
    return tuple(dict.fromkeys((str(channel), names.get(channel, str(channel)))))


def _well(label: str) -> str:
    return label.strip().upper() if _JOKERS.intersection(label) else well_name(label)


def _is_well(well: str | None, wanted: Set[str]) -> bool:
    if well is None or well in wanted:
        return well is not None
    return any(_JOKERS.intersection(each) and fnmatchcase(well, each) for each in wanted)


def _is_in(value: int | None, spans: Sequence[_Span]) -> bool:
    return not spans or (value is not None and any(first <= value <= last for first, last in spans))


def _spans(option: str, texts: Sequence[str] | None) -> tuple[_Span, ...]:
    spans = []
    for text in (part for each in texts or () for part in each.split(",")):
        match = _NUMBERS.fullmatch(text.strip())
        if match is None:
            raise InvalidComponentsError(f"{option} {text!r}: expected a number, or a range such as 1-4")
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        if last < first:
            raise InvalidComponentsError(f"{option} {text!r}: the range ends before it begins")
        spans.append((first, last))
    return tuple(spans)


def _list(values: Iterable[object]) -> str:
    return ", ".join(map(str, values)) or "none"
