"""Files what arrives into layers, and notes what of that the canvas has to be told."""

import logging
from dataclasses import dataclass, field

from platecast.components import Components, Kind, PlaneId
from platecast.config import Display
from platecast.errors import PlatecastError
from platecast.layers import HeldPlane, Index, LayerStore, Loss, LossState, Placement, StoredLayer, Withdrawal
from platecast.records import Records
from platecast.viewer._inbox._arrivals import Arrival, Failure, Inbox, Ticket
from platecast.viewer._plate._watch import Watch
from platecast.viewer._session._canvas import Canvas
from platecast.viewer._session._following import Following
from platecast.viewer._session._unreadable import Spoilt

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Newcomer:
    """A layer that the canvas does not show yet, and the planes that wait for it."""

    layer: StoredLayer
    first_index: Index
    tickets: list[Ticket] = field(default_factory=list)
    superseded: list[Ticket] = field(default_factory=list)


class Filing:
    """Takes planes, tables and losses into a store, and settles their tickets. For the window's thread.

    Parameters
    ----------
    inbox
        Hears what became of each plane.
    store
        Where they go.
    canvas
        Says whether a plane can be seen.
    watch
        Told of every plane, if given.
    following
        Told of the newest plane.
    """

    def __init__(
        self, inbox: Inbox, store: LayerStore, canvas: Canvas, watch: Watch | None, following: Following
    ) -> None:
        self._inbox = inbox
        self._store = store
        self._canvas = canvas
        self._watch = watch
        self._following = following
        self.newcomers: dict[StoredLayer, Newcomer] = {}
        """Layers that the canvas does not show yet."""
        self.dirty: dict[StoredLayer, None] = {}
        """Layers of which something on screen has changed."""
        self.tables: dict[Components, None] = {}
        """Places whose features have changed since the canvas was told."""
        self.has_grown = False
        """Whether an axis has more values since the canvas was told."""
        self.has_lost = False
        """Whether a plane is known to be lost since the canvas was told."""
        self.filed = 0
        """How many planes were filed."""

    @property
    def has_news(self) -> bool:
        """Whether something on screen has changed since the canvas was told."""
        return bool(self.dirty or self.tables or self.has_lost)

    def file(self, arrival: Arrival) -> bool:
        """File a plane; False where there is no room for it yet."""
        if isinstance(arrival.array, Records) and arrival.plane.kind is Kind.TABLE:
            self._file_table(arrival, arrival.array)
            return True
        try:
            if isinstance(arrival.array, HeldPlane) and not arrival.array.admit():
                return False
            placement = self._store.put(
                arrival.plane,
                arrival.display,
                arrival.array,
                arrival.contrast,
                arrival.ticket,
                arrival.features,
            )
        except PlatecastError as error:
            _log.warning("a plane cannot be shown: %s", error)
            self._fail(arrival, str(error))
            return True
        except Exception as error:
            _log.exception("plane %s could not be filed", arrival.plane)
            self._fail(arrival, f"{type(error).__name__}: {error}")
            return True
        self._note(arrival, placement)
        return True

    def _note(self, arrival: Arrival, placement: Placement) -> None:
        """Tell everybody of a plane that was filed."""
        self._following.note(placement.layer, placement.index, is_asked=arrival.display.follow_newest)
        if self._watch is not None:
            stored = placement.layer.stack.plane(placement.index)
            if stored is not None:
                self._watch.filed(arrival.plane, stored)
        layer = placement.layer
        self.filed += 1
        self.has_grown |= placement.grown
        for renamed in placement.renamed:
            self._canvas.rename(renamed)
        if placement.created:
            self.newcomers[layer] = Newcomer(layer, placement.index)
        superseded = placement.superseded if isinstance(placement.superseded, Ticket) else None
        newcomer = self.newcomers.get(layer)
        if newcomer is not None:
            newcomer.tickets.append(arrival.ticket)
            if superseded is not None:
                newcomer.superseded.append(superseded)
            return
        self._inbox.settle(arrival.ticket)
        if superseded is not None:
            self._inbox.supersede(superseded)
        if layer not in self.dirty and self._canvas.is_on_screen(layer, placement.index):
            self.dirty[layer] = None

    def note_failure(self, failure: Failure) -> None:
        """Take in that there is no plane for a place; one that was there before is no longer true."""
        self._inbox.settle(failure.ticket, failure.reason)
        withdrawn = self._store.withdraw(failure.plane, failure.display)
        self.lose(failure.plane, failure.display, Loss(LossState.FAILED, failure.reason))
        if withdrawn is None:
            return
        if isinstance(withdrawn.ticket, Ticket):
            newcomer = self.newcomers.get(withdrawn.layer)
            if newcomer is not None:
                newcomer.superseded.append(withdrawn.ticket)
            else:
                self._inbox.supersede(withdrawn.ticket)
        if self._canvas.is_on_screen(withdrawn.layer, withdrawn.index):
            self.dirty[withdrawn.layer] = None

    def _file_table(self, arrival: Arrival, table: Records) -> None:
        superseded = self._store.put_table(arrival.plane, arrival.display, table, arrival.ticket)
        self._inbox.settle(arrival.ticket)
        if isinstance(superseded, Ticket):
            self._inbox.supersede(superseded)
        if self._watch is not None:
            self._watch.filed(arrival.plane, table)
        self.tables[arrival.plane.components] = None

    def spoil(self, plane: PlaneId, withdrawn: Withdrawal, reason: str) -> None:
        """Let a plane that could not be read fail where it was shown."""
        newcomer = self.newcomers.get(withdrawn.layer)
        if isinstance(withdrawn.ticket, Ticket):
            if newcomer is not None and withdrawn.ticket in newcomer.tickets:
                newcomer.tickets.remove(withdrawn.ticket)
                self._inbox.settle(withdrawn.ticket, reason)
            else:
                self._inbox.spoil(withdrawn.ticket, reason)
        self.lose(plane, withdrawn.layer.display, Loss(LossState.FAILED, reason))
        self.dirty[withdrawn.layer] = None

    def restore(self, spoilt: Spoilt) -> None:
        """File a plane again that could not be read for a while; it was settled before."""
        placement = self._store.put(spoilt.plane, spoilt.display, spoilt.held, None, spoilt.ticket)
        if isinstance(spoilt.ticket, Ticket):
            self._inbox.restore(spoilt.ticket, spoilt.reason)
        if self._watch is not None:
            self._watch.filed(spoilt.plane, spoilt.held)
        self.has_grown |= placement.grown
        self.has_lost = True
        if self._canvas.is_on_screen(placement.layer, placement.index):
            self.dirty[placement.layer] = None

    def _fail(self, arrival: Arrival, reason: str) -> None:
        self._inbox.settle(arrival.ticket, reason)
        self.lose(arrival.plane, arrival.display, Loss(LossState.FAILED, reason))

    def lose(self, plane: PlaneId, display: Display, loss: Loss) -> None:
        """Remember why a plane is not there."""
        self.has_grown |= self._store.lose(plane, display, loss)
        self.has_lost = True
        if self._watch is not None:
            self._watch.lost(plane, loss)
