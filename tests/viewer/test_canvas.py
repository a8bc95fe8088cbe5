"""What every canvas must do."""

import pytest

from platecast.layers import positions_of


@pytest.fixture(params=["recording_canvas", "napari_canvas"])
def canvas(request):
    return request.getfixturevalue(request.param)


def test_stands_on_the_first_plane(canvas, file_plane):
    placed = file_plane(canvas, well="B02", site=3)
    assert canvas.values_on_screen() == {"well": "B02", "site": 3}
    assert canvas.is_on_screen(placed.layer, placed.index)


def test_keeps_the_values_on_screen_when_axes_grow(canvas, file_plane):
    file_plane(canvas, well="B02", channel=1)
    other = file_plane(canvas, well="A01", channel=1)
    file_plane(canvas, well="C01", channel=2)
    assert canvas.values_on_screen() == {"well": "B02"}
    assert not canvas.is_on_screen(other.layer, other.index)


def test_goes_where_it_is_told(canvas, file_plane):
    file_plane(canvas, well="A01")
    other = file_plane(canvas, well="B02")
    canvas.go_to({"well": "B02"})
    assert canvas.values_on_screen() == {"well": "B02"}
    assert canvas.is_on_screen(other.layer, other.index)
    with pytest.raises(LookupError, match="C03"):
        canvas.go_to({"well": "C03"})
    assert canvas.values_on_screen() == {"well": "B02"}


def test_a_plane_that_does_not_vary_is_everywhere(canvas, file_plane):
    file_plane(canvas, well="A01", z_index=0)
    projection = file_plane(canvas, well="A01")
    file_plane(canvas, well="A01", z_index=7)
    canvas.go_to({"z_index": 7})
    assert canvas.is_on_screen(projection.layer, projection.index)


def test_reads_what_is_shown(canvas, file_plane, store):
    file_plane(canvas, 5, well="B02")
    placed = file_plane(canvas, 7, well="A01")
    position = positions_of(placed.layer, placed.index, store.axes)
    assert (canvas.read(placed.layer, position) == 7).all()


def test_takes_over_a_new_name(canvas, file_plane):
    file_plane(canvas, channel="DAPI")
    file_plane(canvas, channel="DAPI", z_index=0)
    assert set(canvas.names()) == {"Channel_DAPI_projection", "Channel_DAPI"}


def test_a_removed_layer_leaves_the_store(canvas, file_plane, store):
    placed = file_plane(canvas, well="A01")
    canvas.remove([placed.layer])
    assert canvas.names() == {}
    assert store.layers == ()


def test_state(canvas, file_plane):
    placed = file_plane(canvas, well="A01")
    assert {"visible": True, "opacity": 1.0}.items() <= canvas.state(placed.layer).items()


def test_follow_goes_to_a_plane_and_says_whether_that_moved(canvas, file_plane):
    file_plane(canvas, well="A01")
    newest = file_plane(canvas, well="B02")
    assert canvas.follow(newest.layer, newest.index)
    assert canvas.values_on_screen() == {"well": "B02"}
    assert not canvas.follow(newest.layer, newest.index)
