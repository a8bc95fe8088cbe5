"""What of a plate has come, well by well. Pure: no Qt, no pixels."""

import enum
import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from platecast.components import Kind, PlaneId, PlateLayout, StepId, parse_well
from platecast.layers import Loss, LossState

FORMATS: tuple[tuple[int, int], ...] = ((4, 6), (6, 8), (8, 12), (16, 24), (32, 48))
"""Rows and columns of the plates that are made: 24, 48, 96, 384 and 1536 wells."""


class WellState(enum.Enum):
    """What of a well is there."""

    EMPTY = "not used"
    """Nobody announced it, and nothing came from it."""
    MISSING = "missing"
    """Announced, or named by a plane on its way, and nothing is there."""
    PARTLY = "partly"
    """Some of its planes are there."""
    ARRIVED = "arrived"
    """All that is known of is there."""
    FAILED = "failed"
    """At least one of its planes was refused."""


@dataclass(frozen=True, slots=True)
class Topic:
    """Planes that can be compared between wells: of one step, kind and channel."""

    step: StepId | None
    kind: Kind
    channel: int | str | None

    def __str__(self) -> str:
        words = [] if self.step is None else [self.step.name]
        words += [] if self.channel is None else [str(self.channel)]
        words += [] if self.kind is Kind.IMAGE else [str(self.kind)]
        return " · ".join(words) or "Image"


@dataclass(frozen=True, slots=True)
class WellView:
    """One well: how many planes are there, of how many that are known of, and a number that is looked at."""

    name: str
    row: int
    column: int
    state: WellState
    arrived: int
    expected: int
    failed: int = 0
    dropped: int = 0
    value: float | None = None

    @property
    def share(self) -> float:
        """Part of the planes that is there, 0 to 1."""
        return min(1.0, self.arrived / self.expected) if self.expected else 0.0


@dataclass(frozen=True, slots=True)
class PlateView:
    """A plate at one moment."""

    rows: int
    columns: int
    wells: Mapping[tuple[int, int], WellView]
    """By row and column, those that are used."""

    def count(self, state: WellState) -> int:
        """Return how many wells are in a state."""
        return sum(well.state is state for well in self.wells.values())

    @property
    def value_range(self) -> tuple[float, float] | None:
        """Least and greatest of the numbers; `None` where none is known."""
        values = [well.value for well in self.wells.values() if well.value is not None]
        return (min(values), max(values)) if values else None


_LAST = (sys.maxsize,)
_Place = tuple[int | None, int | None, int | None]
_Wells = dict[str, dict[_Place, float | None]]
_Picture = npt.NDArray[np.float32]


@dataclass(slots=True)
class _Plate:
    """One plate: for each run and topic the planes of each well, with their mean intensity once known."""

    layout: PlateLayout | None = None
    runs: dict[str, dict[Topic, _Wells]] = field(default_factory=dict)
    losses: dict[str, dict[PlaneId, Loss]] = field(default_factory=dict)
    pictures: dict[tuple[str, Topic], dict[str, tuple[tuple[int, ...], _Picture]]] = field(
        default_factory=dict
    )
    """For each run and topic a small picture of each well, and the place of its plane."""
    stale: set[str] = field(default_factory=set)
    """Wells that changed since `views` was made."""
    views: dict[tuple[int, int], WellView] = field(default_factory=dict)
    views_of: object = None
    """What `views` hold for, besides what came to single wells."""


