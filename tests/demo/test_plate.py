"""The synthetic plate is a plate: named, sized and lit like one."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from platecast.components import Components
from platecast.storage import open_plate

pytest.importorskip("scipy", reason="the demo needs SciPy")
pytest.importorskip("skimage", reason="the demo needs scikit-image")

from platecast.demo import make_plate


def read(plate, well, channel=1, z=1):
    return tifffile.imread(plate / "TimePoint_1" / f"ZStep_{z}" / f"Demo-Plate_{well}_s1_w{channel}.TIF")


def test_images_are_found_with_all_their_components(tmp_path):
    plate = make_plate(tmp_path, wells=4, sites=2, channels=2, z=3, size=64)
    assert plate == tmp_path / "Demo-Plate"
    images = open_plate(plate).images
    assert len(images) == 4 * 2 * 2 * 3
    assert images[0].components == Components(
        plate="Demo-Plate", well="A01", site=1, channel=1, z_index=1, timepoint=1
    )
    assert {image.components.well for image in images} == {"A01", "A02", "B01", "B02"}


LAST_WELLS = {1: "A01", 16: "D04", 96: "H12", 384: "P24", 1536: "AF48"}


@pytest.mark.parametrize(("wells", "last"), LAST_WELLS.items())
def test_wells_fill_a_block_or_a_standard_plate(monkeypatch, wells, last):
    from platecast.demo import _plate

    labels = [label for label, _ in _plate._wells(wells, seed=0)]
    assert len(set(labels)) == wells
    assert labels[-1] == last


def test_same_seed_gives_the_same_pixels(tmp_path):
    first, second, other = (
        make_plate(tmp_path / name, wells=1, sites=1, size=64, seed=seed)
        for name, seed in {"a": 1, "b": 1, "c": 2}.items()
    )
    np.testing.assert_array_equal(read(first, "A01"), read(second, "A01"))
    assert (read(first, "A01") != read(other, "A01")).any()


def test_pixels_look_like_a_camera_s(tmp_path):
    plate = make_plate(tmp_path, wells=16, sites=1, size=256)
    densest = max(
        (read(plate, f"{row}{column:02d}", z=2) for row in "ABCD" for column in range(1, 5)), key=np.mean
    )
    assert densest.dtype == np.uint16
    assert densest.shape == (256, 256)
    assert densest.min() > 50  # the camera's offset
    assert 1500 < np.percentile(densest, 99.5) < 20000  # bright nuclei, none of them saturated


def test_middle_slice_is_sharpest(tmp_path):
    plate = make_plate(tmp_path, wells=1, sites=1, z=5, size=256)
    contrast = [read(plate, "A01", z=z).astype(float).std() for z in (1, 3, 5)]
    assert contrast[1] > max(contrast[0], contrast[2])


@pytest.mark.parametrize("choice", [{"wells": 0}, {"wells": 1537}, {"channels": 3}, {"z": 0}, {"size": 8}])
def test_number_out_of_range_is_refused(tmp_path, choice):
    with pytest.raises(ValueError, match=next(iter(choice))):
        make_plate(tmp_path, **choice)
    assert not list(Path(tmp_path).iterdir())
