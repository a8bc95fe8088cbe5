"""Real plates, pixel for pixel: every image is in the right layer at the right index, and nothing else is."""

import json

import numpy as np
import pytest

pytest.importorskip("tifffile", reason="needs the extra 'io'")
pytest.importorskip("napari", reason="needs the extra 'viewer'")
pytest.importorskip("skimage", reason="the demo needs scikit-image")

import tifffile

from platecast.components import parse_name
from platecast.layers import AXIS_NAMES
from platecast.storage import open_plate
from tests.terminal import terminal_with_window

WORKERS = {
    "imagexpress_projection_mix": 2,
    "cytation_nf1_cellpainting": 1,
    "opera_phenix_harmony/Version1": 1,
}
"""How many workers there is enough to do for, for each plate."""
VALUES = {"well": "wells", "site": "sites", "channel": "channels", "z_index": "z", "timepoint": "timepoints"}


@pytest.fixture(scope="module")
def opened(shared_data, find_free_port):
    with terminal_with_window(find_free_port()) as (terminal, window):
        yield terminal, window


@pytest.fixture(scope="module", params=WORKERS)
def plate(request, shared_data, opened):
    """Return a plate, and clear the window after its tests: every layer makes the next one slower."""
    yield shared_data / request.param
    opened[1].ask("clear")


@pytest.fixture
def expected(shared_data, plate):
    """Return what the plate is known to hold."""
    plates = json.loads((shared_data / "plates.json").read_bytes())
    return plates[plate.relative_to(shared_data).as_posix()]


def layer_of(layers, components, kind="image"):
    """Return the one layer that a plane belongs to."""
    sliced = {} if components.channel is None else {"channel": components.channel}
    stacked = [name for name in AXIS_NAMES if name in components.present and name not in sliced]
    (layer,) = [
        layer
        for layer in layers
        if (layer["kind"], layer["sliced"], layer["stacked"]) == (kind, sliced, stacked)
    ]
    return layer


def check(window, layers, planes):
    """Check that layers hold these planes, given as components and file, and no others."""
    counts = dict.fromkeys((layer["name"] for layer in layers), 0)
    for components, path, kind in planes:
        layer = layer_of(layers, components, kind)
        shown = window.read(layer["name"], components)
        assert np.array_equal(shown, tifffile.imread(path)), f"{path} in {layer['name']}"
        counts[layer["name"]] += 1
    assert counts == {layer["name"]: layer["planes"] for layer in layers}


def check_projections(layers, has_both):
    """Check that images without z beside a stack are in layers that say so, and no others are."""
    said = {layer["name"] for layer in layers if "projection" in layer["name"]}
    flat = {layer["name"] for layer in layers if "z_index" not in layer["stacked"]}
    stacks = [layer["sliced"] for layer in layers if "z_index" in layer["stacked"]]
    beside = {layer["name"] for layer in layers if layer["name"] in flat and layer["sliced"] in stacks}
    assert said == beside
    assert bool(said) == has_both


def raw_planes(plate):
    return [(image.components, image.path, "image") for image in open_plate(plate).images]


def has_projections(expected):
    kinds = {(name.split()[0], name.split()[1]) for name in expected.get("per_channel", {})}
    channels = [channel for channel, _ in kinds]
    return any(channels.count(channel) == 2 for channel in channels)


def test_view_shows_every_image_of_a_plate(opened, plate, expected):
    terminal, window = opened
    known = {layer["run"] for layer in window.layers()}
    done = terminal.platecast("view", plate, "--port", window.endpoint.port)
    images = expected["images"]
    assert done.returncode == 0, done.stderr
    assert f"{images} of {images} images are shown" in done.stdout
    layers = [layer for layer in window.layers() if layer["run"] not in known]
    planes = raw_planes(plate)
    assert len(planes) == images
    for component, field in VALUES.items():
        present = {getattr(components, component) for components, _, _ in planes} - {None}
        assert present == set(expected[field]), field
    check(window, layers, planes)
    check_projections(layers, has_projections(expected))


def test_demo_shows_every_image_and_result_of_a_plate(opened, plate, expected, tmp_path):
    terminal, window = opened
    before = window.ledger()
    port = window.endpoint.port
    workers = next(count for name, count in WORKERS.items() if plate.match(name))
    options = ("--plate", plate, "--output", tmp_path / "out", "--port", port, "--workers", workers)
    facts = terminal.demo(*options, report=tmp_path / "report.json")
    layers = [layer for layer in window.layers() if layer["run"] == facts["run"]]
    planes = {(0, "raw"): raw_planes(plate)}
    for folder in sorted((tmp_path / "out" / "results").glob("Step_*")):
        _, index, name = folder.name.split("_", 2)
        kind = "labels" if name == "segment_nuclei" else "image"
        planes[int(index), name] = [(parse_name(path.name), path, kind) for path in sorted(folder.iterdir())]
    assert [index for index, _ in planes] == [0, 1, 2, 3]
    counts = [len(of_step) for of_step in planes.values()]
    assert counts[:3] == [expected["images"]] * 3
    assert 0 < counts[3] < counts[0]
    for step, of_step in planes.items():
        of_layers = [layer for layer in layers if layer["step"] == list(step)]
        check(window, of_layers, of_step)
        if step[0] < 3:
            check_projections(of_layers, has_projections(expected))
    assert facts["planes_sent"] == facts["planes_shown"] == sum(counts)
    assert facts["planes_dropped"] == facts["planes_pending"] == 0
    assert window.ledger().shown - before.shown == sum(counts)
