"""From a stream through the receiver into a real window: what its user sets, and what is seen meanwhile."""

import threading
import time

import numpy as np
import pytest
from napari.utils.colormaps import DirectLabelColormap

from platecast.components import Kind
from tests.receiving import viewer_on
from tests.sending import end_links, open_stream

WELLS = [f"{row}{column:02d}" for row in "ABCDEFGH" for column in (2, 4, 6, 8)]


@pytest.fixture
def viewer(free_port):
    with viewer_on(free_port, takes=False) as viewer:
        yield viewer


@pytest.fixture
def window(screen, qtbot, viewer):
    from platecast.viewer._window import open_window

    window = open_window("a title", viewer.port, viewer.receiver, warm_up=False)
    viewer.receiver.on_work = window.wake
    window.start()
    yield window
    window.close()
    qtbot.waitUntil(lambda: window.session._is_stopped)


@pytest.fixture
def in_thread():
    """Return a function that runs another one beside the window's loop."""
    threads = []

    def run(function):
        threads.append(threading.Thread(target=function, name="test-sender"))
        threads[-1].start()
        return threads[-1]

    yield run
    for thread in threads:
        thread.join(30)
    end_links()


def image_settings(layer):
    return {
        "name": layer.name,
        "contrast": tuple(layer.contrast_limits),
        "contrast range": tuple(layer.contrast_limits_range),
        "gamma": layer.gamma,
        "colormap": layer.colormap.name,
        "opacity": layer.opacity,
        "blending": layer.blending,
        "interpolation": layer.interpolation2d,
        "visible": layer.visible,
    }


def labels_settings(layer):
    return {
        "name": layer.name,
        "opacity": layer.opacity,
        "visible": layer.visible,
        "contour": layer.contour,
        "selected label": layer.selected_label,
        "show selected": layer.show_selected_label,
        "color mode": layer.colormap,
        "mode": str(layer.mode),
        "brush size": layer.brush_size,
    }


def settings_of(viewer, canvas):
    camera = viewer.scene.camera
    return {
        "order": [layer.name for layer in viewer.layers],
        "identity": {id(layer) for layer in viewer.layers},
        "selection": {layer.name for layer in viewer.layers.selection},
        "images": [image_settings(layer) for layer in viewer.layers if hasattr(layer, "gamma")],
        "labels": [labels_settings(layer) for layer in viewer.layers if hasattr(layer, "contour")],
        "camera": (tuple(camera.center), camera.zoom, tuple(camera.angles)),
        "sliders": canvas.values_on_screen(),
        "text": (viewer.canvas.overlays.text.font_size, viewer.canvas.overlays.text.position),
        "theme": viewer.theme,
    }


def set_everything(viewer, canvas):
    dapi, gfp, labels = (viewer.layers[name] for name in ("Channel_DAPI", "Channel_GFP", "Image_labels"))
    dapi.contrast_limits = (12, 345)
    dapi.gamma = 0.7
    dapi.colormap = "fire"
    dapi.opacity = 0.6
    dapi.blending = "translucent"
    dapi.interpolation2d = "linear"
    gfp.visible = False
    gfp.name = "mine"
    gfp.contrast_limits_range = (0, 5000)
    labels.opacity = 0.9
    labels.contour = 2
    labels.selected_label = 5
    labels.show_selected_label = True
    labels.colormap = DirectLabelColormap(color_dict={1: "red", 5: "green", None: "black"})
    labels.brush_size = 3
    viewer.layers.move(0, 3)
    viewer.layers.selection = {gfp, labels}
    viewer.scene.camera.center = (0.0, 3.0, 4.0)
    viewer.scene.camera.zoom = 7.5
    viewer.canvas.overlays.text.font_size = 20
    viewer.canvas.overlays.text.position = "bottom_right"
    canvas.go_to({"well": "C04", "z_index": 2})


