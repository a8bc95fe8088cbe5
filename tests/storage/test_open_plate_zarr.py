"""OME-Zarr plates of 0.4 and 0.5 open like any other, whoever wrote them."""

import json

import numpy as np
import pytest

pytest.importorskip("zarr", reason="the extra zarr is not installed")


import zarr

from platecast.components import Components, format_name
from platecast.errors import StorageError
from platecast.storage import FileManager, open_plate
from tests.storage.plates import DATA, write_plate


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_plate(tmp_path, version):
    path = tmp_path / "P1.ome.zarr"
    write_plate(path, version)
    for opened in (path, tmp_path):
        plate = open_plate(opened)
        assert len(plate.images) == 2 * 2 * 2 * 3
        assert (plate.name, plate.wells, plate.sites) == ("P1", ("B03", "B04"), (0, 1))
        assert (plate.channels, plate.z_indices, plate.timepoints) == (("DAPI", "GFP"), (0, 1, 2), ())
        assert (plate.missing, plate.duplicates, plate.problems) == ((), (), ())
        metadata = plate.metadata
        assert (metadata.source, metadata.rows, metadata.columns) == (f"OME-Zarr {version}", 2, 4)
        assert (metadata.pixel_size_um, metadata.z_step_um, metadata.channels[0].color) == (
            0.5,
            2.0,
            "#00FF00",
        )
    image_ = plate.images[-1]
    assert image_.components == Components(plate="P1", well="B04", site=1, channel="GFP", z_index=2)
    np.testing.assert_array_equal(plate.read(image_), DATA[0, 1, 2] + 1)
    with FileManager() as files:
        backend, _, address = image_.address.partition(":")
        np.testing.assert_array_equal(files.load(address, backend), DATA[0, 1, 2] + 1)


CHANNELS = {
    "labels": (("DAPI", "GFP"), ("DAPI", "GFP")),
    "numbers": (("4", "2"), (2, 4)),
    "the same twice": (("GFP", "GFP"), (0, 1)),
    "not all": (("DAPI",), (0, 1)),
    "none": ((), (0, 1)),
}


@pytest.mark.parametrize(("labels", "expected"), CHANNELS.values(), ids=CHANNELS)
def test_channels(tmp_path, labels, expected):
    write_plate(tmp_path / "P1.zarr", labels=labels, wells=("B/03",), fields=("0",))
    assert open_plate(tmp_path).channels == expected


def test_field_that_is_only_an_image(tmp_path):
    write_plate(tmp_path / "P1.zarr", fields=("raw",), data=DATA[0, 0, 0], axes="yx", labels=())
    plate = open_plate(tmp_path / "P1.zarr")
    assert [image.components for image in plate.images] == [
        Components(plate="P1", well=well, site=0) for well in ("B03", "B04")
    ]
    np.testing.assert_array_equal(plate.read(plate.images[0]), DATA[0, 0, 0])


def test_damaged_field_is_told_and_the_rest_opens(tmp_path):
    path = tmp_path / "P1.zarr"
    write_plate(path)
    (path / "B" / "03" / "1" / "zarr.json").write_text("{")
    (path / "B" / "4" / "0" / "0" / "zarr.json").unlink()
    plate = open_plate(path)
    assert {(image.components.well, image.components.site) for image in plate.images} == {
        ("B03", 0),
        ("B04", 1),
    }
    assert len(plate.problems) == 2
    assert "B/03/1" in plate.problems[0]
    assert "array '0' is not there" in plate.problems[1]
    assert len(plate.missing) == 12


def test_index_that_contradicts_its_path_is_told(tmp_path):
    path = tmp_path / "P1.zarr"
    write_plate(path, wells=("B/4", "B/03"))
    plate = open_plate(path)
    assert plate.wells == ("B03", "B04")
    assert "row and column (1, 2), its path at (1, 3)" in plate.problems[0]


def test_store_without_a_plate(tmp_path):
    zarr.open_group(tmp_path / "a.zarr", mode="w")
    with pytest.raises(StorageError, match="is no OME-Zarr plate"):
        open_plate(tmp_path / "a.zarr")
    assert "a.zarr is no OME-Zarr plate" in open_plate(tmp_path).problems[0]


def test_store_of_several_plates_names_them(tmp_path):
    zarr.open_group(tmp_path / "a.zarr", mode="w")
    for name in ("first", "second"):
        write_plate(tmp_path / "a.zarr" / name)
    with pytest.raises(StorageError, match="several plates, open one of them: first, second"):
        open_plate(tmp_path / "a.zarr")
    assert open_plate(tmp_path / "a.zarr" / "first").wells == ("B03", "B04")


