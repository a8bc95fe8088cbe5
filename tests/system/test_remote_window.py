"""A window that shows what other machines send: scripts, workers of Dask, tasks of a Slurm array."""

import json
import os
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("tifffile", reason="needs the extra 'io'")
pytest.importorskip("napari", reason="needs the extra 'viewer'")

from tests.system.test_remote import PORT, Site
from tests.system.two_machines import machines, needs_root
from tests.waiting import wait_until

pytestmark = needs_root

EXAMPLES = Path(__file__).parents[2] / "examples"
SHOWN = Path(__file__).with_name("shown_planes.py")
SIDE = 64
SENDER = """
import sys
import numpy as np
import platecast as pc

host, port, channel, first = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
config = pc.NapariStreamingConfig(napari_host=host, napari_port=port)
with pc.Stream(plate="three", config=config) as stream:
    for site in range(8):
        stream.send(np.full((64, 64), first + site, "uint16"), well="A01", site=site, channel=channel)
print(stream.report().shown)
"""
PLATE = """
import sys
from platecast.demo import make_plate

make_plate(sys.argv[1], wells=4, sites=1, channels=2, z=1, size=64)
"""


class WindowSite(Site):
    """A desk whose viewer has a window, and nodes that are paired with it."""

    def open(self):
        address = self.desk.address
        started = self.cli(self.desk, "start", "--listen", address, "--port", PORT, "--headless", "--wait")
        assert started.returncode == 0, started.stderr
        self.string = re.search(r"^platecast1-\S+$", started.stdout, re.MULTILINE).group()
        for node in self.nodes:
            assert self.cli(node, "pair", self.string).returncode == 0
            self.homes[node.name] |= {
                "PLATECAST_NAPARI_HOST": address,
                "PLATECAST_NAPARI_PORT": str(PORT),
                "PYTHONPATH": os.pathsep.join(sys.path),
            }

    def shown(self):
        """Return the sums of the planes that layers show, by layer, well and site."""
        answer = self.python(self.desk, SHOWN, PORT)
        assert answer.returncode == 0, answer.stderr
        return {(layer, well, site): total for layer, well, site, total in json.loads(answer.stdout)}

    def close(self):
        self.cli(self.desk, "quit", PORT)
        for process in self.processes:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with machines("desk", "node1", "node2") as (desk, *nodes):
        site = WindowSite(desk, nodes, tmp_path_factory.mktemp("site"), [])
        try:
            site.open()
            yield site
        finally:
            site.close()


@pytest.fixture(scope="module")
def plate(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plate")
    assert site.python(site.nodes[0], "-c", PLATE, folder).returncode == 0
    return folder


def test_two_machines_and_this_one_send_to_one_window(site):
    places = [(site.desk, "localhost"), *((node, site.desk.address) for node in site.nodes)]
    senders = [
        site.start(machine, "-c", SENDER, host, PORT, machine.name, 100 * number)
        for number, (machine, host) in enumerate(places)
    ]
    assert [sender.communicate(timeout=60)[0] for sender in senders] == ["8\n"] * 3
    expected = {
        (f"Channel_{machine.name}", "A01", each): (100 * number + each) * SIDE * SIDE
        for number, (machine, _) in enumerate(places)
        for each in range(8)
    }
    assert site.shown() == expected
    ledger = site.status()["ledger"]
    assert (ledger["sent"], ledger["shown"]) == (24, 24)


def test_workers_of_a_dask_cluster_on_other_machines_send_for_themselves(site, plate, tmp_path):
    pytest.importorskip("distributed", reason="needs the extra 'dask'")
    first, second = site.nodes
    address = f"tcp://{first.address}:8786"
    options = ["--no-dashboard", "--host"]
    scheduler = site.start(first, "-m", "distributed.cli.dask_scheduler", *options, first.address)
    worker = site.start(
        second,
        *("-m", "distributed.cli.dask_worker", address, *options, second.address),
        *("--nthreads", 1, "--no-nanny", "--local-directory", tmp_path),
    )
    try:
        done = site.python(first, EXAMPLES / "dask_cluster.py", address, plate, tmp_path / "out.zarr")
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.wait(20)
    assert done.returncode == 0, done.stderr
    # Two channels of four wells, as they are and after two steps; each worker accounts for what it sent.
    assert done.stdout == "24 of 24 images shown\n"
    steps = Counter(layer.partition("_Channel")[0] for layer, _, _ in site.shown() if "Step" in layer)
    assert steps == {"Step_00_raw": 8, "Step_01_without_background": 8, "Step_02_bright": 8}


def test_tasks_of_a_slurm_array_share_the_wells_of_a_plate(site, plate):
    before = site.status()["ledger"]["shown"]
    tasks = []
    for number in (3, 4, 5):
        node = site.nodes[number % 2]
        array = {"ID": number, "MIN": 3, "MAX": 5}
        site.homes[node.name] |= {f"SLURM_ARRAY_TASK_{k}": str(v) for k, v in array.items()}
        tasks.append(site.start(node, EXAMPLES / "slurm_array.py", plate))
    outs = [task.communicate(timeout=60)[0] for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0, 0], outs
    wait_until(lambda: site.status()["ledger"]["shown"] == before + 8, "all eight are shown")
    shown = [place for place in site.shown() if "background_removed" in place[0]]
    assert len(shown) == 8
    assert {well for _, well, _ in shown} == {"A01", "A02", "B01", "B02"}
