"""A viewer with a window and a small budget: it stays below, and every plane can still be looked at."""

import numpy as np
import pytest

from platecast.components import Components
from platecast.config import NapariStreamingConfig
from platecast.manager import find_or_start
from platecast.storage import FileManager
from platecast.stream import Stream
from platecast.wire import ask
from tests.waiting import wait_until

BUDGET_MB = 20
SHAPE = (512, 512)
PLANES = 60


@pytest.fixture
def viewer(free_port, quit_viewers):
    return find_or_start(free_port, memory_budget_mb=BUDGET_MB, persistent=True)


def status(viewer):
    return ask(viewer.port, "status", token=viewer.token, timeout_s=10)[0]


def image(number):
    return (np.arange(np.prod(SHAPE)).reshape(SHAPE) % 199 + number).astype(np.uint16)


def on_disk(folder, number):
    path = str(folder / f"well-A01_site-{number}.tif")
    FileManager().save(image(number), path, "disk")
    return f"disk:{path}"


def test_budget(viewer, tmp_path):
    addresses = {number: on_disk(tmp_path, number) for number in range(0, PLANES, 2)}
    config = NapariStreamingConfig(napari_port=viewer.port, budget_mb=100)
    seen = []
    with Stream(config=config, start_viewer=False) as stream:
        for number in range(PLANES):
            components = Components(well="A01", site=number)
            stream.send_components(image(number), components, address=addresses.get(number))

        def all_in():
            seen.append(status(viewer))
            return seen[-1]["ledger"]["shown"] == PLANES

        wait_until(all_in, "all planes are in layers", 30)
        assert stream.flush(10).shown == PLANES
    assert max(each["planes"]["memory_mb"] for each in seen) <= BUDGET_MB
    planes = seen[-1]["planes"]
    assert planes["budget_mb"] == BUDGET_MB
    assert sum(planes[place]["planes"] for place in ("in_memory", "in_scratch", "at_rest")) == PLANES
    assert planes["at_rest"]["planes"] > 5
    assert planes["in_scratch"]["planes"] > 5
    assert planes["refused"] == 0
    name = ask(viewer.port, "layers", token=viewer.token)[0]["layers"][0]["name"]
    for number in (*range(PLANES), 0, 1):
        _, (pixels,) = ask(viewer.port, "read", token=viewer.token, layer=name, site=number)
        assert np.array_equal(np.frombuffer(pixels, np.uint16).reshape(SHAPE), image(number)), number
        assert status(viewer)["planes"]["memory_mb"] <= BUDGET_MB
    # On screen, too: what is not in memory is read in another thread, and then drawn.
    for number in (3, 4):
        ask(viewer.port, "goto", token=viewer.token, site=number)
        assert len(ask(viewer.port, "screenshot", token=viewer.token, canvas_only=True)[1][0]) > 10_000
