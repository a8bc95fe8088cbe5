"""A plate that is dropped on napari opens, without any window of ours."""

from pathlib import Path

import npe2
import numpy as np
import pytest
import tifffile

from platecast import viewer as viewer_room
from platecast.errors import StorageError
from platecast.layers import PlaneStack
from platecast.viewer._napari._reader import get_reader, read_plate


@pytest.fixture
def napari_model():
    """napari without a window, which knows our manifest and no other one."""
    from napari.components import ViewerModel

    manifest = npe2.PluginManifest.from_file(Path(viewer_room.__file__).with_name("napari.yaml"))
    manager = npe2.PluginManager.instance()
    # Other plugins that are installed are found when napari first asks for one, and stay for other tests.
    if "platecast" not in manager:
        manager.register(manifest)
    return ViewerModel()


@pytest.fixture
def plate(tmp_path):
    folder = tmp_path / "plate"
    for number, (well, site, channel) in enumerate(
        (well, site, channel) for well in ("A01", "B02") for site in (1, 2) for channel in (1, 2)
    ):
        path = folder / "TimePoint_1" / f"P1_{well}_s{site}_w{channel}.TIF"
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, np.full((20, 30), number, "uint16"), photometric="minisblack")
    (folder / "P1.HTD").write_text(
        '"HTSInfoFile", Version 1.0\n"XWells", 12\n"YWells", 8\n"NWavelengths", 2\n"WaveName1", "DAPI"\n'
    )
    return folder


@pytest.mark.parametrize("name", [".", "P1.HTD"])
def test_plate_opens_lazily_in_a_plain_napari(napari_model, plate, name):
    layers = napari_model.open(plate / name, plugin="platecast")
    assert [layer.name for layer in layers] == ["Channel_1 (DAPI)", "Channel_2"]
    for channel, layer in enumerate(layers):
        assert isinstance(layer.data, PlaneStack)
        assert layer.data.shape == (2, 2, 1, 1, 1, 20, 30)
        for well in (0, 1):
            for site in (0, 1):
                napari_model.dims.current_step = (well, site, 0, 0, 0, 0, 0)
                assert np.unique(layer._slice.image.view) == [well * 4 + site * 2 + channel]


def test_napari_finds_the_reader_by_itself(napari_model, plate):
    for path in (plate, plate / "P1.HTD"):
        readers = npe2.PluginManager.instance().iter_compatible_readers([str(path)])
        assert "platecast" in {reader.plugin_name for reader in readers}


NO_PLATES = {
    "nothing": "absent",
    "empty folder": "empty",
    "folder of other files": "other",
    "other file": "other/notes.xml",
    "image": "plate/TimePoint_1/P1_A01_s1_w1.TIF",
    "several": ["plate", "other"],
}


@pytest.mark.parametrize("path", NO_PLATES.values(), ids=NO_PLATES)
def test_what_is_no_plate_is_left_to_others(plate, tmp_path, path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    for name in ("notes.xml", "holiday.tif"):
        (tmp_path / "other" / name).touch()
    paths = [str(tmp_path / each) for each in path] if isinstance(path, list) else str(tmp_path / path)
    assert get_reader(paths) is None


def test_plate_whose_images_are_all_damaged(plate):
    for path in plate.glob("*/*.TIF"):
        path.write_bytes(b"not an image")
    assert get_reader(str(plate)) is read_plate
    with pytest.raises(StorageError, match="no image that can be read"):
        read_plate(str(plate))


def test_colour_images(tmp_path):
    image = np.zeros((20, 30, 3), "uint8")
    tifffile.imwrite(tmp_path / "P1_A01_s1_w1.TIF", image, photometric="rgb")
    ((stack, options, kind),) = read_plate(str(tmp_path))
    assert (stack.shape[-3:], options["rgb"], kind) == ((20, 30, 3), True, "image")


def test_real_plate(napari_model, shared_data):
    layers = napari_model.open(shared_data / "imagexpress_projection_mix", plugin="platecast")
    assert {layer.data.dtype.name for layer in layers} == {"uint16"}
    assert napari_model.dims.ndim == 7
    assert {layer.name for layer in layers if not layer.visible} == {
        f"Channel_{number}_projection (FITC_05)" for number in (1, 2)
    }
    assert layers[0].scale[-1] == pytest.approx(1.3668)
    shown = next(layer for layer in layers if layer.name == "Channel_1 (FITC_05)")
    assert shown._slice.image.view.max() > 100