def send(port, wells, z_indices, rounds):
    rng = np.random.default_rng(0)
    with open_stream(port, config={"when_full": "block", "replace_layers": True}) as stream:
        for number in range(rounds):
            for well in wells:
                for z_index in z_indices:
                    for channel in ("DAPI", "GFP"):
                        image = rng.integers(0, 900, (16, 16)).astype(np.uint16)
                        stream.send(image, well=well, channel=channel, z_index=z_index)
                    labels = np.full((16, 16), number % 9, np.uint16)
                    stream.send(labels, kind=Kind.LABELS, well=well, z_index=z_index)
        report = stream.flush(60)
    assert report.dropped == report.failed == 0


@pytest.mark.timeout(180)
def test_what_the_user_set_survives_10000_updates(qtbot, viewer, window, in_thread):
    beside = in_thread(lambda: send(viewer.port, WELLS[:4], (1, 2), 1))
    qtbot.waitUntil(lambda: not beside.is_alive() and len(window.viewer.layers) == 3, timeout=30_000)
    canvas = window.session._canvas
    beside = in_thread(lambda: send(viewer.port, ["C04"], (2,), 1))
    qtbot.waitUntil(lambda: not beside.is_alive(), timeout=30_000)
    set_everything(window.viewer, canvas)
    before = settings_of(window.viewer, canvas)
    shown_before = viewer.receiver.ledger().sent
    # New wells and slices come between the old ones: every slider gets longer while it stands.
    beside = in_thread(lambda: send(viewer.port, WELLS, (0, 1, 2, 3), 27))
    qtbot.waitUntil(lambda: not beside.is_alive(), timeout=150_000)
    assert viewer.receiver.ledger().sent - shown_before > 10_000
    assert settings_of(window.viewer, canvas) == before
    assert len(window.session._store.axes.values("well")) == len(WELLS)


def test_the_first_plane_is_seen_while_more_keep_coming(qtbot, viewer, window, in_thread):
    """Nothing waits for a pause: the stream goes on until the picture has been looked at."""
    is_seen = threading.Event()
    image = np.indices((64, 64)).sum(axis=0).astype(np.uint16)

    def send_on():
        with open_stream(viewer.port) as stream:
            number = 0
            while not is_seen.is_set():
                number += 1
                stream.send(image, well=WELLS[number % 32], z_index=number % 50)
                time.sleep(0.0005)

    from platecast.viewer._napari._private import on_composed

    composed = []
    on_composed(window.viewer, lambda: composed.append(len(window.viewer.layers)))
    beside = in_thread(send_on)
    try:
        qtbot.waitUntil(lambda: 1 in composed, timeout=20_000)
        before = viewer.receiver.ledger().sent
        picture = window.viewer.screenshot(canvas_only=True, flash=False)
        assert picture[picture.shape[0] // 2, picture.shape[1] // 2, :3].max() > 100
        qtbot.waitUntil(lambda: viewer.receiver.ledger().sent > before)
    finally:
        is_seen.set()
    qtbot.waitUntil(lambda: not beside.is_alive(), timeout=20_000)


def test_a_frozen_window_says_so_and_thaws(qtbot, viewer, window, in_thread):
    """`ping` is answered meanwhile, by the age of the window's own loop."""
    qtbot.waitUntil(lambda: viewer.status()["state"] == "ready")
    answers = []

    def look():
        answers.append(viewer.status())

    time.sleep(1.2)  # what freezes a window: its own thread does something else
    beside = in_thread(look)
    beside.join(10)
    assert answers[0]["state"] == "busy"
    assert answers[0]["gui_age_s"] > 1.0
    beside = in_thread(lambda: send(viewer.port, ["A02"], (1,), 1))
    qtbot.waitUntil(lambda: not beside.is_alive() and len(window.viewer.layers) == 3, timeout=20_000)
    qtbot.waitUntil(lambda: viewer.status()["state"] == "ready")
