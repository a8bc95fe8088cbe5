"""The images of a plate are found by their names, whatever lies beside them."""

from collections import Counter
from pathlib import Path

import pytest

from platecast.components import Components, PlateLayout
from platecast.pipeline import PlateImage, find_images
from platecast.pipeline._plate import by_well, layouts_of

DATA = Path(__file__).parents[3] / "shared" / "data"


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_images_are_sorted_by_well_and_number(tmp_path):
    names = [
        "P1_B02_s1_w1.TIF",
        "P1_B10_s1_w1.TIF",
        "P1_B02_s10_w1.TIF",
        "P1_B02_s2_w1.TIF",
        "P1_A12_s1_w1.TIF",
    ]
    touch(tmp_path, *names)
    assert [(image.components.well, image.components.site) for image in find_images(tmp_path)] == [
        ("A12", 1), ("B02", 1), ("B02", 2), ("B02", 10), ("B10", 1),
    ]  # fmt: skip


def test_folders_are_part_of_the_name(tmp_path):
    touch(tmp_path, "TimePoint_2/ZStep_3/P1_B02_s1_w1.TIF")
    (image,) = find_images(tmp_path)
    assert (image.components.timepoint, image.components.z_index) == (2, 3)
    assert Path(image.path) == tmp_path / "TimePoint_2" / "ZStep_3" / "P1_B02_s1_w1.TIF"


def test_what_is_no_image_is_left_out(tmp_path):
    touch(
        tmp_path, "P1_A01_s1_w1.TIF", "._P1_A01_s2_w1.TIF",
        "P1_A01_s1_w1_thumb0F1F64E8-0000-4F4C-9C5F-7C4E1F1B4D9A.tif",
        "P1.HTD", "notes.txt", "holiday.tif", ".hidden/P1_A02_s1_w1.TIF", "old.ome.zarr/P1_A03_s1_w1.TIF",
    )  # fmt: skip
    assert [Path(image.path).name for image in find_images(tmp_path)] == ["P1_A01_s1_w1.TIF"]


def test_folder_that_is_not_there_holds_nothing(tmp_path):
    assert find_images(tmp_path / "absent") == ()


def images(*components):
    return tuple(PlateImage(f"{number}.tif", each) for number, each in enumerate(components))


def test_wells_of_two_plates_stay_apart():
    first, second = Components(plate="P1", well="A01"), Components(plate="P2", well="A01")
    assert list(by_well(images(first))) == ["A01"]
    assert list(by_well(images(first, second))) == ["P1 A01", "P2 A01"]


def test_planes_without_a_well_belong_together():
    wells = by_well(images(Components(site=1), Components(site=2)))
    assert {label: len(members) for label, members in wells.items()} == {"no well": 2}


def test_layout_lists_each_components_values_in_order():
    members = [
        Components(plate="P1", well="B10", channel="GFP", z_index=10),
        Components(plate="P1", well="B02", channel="DAPI", z_index=9),
        Components(plate="P1", well="B02", channel="DAPI"),
    ]
    assert layouts_of(images(*members)) == (
        PlateLayout(plate="P1", well=("B02", "B10"), channel=("DAPI", "GFP"), z_index=(9, 10)),
    )


REAL_PLATES = {
    "imagexpress_projection_mix": (96, 2, 4),
    "imagexpress_timelapse": (12, 1, 3),
    "cytation_nf1_cellpainting": (15, 5, 3),
    "opera_phenix_harmony/Version1": (6, 1, 6),
    "cellvoyager_cv8000": (96, 3, 2),
    "arrayscan_row": (72, 24, 1),
}


@pytest.mark.skipif(not DATA.is_dir(), reason="the real plates are not beside this checkout")
@pytest.mark.parametrize(("name", "expected"), REAL_PLATES.items())
def test_real_plate(name, expected):
    found = find_images(DATA / name)
    wells = Counter(image.components.well for image in found)
    channels = {image.components.channel for image in found}
    assert (len(found), len(wells), len(channels)) == expected
    assert len({image.components for image in found}) == len(found)
