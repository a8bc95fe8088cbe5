"""The plate map as a user meets it: mouse, keys, words."""

import time

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

from platecast.components import Components, Kind, PlaneId, PlateLayout, row_name
from platecast.layers import Loss, LossState
from platecast.viewer._controls._plate_map import Numbers, Place, PlateMap
from platecast.viewer._plate._model import PlateModel
from platecast.viewer._plate._watch import PlateWatch

COLORS = np.stack([np.arange(64)] * 3, axis=1).astype(np.uint8)


class Window:
    """Where the map leads to."""

    def __init__(self, wells, sites=(1, 2, 3)):
        self.known = {"well": wells, "site": sites}
        self.here = {"well": wells[0] if wells else None, "site": sites[0]}
        self.gone = []
        self.plate = None

    def place(self):
        return Place(
            lambda name: self.known.get(name, ()),
            lambda: self.known["site"],
            lambda: self.here,
            self.go_to,
            lambda: self.plate,
        )

    def go_to(self, values):
        self.gone.append(dict(values))
        self.here = self.here | values


def plane(well, site=1):
    return PlaneId(components=Components(well=well, site=site))


def wells_of(rows, columns):
    return [f"{row_name(row)}{column + 1:02d}" for row in range(rows) for column in range(columns)]


@pytest.fixture
def make(qtbot):
    def make(wells, shown=None):
        model = PlateModel()
        model.announce(PlateLayout(well=tuple(wells)))
        for number, well in enumerate(shown or wells):
            model.add(plane(well), float(number))
        window = Window(list(shown or wells))
        plate_map = PlateMap(model, window.place(), COLORS)
        qtbot.addWidget(plate_map)
        plate_map.resize(310, 320)
        plate_map.show()
        qtbot.waitExposed(plate_map)
        plate_map.follow()
        return plate_map, window

    return make


def point_of(grid, row, column):
    center = grid.rect_of(row, column).center()
    return QPoint(round(center.x()), round(center.y()))


