"""Which part of a plate is meant: pure, and as widgets."""

import pytest

from platecast.components import Components
from platecast.gui._images._image_choice import choose_images, describe_image
from platecast.gui._images._plate_filter import PlateFilter
from platecast.storage import Plate, PlateImage


def image(well, site=1, channel=1, z=None, plate=None):
    components = Components(plate=plate, well=well, site=site, channel=channel, z_index=z)
    return PlateImage(f"/plates/{plate}_{well}_{site}_{channel}_{z}.tif", components)


IMAGES = tuple(image(well, site, channel) for well in ("A01", "B02") for site in (1, 2) for channel in (1, 2))


@pytest.fixture
def choice(qtbot):
    widget = PlateFilter()
    qtbot.addWidget(widget)
    widget.set_plate(Plate("/plates/P1", IMAGES))
    widget.show()
    return widget


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({}, 8),
        ({"wells": ["B02"]}, 4),
        ({"values": {"site": [2], "channel": [1]}}, 2),
        ({"values": {"site": []}}, 0),
        ({"plate": "P9"}, 0),
    ],
)
def test_part_that_is_meant(wanted, count):
    assert len(choose_images(IMAGES, **wanted)) == count


def test_projection_is_not_taken_away_by_choosing_slices():
    images = (image("A01", z=1), image("A01", z=2), image("A01"))
    assert choose_images(images, values={"z_index": [2]}) == images[1:]


def test_image_is_described_by_what_tells_it_apart():
    assert describe_image(image("B02", 3, 1, 4), {1: "DAPI"}) == "B02 · s3 · z4 · DAPI"
    assert describe_image(image("B02", 3, 1, 4), {}, ("z_index",)) == "B02 · z4 · 1"


def test_everything_is_meant_at_first(choice):
    assert choice.images == IMAGES
    assert choice.differing == ("site",)
    assert choice.wells_text.text().startswith("All wells.")
    assert [name for name, each in choice.lists.items() if each.isVisible()] == ["site", "channel"]


def test_wells_and_values_narrow_it_down_together(qtbot, choice):
    with qtbot.waitSignal(choice.changed):
        choice.grid.choose(["B02"])
        choice.lists["site"].choose([2])
    assert choice.images == IMAGES[6:]
    assert choice.wells_text.text() == "1 well chosen; Esc takes all again"


def test_well_with_fewer_images_has_another_mark(choice):
    choice.set_plate(Plate("/plates/P1", IMAGES[:5]))
    tips = {name: mark.tip for name, mark in choice.grid._wells.values()}
    assert tips == {"A01": "4 images", "B02": "1 images of 4 that others have"}


def test_one_of_several_plates(choice):
    choice.set_plate(Plate("/plates", (image("A01", plate="P1"), image("H12", plate="P2"))))
    assert choice.plates.isVisible()
    assert [found.components.plate for found in choice.images] == ["P1"]
    choice.plates.setCurrentIndex(1)
    assert [found.components.well for found in choice.images] == ["H12"]


def test_no_plate(choice):
    choice.set_plate(Plate(""))
    assert (choice.images, choice.grid.isVisible()) == ((), False)
