"""All layers of a window, and which plane of each is there."""

from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from typing import Any

import msgspec
import numpy.typing as npt

from platecast.components import Components, Kind, PlaneId, PlateLayout, StepId
from platecast.config import Display
from platecast.layers._axes import Axes, sort_values
from platecast.layers._calibration import Calibration, Scale, common_scale
from platecast.layers._changes import Placement, Regrouping, Withdrawal
from platecast.layers._contrast import robust_contrast
from platecast.layers._features import all_features, features_at, number_columns, numbers_by_well
from platecast.layers._held import HeldPlane, Pixels
from platecast.layers._key import AXIS_NAMES, Index, LayerKey, Value, place, regrouped
from platecast.layers._losses import Loss, Losses
from platecast.layers._names import LayerNames
from platecast.layers._record_stack import RecordStack
from platecast.layers._stack import PlaneStack
from platecast.layers._stored import StoredLayer
from platecast.layers._tables import Features, Tables
from platecast.records import Records

_FIRST_PLANES = 16
"""Planes whose contrast limits make those of their layer."""


class LayerStore:
    """Files planes into layers. For one thread; it keeps the only reference to the planes it was given."""

    def __init__(self) -> None:
        self.axes = Axes()
        self.on_unreadable: Callable[[PlaneStack, Index, str], None] | None = None
        """Given to the stacks of new layers, see `PlaneStack`."""
        self._layers: dict[LayerKey, StoredLayer] = {}
        self._tables = Tables()
        # Names stay taken when their layer is removed, so that those of the others stay.
        self._names = LayerNames()
        self._sliced: tuple[str, ...] | None = None
        self._displays: dict[Display, Display] = {}
        self._calibrations: dict[str | None, Calibration] = {}
        self._losses = Losses(self._chosen)
        self._contrasts: dict[tuple[object, ...], tuple[float, float]] = {}
        """First limits of a step, channel and kind: what is compared is shown alike."""

    @property
    def layers(self) -> tuple[StoredLayer, ...]:
        """All layers, in the order in which they were created."""
        return tuple(self._layers.values())

    @property
    def sliced(self) -> tuple[str, ...] | None:
        """The components that `regroup` made layers; `None` while senders choose."""
        return self._sliced

    def values(self, component: str) -> tuple[Value, ...]:
        """Return what a component may be set to: its values along the axis and in layers of their own."""
        along = self.axes.values(component)
        own = {dict(key.sliced)[component] for key in self._layers if component in dict(key.sliced)}
        return tuple(sort_values(component, {*along, *own})) if own else along

    def announce(self, layout: PlateLayout) -> bool:
        """Take in what a plate is known to hold; say whether an axis grew or pixels got another size."""
        calibration = Calibration.of(layout)
        is_new = calibration != Calibration() and self._calibrations.get(layout.plate) != calibration
        if is_new:
            self._calibrations[layout.plate] = calibration
        return self.axes.announce(layout) or is_new

    def calibration(self, plate: str | None) -> Calibration:
        """Return the distances on the sample that are known of a plate's planes."""
        return self._calibrations.get(plate, self._calibrations.get(None, Calibration()))

    def scales(self) -> dict[LayerKey, Scale]:
        """Return the scale of every layer, in units on which all agree."""
        return common_scale(self._layers, self._calibrations)

    def regroup(self, sliced: Sequence[str] | None) -> Regrouping:
        """Let other components be layers, for the planes that are there and for those that come.

        No plane is copied or sent again. Layers that hold the same planes as before stay.

        Parameters
        ----------
        sliced
            The components whose values get layers of their own; `None` lets the senders choose again.

        Raises
        ------
        ValueError
            One of them is no component, or cannot be a layer.
        """
        unknown = [name for name in sliced or () if name not in AXIS_NAMES]
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: only {', '.join(AXIS_NAMES)} can be layers")
        self._sliced = None if sliced is None else tuple(name for name in AXIS_NAMES if name in sliced)
        self._displays.clear()
        staying = {
            key: layer
            for key, layer in self._layers.items()
            if _is_sliced_by(key, self._wanted(layer.display))
        }
        removed = tuple(layer for layer in self._layers.values() if layer.key not in staying)
        self._layers = staying
        origins: dict[StoredLayer, dict[StoredLayer, None]] = {}
        superseded: list[object] = []
        renamed: dict[StoredLayer, None] = {}
        for old in removed:
            wanted = self._wanted(old.display)
            # In the order of the axes, so that layers of wells are listed like the wells of a plate.
            for index in sorted(old.stack.indices, key=lambda index: positions_of(old, index, self.axes)):
                key, moved = regrouped(old.key, index, wanted)
                layer = self._layers.get(key)
                if layer is None:
                    layer, others = self._create(key, old.display, old.contrast)
                    renamed.update(dict.fromkeys(others))
                    origins[layer] = {}
                if layer in origins:
                    origins[layer][old] = None
                if moved in layer.tickets:
                    superseded.append(layer.tickets[moved])
                plane = old.stack.plane(index)
                if plane is not None:
                    layer.put(moved, plane)
                    layer.tickets[moved] = old.tickets[index]
                    layer.features.pop(moved, None)
                    if index in old.features:
                        layer.features[moved] = old.features[index]
        self._losses.regroup()
        self.drop_unused_values()
        stayed = tuple(layer for layer in renamed if layer not in origins)
        olds = {layer: tuple(olds) for layer, olds in origins.items()}
        return Regrouping(removed, olds, tuple(superseded), stayed)

    def put(
        self,
        plane: PlaneId,
        display: Display,
        content: Pixels | Records,
        contrast: tuple[float, float] | None,
        ticket: object,
        features: Records | None = None,
    ) -> Placement:
        """File a plane or records, without a copy; they replace those that were at their place.

        Parameters
        ----------
        plane
            What it is.
        display
            How it is to be shown.
        content
            Its pixels, ``(Y, X)`` or ``(Y, X, 3 | 4)``, which must not be written to any more, or a plane
            that is read when it is looked at; or records other than tables.
        contrast
            Limits, if the sender knows some; used for the first planes of a layer only.
        ticket
            Given back when the plane is replaced.
        features
            The records whose labels were painted into the plane, for their columns.

        Raises
        ------
        UnsupportedArrayError
            Its kind, shape or data type cannot be shown; nothing was changed.
        """
        if isinstance(content, Records):
            key, index = place(plane, self._chosen(display), (content.spatial,), "float32")
        else:
            key, index = place(plane, self._chosen(display), content.shape, content.dtype)
        layer = self._layers.get(key)
        created = layer is None
        renamed: tuple[StoredLayer, ...] = ()
        if layer is None:
            layer, renamed = self._create(key, display, self._first_contrast(key, content, contrast))
        elif contrast is not None and layer.stack.count < _FIRST_PLANES:
            self._widen(layer, contrast)
        if self._losses:
            self._losses.found(plane, key, index)
        grown = layer.put(index, content)
        layer.features.pop(index, None)
        if features is not None:
            layer.features[index] = features
        grown = self.axes.add(dict(zip(key.stacked, index, strict=True))) or grown
        superseded = layer.tickets.get(index)
        layer.tickets[index] = ticket
        return Placement(layer, index, created, grown, superseded, renamed)

    def lose(self, plane: PlaneId, display: Display, loss: Loss) -> bool:
        """Remember why a plane is not there; say whether an axis grew by it. One that is there stays."""
        values = self._losses.note(plane, display, loss)
        return values is not None and self.axes.add(values)

    def loss(self, layer: StoredLayer, index: Index) -> Loss | None:
        """Return why a layer has no plane at an index, if that is known."""
        return self._losses.find(layer.key, index)

    def lost_place(
        self, plane: PlaneId, display: Display, held: HeldPlane
    ) -> tuple[StoredLayer, Index] | None:
        """Return where a lost plane would be again; `None` where it is not lost or its layer has gone."""
        if plane not in self._losses:
            return None
        key, index = place(plane, self._chosen(display), held.shape, held.dtype)
        layer = self._layers.get(key)
        return None if layer is None else (layer, index)

    def withdraw(self, plane: PlaneId, display: Display) -> Withdrawal | None:
        """Take a plane out, whatever its size is; `None` where there is none. Its layer and axes stay."""
        for layer in self._layers.values():
            if layer.key.kind is not plane.kind:
                continue
            # Of what a plane is, only size and data type are not known without it.
            shape = layer.key.shape if layer.key.is_records else (1, 1, *layer.key.shape[2:])
            key, index = place(plane, self._chosen(display), shape, layer.key.dtype)
            same = replace(key, shape=layer.key.shape, dtype=layer.key.dtype)
            if same == layer.key and layer.stack.take_out(index):
                layer.features.pop(index, None)
                return Withdrawal(layer, index, layer.tickets.pop(index, None))
        return None

    def put_table(self, plane: PlaneId, display: Display, table: Records, ticket: object) -> object | None:
        """Take in a table; return the ticket of the one that it replaces. It needs no layer to be there."""
        return self._tables.put("" if display.replace_layers else plane.run, plane, table, ticket)

    def drop_tables(self, runs: Set[str], steps: Set[StepId | None]) -> None:
        """Let the tables of some runs and steps go."""
        self._tables.drop(runs, steps)

    def features(self, layer: StoredLayer, index: Index) -> Features:
        """Return the columns of the labels or records at an index: their own, and those of tables.

        Columns of labels begin with ``label``; other columns have one row for each record.
        """
        return features_at(layer, index, self._layers.values(), self._tables)

    @property
    def number_columns(self) -> tuple[str, ...]:
        """Names of the columns for which `numbers_by_well` has something."""
        return number_columns(all_features(self._layers.values(), self._tables))

    def numbers_by_well(self, column: str, plate: str | None = None) -> dict[str, float]:
        """Return the mean of a column in each well, over all its sites, of the newest run that has it.

        Parameters
        ----------
        column
            Of tables, or of the features of points, shapes, tracks or vectors. A table of no well may say in
            a column ``well`` where each row belongs.
        plate
            Only of this plate; `None`: of any.
        """
        return numbers_by_well(column, all_features(self._layers.values(), self._tables), plate)

    def take_out(self, stack: PlaneStack, index: Index) -> tuple[PlaneId, Withdrawal] | None:
        """Take out a plane that turned out to be unreadable; `None` where it is not there any more."""
        layer = next((layer for layer in self._layers.values() if layer.stack is stack), None)
        if layer is None or not stack.take_out(index):
            return None
        key = layer.key
        values: dict[str, Any] = dict(key.sliced) | dict(zip(key.stacked, index, strict=True))
        plane = PlaneId(
            components=Components(plate=key.plate, **values), run=key.run, step=key.step, kind=key.kind
        )
        return plane, Withdrawal(layer, index, layer.tickets.pop(index, None))

    def find(self, name: str) -> StoredLayer | None:
        """Return the layer of this name, if there is one."""
        return next((layer for layer in self._layers.values() if layer.name == name), None)

    def read(self, name: str, **components: Value) -> npt.NDArray[Any]:
        """Return one plane, read-only: as many components as it takes to name it.

        Raises
        ------
        LookupError
            There is no such layer, no such plane, or more than one.
        """
        layer = self.find(name)
        if layer is None:
            known = ", ".join(layer.name for layer in self._layers.values()) or "none"
            raise LookupError(f"there is no layer {name!r}; there are: {known}")
        if isinstance(layer.stack, RecordStack):
            raise LookupError(f"layer {name!r} holds records: there is no plane to read")
        return layer.stack[positions_of(layer, layer.select(components), self.axes)]

    def remove(self, layer: StoredLayer) -> None:
        """Let a layer and its planes go; a later plane with its key makes it anew, under the same name."""
        if self._layers.get(layer.key) is layer:
            del self._layers[layer.key]
            self._losses.forget([layer.key])

    def clear(self) -> None:
        """Let everything go but the user's choice of layers: planes, names, sizes, the values of the axes."""
        self._layers.clear()
        self._tables.clear()
        self._names.clear()
        self._calibrations.clear()
        self._losses.clear()
        self._contrasts.clear()
        self.axes.clear()

    def drop_unused_values(self) -> None:
        """Let the axes have the values of planes that are there, and what was announced beside them."""
        used: dict[str, set[Value]] = {name: set() for name in AXIS_NAMES}
        for key, layer in self._layers.items():
            for index in layer.stack.indices:
                for name, value in zip(key.stacked, index, strict=True):
                    used[name].add(value)
        for values in self._losses.values():
            for name, value in values.items():
                used[name].add(value)
        self.axes.rebuild(used)

    def _wanted(self, display: Display) -> tuple[str, ...]:
        return display.sliced if self._sliced is None else self._sliced

    def _chosen(self, display: Display) -> Display:
        """Return a sender's display with the components that were chosen here, if they were."""
        if self._sliced is None:
            return display
        if display not in self._displays:
            self._displays[display] = msgspec.structs.replace(display, sliced=self._sliced)
        return self._displays[display]

    def _first_contrast(
        self, key: LayerKey, content: Pixels | Records, contrast: tuple[float, float] | None
    ) -> tuple[float, float] | None:
        """Return limits for a new layer: those of its step and channel, if there are some already."""
        if key.kind is not Kind.IMAGE or len(key.shape) == 3 or isinstance(content, Records):
            return None
        topic = _compared(key)
        if topic not in self._contrasts:
            is_given = contrast is not None and contrast[0] < contrast[1]
            self._contrasts[topic] = contrast if is_given and contrast else robust_contrast(content)
        return self._contrasts[topic]

    def _widen(self, layer: StoredLayer, contrast: tuple[float, float]) -> None:
        """Let the first limits hold for the first planes; whoever shows the layer takes them only once."""
        if layer.contrast is not None and contrast[0] < contrast[1]:
            limits = (min(layer.contrast[0], contrast[0]), max(layer.contrast[1], contrast[1]))
            layer.contrast = self._contrasts[_compared(layer.key)] = limits

    def _create(
        self, key: LayerKey, display: Display, contrast: tuple[float, float] | None
    ) -> tuple[StoredLayer, tuple[StoredLayer, ...]]:
        """Make a layer; return it, and the earlier ones that got another name by it."""
        renamed = tuple(self._layers[other] for other in self._names.add(key) if other in self._layers)
        for other in renamed:
            other.name = self._names.name(other.key)
        stack: PlaneStack | RecordStack
        if key.is_records:
            stack = RecordStack(self.axes, key.stacked, key.shape[0])
        else:
            stack = PlaneStack(self.axes, key.stacked, key.shape, key.dtype)
            stack.on_unreadable = self.on_unreadable
        layer = StoredLayer(key, display, contrast, stack, self._names.name(key))
        self._layers[key] = layer
        return layer, renamed


def _compared(key: LayerKey) -> tuple[object, ...]:
    """Return what layers have in common whose brightness is compared."""
    return key.step, key.kind, key.channel, key.dtype


def _is_sliced_by(key: LayerKey, sliced: Sequence[str]) -> bool:
    return tuple(name for name, _ in key.sliced) == tuple(name for name in key.present if name in sliced)


def positions_of(layer: StoredLayer, index: Index, axes: Axes) -> tuple[int, ...]:
    """Return the positions of a plane along all shared axes; 0 where its layer does not vary."""
    found = axes.position(dict(zip(layer.key.stacked, index, strict=True)))
    return tuple(found.get(name, 0) for name in AXIS_NAMES)