class PlateModel:
    """The account of the wells. For one thread.

    What a well lacks is judged by the plate's layout for the raw images, where one was announced, and by the
    fullest well for everything else, for each of its images where they are counted: nobody says beforehand
    what a step makes. Of several runs the newest is shown.
    """

    def __init__(self) -> None:
        self._plates: dict[str | None, _Plate] = {}
        self.version = 0
        """Grows with every change."""

    @property
    def plates(self) -> tuple[str | None, ...]:
        """Names of the plates, in the order in which they came."""
        return tuple(self._plates)

    def topics(self, plate: str | None) -> tuple[Topic, ...]:
        """Return what may be compared between the wells of a plate."""
        return tuple(self._newest(self._plates[plate])) if plate in self._plates else ()

    def announce(self, layout: PlateLayout) -> None:
        """Take in what a plate is known to hold."""
        if layout.well:
            plate = self._plate(layout.plate)
            plate.layout = layout
            plate.stale.update(layout.well)
            self.version += 1

    def wants_picture(self, plane: PlaneId) -> bool:
        """Say whether a plane would be its well's picture: the first of its sites, times and slices."""
        known = self._plates.get(plane.components.plate, _Plate())
        pictures = known.pictures.get((plane.run, _topic(plane)), {})
        return _order(plane) <= pictures.get(str(plane.components.well), (_LAST,))[0]

    def add(self, plane: PlaneId, mean: float | None = None, picture: _Picture | None = None) -> None:
        """Note that a plane is there, and its mean intensity and small picture once they are known."""
        components = plane.components
        if components.well is None:
            return
        plate = self._plate(components.plate)
        topic = _topic(plane)
        wells = plate.runs.setdefault(plane.run, {}).setdefault(topic, {})
        if picture is not None and self.wants_picture(plane):
            plate.pictures.setdefault((plane.run, topic), {})[components.well] = (_order(plane), picture)
        place = (components.site, components.z_index, components.timepoint)
        wells.setdefault(components.well, {})[place] = mean
        plate.stale.add(components.well)
        if plate.losses:
            plate.losses.get(components.well, {}).pop(plane, None)
        self.version += 1

    def lose(self, plane: PlaneId, loss: Loss) -> None:
        """Note that a plane failed, also one that was there before, or was dropped."""
        if plane.components.well is not None:
            plate = self._plate(plane.components.plate)
            if loss.state is LossState.FAILED:
                self._take_out(plate, plane)
            elif self._has(plate, plane):
                # What was dropped is a later version of it.
                return
            plate.losses.setdefault(plane.components.well, {})[plane] = loss
            plate.stale.add(plane.components.well)
            self.version += 1

    def losses(self, plate: str | None, well: str) -> Sequence[str]:
        """Return why planes of a well are not there, each reason once; of those dropped also how many."""
        known = self._plates[plate].losses.get(well, {}) if plate in self._plates else {}
        counts = Counter(known.values())
        return tuple(
            loss.reason if loss.state is LossState.FAILED else f"{count} {loss}"
            for loss, count in counts.items()
        )

    def forget(self, runs: Set[str], steps: Set[StepId | None]) -> None:
        """Forget the planes of some steps of some runs; an empty run stands for any."""
        for plate in self._plates.values():
            for run in [run for run in plate.runs if run in runs or "" in runs]:
                for topic in [topic for topic in plate.runs[run] if topic.step in steps]:
                    del plate.runs[run][topic]
                    plate.pictures.pop((run, topic), None)
                if not plate.runs[run]:
                    del plate.runs[run]
            for lost in plate.losses.values():
                for plane in [plane for plane in lost if is_of(plane, runs, steps)]:
                    del lost[plane]
            plate.views_of = None
        self.version += 1

    def filled_wells(self) -> set[str]:
        """Return the wells of all plates that have planes."""
        return {
            well
            for plate in self._plates.values()
            for wells in self._newest(plate).values()
            for well in wells
        }

    def clear(self) -> None:
        """Forget every plane and plate."""
        self._plates.clear()
        self.version += 1

    def pictures(self, plate: str | None, topic: Topic) -> dict[tuple[int, int], _Picture]:
        """Return the small pictures of the wells of a plate, by row and column."""
        known = self._plates.get(plate, _Plate())
        pictures = known.pictures.get((next(reversed(known.runs), ""), topic), {})
        return {parse_well(well): picture for well, (_, picture) in pictures.items()}

    def view(
        self,
        plate: str | None,
        topic: Topic | None = None,
        numbers: Mapping[str, float] | None = None,
    ) -> PlateView:
        """Return a plate as it is now.

        Parameters
        ----------
        plate
            Its name.
        topic
            Whose mean intensity to tell; the states are always those of everything.
        numbers
            Other numbers to tell instead, by well.
        """
        known = self._plates.get(plate, _Plate())
        topics = self._newest(known)
        expected = _expected(topics, known.layout)
        counted = None if numbers is None else tuple(numbers.items())
        views_of = (topic, expected, next(reversed(known.runs), None), counted)
        names = known.stale
        if known.views_of != views_of:
            # Other words for every well; otherwise a view of 1536 wells would take 15 ms instead of 1.
            known.views.clear()
            known.views_of = views_of
            names = set(known.layout.well if known.layout is not None else ()).union(
                known.losses, *topics.values()
            )
        shown = topics.get(topic, {}) if topic is not None else {}
        for name in names:
            value = numbers.get(name) if numbers is not None else _mean(shown.get(name))
            view = _well_view(name, topics, expected.of(name), known.losses.get(name, {}), value)
            known.views[view.row, view.column] = view
        known.stale.clear()
        return PlateView(*_format(known.views), dict(known.views))

    def _plate(self, name: str | None) -> _Plate:
        return self._plates.setdefault(name, _Plate())

    def _take_out(self, plate: _Plate, plane: PlaneId) -> None:
        """Let a plane that was there before not count as arrived."""
        components = plane.components
        topic = _topic(plane)
        planes = plate.runs.get(plane.run, {}).get(topic, {}).get(str(components.well), {})
        planes.pop((components.site, components.z_index, components.timepoint), None)

    def _has(self, plate: _Plate, plane: PlaneId) -> bool:
        components = plane.components
        topic = Topic(plane.step, plane.kind, components.channel)
        planes = plate.runs.get(plane.run, {}).get(topic, {}).get(str(components.well), {})
        return (components.site, components.z_index, components.timepoint) in planes

    def _newest(self, plate: _Plate) -> dict[Topic, _Wells]:
        return next(reversed(plate.runs.values()), {})


