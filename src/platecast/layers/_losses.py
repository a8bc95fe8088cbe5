"""Planes that will not be there, and why: known by what they would have been."""

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from platecast.components import PlaneId
from platecast.config import Display
from platecast.errors import UnsupportedArrayError
from platecast.layers._key import Index, LayerKey, Value, place

MOST_LOSSES = 100_000
"""Planes whose loss is remembered; more than a plate has."""


class LossState(enum.StrEnum):
    """What became of a plane that is not there."""

    FAILED = "failed"
    """It was refused, or could not be read."""
    DROPPED = "dropped"
    """Its sender gave it up on the way."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Why a plane is not there."""

    state: LossState
    reason: str

    def __str__(self) -> str:
        return f"{self.state}: {self.reason}"


class Losses:
    """Remembers which planes are lost. For one thread.

    Parameters
    ----------
    chosen
        Returns the display by which a plane is placed, of that which its sender wants.
    """

    def __init__(self, chosen: Callable[[Display], Display]) -> None:
        self._chosen = chosen
        self._planes: dict[PlaneId, tuple[Display, Loss]] = {}
        self._placed: dict[LayerKey, dict[Index, Loss]] = {}

    def __len__(self) -> int:
        return len(self._planes)

    def note(self, plane: PlaneId, display: Display, loss: Loss) -> dict[str, Value] | None:
        """Note that a plane is lost.

        Parameters
        ----------
        plane
            What it would have been.
        display
            How its sender wanted it shown.
        loss
            Why it is not there.

        Returns
        -------
        dict of str to Value or None
            Where it would be, along the axes on which its layer varies; `None` where it would be nowhere, or
            where so many are lost that no more are remembered.
        """
        if len(self._planes) >= MOST_LOSSES and plane not in self._planes:
            return None
        placed = _place(plane, self._chosen(display))
        if placed is None:
            return None
        self._planes[plane] = (display, loss)
        key, index = placed
        self._placed.setdefault(key, {})[index] = loss
        return dict(zip(key.stacked, index, strict=True))

    def __contains__(self, plane: PlaneId) -> bool:
        return plane in self._planes

    def find(self, key: LayerKey, index: Index) -> Loss | None:
        """Return why a layer has no plane at an index, if that is known."""
        return self._placed.get(_topic(key), {}).get(index) if self._placed else None

    def found(self, plane: PlaneId, key: LayerKey, index: Index) -> None:
        """Note that a plane is there after all."""
        if self._planes.pop(plane, None) is not None:
            self._placed.get(_topic(key), {}).pop(index, None)

    def regroup(self) -> None:
        """Place everything anew: other components are layers."""
        planes, self._planes, self._placed = self._planes, {}, {}
        for plane, (display, loss) in planes.items():
            self.note(plane, display, loss)

    def values(self) -> Iterator[dict[str, Value]]:
        """Yield where lost planes would be, along the axes on which their layers vary."""
        for key, placed in self._placed.items():
            for index in placed:
                yield dict(zip(key.stacked, index, strict=True))

    def forget(self, keys: Sequence[LayerKey]) -> None:
        """Forget what would be in some layers."""
        gone = {_topic(key) for key in keys} & self._placed.keys()
        for topic in gone:
            del self._placed[topic]
        if gone:
            for plane, (display, _) in tuple(self._planes.items()):
                placed = _place(plane, self._chosen(display))
                if placed is None or placed[0] in gone:
                    del self._planes[plane]

    def clear(self) -> None:
        """Forget everything."""
        self._planes.clear()
        self._placed.clear()


def _place(plane: PlaneId, display: Display) -> tuple[LayerKey, Index] | None:
    try:
        # Size and data type are not known of a plane that is not there, and its layer is found without.
        key, index = place(plane, display, (1, 1), np.uint16)
    except UnsupportedArrayError:
        return None
    return _topic(key), index


def _topic(key: LayerKey) -> LayerKey:
    return replace(key, shape=(), dtype="")
