"""Doubles of the window's neighbours: an inbox that is filled by hand, and a canvas that keeps notes."""

import os
from collections import Counter, deque

import numpy as np
import pytest

from platecast.components import Components, PlaneId
from platecast.config import Display
from platecast.layers import AXIS_NAMES, HeldPlane, LayerStore, Shelf
from platecast.viewer._inbox._arrivals import Arrival, Command, Failure, Ticket
from platecast.viewer._napari._canvas import NapariCanvas
from platecast.viewer._session._steps import newest_steps
from platecast.wire import Ledger

HAS_SCREEN = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@pytest.fixture(scope="session")
def qapp_args():
    """Without a screen Qt would abort: what paints is skipped then, and the rest needs none."""
    return ["platecast"] if HAS_SCREEN else ["platecast", "-platform", "offscreen"]


@pytest.fixture(scope="session")
def screen():
    if not HAS_SCREEN:
        pytest.skip("no screen: run under xvfb-run to see pixels")


def load_nothing(address):
    raise FileNotFoundError(address)


class InboxDouble:
    """An inbox that is filled by hand and writes down what became of its planes."""

    def __init__(self):
        self.waiting = deque()
        self.outcomes = {}
        self.superseded = []
        self.beats = 0
        self.sent = 0
        self.silent = []
        self.layers = ()
        self.shelf = Shelf(load_nothing)

    def take(self):
        return self.waiting.popleft() if self.waiting else None

    def settle(self, ticket, error=None):
        assert ticket.seq not in self.outcomes, "a plane must be settled once"
        self.outcomes[ticket.seq] = error

    def spoil(self, ticket, reason):
        assert self.outcomes[ticket.seq] is None, "only what was shown can turn out to be unreadable"
        self.outcomes[ticket.seq] = reason

    def restore(self, ticket, reason):
        assert self.outcomes[ticket.seq] == reason, "only what was spoilt can be there again"
        self.outcomes[ticket.seq] = None

    def supersede(self, ticket):
        assert ticket.seq in self.outcomes, "only what was shown can be superseded"
        self.superseded.append(ticket.seq)

    def beat(self):
        self.beats += 1

    def show_layers(self, layers):
        self.layers = tuple(layers)

    def ledger(self):
        failed = sum(error is not None for error in self.outcomes.values())
        replaced = len(self.superseded)
        settled = len(self.outcomes)
        return Ledger(
            sent=self.sent,
            shown=settled - failed - replaced,
            superseded=replaced,
            failed=failed,
            failure_reasons=dict(Counter(error for error in self.outcomes.values() if error is not None)),
            pending=self.sent - settled,
        )

    def dropped_unnamed(self):
        return 0

    def holdings(self):
        return self.shelf.holdings()

    def pin(self, planes):
        self.shelf.pin(planes)

    def senders(self):
        return 1

    def missed(self):
        return self.silent

    def plane(self, value=1, *, shape=(16, 16), dtype="uint16", contrast=None, display=None, **plane):
        """Let a plane of one value arrive; return its number."""
        self.sent += 1
        known = {name: plane.pop(name) for name in ("run", "step", "kind") if name in plane}
        array = value
        if not isinstance(value, np.ndarray | HeldPlane):
            array = np.full(shape, value, dtype)
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
        plane_id = PlaneId(components=Components(**plane), **known)
        ticket = Ticket(b"sender", self.sent)
        self.waiting.append(Arrival(plane_id, display or Display(), array, contrast, ticket))
        return self.sent

    def failure(self, reason, *, display=None, **components):
        """Let a sender say that it has no plane; return its number."""
        self.sent += 1
        plane_id = PlaneId(components=Components(**components))
        self.waiting.append(Failure(plane_id, display or Display(), reason, Ticket(b"sender", self.sent)))
        return self.sent

    def command(self, name, **args):
        """Let a command arrive; return the list that will hold its answer and blobs."""
        answers = []
        self.waiting.append(Command(name, args, lambda answer, blobs: answers.append((answer, list(blobs)))))
        return answers


