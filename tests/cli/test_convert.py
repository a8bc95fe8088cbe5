"""`platecast convert` makes one OME-Zarr plate of a folder of images."""

import numpy as np
import pytest
import tifffile

from platecast.storage import ZarrBackend, open_plate
from tests.ome_zarr import check_plate, ome_metadata


@pytest.fixture
def plate(tmp_path):
    folder = tmp_path / "plate"
    folder.mkdir()
    for value, (well, site, channel) in enumerate(
        (well, site, channel) for well in ("A01", "B02") for site in (1, 2) for channel in (1, 2)
    ):
        image = np.full((60, 80), value, "uint16")
        tifffile.imwrite(folder / f"P1_{well}_s{site}_w{channel}.TIF", image, photometric="minisblack")
    return folder


def test_every_image_is_there(platecast, plate, tmp_path):
    done = platecast("convert", plate, tmp_path / "p.zarr")
    assert (done.status, done.errors.strip()) == (0, "")
    assert done.out.replace("\n", "").startswith("8 of 8 images are in")
    assert check_plate(tmp_path / "p.zarr") == {"A/01", "B/02"}
    assert ome_metadata(tmp_path / "p.zarr")["plate"]["name"] == "P1"
    backend = ZarrBackend()
    for image in open_plate(plate).images:
        name = next(path for path in backend.list(tmp_path) if path.endswith(_tail(image.components)))
        np.testing.assert_array_equal(backend.load(name), tifffile.imread(image.path))


def _tail(components):
    return f"well-{components.well}_site-{components.site}_channel-{components.channel}.tif"


FILTERS = {
    "one well": (["--well", "b2"], {"B/02"}, 4),
    "two wells": (["--well", "B02", "--well", "A1"], {"A/01", "B/02"}, 8),
    "one channel": (["--channel", "2"], {"A/01", "B/02"}, 4),
    "both": (["--well", "A01", "--channel", "1"], {"A/01"}, 2),
    "one site": (["--site", "2"], {"A/01", "B/02"}, 4),
    "a range of sites": (["--site", "1-7,2", "--channel", "1"], {"A/01", "B/02"}, 4),
}


@pytest.mark.parametrize(("options", "wells", "count"), FILTERS.values(), ids=FILTERS)
def test_part_of_a_plate(platecast, plate, tmp_path, options, wells, count):
    assert platecast("convert", plate, tmp_path / "p.zarr", *options).status == 0
    assert check_plate(tmp_path / "p.zarr") == wells
    assert len(ZarrBackend().list(tmp_path)) == count
    field = ome_metadata(next((tmp_path / "p.zarr" / sorted(wells)[0]).glob("[12]")))
    assert len(field["omero"]["channels"]) == (1 if "--channel" in options else 2)


REFUSED = {
    "no store": (["out"], "must be named like plate.zarr"),
    "taken": (["taken.zarr"], "exists already"),
    "absent well": (["p.zarr", "--well", "C03"], "has no well C03: it has A01, B02"),
    "no well": (["p.zarr", "--well", "x"], "'x' does not name a well"),
    "absent channel": (["p.zarr", "--channel", "DAPI"], "has no channel DAPI: it has 1, 2"),
    "absent site": (["p.zarr", "--site", "3-5"], "has no site 3-5: it has 1, 2"),
    "absent slice": (["p.zarr", "--z-index", "1"], "has no slice 1: it has none"),
    "no number": (["p.zarr", "--timepoint", "first"], "--timepoint 'first': expected a number"),
    "backwards": (["p.zarr", "--site", "4-1"], "the range ends before it begins"),
    "no store to overwrite": (["taken.zarr", "--overwrite"], "is no Zarr store"),
    "its own source": (["around.zarr", "--overwrite"], "holds the images to convert"),
}


@pytest.mark.parametrize(("arguments", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_converted(platecast, plate, tmp_path, monkeypatch, arguments, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.zarr").mkdir()
    (tmp_path / "taken.zarr" / "thesis.txt").touch()
    (tmp_path / "around.zarr").mkdir()
    inside = plate.rename(tmp_path / "around.zarr" / "plate")
    done = platecast("convert", inside, *arguments)
    assert done.status == 1
    assert len(list(inside.iterdir())) == 8
    assert reason in " ".join(done.errors.split())
    assert not (tmp_path / "p.zarr").exists()


def test_image_that_cannot_be_read_is_named_and_the_rest_is_there(platecast, plate, tmp_path):
    (plate / "P1_B02_s2_w1.TIF").write_bytes(b"not an image")
    done = platecast("convert", plate, tmp_path / "p.zarr")
    assert done.status == 1
    assert "P1_B02_s2_w1.TIF could not be read" in " ".join(done.errors.split())
    assert "7 of 8 images" in done.out
    check_plate(tmp_path / "p.zarr")


def test_conversion_that_did_not_end_goes_on(platecast, plate, tmp_path):
    damaged = plate / "P1_B02_s2_w1.TIF"
    image = damaged.read_bytes()
    damaged.write_bytes(b"not an image")
    output = tmp_path / "p.zarr"
    assert platecast("convert", plate, output).status == 1
    written = {path: path.stat().st_mtime_ns for path in output.rglob("0") if path.is_file()}
    damaged.write_bytes(image)
    done = platecast("convert", plate, output)
    assert (done.status, "8 of 8 images" in done.out) == (0, True)
    assert {path: path.stat().st_mtime_ns for path in written} == written, "an image was written twice"
    assert len(ZarrBackend().list(tmp_path)) == 8
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["p.zarr", "plate"]
    # One that ended is nothing to go on with.
    done = platecast("convert", plate, output)
    assert (done.status, "exists already" in done.errors) == (1, True)
    assert platecast("convert", plate, output, "--overwrite", "--well", "A01", "--workers", "1").status == 0
    assert check_plate(output) == {"A/01"}


def test_conversion_of_another_plate_does_not_go_on(platecast, plate, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for image in plate.iterdir():
        (other / image.name).write_bytes(image.read_bytes())
    (plate / "P1_B02_s2_w1.TIF").write_bytes(b"not an image")
    assert platecast("convert", plate, tmp_path / "p.zarr").status == 1
    done = platecast("convert", other, tmp_path / "p.zarr")
    assert (done.status, "was begun from" in " ".join(done.errors.split())) == (1, True)


def test_two_plates_are_two(platecast, plate, tmp_path):
    (plate / "P2_A01_s1_w1.TIF").write_bytes((plate / "P1_A01_s1_w1.TIF").read_bytes())
    done = platecast("convert", plate, tmp_path / "p.zarr")
    assert done.status == 1
    assert "several plates, convert one of them: P1, P2" in " ".join(done.errors.split())


def test_real_plate(platecast, shared_data, tmp_path):
    folder = shared_data / "imagexpress_projection_mix"
    assert platecast("convert", folder, tmp_path / "p.zarr").status == 0
    assert check_plate(tmp_path / "p.zarr") == {"E/07", "E/08"}
    source, converted = open_plate(folder), open_plate(tmp_path / "p.zarr")
    planes = {image.components: image for image in converted.images}
    assert len(planes) == len(source.images) == 96
    for image in source.images:
        np.testing.assert_array_equal(converted.read(planes[image.components]), source.read(image))
    (multiscale,) = ome_metadata(tmp_path / "p.zarr" / "E" / "07" / "1")["multiscales"]
    scale = multiscale["datasets"][0]["coordinateTransformations"][0]["scale"]
    assert scale[2:] == [5.0, 1.3668, 1.3668]