def _topic(plane: PlaneId) -> Topic:
    return Topic(plane.step, plane.kind, plane.components.channel)


def _order(plane: PlaneId) -> tuple[int, ...]:
    """Return what tells which of a well's planes comes first."""
    components = plane.components
    places = (components.site, components.timepoint, components.z_index)
    return tuple(-1 if place is None else place for place in places)


def is_of(plane: PlaneId, runs: Set[str], steps: Set[StepId | None]) -> bool:
    """Say whether a plane is of one of some steps of some runs; an empty run stands for any."""
    return (plane.run in runs or "" in runs) and plane.step in steps


def _well_view(
    name: str,
    topics: Mapping[Topic, _Wells],
    expected: int,
    losses: Mapping[PlaneId, Loss],
    value: float | None,
) -> WellView:
    arrived = sum(len(wells[name]) for wells in topics.values() if name in wells)
    row, column = parse_well(name)
    failed = sum(loss.state is LossState.FAILED for loss in losses.values())
    dropped = len(losses) - failed
    state = _state(arrived, max(expected, arrived + dropped), failed)
    return WellView(name, row, column, state, arrived, expected, failed, dropped, value)


def _state(arrived: int, expected: int, failed: int) -> WellState:
    if failed:
        return WellState.FAILED
    if not arrived:
        return WellState.MISSING
    return WellState.ARRIVED if arrived >= expected else WellState.PARTLY


def _mean(planes: Mapping[_Place, float | None] | None) -> float | None:
    means = [mean for mean in (planes or {}).values() if mean is not None]
    return sum(means) / len(means) if means else None


@dataclass(frozen=True, slots=True)
class _Expected:
    """How many planes a well should have."""

    everywhere: int
    """Of topics that every well should have as many planes of."""
    a_image: float = 0.0
    """Of the others, for each raw image."""
    images: Mapping[str, int] = field(default_factory=dict)

    def of(self, well: str) -> int:
        # A third of a plane an image, of 9 images, are 3 planes and not 4.
        return self.everywhere + math.ceil(self.a_image * self.images.get(well, 0) - 1e-6)


def _expected(topics: Mapping[Topic, _Wells], layout: PlateLayout | None) -> _Expected:
    """Return how many planes each well should have."""
    if layout is not None and layout.images:
        return _expected_for_images(topics, dict(zip(layout.well, layout.images, strict=True)))
    expected = {topic: max(map(len, wells.values()), default=0) for topic, wells in topics.items()}
    raw = [topic for topic in topics if _is_raw(topic)]
    if layout is not None and raw:
        planned = max(1, len(layout.site)) * max(1, len(layout.z_index)) * max(1, len(layout.timepoint))
        for topic in raw:
            expected[topic] = max(expected[topic], planned)
        for channel in layout.channel:
            expected.setdefault(Topic(raw[0].step, Kind.IMAGE, channel), planned)
    return _Expected(sum(expected.values()))


def _expected_for_images(topics: Mapping[Topic, _Wells], images: Mapping[str, int]) -> _Expected:
    """Return what each well should have where its raw images are counted: a step makes as much of each."""
    a_image = float(any(map(_is_raw, topics)))
    for topic, wells in topics.items():
        if not _is_raw(topic):
            shares = (len(planes) / images[well] for well, planes in wells.items() if images.get(well))
            a_image += max(shares, default=0.0)
    return _Expected(0, a_image, images)


def _is_raw(topic: Topic) -> bool:
    return topic.kind is Kind.IMAGE and (topic.step is None or topic.step.index == 0)


def _format(wells: Mapping[tuple[int, int], WellView]) -> tuple[int, int]:
    """Return rows and columns of the smallest plate that has all wells."""
    rows = max((row for row, _ in wells), default=-1) + 1
    columns = max((column for _, column in wells), default=-1) + 1
    if not wells:
        return 8, 12
    fitting = ((r, c) for r, c in FORMATS if rows <= r and columns <= c)
    return next(fitting, (rows, columns))
