"""Layers of points, shapes, tracks and vectors: the records on screen, in the place of nobody else's."""

import numpy as np
import pytest
from napari.layers import Labels, Points, Shapes, Tracks, Vectors

from platecast.components import Components, Kind, PlaneId
from platecast.config import Display, NapariPolygons
from platecast.records import make_records
from platecast.viewer._inbox._arrivals import Arrival, Ticket
from platecast.viewer._session._session import Session

WELLS = ("A01", "A02", "B01")
SHAPES = NapariPolygons.SHAPES


@pytest.fixture
def file(napari_canvas, store):
    """File records as the session would."""

    def file(kind, data, *, features=None, display=None, step=None, **components):
        records = make_records(data, kind, features=features)
        plane = PlaneId(components=Components(**components), kind=kind, step=step)
        if kind is Kind.TABLE:
            store.put_table(plane, display or Display(), records, None)
            napari_canvas.features_changed([plane.components])
            return None
        placement = store.put(plane, display or Display(), records, None, None)
        if placement.grown:
            napari_canvas.axes_changed()
        if placement.created:
            napari_canvas.add_layer(placement.layer, placement.index)
        else:
            napari_canvas.refresh([placement.layer])
        return placement

    return file


def triangles(value, count=2):
    return [[[value, k], [value, k + 4], [value + 4, k]] for k in range(count)]


def made(kind, value, count):
    """Return data of a kind in which every record says its well."""
    if kind is Kind.POINTS:
        return np.column_stack((np.full(count, float(value)), np.arange(count)))
    if kind is Kind.VECTORS:
        return np.stack((made(Kind.POINTS, value, count), np.ones((count, 2))), axis=1)
    if kind is Kind.TRACKS:
        return np.column_stack((np.arange(count), np.zeros(count), made(Kind.POINTS, value, count)))
    return triangles(value, count)


def shown(layer):
    """Return y of the first vertex of every record that napari draws, whatever it holds."""
    if isinstance(layer, Points):
        return layer._view_data[:, 0].tolist()
    if isinstance(layer, Vectors):
        return layer._view_data[:, 0, 0].tolist()
    if isinstance(layer, Tracks):
        return layer._view_data[:, 1].tolist()
    visible = layer._data_view._displayed if hasattr(layer._data_view, "_displayed") else None
    assert visible is not None
    return [float(data[0, -2]) for data, is_seen in zip(layer.data, visible, strict=True) if is_seen]


KINDS = {
    Kind.POINTS: Points,
    Kind.SHAPES: Shapes,
    Kind.TRACKS: Tracks,
    Kind.VECTORS: Vectors,
}


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_records_of_the_well_on_screen_are_drawn(kind, model, napari_canvas, file, file_plane):
    for value, well in enumerate(WELLS, start=1):
        file_plane(napari_canvas, value, shape=(32, 32), well=well)
        file(kind, made(kind, value * 10, value + 1), well=well, display=Display(polygons=SHAPES))
    (layer,) = (layer for layer in model.layers if isinstance(layer, KINDS[kind]))
    assert layer.ndim == 7
    assert model.dims.nsteps[:2] == (3, 1)
    for value, well in enumerate(WELLS, start=1):
        napari_canvas.go_to({"well": well})
        assert shown(layer) == [value * 10.0] * (value + 1)
    model.dims.current_step = (0, *model.dims.current_step[1:])
    assert shown(layer) == [10.0] * 2, "napari's own slider moves them, too"
    assert len([each for each in model.layers if isinstance(each, KINDS[kind])]) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_records_alone_have_sliders(kind, model, napari_canvas, file):
    for value, well in enumerate(WELLS, start=1):
        file(kind, made(kind, value, 1), well=well, site=value, display=Display(polygons=SHAPES))
    assert model.dims.nsteps[:5] == (3, 3, 1, 1, 1)
    (layer,) = model.layers
    napari_canvas.go_to({"well": "B01", "site": 3})
    assert shown(layer) == [3.0]
    napari_canvas.go_to({"site": 1})
    assert [value for value in shown(layer) if value] == [], "nothing of another site"


@pytest.mark.parametrize("kind", KINDS)
def test_sent_again_it_replaces_what_was_there(kind, model, file):
    file(kind, made(kind, 5, 3), well="A01", display=Display(polygons=SHAPES))
    (layer,) = model.layers
    file(kind, made(kind, 7, 5), well="A01", display=Display(polygons=SHAPES))
    assert list(model.layers) == [layer]
    assert shown(layer) == [7.0] * 5
    file(kind, [], well="A01", display=Display(polygons=SHAPES))
    assert [value for value in shown(layer) if value] == []


def test_records_without_z_lie_on_every_slice(model, napari_canvas, file, file_plane):
    for z in (0, 3, 7):
        file_plane(napari_canvas, shape=(32, 32), well="A01", z_index=z)
    file(Kind.POINTS, [[4.0, 5.0]], well="A01")
    layer = next(layer for layer in model.layers if isinstance(layer, Points))
    for z in (0, 3, 7):
        napari_canvas.go_to({"z_index": z})
        assert shown(layer) == [4.0]


