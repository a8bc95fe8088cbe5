"""Plates written plane by plane open in other programs, and every plane is found again."""

import json
import subprocess
import sys

import numpy as np
import pytest
import zarr

from platecast.components import Components, Kind, PlateLayout, format_name
from platecast.errors import ImageNotFoundError, StorageError, UnsupportedArrayError
from platecast.storage import FileManager, ZarrBackend
from tests.ome_zarr import check_plate, ome_metadata

PLANE = np.arange(12, dtype="uint16").reshape(3, 4)


@pytest.fixture
def backend():
    backend = ZarrBackend()
    yield backend
    backend.close()


@pytest.fixture
def store(tmp_path):
    return tmp_path / "out.zarr"


def name(**components):
    return format_name(Components(**components))


def test_plate_opens_elsewhere_and_holds_every_pixel(backend, store):
    rng = np.random.default_rng(1)
    plate = store / "Step_01_blur"
    planes = {
        plate / name(well=well, site=site, channel=channel, z_index=z, timepoint=t): rng.integers(
            0, 4000, (300, 281), "uint16"
        )
        for well in ("A01", "C12")
        for site in (1, 2)
        for channel in ("DAPI", 2)
        for z in (0, 3)
        for t in (1, 2)
    }
    backend.save_batch(list(planes.values()), list(planes))
    assert check_plate(plate) == {"A/01", "C/12"}
    assert backend.list(store.parent) == tuple(sorted(map(str, planes)))
    for path, plane in planes.items():
        np.testing.assert_array_equal(backend.load(path), plane)


def test_array_is_laid_out_as_the_format_wants(backend, store):
    backend.declare(store, PlateLayout(channel=(1, 2), z_index=(1, 2, 3), pixel_size_um=0.65, z_step_um=2.0))
    backend.save(np.full((600, 500), 7, "uint16"), store / name(well="B02", site=4, channel=2, z_index=3))
    image = store / "B" / "02" / "4"
    (multiscale,) = ome_metadata(image)["multiscales"]
    assert [axis["name"] for axis in multiscale["axes"]] == list("tczyx")
    assert [axis.get("unit") for axis in multiscale["axes"]] == [None, None, *["micrometer"] * 3]
    scales = [level["coordinateTransformations"][0]["scale"] for level in multiscale["datasets"]]
    assert scales == [[1, 1, 2, 0.65 * factor, 0.65 * factor] for factor in (1, 2, 4)]
    array = zarr.open_array(image / "0", mode="r")
    assert array.shape == (1, 2, 3, 600, 500)
    assert array.metadata.dimension_names == tuple("tczyx")
    assert array[0, 1, 2].min() == array[0, 1, 2].max() == 7
    assert zarr.open_array(image / "2", mode="r")[0, 1, 2].tolist() == [[7] * 125] * 150


def test_what_is_missing_is_missing(backend, store):
    backend.declare(store, PlateLayout(channel=("DAPI", "GFP"), z_index=(1, 2)))
    there = store / name(well="A01", channel="DAPI", z_index=1)
    backend.save(np.zeros((3, 4), "uint16"), there)
    assert backend.list(store) == (str(there),)
    absent = {
        "slice": {"well": "A01", "channel": "DAPI", "z_index": 2},
        "channel": {"well": "A01", "channel": "GFP", "z_index": 1},
        "channel that nobody declared": {"well": "A01", "channel": "Cy5", "z_index": 1},
        "projection": {"well": "A01", "channel": "DAPI"},
        "well": {"well": "A02", "channel": "DAPI", "z_index": 1},
        "site": {"well": "A01", "site": 1, "channel": "DAPI", "z_index": 1},
        "plate": {"plate": "P1", "well": "A01", "channel": "DAPI", "z_index": 1},
    }
    for what, components in absent.items():
        assert not backend.exists(store / name(**components)), what
        with pytest.raises(ImageNotFoundError):
            backend.load(store / name(**components))


def test_what_was_declared_stands_in_its_order(backend, store):
    backend.declare(store, PlateLayout(channel=("GFP", "DAPI"), z_index=(3, 1)))
    backend.save(PLANE, store / name(well="A01", channel="DAPI", z_index=1))
    labels = [channel["label"] for channel in ome_metadata(store / "A" / "01" / "0")["omero"]["channels"]]
    assert labels == ["GFP", "DAPI"]
    assert zarr.open_array(store / "A" / "01" / "0" / "0", mode="r")[0, 1, 1].tolist() == PLANE.tolist()


