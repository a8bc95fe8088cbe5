"""Napari layers of points, shapes, tracks and vectors: always the records at the place on screen.

A layer of napari's is given only what can be seen. With the records of a whole plate each step of a slider
would search all of them: 3.5 million points take half a second, the 10,000 of one site a few milliseconds.
"""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.layers import Layer, Points, Shapes, Tracks, Vectors

from platecast.components import Kind
from platecast.layers import AXIS_NAMES, Features, Index, LayerStore, RecordStack, StoredLayer
from platecast.records import SHAPE_TYPES, Records
from platecast.viewer._napari._records import (
    RecordPoints,
    RecordShapes,
    RecordTracks,
    RecordVectors,
    refresh_once,
)
from platecast.viewer._napari._sliders import AXIS_LABELS, Sliders

_log = logging.getLogger(__name__)

_NDIM = len(AXIS_LABELS)
_PORTION = 500
"""Shapes that a layer is given at first, in 60 ms. All of 20,000 take 10 s, in which the window is deaf."""
_GROWTH = 8
"""Later portions are this part of what is there: each time, napari visits and draws all shapes anew."""
_MOST_ID = 1_000_000
"""napari makes a table as long as the greatest id of a track; greater ones are counted through."""
_POINT_SIZE_PX = 7
_STYLES: dict[type[Layer], tuple[str, ...]] = {
    Points: ("size", "symbol", "border_width", "border_color", "face_color"),
    Shapes: ("edge_width", "edge_color", "face_color"),
    Vectors: ("edge_color",),
    Tracks: (),
}
"""What each record has for itself in napari, and a user sets for all of them."""
_COLORED = {Points: "face_color", Shapes: "edge_color", Vectors: "edge_color"}
Array = npt.NDArray[Any]


def make_record_layer(layer: StoredLayer, color: str, **common: Any) -> Layer:  # noqa: ANN401 -- napari's own
    """Return a napari layer for records, empty until a `RecordView` fills it.

    Parameters
    ----------
    layer
        Whose records it will show.
    color
        Of what has no colour of its own.
    **common
        Further arguments of napari's layers.
    """
    common |= {"name": layer.name, "axis_labels": AXIS_LABELS}
    if layer.key.kind is Kind.TRACKS:
        made: Layer = RecordTracks(**common)
    elif layer.key.kind is Kind.VECTORS:
        made = RecordVectors(
            np.zeros((0, 2, _NDIM)), ndim=_NDIM, edge_color=color, vector_style="arrow", **common
        )
    elif layer.key.kind is Kind.SHAPES:
        made = RecordShapes(
            ndim=_NDIM, edge_color=color, face_color="transparent", edge_width=1, opacity=1.0, **common
        )
    else:
        made = RecordPoints(
            np.zeros((0, _NDIM)),
            ndim=_NDIM,
            size=_POINT_SIZE_PX,
            face_color="transparent",
            border_color=color,
            border_width=0.15,
            **common,
        )
    # They are the sender's: what a user drew would be gone at the next step of a slider.
    made.editable = False
    return made


def record_settings(layer: Layer) -> dict[str, Any]:
    """Return what a user may have set for all records of a layer; nothing of what differs among them."""
    found = {}
    for name in _styles_of(layer):
        if getattr(layer, f"{name}_mode", "direct") != "direct":
            continue
        values = np.asarray(getattr(layer, name))
        if len(values) and _are_all(values, values[0]):
            found[name] = values[0]
    return found


