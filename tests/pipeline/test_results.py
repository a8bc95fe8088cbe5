"""Results in an OME-Zarr store are those in a folder, pixel for pixel, and other programs open them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from platecast.components import Components, parse_name
from platecast.errors import PipelineError
from platecast.pipeline import Pipeline, Step, run
from platecast.storage import DiskBackend, ZarrBackend
from tests.ome_zarr import check_plate, ome_metadata


def results(backend, folder):
    """Return every result, by the last folder around it and its components."""
    return {(path.split("/")[-2], parse_name(path)): backend.load(path) for path in backend.list(folder)}


def names_in(folder):
    return {path.name for path in folder.iterdir() if path.is_dir()}


@pytest.mark.parametrize("workers", [1, 2])
def test_store_holds_what_a_folder_holds(plate, tmp_path, steps, workers):
    pipeline = Pipeline([Step(steps.add, amount=10), steps.double, Step(steps.halves, only={"channel": 1})])
    assert run(pipeline, plate, tmp_path / "out").ok
    report = run(pipeline, plate, tmp_path / "out.zarr", workers)
    assert report.ok
    assert report.planes_written == 8 + 8 + 4
    expected = results(DiskBackend(), tmp_path / "out")
    found = results(ZarrBackend(), tmp_path / "out.zarr")
    assert found.keys() == expected.keys()
    for key, plane in expected.items():
        assert found[key].dtype == plane.dtype
        np.testing.assert_array_equal(found[key], plane)


def test_each_step_is_a_plate_and_labels_belong_to_the_image(plate, tmp_path, steps):
    out = tmp_path / "out.zarr"
    # What is made of labels belongs to the image, too.
    pipeline = Pipeline([steps.add, steps.halves, Step(steps.double, name="grow", kind="labels")])
    assert run(pipeline, plate, out).ok
    assert names_in(out) == {"Step_01_add"}
    assert check_plate(out / "Step_01_add") == {"A/01", "B/02"}
    labels = ome_metadata(out / "Step_01_add" / "A" / "01" / "1" / "labels")["labels"]
    assert labels == ["Step_02_halves", "Step_03_grow"]


def test_labels_of_the_raw_image_have_a_plate_of_their_own(plate, tmp_path, steps):
    out = tmp_path / "out.zarr"
    assert run(Pipeline([steps.halves, steps.double]), plate, out).ok
    check_plate(out / "Step_01_halves")
    assert "image-label" in ome_metadata(out / "Step_01_halves" / "A" / "01" / "1")


def test_arrays_have_room_for_what_the_step_is_for(plate, tmp_path, steps):
    out = tmp_path / "out.zarr"
    pipeline = Pipeline([Step(steps.add, only={"channel": 2}), steps.double])
    assert run(pipeline, plate, out).ok
    for name in ("Step_01_add", "Step_02_double"):
        metadata = ome_metadata(out / name / "A" / "01" / "1")
        assert [channel["label"] for channel in metadata["omero"]["channels"]] == ["2"]
        assert ome_metadata(out / name)["plate"]["name"] == "P1"


def test_several_plates_have_a_folder_each(plate, tmp_path, steps):
    for well in ("A01", "H12"):
        image = np.full((6, 8), 99, "uint16")
        tifffile.imwrite(plate / f"P 2_{well}_s1_w1.TIF", image, photometric="minisblack")
    out = tmp_path / "out.zarr"
    assert run(Pipeline([steps.add]), plate, out).ok
    assert names_in(out / "Step_01_add") == {"plate-P1", "plate-P%202"}
    assert check_plate(out / "Step_01_add" / "plate-P%202") == {"A/01", "H/12"}
    second = Components(plate="P 2", well="H12", site=1, channel=1)
    assert results(ZarrBackend(), out)["plate-P%202", second][0, 0] == 100


def test_later_run_replaces_results(plate, tmp_path, steps):
    out = tmp_path / "out.zarr"
    run(Pipeline([Step(steps.add, amount=1)]), plate, out)
    assert run(Pipeline([Step(steps.add, amount=5)]), plate, out).ok
    found = results(ZarrBackend(), out)
    assert len(found) == 8
    assert found["Step_01_add", Components(plate="P1", well="A01", site=1, channel=1)][0, 0] == 5
    check_plate(out / "Step_01_add")


RUN = """
import sys
import plate_steps as steps
from platecast.pipeline import Pipeline, Step, run

if __name__ == "__main__":
    pipeline = Pipeline([steps.double, Step(steps.die_on_value, value=6)])
    report = run(pipeline, sys.argv[1], sys.argv[2], 2)
    print(*{failure.well for failure in report.failures})
"""


def test_killed_worker_leaves_a_plate_that_opens(tmp_path, steps):
    plate, out, script = tmp_path / "plate", tmp_path / "out.zarr", tmp_path / "run.py"
    plate.mkdir()
    for value in range(1, 7):
        image = np.full((6, 8), value, "uint16")
        tifffile.imwrite(plate / f"P1_A{value:02d}_s1_w1.TIF", image, photometric="minisblack")
    script.write_text(RUN)
    # In a process of its own: the codecs have a semaphore, which a killed worker leaves until its run ends.
    done = subprocess.run(
        [sys.executable, script, plate, out],
        env={**os.environ, "PYTHONPATH": str(Path(steps.__file__).parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lost = set(done.stdout.split())
    assert "A03" in lost
    assert check_plate(out / "Step_01_double") >= {
        f"A/{value:02d}" for value in range(1, 7) if f"A{value:02d}" not in lost
    }


def test_images_without_a_well_have_no_place_in_a_store(tmp_path, steps):
    plate = tmp_path / "plate"
    plate.mkdir()
    name = "img_channel000_position001_time000000002_z003.tif"
    tifffile.imwrite(plate / name, np.ones((6, 8), "uint16"), photometric="minisblack")
    with pytest.raises(PipelineError, match=r"1 images name no well.*position001"):
        run(Pipeline([steps.add]), plate, tmp_path / "out.zarr")
