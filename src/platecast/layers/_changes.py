"""What became of the layers when a plane came or went, or others were wanted: for whoever draws them."""

from collections.abc import Mapping
from dataclasses import dataclass

from platecast.layers._key import Index
from platecast.layers._stored import StoredLayer


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a plane went.

    Parameters
    ----------
    layer
        The layer that holds it now.
    index
        Its index in that layer.
    created
        The layer is new.
    grown
        The shared axes have more values than before.
    superseded
        Ticket of the plane that this one replaced.
    renamed
        Earlier layers that got another name.
    """

    layer: StoredLayer
    index: Index
    created: bool
    grown: bool
    superseded: object | None
    renamed: tuple[StoredLayer, ...] = ()


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A plane that was taken out of its layer, and the ticket it had come with."""

    layer: StoredLayer
    index: Index
    ticket: object


@dataclass(frozen=True, slots=True)
class Regrouping:
    """What changed when other components became layers.

    Parameters
    ----------
    removed
        Layers that are no more.
    origins
        The layers in their place, each with the layers that its planes were in.
    superseded
        Tickets of planes whose place another plane has taken.
    renamed
        Layers that stayed and got another name.
    """

    removed: tuple[StoredLayer, ...]
    origins: Mapping[StoredLayer, tuple[StoredLayer, ...]]
    superseded: tuple[object, ...]
    renamed: tuple[StoredLayer, ...]