def test_arrays_grow_for_what_was_not_declared(backend, store):
    paths = [
        store / name(well="A01", channel=channel, z_index=z, timepoint=t)
        for t in (1, 2)
        for channel in ("DAPI", "GFP")
        for z in (1, 2, 3)
    ]
    for number, path in enumerate(paths):
        backend.save(PLANE + number, path)
    image = store / "A" / "01" / "0"
    assert zarr.open_array(image / "0", mode="r").shape == (2, 2, 3, 3, 4)
    assert len(ome_metadata(image)["omero"]["channels"]) == 2
    check_plate(store)
    for number, path in enumerate(paths):
        assert backend.load(path)[0, 0] == number


def test_planes_saved_together_are_put_in_order(backend, store):
    zs = (10, 2, 1)
    paths = [store / name(well="A01", z_index=z) for z in zs]
    backend.save_batch([np.full((2, 2), z, "uint8") for z in zs], paths)
    assert zarr.open_array(store / "A" / "01" / "0" / "0", mode="r")[0, 0, :, 0, 0].tolist() == [1, 2, 10]


UNLIKE = {
    "shape": ({}, np.zeros((5, 6), "uint16")),
    "dtype": ({}, np.zeros((3, 4), "float32")),
    "colours": ({}, np.zeros((3, 4, 3), "uint16")),
    "projection": ({"z_index": None}, PLANE),
}


@pytest.mark.parametrize(("change", "plane"), UNLIKE.values(), ids=UNLIKE)
def test_planes_that_share_no_array_share_a_field(backend, store, change, plane):
    stack = [store / name(well="A01", site=1, channel=1, z_index=z) for z in (1, 2)]
    other = store / name(**{"well": "A01", "site": 1, "channel": 2, "z_index": 1} | change)
    backend.save_batch([PLANE, PLANE, plane], [*stack, other])
    images = [image["path"] for image in ome_metadata(store / "A" / "01")["well"]["images"]]
    assert images == ["1", "1v2"]
    check_plate(store)
    assert backend.list(store) == tuple(sorted(map(str, [*stack, other])))
    assert (backend.load(other) == plane).all()


def test_large_planes_are_cut_inside_one_file(backend, store):
    plane = np.arange(4500 * 20, dtype="uint32").reshape(4500, 20)
    path = store / name(well="A01")
    backend.save(plane, path)
    array = zarr.open_array(store / "A" / "01" / "0" / "0", mode="r")
    assert array.chunks[-2:] == (2048, 2048)
    assert array.shards[-2:] == (6144, 2048)
    check_plate(store)
    np.testing.assert_array_equal(backend.load(path), plane)
    backend.delete(path)
    assert not backend.exists(path)


def test_labels_belong_to_their_image(backend, store):
    plate = store / "Step_01_blur"
    image, other = (plate / name(well="A01", site=1, channel=channel, z_index=2) for channel in (1, 2))
    labels = plate / "labels" / "nuclei" / image.name
    crowded = plate / "labels" / "nuclei" / other.name
    backend.save_batch([np.ones((300, 280), "uint16")] * 2, [image, other])
    pattern = np.zeros((300, 280), "uint16")
    pattern[:150] = 5
    pattern[150:] = 9
    backend.save(pattern, labels)
    backend.save(pattern.astype("uint32") * 100_000, crowded)
    group = plate / "A" / "01" / "1" / "labels"
    assert ome_metadata(group)["labels"] == ["nuclei", "nuclei_v2"]
    assert ome_metadata(group / "nuclei")["image-label"]["source"] == {"image": "../../"}
    check_plate(plate)
    assert set(np.unique(zarr.open_array(group / "nuclei" / "1", mode="r"))) == {5, 9}
    assert (backend.load(labels) == pattern).all()
    assert backend.load(crowded).max() == 900_000
    assert backend.list(plate / "labels" / "nuclei") == tuple(sorted(map(str, [labels, crowded])))
    assert len(backend.list(plate)) == 4
    backend.delete(labels)
    assert backend.exists(image)
    assert not backend.exists(labels)


