"""All layers of a window, and which plane of each is there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from platecast.components import Components, Kind, PlaneId
from platecast.config import Display
from platecast.layers._axes import Axes
from platecast.layers._contrast import robust_contrast
from platecast.layers._key import AXIS_NAMES, Index, LayerKey, Value, place
from platecast.layers._names import layer_names
from platecast.layers._stack import PlaneStack


@dataclass(eq=False, slots=True)
class StoredLayer:
    """A layer and its planes.

    Parameters
    ----------
    key
        What its planes have in common.
    display
        How the sender of its first plane wants it shown.
    contrast
        Limits for its first plane; `None` for labels and RGB.
    stack
        Its planes, the data that napari shows.
    name
        What it is called now; the store renames a layer that turns out to be a projection.
    tickets
        For every plane that is there, the ticket it came with.
    """

    key: LayerKey
    display: Display
    contrast: tuple[float, float] | None
    stack: PlaneStack
    name: str
    tickets: dict[Index, object] = field(default_factory=dict)

    def select(self, components: Mapping[str, Any]) -> Index:
        """Return the index of the one plane that the components name.

        Components along which the layer does not vary may be given; a sliced one must be the layer's own.

        Raises
        ------
        LookupError
            No plane is there, or more than one.
        InvalidComponentsError, InvalidWellError
            The components name no plane at all.
        """
        wanted: dict[str, Value] = {}
        if components:
            given = Components(**components)
            wanted = {name: getattr(given, name) for name in given.present}
        own = dict(self.key.sliced) | ({"plate": self.key.plate} if self.key.plate else {})
        for name, value in own.items():
            if name in wanted and wanted[name] != value:
                raise LookupError(f"layer {self.name!r} holds {name}={value!r}, not {wanted[name]!r}")
        found = [
            index
            for index in self.stack.indices
            if all(
                wanted.get(name, value) == value for name, value in zip(self.key.stacked, index, strict=True)
            )
        ]
        if not found:
            raise LookupError(f"layer {self.name!r} has no plane with {_text(wanted)}: it is missing")
        if len(found) > 1:
            open_names = [name for name in self.key.stacked if name not in wanted]
            raise LookupError(
                f"layer {self.name!r} has {len(found)} planes with {_text(wanted)}: "
                f"say {', '.join(open_names)} too"
            )
        return found[0]


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


class LayerStore:
    """Files planes into layers. For one thread; it keeps the only reference to the planes it was given."""

    def __init__(self) -> None:
        self.axes = Axes()
        self._layers: dict[LayerKey, StoredLayer] = {}
        # Keys keep their place when their layer is removed, so that the names of the others stay.
        self._named: list[LayerKey] = []

    @property
    def layers(self) -> tuple[StoredLayer, ...]:
        """All layers, in the order in which they were created."""
        return tuple(self._layers.values())

    def put(
        self,
        plane: PlaneId,
        display: Display,
        array: npt.NDArray[Any],
        contrast: tuple[float, float] | None,
        ticket: object,
    ) -> Placement:
        """File a plane, without a copy; it replaces the one that was at its place.

        Parameters
        ----------
        plane
            What it is.
        display
            How it is to be shown.
        array
            Its pixels, ``(Y, X)`` or ``(Y, X, 3 | 4)``; they must not be written to any more.
        contrast
            Limits, if the sender knows some; used for the first plane of a layer only.
        ticket
            Given back when the plane is replaced.

        Raises
        ------
        UnsupportedArrayError
            Its kind, shape or data type cannot be shown; nothing was changed.
        """
        key, index = place(plane, display, array.shape, array.dtype)
        layer = self._layers.get(key)
        created = layer is None
        renamed: tuple[StoredLayer, ...] = ()
        if layer is None:
            layer, renamed = self._create(key, display, array, contrast)
        layer.stack.put(index, array)
        grown = self.axes.add(dict(zip(key.stacked, index, strict=True)))
        superseded = layer.tickets.get(index)
        layer.tickets[index] = ticket
        return Placement(layer, index, created, grown, superseded, renamed)

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
        return layer.stack[positions_of(layer, layer.select(components), self.axes)]

    def remove(self, layer: StoredLayer) -> None:
        """Let a layer and its planes go; a later plane with its key makes it anew, under the same name."""
        self._layers.pop(layer.key, None)

    def clear(self) -> None:
        """Let everything go: layers, names and the values of the axes."""
        self._layers.clear()
        self._named.clear()
        self.axes.clear()

    def _create(
        self,
        key: LayerKey,
        display: Display,
        array: npt.NDArray[Any],
        contrast: tuple[float, float] | None,
    ) -> tuple[StoredLayer, tuple[StoredLayer, ...]]:
        if key.kind is not Kind.IMAGE or len(key.shape) == 3:
            contrast = None
        elif contrast is None or not contrast[0] < contrast[1]:
            contrast = robust_contrast(array)
        stack = PlaneStack(self.axes, key.stacked, key.shape, key.dtype)
        if key not in self._named:
            self._named.append(key)
        names = dict(zip(self._named, layer_names(self._named), strict=True))
        renamed = tuple(other for other in self._layers.values() if other.name != names[other.key])
        for other in renamed:
            other.name = names[other.key]
        layer = StoredLayer(key, display, contrast, stack, names[key])
        self._layers[key] = layer
        return layer, renamed


def positions_of(layer: StoredLayer, index: Index, axes: Axes) -> tuple[int, ...]:
    """Return the positions of a plane along all shared axes; 0 where its layer does not vary."""
    found = axes.position(dict(zip(layer.key.stacked, index, strict=True)))
    return tuple(found.get(name, 0) for name in AXIS_NAMES)


def _text(components: Mapping[str, Value]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in components.items()) or "no component given"