class RecordingCanvas:
    """A canvas that shows nothing and remembers what it was asked."""

    def __init__(self, store):
        self.store = store
        self.calls = []
        self.shown = {}
        self.values = {}
        self.fails_on = set()

    def add_layer(self, layer, index):
        self.calls.append(("add", layer.name))
        if layer.name in self.fails_on:
            raise RuntimeError("no more widgets")
        if not self.shown:
            self.values = dict(zip(layer.key.stacked, index, strict=True))
        self.shown[layer] = layer.name
        self.axes_changed()
        return True

    def regroup(self, regrouping):
        for layer in regrouping.removed:
            self.shown.pop(layer, None)
        kept = {name: self.store.axes.values(name) for name in AXIS_NAMES}
        self.values = {name: value for name, value in self.values.items() if value in kept[name]}
        self.axes_changed()
        return list(regrouping.origins)

    def axes_changed(self):
        self.calls.append(("axes",))
        for name in AXIS_NAMES:
            if self.shown and self.store.axes.values(name):
                self.values.setdefault(name, self.store.axes.values(name)[0])

    def rename(self, layer):
        self.calls.append(("rename", layer.name))
        if layer in self.shown:
            self.shown[layer] = layer.name

    def refresh(self, layers):
        self.calls.append(("refresh", *(layer.name for layer in layers)))

    def show_more(self):
        return False

    def features_changed(self, places):
        self.calls.append(("features", *places))

    def is_on_screen(self, layer, index):
        place = zip(layer.key.stacked, index, strict=True)
        return layer in self.shown and all(self.values[name] == value for name, value in place)

    def go_to(self, values):
        self.store.axes.position(values)
        self.values |= values

    def values_on_screen(self):
        return dict(self.values)

    def time_pictures(self, *, is_wanted):
        self.calls.append(("time_pictures", is_wanted))
        return {} if is_wanted else {"steps": 0}

    def names(self):
        return {name: layer for layer, name in self.shown.items()}

    def state(self, layer):
        return {"visible": True, "opacity": 1.0}

    def set_visible(self, layer, *, is_visible):
        self.calls.append(("set_visible", layer.name, is_visible))

    def read(self, layer, position):
        return layer.stack[position]

    def remove(self, layers):
        for layer in layers:
            del self.shown[layer]
            self.store.remove(layer)

    def follow(self, layer, index):
        self.calls.append(("follow", *index))
        before = dict(self.values)
        self.values |= dict(zip(layer.key.stacked, index, strict=True))
        return self.values != before

    @property
    def steps(self):
        return newest_steps(layer.key for layer in self.store.layers)

    compared = ()

    def compare(self, steps, *, side_by_side):
        self.compared = tuple(steps)
        self.calls.append(("compare", side_by_side))

    def turn(self):
        self.calls.append(("turn",))

    def screenshot(self, *, canvas_only):
        return b"picture"

    def bring_to_front(self):
        self.calls.append(("bring_to_front",))

    def close(self):
        self.calls.append(("close",))

    def asked(self, what):
        return [call for call in self.calls if call[0] == what]


@pytest.fixture
def inbox():
    return InboxDouble()


@pytest.fixture
def store():
    return LayerStore()


@pytest.fixture
def recording_canvas(store):
    return RecordingCanvas(store)


@pytest.fixture
def model():
    from napari.components import ViewerModel

    return ViewerModel()


@pytest.fixture
def napari_canvas(model, store):
    return NapariCanvas(model, store, 5555)


@pytest.fixture
def file_plane(store):
    """Return a function that files a plane and does on a canvas what the session would do."""

    def file(canvas, value=1, *, shape=(16, 16), dtype="uint16", display=None, contrast=None, **plane):
        known = {name: plane.pop(name) for name in ("run", "step", "kind") if name in plane}
        array = np.full(shape, value, dtype)
        plane_id = PlaneId(components=Components(**plane), **known)
        placement = store.put(plane_id, display or Display(), array, contrast, None)
        for layer in placement.renamed:
            canvas.rename(layer)
        if placement.grown:
            canvas.axes_changed()
        if placement.created:
            canvas.add_layer(placement.layer, placement.index)
        return placement

    return file