class RecordView:
    """Keeps a napari layer on the records of the place on screen. For the window's thread.

    Parameters
    ----------
    stored
        Whose records.
    layer
        What `make_record_layer` returned.
    store
        Knows the axes and the features.
    """

    def __init__(self, stored: StoredLayer, layer: Layer, store: LayerStore) -> None:
        self.stored = stored
        self._layer = layer
        self._store = store
        self._shown: object = None
        self._indices: tuple[Index, ...] = ()
        self._style: dict[str, Any] = {}
        self._columns: dict[str, bool] = {}
        """Every column that any place had, and whether it is text: napari drops colours with their column."""
        self._is_colored = False
        self._waiting: list[tuple[Array, str]] = []
        """Shapes that the layer is still to be given, and all features of the place."""
        self._all_features: Features = {}
        layer.lengths = lambda: store.axes.lengths

    def forget(self) -> None:
        """Fill the layer anew when it is followed next: features or records have changed."""
        self._shown = None

    def follow(self, sliders: Sliders) -> None:
        """Show what lies where the sliders stand; does nothing where that is shown already."""
        stack = self.stored.stack
        if not isinstance(stack, RecordStack):
            return
        values = self._store.axes.position(sliders.values)
        lengths = self._store.axes.lengths
        positions = [
            range(length) if name in sliders.wide_axes else (values.get(name, 0),)
            for name, length in zip(AXIS_NAMES, lengths, strict=True)
        ]
        indices = tuple(stack.indices_at(positions))
        records = [found for found in map(stack.plane, indices) if found is not None]
        shown = (indices, records, lengths)
        with sliders.changing():
            if shown != self._shown:
                self._shown, self._indices = shown, indices
                self._fill(stack, records)
            self._lie_at([0 if len(part) > 1 else part[0] for part in positions], stack)

    @property
    def is_filling(self) -> bool:
        """Whether there are more records here than the layer has been given."""
        return bool(self._waiting)

    @property
    def remark(self) -> str:
        """What there is to say of a layer that is being filled."""
        if not self._waiting:
            return ""
        given = len(self._layer.data)
        return f"{given:,} of {given + len(self._waiting):,} shapes"

    def show_more(self, sliders: Sliders) -> None:
        """Give the layer the next of many shapes."""
        size = max(_PORTION, len(self._layer.data) // _GROWTH)
        portion, self._waiting = self._waiting[:size], self._waiting[size:]
        self._style |= record_settings(self._layer)
        with sliders.changing(), refresh_once(self._layer):
            self._layer.add(portion, **self._style)
            self._layer.features = _first(self._all_features, len(self._layer.data))
            self._restore_style()

    def _lie_at(self, position: list[int], stack: RecordStack) -> None:
        """Move the layer along axes on which it does not vary: there it is at every position."""
        varying = set(stack.stacked) | ({"z_index"} if stack.spatial == 3 else set())
        varying |= {"timepoint"} if self.stored.key.kind is Kind.TRACKS else set()
        at = [0 if name in varying else place for name, place in zip(AXIS_NAMES, position, strict=True)]
        translate = np.array(self._layer.translate, float)
        wanted = np.array([*np.multiply(at, self._layer.scale[: len(at)]), *translate[-2:]])
        if not np.array_equal(translate, wanted):
            self._layer.translate = wanted

    def _fill(self, stack: RecordStack, records: list[Records]) -> None:
        coordinates = [stack.coordinates(index) for index in self._indices]
        features = self._features(records)
        layer = self._layer
        self._style |= record_settings(layer)
        with refresh_once(layer):
            if isinstance(layer, RecordTracks):
                layer.put(_track_ids(records), _joined(coordinates, (_NDIM,)), features)
            else:
                if isinstance(layer, Points):
                    layer.selected_data = set()
                data = _data_of(self.stored.key.kind, records, coordinates)
                self._waiting = data[_PORTION:] if self.stored.key.kind is Kind.SHAPES else []
                data, self._all_features = data[: len(data) - len(self._waiting)], features
                features = _first(features, len(data))
                _set_data(layer, data, features)
                self._restore_style()
            self._color(features)

    def _features(self, records: list[Records]) -> Features:
        found = [self._store.features(self.stored, index) for index in self._indices]
        for features in found:
            for name, column in features.items():
                self._columns.setdefault(name, column.dtype.kind == "O")
        joined: Features = {}
        for name, is_text in self._columns.items():
            parts = [
                _column(features.get(name), each.count, is_text)
                for features, each in zip(found, records, strict=True)
            ]
            joined[name] = np.concatenate(parts) if parts else np.empty(0, object if is_text else float)
        return joined

    def _restore_style(self) -> None:
        for name, value in self._style.items():
            now = np.asarray(getattr(self._layer, name))
            is_direct = getattr(self._layer, f"{name}_mode", "direct") == "direct"
            if len(now) and is_direct and not _are_all(now, value):
                setattr(self._layer, name, value)

    def _color(self, features: Mapping[str, Array]) -> None:
        """Colour by the feature that the sender names, once: afterwards the colours are the user's."""
        name = self.stored.display.color_by
        column = None if name is None else features.get(name)
        if self._is_colored or column is None or not len(column):
            return
        self._is_colored = True
        if isinstance(self._layer, Tracks):
            self._layer.color_by = name
            return
        attribute = next(attr for of, attr in _COLORED.items() if isinstance(self._layer, of))
        setattr(self._layer, attribute, name)
        if column.dtype.kind == "f" and np.isnan(column).any() and not np.isnan(column).all():
            limits = (float(np.nanmin(column)), float(np.nanmax(column)))
            setattr(self._layer, f"{attribute.removesuffix('_color')}_contrast_limits", limits)


def _are_all(values: Array, value: Any) -> bool:  # noqa: ANN401 -- an element, or a colour
    """Say whether all values are one; symbols are single objects, and comparing 100,000 takes 150 ms."""
    if values.dtype.kind == "O":
        return set(map(id, values.tolist())) == {id(value)}
    return bool((values == value).all())


def _first(features: Features, count: int) -> Features:
    return {name: column[:count] for name, column in features.items()}


def _styles_of(layer: Layer) -> tuple[str, ...]:
    return next(names for of, names in _STYLES.items() if isinstance(layer, of))


def _joined(parts: list[Array], empty: tuple[int, ...]) -> Array:
    return np.concatenate(parts) if parts else np.zeros((0, *empty), np.float32)


def _column(column: Array | None, count: int, is_text: bool) -> Array:
    if column is None or (column.dtype.kind == "O") != is_text:
        return np.full(count, "", object) if is_text else np.full(count, np.nan)
    return column


def _track_ids(records: list[Records]) -> Array:
    ids = np.concatenate([each.geometry["ids"] for each in records]) if records else np.zeros(0, np.int32)
    if len(ids) and ids.max() > _MOST_ID:
        ids = np.unique(ids, return_inverse=True)[1]
    return ids


def _data_of(kind: Kind, records: list[Records], coordinates: list[Array]) -> Any:  # noqa: ANN401 -- as napari
    if kind is Kind.VECTORS:
        return _joined(coordinates, (2, _NDIM))
    if kind is Kind.POINTS:
        return _joined(coordinates, (_NDIM,))
    return [
        shape for each, placed in zip(records, coordinates, strict=True) for shape in _shapes_of(each, placed)
    ]


def _shapes_of(records: Records, vertices: Array) -> list[tuple[Array, str]]:
    """Return shapes as napari takes them; the holes of a polygon hang on its outline by a seam."""
    rings, shapes = records.geometry["rings"].tolist(), records.geometry["shapes"].tolist()
    found = []
    for number, kind in enumerate(records.geometry["types"].tolist()):
        first, last = shapes[number], shapes[number + 1]
        if last - first == 1:
            outline = vertices[rings[first] : rings[last]]
        else:
            start = vertices[rings[first] : rings[first] + 1]
            parts = []
            for ring in range(first, last):
                own = vertices[rings[ring] : rings[ring + 1]]
                parts += [own, own[:1], start]
            outline = np.concatenate(parts)
        found.append((outline, SHAPE_TYPES[kind]))
    return found


def _set_data(layer: Layer, data: Any, features: Features) -> None:  # noqa: ANN401 -- as napari takes it
    layer.data = data
    layer.features = features
