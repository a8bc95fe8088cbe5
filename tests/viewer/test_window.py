"""A real window: pixels, the warm-up, and every way to close it."""

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QLabel

from platecast.components import Components, Kind, PlaneId, PlateLayout
from platecast.config import Display
from platecast.viewer._inbox._arrivals import Dropped
from platecast.viewer._napari._private import on_composed


@pytest.fixture
def open_window(screen, qtbot, inbox):
    from platecast.viewer._window import open_window

    opened = []

    def open_one(**options):
        opened.append(open_window("a title", 5555, inbox, **options))
        return opened[-1]

    yield open_one
    for window in opened:
        window.close()
        qtbot.waitUntil(lambda shut=window: shut.session._is_stopped)


@pytest.fixture
def window(open_window):
    window = open_window(warm_up=False)
    window.start()
    return window


@pytest.fixture
def ask(qtbot, inbox):
    """Return a function that sends a command to a window and waits for the answer."""

    def ask(window, name, **args):
        answers = inbox.command(name, **args)
        window.wake()
        qtbot.waitUntil(lambda: bool(answers), timeout=20_000)
        return answers[0]

    return ask


def centre_of(picture):
    """Return red, green and blue in the middle of a PNG picture."""
    image = QImage.fromData(picture)
    assert not image.isNull()
    color = image.pixelColor(image.width() // 2, image.height() // 2)
    return color.red(), color.green(), color.blue()


def test_what_arrived_is_on_screen(window, inbox, ask):
    inbox.plane(60000, shape=(64, 64), contrast=(0.0, 60000.0), well="B02", channel="DAPI")
    inbox.plane(0, shape=(64, 64), contrast=(0.0, 60000.0), well="C03", channel="DAPI")
    ask(window, "layers")

    def centre():
        return centre_of(ask(window, "screenshot", canvas_only=True)[1][0])

    assert min(centre()) > 200
    inbox.plane(0, shape=(64, 64), well="B02", channel="DAPI")
    assert max(centre()) < 50, "a plane replaced on screen is seen in the next picture"
    inbox.plane(60000, shape=(64, 64), well="A01", channel="DAPI")
    assert max(centre()) < 50, "an axis that grew in front must not change what is on screen"
    ask(window, "goto", well="A01")
    assert min(centre()) > 200


def test_labels_are_seen_over_images(window, inbox, ask):
    inbox.plane(0, shape=(64, 64), contrast=(0.0, 1.0), well="A01")
    inbox.plane(3, shape=(64, 64), dtype="uint8", kind=Kind.LABELS, well="A01")
    red, green, blue = centre_of(ask(window, "screenshot", canvas_only=True)[1][0])
    assert max(red, green, blue) > 60


def is_hatched(picture):
    """Whether orange stripes lie in the middle: more than one colour, red above blue."""
    image = QImage.fromData(picture)
    middle, centre = image.height() // 2, image.width() // 2
    colors = [image.pixelColor(x, middle) for x in range(centre - 60, centre + 60)]
    return len({color.red() for color in colors}) > 1 and max(c.red() - c.blue() for c in colors) > 40


def test_a_missing_plane_is_not_black(window, inbox, ask):
    for well, channel in (("A01", "DAPI"), ("B01", "DAPI"), ("A01", "GFP")):
        inbox.plane(0, shape=(64, 64), contrast=(0.0, 1.0), well=well, channel=channel)
    inbox.plane(0, shape=(64, 64), contrast=(0.0, 1.0), well="A01", site=2)

    def look(**place):
        ask(window, "goto", **place)
        return ask(window, "screenshot", canvas_only=True)[1][0]

    status = window.viewer.window._qt_window.statusBar()
    label = next(each for each in status.findChildren(QLabel) if each.objectName() == "missing planes")
    assert not is_hatched(look(well="A01")), "dark data is dark"
    assert not label.isVisible()
    assert not is_hatched(look(well="B01")), "another layer has a plane: only the rim is hatched"
    assert label.text() == "No image here: Channel_GFP, Image"
    window.viewer.layers["Channel_DAPI"].visible = False
    assert is_hatched(look(well="B01"))
    inbox.plane(0, shape=(64, 64), well="B01", channel="GFP")
    inbox.plane(0, shape=(64, 64), well="B01", site=2)
    assert not is_hatched(look(well="B01")), "what arrives is seen at once"
    assert not label.isVisible()


def test_pixel_size(window, inbox, ask):
    inbox.waiting.append(PlateLayout(pixel_size_um=0.5))
    inbox.plane(1, shape=(64, 64), well="A01")
    ask(window, "layers")
    image = window.viewer.layers[0]
    assert tuple(image.scale) == (1, 1, 1, 1, 1, 0.5, 0.5)
    assert [str(unit) for unit in image.units[-2:]] == ["micrometer"] * 2
    assert window.viewer.canvas.overlays.scale_bar.visible
    inbox.waiting.append(PlateLayout(pixel_size_um=0.25, z_step_um=2.0))
    inbox.plane(1, shape=(64, 64), well="A01", z_index=3)
    ask(window, "layers")
    assert {tuple(layer.scale) for layer in window.viewer.layers} == {(1, 1, 1, 1, 2, 0.25, 0.25)}
    assert [str(unit) for unit in window.viewer.layers.extent.units[-3:]] == ["micrometer"] * 3


def test_a_picture_of_the_whole_window(window, ask):
    answer, (picture,) = ask(window, "screenshot")
    assert answer == {"format": "png"}
    assert picture.startswith(b"\x89PNG")
    size = QImage.fromData(picture).size()
    canvas = QImage.fromData(ask(window, "screenshot", canvas_only=True)[1][0]).size()
    assert size.width() > canvas.width()
    assert window.viewer.title == "a title"


def test_read_returns_what_was_sent(window, inbox, ask):
    sent = np.random.default_rng(0).integers(0, 65535, (32, 48)).astype(np.uint16)
    inbox.plane(sent.copy(), well="A01", channel="DAPI")
    answer, (blob,) = ask(window, "read", layer="Channel_DAPI", well="A01")
    np.testing.assert_array_equal(np.frombuffer(blob, answer["dtype"]).reshape(answer["shape"]), sent)


def test_removing_a_shapes_layer_does_not_end_the_process(window, inbox, ask):
    inbox.plane(5, shape=(64, 64), well="A01")
    ask(window, "layers")
    for _ in range(2):
        window.viewer.add_shapes([np.array([[0.0, 0.0], [0.0, 9.0], [9.0, 9.0]])], shape_type="polygon")
        ask(window, "screenshot", canvas_only=True)
        window.viewer.layers.pop()
        ask(window, "screenshot", canvas_only=True)


def test_warm_up_leaves_nothing(qtbot, open_window):
    window = open_window()
    seen = []
    window.viewer.layers.events.inserted.connect(lambda event: seen.append(type(event.value).__name__))
    window.start()
    qtbot.waitUntil(lambda: not window._warming._timer.isActive(), timeout=20_000)
    assert seen == ["Image", "Labels"]
    assert len(window.viewer.layers) == 0
    assert window.viewer.canvas.overlays.text.text == "Waiting for images on port 5555"


def test_warm_up_is_not_spoken_of(qtbot, open_window):
    window = open_window()
    window.start()
    qtbot.waitUntil(lambda: not window._warming._timer.isActive(), timeout=20_000)
    # As napari's own thread may do once the layer has gone.
    window.viewer.status = "warming up [0, 0]: 0"
    assert window.viewer.status == "Ready"


def test_warm_up_gives_way_to_images(qtbot, open_window, inbox):
    window = open_window()
    inbox.plane(well="B02")
    inbox.plane(well="A01")
    window.start()
    qtbot.waitUntil(lambda: not window._warming._timer.isActive(), timeout=20_000)
    assert [layer.name for layer in window.viewer.layers] == ["Image"]
    assert window.viewer.canvas.overlays.text.text == "Well B02"


def test_the_picture_goes_before_the_widgets_around_it(qtbot, window, inbox):
    parts = window.viewer.window._qt_viewer
    seen = []

    def look():
        if window.viewer.layers:
            seen.append((parts.dims.isVisible(), len(parts.controls.widgets)))

    on_composed(window.viewer, look)
    for well in ("A01", "A02"):
        for channel in ("DAPI", "GFP"):
            inbox.plane(1, shape=(64, 64), well=well, channel=channel)
    window.wake()
    qtbot.waitUntil(lambda: len(window.viewer.layers) == 2)
    qtbot.waitUntil(lambda: parts.dims.isVisible() and bool(parts.controls.widgets))
    assert seen[0] == (False, 0)
    first, last = window.viewer.layers
    window.viewer.layers.selection.active = first
    qtbot.waitUntil(lambda: parts.controls.currentWidget() is parts.controls.widgets[first])
    window.viewer.layers.selection.active = last
    assert parts.controls.currentWidget() is parts.controls.widgets[last], "made before: shown at once"
    window.viewer.layers.clear()
    assert not parts.dims.isVisible()
    assert not parts.controls.widgets
    assert parts.controls.currentWidget() is parts.controls.empty_widget


def test_a_tall_image_is_seen_whole_beside_the_sliders_that_come_after_it(qtbot, window, inbox, ask):
    inbox.waiting.append(PlateLayout(well=("A01", "A02"), site=(1, 2), z_index=(1, 2), timepoint=(1, 2)))
    inbox.plane(60000, shape=(900, 300), contrast=(0.0, 60000.0), well="A01", site=1, channel=1)
    sliders = window.viewer.window._qt_viewer.dims
    window.wake()
    qtbot.waitUntil(lambda: not sliders.isHidden(), timeout=20_000)
    image = QImage.fromData(ask(window, "screenshot", canvas_only=True)[1][0])
    middle = image.width() // 2
    levels = [
        image.pixelColor(middle, row).lightness() for row in (0, image.height() // 2, image.height() - 1)
    ]
    assert levels[1] > 200
    assert max(levels[0], levels[2]) < 50, "there is black above and below the image"


def test_controls_are_in_a_picture_that_is_asked_for(window, inbox, ask):
    inbox.plane(1, shape=(64, 64), well="A01")
    ask(window, "screenshot")
    (layer,) = window.viewer.layers
    parts = window.viewer.window._qt_viewer
    assert parts.controls.currentWidget() is parts.controls.widgets[layer]
    assert parts.dims.isVisible()


def test_the_map_is_up_to_date_in_a_picture_that_is_asked_for(window, inbox, ask):
    from platecast.viewer._controls._plate_map import PlateMap

    plate_map = window.viewer.window._qt_window.findChild(PlateMap)
    for well in ("A01", "B02"):
        inbox.plane(3, well=well, shape=(32, 32))
    ask(window, "screenshot")
    assert plate_map.text == "2 arrived"


def test_quit_closes_the_window(qtbot, window, ask):
    assert ask(window, "quit") == ({"quitting": True}, [])
    qtbot.waitUntil(lambda: window._is_closed)


def test_a_window_the_user_closes_takes_nothing_more(qtbot, window, inbox):
    window.viewer.window._qt_window.close()
    qtbot.waitUntil(lambda: window.session._is_stopped)
    inbox.plane(well="A01")
    window.wake()
    qtbot.waitUntil(lambda: not window.session._is_awake)
    assert inbox.outcomes == {}


def test_run_returns_when_the_window_is_closed(open_window):
    window = open_window(warm_up=False)
    QTimer.singleShot(0, window.close)
    assert window.run() == 0
    assert window._is_closed


def test_a_dropped_plane_says_so(window, inbox, ask, tmp_path):
    inbox.plane(0, shape=(64, 64), contrast=(0.0, 1.0), well="A01", channel="DAPI")
    inbox.waiting.append(
        Dropped(PlaneId(components=Components(well="A02", channel="DAPI")), Display(), "no room")
    )
    inbox.failure("no disk", well="A03", channel="DAPI")

    def look(well):
        ask(window, "goto", well=well)
        picture = ask(window, "screenshot", canvas_only=True)[1][0]
        (tmp_path / f"{well}.png").write_bytes(picture)
        return picture, window.viewer.canvas.overlays.text.text

    picture, text = look("A02")
    assert text == "Well A02 · dropped: no room"
    assert not is_hatched(picture), "other stripes, in another colour"
    (tmp_path / "window.png").write_bytes(ask(window, "screenshot")[1][0])
    picture, text = look("A03")
    assert text == "Well A03 · failed: no disk"
    assert is_hatched(picture)
    inbox.plane(0, shape=(64, 64), well="A02", channel="DAPI")
    assert look("A02")[1] == "Well A02"