def test_records_of_slices_are_all_there_in_3d(model, napari_canvas, file, file_plane):
    for place, z in enumerate((2, 4)):
        file_plane(napari_canvas, shape=(32, 32), well="A01", z_index=z)
        file(Kind.POINTS, [[float(z), 0.0]], well="A01", z_index=z)
        layer = next(layer for layer in model.layers if isinstance(layer, Points))
        napari_canvas.go_to({"z_index": z})
        assert shown(layer) == [float(z)]
        assert layer.data[:, 4].tolist() == [float(place)]
    model.dims.ndisplay = 3
    assert sorted(layer.data[:, 4].tolist()) == [0.0, 1.0]
    assert len(layer._view_data) == 2
    model.dims.ndisplay = 2
    assert len(layer.data) == 1


def test_tracks_follow_the_time_on_screen(model, napari_canvas, file, file_plane):
    for timepoint in (0, 2, 4):
        file_plane(napari_canvas, shape=(32, 32), well="A01", timepoint=timepoint)
    file(Kind.TRACKS, [[3, 0, 1, 1], [3, 2, 2, 2], [3, 4, 3, 3]], well="A01")
    layer = next(layer for layer in model.layers if isinstance(layer, Tracks))
    for place, timepoint in enumerate((0, 2, 4)):
        napari_canvas.go_to({"timepoint": timepoint})
        assert layer.current_time == place
    assert layer.use_fade
    assert layer.get_value((0, 0, 0, 1, 0, 2, 2), world=True) == 3


def test_what_the_user_set_survives_wells_and_resends(model, napari_canvas, file):
    for value, well in enumerate(WELLS[:2], start=1):
        file(
            Kind.POINTS,
            made(Kind.POINTS, value, value * 3),
            features={"a": np.arange(value * 3.0)},
            well=well,
        )
    (layer,) = model.layers
    layer.size, layer.symbol, layer.face_color, layer.opacity = 21, "square", "red", 0.4
    napari_canvas.go_to({"well": "A02"})
    file(Kind.POINTS, made(Kind.POINTS, 5, 9), features={"a": np.arange(9.0)}, well="A02")
    file(Kind.POINTS, [], features={"a": []}, well="A02")
    file(Kind.POINTS, made(Kind.POINTS, 5, 4), features={"a": np.arange(4.0)}, well="A02")
    assert layer.size.tolist() == [21] * 4
    assert {str(symbol) for symbol in layer.symbol} == {"square"}
    assert (layer.face_color == [1, 0, 0, 1]).all()
    assert layer.opacity == 0.4
    assert layer.features["a"].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_colours_by_a_feature_stay_with_it(model, napari_canvas, file):
    display = Display(color_by="a")
    file(
        Kind.POINTS, made(Kind.POINTS, 1, 3), features={"a": [0.0, 0.5, np.nan]}, well="A01", display=display
    )
    file(Kind.POINTS, made(Kind.POINTS, 2, 2), well="A02", display=display)
    (layer,) = model.layers
    assert layer.face_color_mode == "colormap"
    napari_canvas.go_to({"well": "A02"})
    assert np.isnan(layer.features["a"]).all(), "A02 has none"
    napari_canvas.go_to({"well": "A01"})
    assert layer.face_color_mode == "colormap"
    assert not np.array_equal(layer.face_color[0], layer.face_color[1])


def test_a_hidden_layer_is_filled_when_it_is_shown(model, napari_canvas, file):
    for value, well in enumerate(WELLS, start=1):
        file(Kind.POINTS, made(Kind.POINTS, value, 1), well=well)
    (layer,) = model.layers
    layer.visible = False
    napari_canvas.go_to({"well": "B01"})
    layer.visible = True
    assert shown(layer) == [3.0]


def test_a_table_becomes_the_features_and_colours_of_labels(model, napari_canvas, file, file_plane, store):
    display = Display(color_by="area")
    for well in WELLS[:2]:
        file_plane(napari_canvas, 1, kind=Kind.LABELS, dtype="uint8", well=well, display=display)
    (layer,) = model.layers
    assert isinstance(layer, Labels)
    file(Kind.TABLE, {"label": [1, 2], "area": [10.0, 30.0]}, well="A01")
    file(Kind.TABLE, {"label": [1], "area": [20.0]}, well="A02")
    assert layer.features["area"].tolist() == [10.0, 30.0]
    low, high = layer.colormap.map(np.array([1, 2], np.uint8))
    assert not np.array_equal(low, high)
    napari_canvas.go_to({"well": "A02"})
    assert layer.features["area"].tolist() == [20.0]
    assert not np.array_equal(layer.colormap.map(np.array([1], np.uint8))[0], low)
    layer.colormap = mine = layer.colormap.__class__(color_dict={None: "red"})
    napari_canvas.go_to({"well": "A01"})
    assert layer.colormap is mine, "the user's colours"


def test_holes_of_shapes_hang_on_their_outline(model, file):
    outline, hole = [[0, 0], [0, 9], [9, 9], [9, 0]], [[2, 2], [2, 4], [4, 4]]
    file(Kind.SHAPES, [[outline, hole]], well="A01", display=Display(polygons=SHAPES))
    (layer,) = model.layers
    assert layer.data[0][:, -2:].tolist() == [*outline, [0, 0], [0, 0], *hole, [2, 2], [0, 0]]


