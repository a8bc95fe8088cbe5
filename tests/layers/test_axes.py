import pytest
from hypothesis import given
from hypothesis import strategies as st

from platecast.components import PlateLayout, parse_well
from platecast.layers import Axes


@pytest.mark.parametrize(
    ("axis", "arrived", "expected"),
    [
        ("well", ["B01", "A10", "A02", "AA01"], ("A02", "A10", "B01", "AA01")),
        ("site", [10, 2, 1], (1, 2, 10)),
        ("channel", ["w10", "w2", "w1"], ("w1", "w2", "w10")),
        ("channel", ["GFP", "DAPI", 2, 1], (1, 2, "DAPI", "GFP")),
        ("channel", ["dapi", "DAPI"], ("DAPI", "dapi")),
        ("channel", ["01", "1"], ("01", "1")),
    ],
)
def test_order(axis, arrived, expected):
    axes = Axes()
    for value in arrived:
        assert axes.add({axis: value})
    assert axes.values(axis) == expected
    assert [axes.position({axis: value})[axis] for value in expected] == list(range(len(expected)))


def test_known_values_do_not_grow():
    axes = Axes()
    assert axes.add({"well": "A01", "z_index": 1})
    assert not axes.add({"well": "A01", "z_index": 1})
    assert axes.lengths == (1, 1, 1, 1, 1)
    assert (axes.value("well", 0), axes.value("site", 0)) == ("A01", None)


def test_announced_values_count_once_their_axis_is_used():
    axes = Axes()
    layout = PlateLayout(well=("A02", "A01"), channel=("DAPI", "GFP"))
    assert not axes.announce(layout)
    assert axes.values("well") == ()
    assert axes.add({"well": "B01"})
    assert axes.values("well") == ("A01", "A02", "B01")
    assert not axes.add({"well": "A02"})
    assert axes.values("channel") == ()
    assert axes.announced("channel") == {"DAPI", "GFP"}
    assert axes.announce(PlateLayout(well=("C01",)))
    assert not axes.announce(PlateLayout(well=("C01",)))


def test_unknown_value_is_named_with_what_is_there():
    axes = Axes()
    axes.add({"well": "A01"})
    with pytest.raises(LookupError, match="well='B02' is not there: this window has A01"):
        axes.position({"well": "B02"})
    assert axes.position({"site": 3}) == {}


def test_clear_forgets_announced_values_too():
    axes = Axes()
    axes.announce(PlateLayout(site=(1, 2)))
    axes.clear()
    axes.add({"site": 5})
    assert axes.values("site") == (5,)


wells = st.builds(lambda row, column: f"{row}{column:02d}", st.sampled_from("ABCP"), st.integers(1, 24))


@given(st.lists(wells), st.lists(wells))
def test_order_does_not_depend_on_arrival(arrived, announced):
    axes = Axes()
    axes.announce(PlateLayout(well=tuple(announced)))
    for well in arrived:
        axes.add({"well": well})
    expected = sorted({*arrived, *announced}, key=parse_well) if arrived else []
    assert list(axes.values("well")) == expected