def test_labels_of_another_size_have_the_levels_of_their_image(backend, store):
    backend.save(np.ones((600, 600), "uint8"), store / name(well="A01"))
    backend.save(np.ones((60, 60), "uint8"), store / "labels" / "cells" / name(well="A01"))
    assert len(ome_metadata(store / "A" / "01" / "0" / "labels" / "cells")["multiscales"][0]["datasets"]) == 3
    check_plate(store)


def test_labels_without_an_image_have_a_plate_of_their_own(backend, store):
    path = store / "Step_01_label" / name(well="A01", site=1)
    files = FileManager(backend)
    files.save_batch([np.eye(300, dtype="uint16") * 7], [path], "zarr", kind=Kind.LABELS)
    image = store / "Step_01_label" / "A" / "01" / "1"
    assert "image-label" in ome_metadata(image)
    assert "omero" not in ome_metadata(image)
    assert set(np.unique(zarr.open_array(image / "1", mode="r"))) == {0, 7}
    check_plate(store / "Step_01_label")


BAD_LABELS = {
    "no image": (np.ones((3, 4), "uint8"), StorageError, "belongs to no image that is there"),
    "fractions": (np.ones((3, 4)), UnsupportedArrayError, "labels must be integers"),
    "colours": (np.ones((3, 4, 3), "uint8"), UnsupportedArrayError, "labels must be integers"),
}