@pytest.mark.parametrize(("rows", "columns"), [(4, 6), (6, 8), (8, 12), (16, 24), (32, 48)])
def test_click_goes_to_the_well(qtbot, make, rows, columns):
    plate_map, window = make(wells_of(rows, columns))
    for row, column in ((0, 0), (rows - 1, columns - 1), (rows // 2, columns // 3)):
        qtbot.mouseClick(plate_map.grid, Qt.MouseButton.LeftButton, pos=point_of(plate_map.grid, row, column))
        assert window.here["well"] == f"{row_name(row)}{column + 1:02d}"
    step_down, step_across = plate_map.grid.squares.label_steps()
    cell = plate_map.grid.rect_of(0, 1).left() - plate_map.grid.rect_of(0, 0).left()
    assert cell * step_down >= 10
    assert cell * step_across >= 12


def test_keys(qtbot, make):
    wells = wells_of(8, 12)
    plate_map, window = make(wells, shown=["A01", "A04", "C04"])
    for key, expected in (
        (Qt.Key.Key_Right, {"well": "A04"}),
        (Qt.Key.Key_Down, {"well": "C04"}),
        (Qt.Key.Key_PageDown, {"site": 2}),
        (Qt.Key.Key_PageUp, {"site": 1}),
        (Qt.Key.Key_PageUp, {"site": 3}),
    ):
        qtbot.keyClick(plate_map.grid, key)
        assert window.gone[-1] == expected
    count = len(window.gone)
    qtbot.keyClick(plate_map.grid, Qt.Key.Key_Down)
    assert len(window.gone) == count, "there is no well below"


def test_hover_says_what_is_there(qtbot, make):
    plate_map, _ = make(["A01", "A02"], shown=["A01"])
    assert plate_map.text == "1 arrived · 1 missing"
    qtbot.mouseMove(plate_map.grid, point_of(plate_map.grid, 0, 1))
    qtbot.waitUntil(lambda: plate_map.text == "A02 · 0 of 1 planes · missing")
    plate_map.views.setCurrentText("Mean of Image")
    qtbot.mouseMove(plate_map.grid, point_of(plate_map.grid, 0, 0))
    qtbot.waitUntil(lambda: plate_map.text == "A01 · 1 of 1 planes · arrived · mean 0")


def test_a_well_without_images_leads_nowhere(qtbot, make):
    plate_map, window = make(["A01", "A02"], shown=["A01"])
    qtbot.mouseClick(plate_map.grid, Qt.MouseButton.LeftButton, pos=point_of(plate_map.grid, 0, 1))
    assert window.gone == []
    assert plate_map.text == "A02 · no image to go to"


def test_empty(qtbot):
    plate_map = PlateMap(PlateModel(), Window([]).place(), COLORS)
    qtbot.addWidget(plate_map)
    plate_map.show()
    assert plate_map._empty.isVisible()
    assert not plate_map.grid.isVisible()


def test_plates_can_be_chosen(qtbot):
    model = PlateModel()
    for plate, well in (("P", "A01"), ("Q", "B02")):
        model.add(PlaneId(components=Components(plate=plate, well=well)))
    plate_map = PlateMap(model, Window(["A01", "B02"]).place(), COLORS)
    qtbot.addWidget(plate_map)
    plate_map._plates.setCurrentIndex(1)
    assert [well.name for well in plate_map._view.wells.values()] == ["B02"]


def test_the_plate_on_screen_is_shown_until_the_user_chooses(qtbot):
    model, window = PlateModel(), Window(["A01", "B02"])

    def come(plate, well):
        model.add(PlaneId(components=Components(plate=plate, well=well)))
        window.plate = plate
        plate_map.redraw()

    def shown():
        return [well.name for well in plate_map._view.wells.values()]

    plate_map = PlateMap(model, window.place(), COLORS)
    qtbot.addWidget(plate_map)
    come(None, "A01")
    come("P", "B02")
    assert plate_map._plates.currentText() == "P"
    assert shown() == ["B02"]
    plate_map._plates.setCurrentIndex(0)
    come("P", "C03")
    assert shown() == ["A01"], "the user has chosen"
    window.plate = None
    plate_map.follow()
    window.plate = "P"
    plate_map.follow()
    assert shown() == ["B02", "C03"]


def test_1536_wells_open_within_a_second_and_update_within_200_ms(qtbot, make):
    begin = time.perf_counter()
    plate_map, _ = make(wells_of(32, 48))
    plate_map.grid.repaint()
    assert time.perf_counter() - begin < 1.0
    begin = time.perf_counter()
    plate_map.redraw()
    plate_map.grid.repaint()
    assert time.perf_counter() - begin < 0.2


def test_many_changes_cause_one_update(qtbot, make, monkeypatch):
    plate_map, _ = make(["A01"])
    updates = []
    plate_map._timer.timeout.connect(lambda: updates.append(1))
    for _ in range(50):
        plate_map.refresh()
    qtbot.waitUntil(lambda: bool(updates))
    assert not plate_map._timer.isActive()
    assert len(updates) == 1


def test_the_watch_counts_and_measures(qtbot):
    watch = PlateWatch(PlateModel())
    here, gone = np.full((64, 64), 7, np.uint16), np.full((64, 64), 9, np.uint16)
    watch.announced(PlateLayout(well=("A01", "A02", "A03", "A04")))
    watch.filed(plane("A01"), here)
    watch.filed(plane("A02"), gone)
    watch.lost(plane("A03"), Loss(LossState.FAILED, "too large"))
    del gone
    qtbot.waitUntil(lambda: not watch._timer.isActive())
    topic = watch.model.topics(None)[0]
    wells = {well.name: well for well in watch.model.view(None, topic).wells.values()}
    assert {name: well.state.value for name, well in wells.items()} == {
        "A01": "arrived",
        "A02": "missing",
        "A03": "failed",
        "A04": "missing",
    }
    assert (wells["A01"].value, wells["A02"].value) == (7.0, None), "a plane that is gone is not there"
    watch.cleared()
    assert watch.model.plates == ()
    watch.stop()


@pytest.fixture
def pictured(qtbot):
    """A plate of two wells with pictures, one that failed and one without, and a table's column."""
    model = PlateModel()
    model.announce(PlateLayout(well=("A01", "A02", "A03", "A04")))
    for well, value in (("A01", 0.0), ("A02", 200.0)):
        model.add(plane(well), value, np.full((32, 32), value, np.float32))
    model.lose(plane("A03"), Loss(LossState.FAILED, "too large"))
    columns = ["cell count"]
    numbers = Numbers(lambda: tuple(columns), lambda column, plate: {"A01": 3.0, "A02": 7.0})
    plate_map = PlateMap(model, Window(["A01", "A02"]).place(), COLORS, numbers)
    qtbot.addWidget(plate_map)
    plate_map.resize(310, 320)
    plate_map.show()
    qtbot.waitExposed(plate_map)
    return plate_map, model, columns


def color_at(plate_map, row, column):
    center = plate_map.grid.rect_of(row, column).center()
    image = plate_map.grid.grab().toImage()
    # A little off the middle, where a cross would be.
    return image.pixelColor(round(center.x()) - 3, round(center.y()) - 1)


def test_views(pictured):
    plate_map, model, columns = pictured
    texts = [plate_map.views.itemText(row) for row in range(plate_map.views.count())]
    assert texts == ["State", "Pictures of Image", "Mean of Image", "cell count"]
    plate_map.views.setCurrentText("cell count")
    columns.insert(0, "area")
    model.add(PlaneId(components=Components(well="A01", channel="GFP")), 1.0)
    plate_map.redraw()
    assert plate_map.views.currentText() == "cell count", (
        "a view that is chosen stays, whatever comes before it"
    )
    columns.clear()
    plate_map.redraw()
    assert plate_map.views.currentText() == "State"


def test_only_images_have_a_mean(pictured):
    plate_map, model, _ = pictured
    for kind in (Kind.TABLE, Kind.POINTS, Kind.LABELS):
        model.add(PlaneId(components=Components(well="A01"), kind=kind))
    plate_map.redraw()
    texts = [plate_map.views.itemText(row) for row in range(plate_map.views.count())]
    assert [text for text in texts if text.startswith("Mean")] == ["Mean of Image"]


def test_long_words_are_not_cut(qtbot, make):
    plate_map, _ = make(["A01", "A02"])
    short = plate_map._text.height()
    plate_map._model.lose(plane("A02", 2), Loss(LossState.FAILED, "no such file or directory " * 4))
    plate_map.redraw()
    plate_map.grid.well_hovered.emit("A02")
    assert plate_map.text.startswith("A02")
    qtbot.waitUntil(lambda: plate_map._text.height() >= 2 * short)


def test_pictures_of_wells(pictured):
    plate_map, _, _ = pictured
    plate_map.views.setCurrentText("Pictures of Image")
    assert color_at(plate_map, 0, 0).red() < 20
    assert color_at(plate_map, 0, 1).red() > 200
    plate_map.views.setCurrentText("State")
    assert color_at(plate_map, 0, 1).blue() > 200


def test_numbers_of_a_table(qtbot, pictured):
    plate_map, _, _ = pictured
    plate_map.views.setCurrentText("cell count")
    assert color_at(plate_map, 0, 0).red() == 0
    assert color_at(plate_map, 0, 1).red() == 63
    qtbot.mouseMove(plate_map.grid, point_of(plate_map.grid, 0, 1))
    qtbot.waitUntil(lambda: plate_map.text == "A02 · 1 of 1 planes · arrived · cell count 7")


def test_the_picture_is_that_of_the_first_plane(qtbot):
    model = PlateModel()
    topic = None
    for site, value in ((3, 3.0), (2, 2.0), (4, 4.0), (2, 5.0)):
        if model.wants_picture(plane("A01", site)):
            model.add(plane("A01", site), value, np.full((32, 32), value, np.float32))
        (topic,) = model.topics(None)
    assert model.pictures(None, topic)[0, 0][0, 0] == 5.0, "of the first site, and the latest plane there"
    model.forget({""}, {None})
    assert model.pictures(None, topic) == {}


def test_enter_goes_to_the_well_under_the_mouse(qtbot, make):
    plate_map, window = make(["A01", "A02"])
    for column in (0, 1):
        qtbot.mouseMove(plate_map.grid, point_of(plate_map.grid, 0, column))
        qtbot.waitUntil(lambda well=f"A0{column + 1}": plate_map.text.startswith(well))
    qtbot.keyClick(plate_map.grid, Qt.Key.Key_Return)
    assert window.gone == [{"well": "A02"}]
