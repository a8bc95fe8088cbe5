"""Wells that are chosen with mouse and keys."""

import pytest
from qtpy.QtCore import QPoint, Qt

from platecast.gui._parts._well_grid import WellGrid, WellMark
from tests.gui.looks import DARK, shown_colors

KEYS = Qt.Key
WELLS = ("A01", "A02", "A03", "B01", "B02", "C02")


@pytest.fixture
def grid(qtbot):
    grid = WellGrid()
    qtbot.addWidget(grid)
    grid.resize(400, 280)
    grid.set_wells({well: WellMark("#56b4e9", f"{well} has 4 images") for well in WELLS})
    grid.show()
    return grid


def click(qtbot, grid, well, keys=Qt.KeyboardModifier.NoModifier):
    qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, keys, grid.rect_of(well).center())


def test_click_ctrl_and_shift(qtbot, grid):
    click(qtbot, grid, "A01")
    assert grid.chosen == ("A01",)
    click(qtbot, grid, "C02", Qt.KeyboardModifier.ControlModifier)
    assert grid.chosen == ("A01", "C02")
    click(qtbot, grid, "C02", Qt.KeyboardModifier.ControlModifier)
    assert grid.chosen == ("A01",)
    click(qtbot, grid, "A01")
    click(qtbot, grid, "B02", Qt.KeyboardModifier.ShiftModifier)
    assert grid.chosen == ("A01", "A02", "B01", "B02")


def test_drag_chooses_what_it_goes_over(qtbot, grid):
    begin, end = grid.rect_of("A02").center(), grid.rect_of("C02").center()
    qtbot.mousePress(grid, Qt.MouseButton.LeftButton, pos=begin)
    qtbot.mouseMove(grid, end)
    qtbot.mouseRelease(grid, Qt.MouseButton.LeftButton, pos=end)
    assert grid.chosen == ("A02", "B02", "C02")


def test_labels_choose_rows_columns_and_all(qtbot, grid):
    first = grid.rect_of("A01").center()
    middle = grid.rect_of("B02").center()
    for point, expected in (
        (QPoint(2, middle.y()), ("B01", "B02")),
        (QPoint(middle.x(), 2), ("A02", "B02", "C02")),
        (QPoint(2, 2), WELLS),
    ):
        qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=point)
        assert grid.chosen == expected, (point, first)


def test_keys(qtbot, grid):
    qtbot.keyClick(grid, KEYS.Key_Right)
    qtbot.keyClick(grid, KEYS.Key_Space)
    assert grid.chosen == ("A02",)
    qtbot.keyClick(grid, KEYS.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert grid.chosen == ("A02", "B02")
    qtbot.keyClick(grid, KEYS.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert grid.chosen == WELLS
    qtbot.keyClick(grid, KEYS.Key_Escape)
    assert grid.chosen == ()


def test_arrow_goes_over_wells_that_are_not_there(qtbot, grid):
    grid.set_wells({"A01": WellMark("#56b4e9"), "A09": WellMark("#56b4e9")})
    qtbot.keyClick(grid, KEYS.Key_Right)
    qtbot.keyClick(grid, KEYS.Key_Space)
    assert grid.chosen == ("A09",)


def test_choice_is_told_once_and_wells_that_go_are_chosen_no_more(qtbot, grid):
    with qtbot.waitSignals([grid.chosen_changed] * 1):
        grid.choose(["A01", "B01", "H12"])
    assert grid.chosen == ("A01", "B01")
    with qtbot.assertNotEmitted(grid.chosen_changed):
        grid.choose(["B01", "A01"])
    with qtbot.waitSignal(grid.chosen_changed):
        grid.set_wells({"A01": WellMark("#56b4e9")})
    assert grid.chosen == ("A01",)


@pytest.mark.parametrize(("well", "rows", "columns"), [("A01", 4, 6), ("P24", 16, 24), ("AF48", 32, 48)])
def test_format_of_the_plate_follows_from_its_wells(qtbot, grid, well, rows, columns):
    grid.set_wells({well: WellMark("#56b4e9")})
    assert (grid._rows, grid._columns) == (rows, columns)
    assert grid.rect().contains(grid.rect_of(well))


def test_marks_can_be_seen_in_light_and_dark(qtbot, grid):
    grid.set_wells({"A01": WellMark("#d55e00", sign="cross"), "A02": WellMark("#8a919c", sign="ring")})
    light = shown_colors(grid)
    grid.setPalette(DARK)
    dark = shown_colors(grid)
    for colors in (light, dark):
        assert {"#d55e00", "#8a919c", "#ffffff"} <= colors
    assert light != dark
