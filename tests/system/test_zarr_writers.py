"""Several processes write one OME-Zarr plate, and some of them are killed."""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from platecast.storage import ZarrBackend
from tests.ome_zarr import check_plate

WRITER = """
import sys
import numpy as np
from platecast.storage import FileManager

folder, *wells = sys.argv[1:]
files = FileManager()
sys.stdin.readline()  # all begin together
for well in wells:
    number = (ord(well[0]) - ord("A")) * 12 + int(well[1:])
    names = [f"well-{well}_site-{site}_channel-{channel}.tif" for site in (1, 2) for channel in (1, 2)]
    paths = [f"{folder}/{name}" for name in names]
    for part, path in enumerate(paths):
        files.save(np.full((300, 280), number * 10 + part, "uint16"), path, "zarr")
    labels = [path.replace("/well-", "/labels/cells/well-") for path in paths]
    files.save_batch([np.full((300, 280), number, "uint16")] * 4, labels, "zarr")
    print(well, flush=True)
"""
WELLS = [f"{row}{column:02d}" for row in "ABCD" for column in range(1, 9)]


def value_of(well, part):
    return ((ord(well[0]) - ord("A")) * 12 + int(well[1:])) * 10 + part


@pytest.fixture
def start_writers(tmp_path):
    writers = []

    def start(*shares):
        started = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(tmp_path / "out.zarr"), *wells],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for wells in shares
        ]
        writers.extend(started)
        for writer in started:
            writer.stdin.write("\n")
            writer.stdin.flush()
        return started

    yield start
    for writer in writers:
        if writer.poll() is None:
            writer.kill()
            writer.communicate(timeout=10)


def test_four_writers_fill_a_plate_and_one_is_killed(tmp_path, start_writers):
    plate = tmp_path / "out.zarr"
    # Neighbouring wells go to different writers, so that they share rows.
    writers = start_writers(*(WELLS[number::4] for number in range(4)))
    victim = writers.pop()
    done = [victim.stdout.readline().strip(), victim.stdout.readline().strip()]
    victim.send_signal(signal.SIGKILL)
    done += victim.communicate(timeout=10)[0].split()
    for writer in writers:
        done += writer.communicate(timeout=60)[0].split()
        assert writer.returncode == 0
    assert set(WELLS[0::4] + WELLS[1::4] + WELLS[2::4]) <= set(done)
    listed = check_plate(plate)
    assert {path.replace("/", "") for path in listed} >= set(done)
    backend = ZarrBackend()
    for well in done:
        for part, (site, channel) in enumerate([(1, 1), (1, 2), (2, 1), (2, 2)]):
            name = f"well-{well}_site-{site}_channel-{channel}.tif"
            assert np.unique(backend.load(plate / name)).tolist() == [value_of(well, part)]
            labels = backend.load(plate / "labels" / "cells" / name)
            assert np.unique(labels).tolist() == [value_of(well, 0) // 10]
    for path in backend.list(plate):
        assert np.unique(backend.load(path)).size == 1, "a plane is there in part"
    # What the killed one left does not stop the next one.
    (heir,) = start_writers(WELLS[3::4])
    assert heir.communicate(timeout=60)[0].split() == WELLS[3::4]
    assert len(check_plate(plate)) == len(WELLS)
    assert len(backend.list(plate)) == len(WELLS) * 8


def test_several_writers_share_a_field(tmp_path, start_writers):
    writers = start_writers(*[["A01"]] * 3)
    for writer in writers:
        assert writer.communicate(timeout=60)[0].split() == ["A01"]
    check_plate(tmp_path / "out.zarr")
    assert len(ZarrBackend().list(tmp_path)) == 8
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.zarr"]


CRASHES = """
import os, signal, sys
import numpy as np
from platecast.components import PlateLayout
from platecast.storage import ZarrBackend
# Imported before the forks, and no thread is started before them.
import platecast.storage._zarr._plate

folder = sys.argv[1]

def write(backend, place):
    backend.save(np.full((300, 280), 1, "uint16"), f"{place}/well-A01_site-1.tif")
    backend.declare(place, PlateLayout(well=("B02",), z_index=(1, 2)))
    backend.save(np.full((300, 280), 2, "uint16"), f"{place}/well-B02_site-1_z-1.tif")
    backend.save(np.full((300, 280), 3, "uint16"), f"{place}/well-B02_site-1_z-7.tif")
    backend.save(np.full((300, 280), 4, "uint16"), f"{place}/labels/cells/well-B02_site-1_z-1.tif")
    backend.save(np.full((300, 280), 5, "float32"), f"{place}/well-A01_site-1.tif")

for step in range(200):
    child = os.fork()
    if not child:
        left = step
        def count_down(operation):
            def counting(*arguments, **options):
                global left
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1
                return operation(*arguments, **options)
            return counting
        for name in ("replace", "link"):
            setattr(os, name, count_down(getattr(os, name)))
        write(ZarrBackend(), f"{folder}/{step}.zarr")
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
print(step)
"""


def test_plate_opens_wherever_its_writer_is_killed(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", CRASHES, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    steps = int(ran.stdout)
    assert 40 < steps < 199, "so many times the writer was killed"
    values = {"A01_site-1": {1, 5}, "B02_site-1_z-1": {2, 4}, "B02_site-1_z-7": {3}}
    seen = set()
    for step in range(steps + 1):
        plate = tmp_path / f"{step}.zarr"
        backend = ZarrBackend()
        paths = backend.list(plate)
        seen.add(len(paths))
        for path in paths:
            plane = backend.load(path)
            name = path.rpartition("well-")[2].removesuffix(".tif")
            assert set(np.unique(plane)) <= values[name], f"killed at {step}: {path}"
        if paths and is_listed(plate):
            check_plate(plate, killed=True)
        # Whoever comes next finishes the work.
        backend.save(np.full((300, 280), 5, "float32"), plate / "well-A01_site-1.tif")
        backend.save(np.full((300, 280), 3, "uint16"), plate / "well-B02_site-1_z-7.tif")
        assert check_plate(plate) == {"A/01", "B/02"}
        assert np.unique(backend.load(plate / "well-A01_site-1.tif")).tolist() == [5]
        backend.close()
    assert seen == {0, 1, 2, 3, 4}


def is_listed(plate):
    """Return whether a group says by now that it is a plate."""
    return "ome" in json.loads((plate / "zarr.json").read_text())["attributes"]