def test_great_ids_of_tracks_are_counted_through(model, file):
    file(Kind.TRACKS, [[2**31 - 1, 0, 1, 1], [5, 0, 2, 2]], well="A01")
    (layer,) = model.layers
    assert sorted(layer.data[:, 0].tolist()) == [0.0, 1.0]


def test_records_lie_above_labels_and_images(model, napari_canvas, file, file_plane):
    file(Kind.POINTS, [[1, 1]], well="A01")
    file_plane(napari_canvas, kind=Kind.LABELS, dtype="uint8", well="A01")
    file_plane(napari_canvas, well="A01")
    assert [type(layer).__name__ for layer in model.layers][:2] == ["PlaneImage", "PlaneLabels"]
    assert isinstance(model.layers[2], Points)


def test_other_components_become_layers_of_records(model, napari_canvas, store, file):
    for value, well in enumerate(WELLS, start=1):
        file(Kind.POINTS, made(Kind.POINTS, value, 1), well=well)
    for layer in napari_canvas.regroup(store.regroup(["well"])):
        napari_canvas.add_layer(layer, layer.stack.indices[0])
    assert len(model.layers) == 3
    assert [layer.data[0, -2] for layer in model.layers if layer.visible] == [1.0]
    napari_canvas.go_to({"well": "B01"})
    assert [shown(layer) for layer in model.layers if layer.visible] == [[3.0]]


@pytest.mark.parametrize("kind", [Kind.POINTS, Kind.VECTORS])
def test_fewer_records_are_never_looked_up_by_the_numbers_of_more(kind, model, file):
    file(kind, made(kind, 1, 50), features={"a": np.arange(50.0)}, well="A01")
    (layer,) = model.layers
    seen = []
    # What draws a layer looks in the middle of its changes, and must find what is there.
    for event in (layer.events.features, layer.events.data):
        event.connect(lambda _: seen.append(len(layer._view_data)))
    for count in (3, 20, 0, 5):
        file(kind, made(kind, 1, count), features={"a": np.arange(float(count))}, well="A01")
        assert len(layer._view_data) == count
    assert seen


def test_many_shapes_are_shown_in_portions(model, napari_canvas, file, file_plane):
    asked = []
    napari_canvas.on_more = lambda: asked.append("more")
    for well in ("A01", "A02"):
        file_plane(napari_canvas, well=well)
    display = Display(polygons=SHAPES)
    features = {"area": np.arange(1200.0)}
    file(Kind.SHAPES, triangles(5, 1200), well="A01", display=display, features=features)
    (layer,) = (layer for layer in model.layers if isinstance(layer, Shapes))
    assert len(layer.data) == 500
    assert asked
    assert model.canvas.overlays.text.text.endswith("500 of 1,200 shapes")
    layer.edge_color = "red"
    layer.edge_width = 3
    assert napari_canvas.show_more()
    assert not napari_canvas.show_more()
    assert len(layer.data) == len(layer.features) == 1200
    np.testing.assert_array_equal(layer.features["area"], features["area"])
    assert np.unique(layer.edge_color, axis=0).tolist() == [[1, 0, 0, 1]]
    assert set(layer.edge_width) == {3}
    assert "shapes" not in model.canvas.overlays.text.text


def test_shapes_of_another_place_are_not_waited_for(model, napari_canvas, file, file_plane):
    for well in ("A01", "A02"):
        file_plane(napari_canvas, well=well)
    display = Display(polygons=SHAPES)
    file(Kind.SHAPES, triangles(5, 1200), well="A01", display=display)
    file(Kind.SHAPES, triangles(7, 3), well="A02", display=display)
    (layer,) = (layer for layer in model.layers if isinstance(layer, Shapes))
    napari_canvas.go_to({"well": "A02"})
    assert not napari_canvas.show_more()
    assert shown(layer) == [7.0] * 3
    napari_canvas.go_to({"well": "A01"})
    while napari_canvas.show_more():
        pass
    assert len(shown(layer)) == 1200


def test_a_session_shows_all_of_many_shapes_and_stays_alive(qtbot, inbox, store, napari_canvas, model):
    session = Session(inbox, store, napari_canvas)
    napari_canvas.on_more = session.wake
    session.start()
    inbox.plane(well="A01")
    shapes = make_records(triangles(5, 1600), Kind.SHAPES)
    plane = PlaneId(components=Components(well="A01"), kind=Kind.SHAPES)
    inbox.waiting.append(Arrival(plane, Display(polygons=SHAPES), shapes, None, Ticket(b"sender", 2)))
    answers = inbox.command("layers")
    session.wake()
    qtbot.waitUntil(lambda: bool(answers))
    filling = [layer["filling"] for layer in answers[0][0]["layers"] if layer["kind"] == "shapes"]
    assert filling == [True], "commands are answered meanwhile"
    qtbot.waitUntil(lambda: any(len(layer.data) == 1600 for layer in model.layers))
    session.stop()
