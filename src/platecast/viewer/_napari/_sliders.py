"""Where napari's sliders stand, in values of the shared axes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product

from napari.viewer import ViewerModel

from platecast.components import Components
from platecast.layers import AXIS_NAMES, Index, LayerStore, Loss, Pixels, StoredLayer, Value
from platecast.records import Records

AXIS_LABELS = ("well", "site", "channel", "t", "z", "y", "x")
"""What napari calls the axes of every layer."""
_NDIM = len(AXIS_LABELS)


class Sliders:
    """The position on screen. For the window's thread.

    Parameters
    ----------
    viewer
        Whose sliders they are.
    store
        Whose axes they move along.
    moved
        Called when the position on screen has changed.
    touched
        Called when somebody else than `stand_on` has moved them.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        store: LayerStore,
        moved: Callable[[], None],
        touched: Callable[[], None],
    ) -> None:
        self._viewer = viewer
        self._store = store
        self._moved = moved
        self._touched = touched
        self._is_changing = False
        self.about_to_move: Callable[[Mapping[str, Value]], None] = _nothing
        """Called with the values on which the sliders are going to stand, before anything is sliced."""
        self.values: dict[str, Value] = {}
        """The values on which the sliders of all used axes stand."""
        self.wide_axes: frozenset[str] = frozenset()
        """Axes of which more than one position is on screen: in 3-D, or in a thick slice."""
        dims = viewer.dims.events
        for event in (dims.point, dims.order, dims.ndisplay, dims.margin_left, dims.margin_right):
            # Before napari slices, so that what is about to be on screen is known by then.
            event.connect(self.follow, position="first")

    @property
    def is_changing(self) -> bool:
        """Whether events are caused by us."""
        return self._is_changing

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Mark events as caused by us: sliders and axes may disagree until this is over."""
        was, self._is_changing = self._is_changing, True
        try:
            yield
        finally:
            self._is_changing = was

    def stand_on(self, values: Mapping[str, Value], layers: Sequence[StoredLayer]) -> None:
        """Move; an axis without a value goes to that of the first plane that came along it."""
        axes = self._store.axes
        wanted = {name: value for name, value in values.items() if value in axes.values(name)}
        for layer in layers:
            if wanted.keys() >= {name for name in AXIS_NAMES if axes.values(name)}:
                break
            if not layer.stack.indices:
                continue
            first = dict(zip(layer.key.stacked, layer.stack.indices[0], strict=True))
            wanted = first | wanted
        dims = self._viewer.dims
        step = list(dims.current_step)
        for name, position in axes.position(wanted).items():
            step[self._dim_of(name)] = position
        self.about_to_move(wanted)
        with self.changing():
            dims.current_step = tuple(step)
        self.follow()

    def follow(self, event: object = None) -> None:
        """Read where the sliders stand; with napari's event where it was not us who moved them."""
        dims = self._viewer.dims
        if self._is_changing or dims.ndim < _NDIM:
            return
        axes = self._store.axes
        steps, displayed = dims.current_step, set(dims.displayed)
        values, wide = {}, set()
        for name, length in zip(AXIS_NAMES, axes.lengths, strict=True):
            dim = self._dim_of(name)
            value = axes.value(name, min(max(int(steps[dim]), 0), length - 1))
            if value is not None:
                values[name] = value
            if dim in displayed or dims.margin_left[dim] or dims.margin_right[dim]:
                wide.add(name)
        has_moved = values != self.values
        self.wide_axes = frozenset(wide)
        self.about_to_move(values)
        self.values = values
        self._moved()
        if event is not None and has_moved:
            self._touched()

    def is_here(self, layer: StoredLayer, index: Index) -> bool:
        """Say whether a plane lies where the sliders stand."""
        return all(
            name in self.wide_axes or self.values.get(name, value) == value
            for name, value in zip(layer.key.stacked, index, strict=True)
        )

    def may_be_here(self, place: Components) -> bool:
        """Say whether a place is on screen, as far as it and the sliders say where they are."""
        return all(
            name in self.wide_axes
            or None in (self.values.get(name), getattr(place, name))
            or self.values[name] == getattr(place, name)
            for name in AXIS_NAMES
        )

    def has_plane_here(self, layer: StoredLayer) -> bool:
        """Say whether a layer has a plane where the sliders stand."""
        return next(self.planes_here(layer, self.values), None) is not None

    def loss_here(self, layer: StoredLayer) -> Loss | None:
        """Return why a layer has no plane where the sliders stand, if that is known."""
        if self.wide_axes.intersection(layer.key.stacked):
            return None
        index = tuple(self.values[name] for name in layer.key.stacked if name in self.values)
        return self._store.loss(layer, index)

    def planes_here(self, layer: StoredLayer, values: Mapping[str, Value]) -> Iterator[Pixels | Records]:
        """Yield the planes of a layer that are on screen where the sliders stand on some values."""
        axes = self._store.axes
        along = [
            axes.values(name) if name in self.wide_axes else (values[name],)
            for name in layer.key.stacked
            if name in values
        ]
        for index in product(*along):
            plane = layer.stack.plane(index)
            if plane is not None:
                yield plane

    @property
    def shows_planes(self) -> bool:
        """Whether the picture is that of planes, Y down and X to the right."""
        dims = self._viewer.dims
        return tuple(dims.displayed) == (dims.ndim - 2, dims.ndim - 1)

    def _dim_of(self, name: str) -> int:
        """Return an axis's place among the viewer's; a layer of the user's may have more axes in front."""
        return int(self._viewer.dims.ndim) - _NDIM + AXIS_NAMES.index(name)


def _nothing(values: Mapping[str, Value]) -> None:
    """Prepare nothing."""
