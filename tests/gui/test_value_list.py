"""Values to tick, as a filter."""

import pytest
from qtpy.QtCore import Qt

from platecast.gui._images._value_list import ValueList


@pytest.fixture
def values(qtbot):
    values = ValueList("Channels")
    qtbot.addWidget(values)
    values.set_values([1, 2, "DAPI"], ["w1", "w2", "DAPI"])
    values.show()
    return values


def test_all_are_ticked_at_first(values):
    assert values.chosen is None
    assert values._all.checkState() is Qt.CheckState.Checked


def test_some_are_chosen(qtbot, values):
    with qtbot.waitSignal(values.changed):
        values.choose([2, "DAPI"])
    assert values.chosen == (2, "DAPI")
    assert values._all.checkState() is Qt.CheckState.PartiallyChecked


def test_box_above_takes_all_or_none(values):
    values.choose([2])
    values._all.click()
    assert values.chosen is None
    values._all.click()
    assert values.chosen == ()
    values._all.click()
    assert values.chosen is None


def test_value_is_ticked_by_key(qtbot, values):
    values._list.setCurrentRow(1)
    qtbot.keyClick(values._list, Qt.Key.Key_Space)
    assert values.chosen == (1, "DAPI")


def test_other_values_are_all_ticked(values):
    values.choose([2])
    values.set_values([5], ["w5"])
    assert values.chosen is None