@pytest.mark.parametrize(("plane", "error", "reason"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_labels_that_cannot_be_kept(backend, store, plane, error, reason):
    with pytest.raises(error, match=reason):
        backend.save(plane, store / "labels" / "cells" / name(well="A01", site=1))
    assert backend.list(store) == ()


def test_channels_look_as_declared_and_by_their_names(backend, store):
    backend.declare(
        store,
        PlateLayout(channel=(1, 2, "GFP", "DAPI", "Hoechst")),
        channel_names={1: "Mito", 2: "ER"},
        channel_colours={2: "123456"},
    )
    backend.declare(store, PlateLayout(well=("H12",)))
    backend.save(np.linspace(100, 900, 10_000).reshape(100, 100), store / name(well="A01", channel=2))
    channels = ome_metadata(store / "A" / "01" / "0")["omero"]["channels"]
    assert [channel["label"] for channel in channels] == ["Mito", "ER", "GFP", "DAPI", "Hoechst"]
    assert [channel["color"] for channel in channels][:4] == ["FF00FF", "123456", "00FF00", "0000FF"]
    assert len({channel["color"] for channel in channels}) == 5
    window = channels[1]["window"]
    assert (window["start"], window["end"]) == pytest.approx((100, 900), abs=2)
    plate = ome_metadata(store)["plate"]
    assert (len(plate["rows"]), len(plate["columns"])) == (8, 12)
    assert [well["path"] for well in plate["wells"]] == ["A/01"]


FORMATS = {"A01": (2, 3), "D06": (4, 6), "H12": (8, 12), "A13": (16, 24), "AF48": (32, 48), "AZ72": (52, 72)}


@pytest.mark.parametrize(("well", "size"), FORMATS.items())
def test_plate_has_the_rows_and_columns_of_one_that_is_made(backend, store, well, size):
    backend.save(PLANE, store / name(well=well))
    plate = ome_metadata(store)["plate"]
    assert (len(plate["rows"]), len(plate["columns"])) == size
    backend.save(PLANE, store / name(well="A02"))
    check_plate(store)


PLACELESS = {
    "no store": ("folder/well-A01.tif", "lies in no OME-Zarr store"),
    "the store itself": ("well-A01.zarr", "lies in no OME-Zarr store"),
    "unknown name": ("out.zarr/holiday.tif", "cannot be placed in an OME-Zarr plate"),
    "no well": ("out.zarr/site-1_channel-2.tif", "names no well"),
    "row": ("out.zarr/A/well-A01.tif", "'A' cannot name a group"),
    "labels without a name": ("out.zarr/labels/well-A01.tif", "'labels' cannot name a group"),
    "labels of a row": ("out.zarr/labels/B/well-A01.tif", "'B' cannot name a group"),
    "hidden": ("out.zarr/.git/well-A01.tif", "'.git' cannot name a group"),
}


@pytest.mark.parametrize(("path", "reason"), PLACELESS.values(), ids=PLACELESS)
@pytest.mark.parametrize("method", ["save", "load", "exists", "delete"])
def test_path_that_has_no_place(backend, tmp_path, method, path, reason):
    arguments = (PLANE,) if method == "save" else ()
    with pytest.raises(StorageError, match=reason):
        getattr(backend, method)(*arguments, tmp_path / path)
    assert not list(tmp_path.iterdir())


def test_one_folder_holds_one_plate(backend, store):
    backend.save(PLANE, store / name(plate="P1", well="A01"))
    with pytest.raises(StorageError, match=r"holds the plate 'P1', not 'P2'"):
        backend.save(PLANE, store / name(plate="P2", well="A01"))
    with pytest.raises(StorageError, match=r"holds the plate 'P1', not None"):
        backend.declare(store, PlateLayout(well=("A01",)))
    assert backend.list(store) == (str(store / name(plate="P1", well="A01")),)
    assert ome_metadata(store)["plate"]["name"] == "P1"


def test_names_of_instruments_are_addresses_too(backend, store):
    backend.save(PLANE, store / "P1_B02_s1_w2.TIF")
    own = store / name(plate="P1", well="B02", site=1, channel=2)
    assert backend.list(store) == (str(own),)
    assert backend.exists(own)


def test_plates_of_others_are_left_alone(backend, store):
    group = zarr.open_group(store, mode="w", zarr_format=3)
    group.attrs["ome"] = {"version": "0.5", "plate": {}}
    before = (store / "zarr.json").read_bytes()
    with pytest.raises(StorageError, match="was not written by platecast"):
        backend.save(PLANE, store / name(well="A01"))
    assert (store / "zarr.json").read_bytes() == before


def test_attributes_of_others_stay(backend, store):
    backend.save(PLANE, store / name(well="A01"))
    zarr.open_group(store, mode="r+").attrs["their"] = {"note": 1}
    backend.save(PLANE, store / name(well="A02"))
    assert zarr.open_group(store, mode="r").attrs["their"] == {"note": 1}
    check_plate(store)


DAMAGED = {
    "chunk": ("A/01/0/0/c/0/0/0/0/0", b"no chunk", "could not be read"),
    "array": ("A/01/0/0/zarr.json", b"{", "could not be read"),
    "image": ("A/01/0/zarr.json", b"{", r"zarr\.json could not be read"),
    "notes of the image": (
        "A/01/0/zarr.json",
        b'{"zarr_format": 3, "node_type": "group", "attributes": {}}',
        "is damaged",
    ),
    "plate": ("zarr.json", b"[]", r"zarr\.json could not be read"),
}


@pytest.mark.parametrize(("file", "content", "reason"), DAMAGED.values(), ids=DAMAGED)
def test_damage_is_named(store, file, content, reason):
    path = store / name(well="A01")
    ZarrBackend().save(PLANE, path)
    (store / file).write_bytes(content)
    with pytest.raises(StorageError, match=reason):
        ZarrBackend().load(path)


def test_nothing_but_the_store_is_left(backend, store):
    backend.save(PLANE, store / "Step_01_x" / name(well="A01"))
    assert [entry.name for entry in store.parent.iterdir()] == ["out.zarr"]
    assert not [path for path in store.rglob("*") if path.name.startswith(".")]
    notes = json.loads((store / "zarr.json").read_text())
    assert notes == {"zarr_format": 3, "node_type": "group", "attributes": {}}


def test_another_backend_sees_what_this_one_saves(backend, store):
    other = ZarrBackend()
    for z in (1, 2, 3):
        path = store / name(well="A01", z_index=z)
        (backend, other)[z % 2].save(PLANE + z, path)
        assert backend.load(path)[0, 0] == other.load(path)[0, 0] == z
    other.close()


def test_zarr_is_imported_when_the_store_is_used(tmp_path):
    code = (
        "import sys, platecast.storage as s; assert 'zarr' not in sys.modules; files = s.FileManager()\n"
        "try: files.load('absent.zarr/well-A01.tif', 'zarr')\n"
        "except FileNotFoundError: assert 'zarr' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=tmp_path)