def test_chunk_that_is_damaged(tmp_path):
    path = tmp_path / "P1.zarr"
    write_plate(path)
    plate = open_plate(path)
    chunk = next(file for file in (path / "B" / "03" / "0" / "0" / "c").rglob("*") if file.is_file())
    chunk.write_bytes(b"damaged")
    with pytest.raises(StorageError, match="could not be read"):
        plate.read(plate.images[0])


def test_plate_of_our_own_keeps_its_components(tmp_path):
    pytest.importorskip("yaozarrs", reason="the extra zarr is not installed")
    there = [
        Components(plate="P1", well="B03", site=site, channel=channel, z_index=z)
        for site in (4, 7) for channel in (2, "DAPI") for z in (5, 9)
    ] + [Components(plate="P1", well="B03", site=4, channel=2)]  # fmt: skip
    with FileManager() as files:
        for value, components in enumerate(there):
            plane = np.full((16, 20), value, "uint16")
            files.save(plane, tmp_path / "own.zarr" / format_name(components), "zarr")
        files.save(plane, tmp_path / "own.zarr" / "labels" / "cells" / format_name(there[0]), "zarr")
    plate = open_plate(tmp_path / "own.zarr")
    assert {image.components: plate.read(image)[0, 0] for image in plate.images} == {
        components: value for value, components in enumerate(there)
    }
    assert (plate.duplicates, plate.problems) == ((), ())
    assert plate.channel_names == {2: "2", "DAPI": "DAPI"}


def test_plate_of_another_writer(shared_data):
    plate = open_plate(shared_data / "omezarr_hcs_v05")
    assert (len(plate.images), plate.wells, plate.sites) == (24, ("E07", "E08"), (0, 1))
    assert (plate.name, plate.metadata.pixel_size_um, plate.metadata.z_step_um) == (
        "Projection-Mix",
        1.3668,
        3.0,
    )
    assert plate.metadata.rows == 16
    first = plate.read(plate.images[0])
    assert (first.shape, first.dtype) == ((512, 512), "uint16")
    assert first.any()


def test_metadata_that_are_no_objects(tmp_path):
    path = tmp_path / "P1.zarr"
    write_plate(path)
    attributes = json.loads((path / "zarr.json").read_text())
    attributes["attributes"]["ome"]["plate"]["wells"] += ["nonsense", {"path": "B"}, {"path": "B/03/0"}]
    (path / "zarr.json").write_text(json.dumps(attributes))
    plate = open_plate(path)
    assert plate.wells == ("B03", "B04")
    assert len(plate.problems) == 3


LEVELS = {
    "halves": (((1, 2, 3, 32, 40), (1, 2, 3, 16, 20), (1, 2, 3, 8, 10)), (16, 20)),
    "slices are halved, too": (((1, 2, 4, 32, 40), (1, 2, 2, 16, 20)), (32, 40)),
    "one level": (((1, 2, 3, 32, 40),), (32, 40)),
}


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(("shapes", "expected"), LEVELS.values(), ids=LEVELS)
def test_small_picture_comes_from_a_lower_level(tmp_path, version, shapes, expected):
    group = zarr.open_group(tmp_path / "x.zarr/B/03/0", mode="w", zarr_format=version)
    names = [f"s{number}" for number in range(len(shapes))]
    for number, (name, shape) in enumerate(zip(names, shapes, strict=True)):
        group.create_array(name, data=np.full(shape, number, "uint16"))
    multiscales = [{"axes": [], "datasets": [{"path": name} for name in names]}]
    group.attrs.update(
        {"ome": {"multiscales": multiscales}} if version == 3 else {"multiscales": multiscales}
    )
    path = f"{tmp_path}/x.zarr/B/03/0/s0#index=0,1,2"
    with FileManager() as files:
        small = files.load_small(path, "plate", 16)
        assert small.shape == expected
        assert (small == (expected != (32, 40))).all()
        assert files.load(path, "plate").shape == (32, 40)


def test_small_picture_where_a_level_is_not_there(tmp_path):
    """It is still being written, or was left out of a copy."""
    group = zarr.open_group(tmp_path / "x.zarr", mode="w")
    group.create_array("0", data=np.ones((1, 32, 40), "uint8"))
    group.attrs["ome"] = {"multiscales": [{"axes": [], "datasets": [{"path": "0"}, {"path": "1"}]}]}
    with FileManager() as files:
        assert files.load_small(f"{tmp_path}/x.zarr/0#index=0", "plate", 4).shape == (32, 40)


def test_small_picture_where_nothing_is_said_of_levels(tmp_path):
    zarr.open_group(tmp_path / "x.zarr", mode="w").create_array("0", data=np.ones((1, 32, 40), "uint8"))
    with FileManager() as files:
        assert files.load_small(f"{tmp_path}/x.zarr/0#index=0", "plate", 4).shape == (32, 40)
