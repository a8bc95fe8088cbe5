import numpy as np
import pytest

from platecast.components import Components, Kind, PlaneId, StepId
from platecast.config import SLICEABLE_COMPONENTS, Display
from platecast.errors import UnsupportedArrayError
from platecast.layers import AXIS_NAMES, place

FULL = Components(plate="P", well="B02", site=1, channel="DAPI", z_index=3, timepoint=2)


def at(components, *, sliced=("channel",), replace_layers=False, shape=(4, 5), dtype="uint16", **plane):
    display = Display(sliced=sliced, replace_layers=replace_layers)
    return place(PlaneId(components=components, **plane), display, shape, dtype)


def test_axes_are_the_sliceable_components():
    assert set(AXIS_NAMES) == set(SLICEABLE_COMPONENTS)


@pytest.mark.parametrize(
    ("components", "sliced", "stacked", "index"),
    [
        (FULL, (), AXIS_NAMES, ("B02", 1, "DAPI", 2, 3)),
        (FULL, ("channel",), ("well", "site", "timepoint", "z_index"), ("B02", 1, 2, 3)),
        (FULL, AXIS_NAMES, (), ()),
        (Components(channel=1), ("channel",), (), ()),
        (Components(channel=1), (), ("channel",), (1,)),
        (Components(plate="P"), ("well",), (), ()),
        (Components(well="a1", z_index=0), ("channel",), ("well", "z_index"), ("A01", 0)),
    ],
    ids=["all-stacked", "channel-sliced", "all-sliced", "one-sliced", "one-stacked", "plate", "absent-slice"],
)
def test_index(components, sliced, stacked, index):
    key, found = at(components, sliced=sliced)
    assert (key.stacked, found) == (stacked, index)


@pytest.mark.parametrize(
    "other",
    [
        {"run": "2"},
        {"step": StepId(1, "blur")},
        {"kind": Kind.LABELS},
        {"shape": (5, 5)},
        {"dtype": "float32"},
        {"components": Components(plate="Q", well="B02", site=1, channel="DAPI", z_index=3, timepoint=2)},
        {"components": Components(plate="P", well="B02", site=1, channel="GFP", z_index=3, timepoint=2)},
        {"components": Components(plate="P", well="B02", site=1, channel="DAPI", timepoint=2)},
    ],
    ids=["run", "step", "kind", "shape", "dtype", "plate", "channel", "projection"],
)
def test_planes_that_must_not_share_a_layer(other):
    assert at(**{"components": FULL, "run": "1"} | other)[0] != at(FULL, run="1")[0]


@pytest.mark.parametrize("name", [name for name in AXIS_NAMES if name != "channel"])
def test_planes_that_share_a_layer(name):
    values = {part: getattr(FULL, part) for part in FULL.present} | {name: "C05" if name == "well" else 7}
    other = Components(**values)
    (key, index), (other_key, other_index) = at(FULL), at(other)
    assert key == other_key
    assert index != other_index


def test_runs_share_a_layer_where_they_replace_each_other():
    first, second = (at(FULL, run=run, replace_layers=True)[0] for run in ("1", "2"))
    assert first == second


@pytest.mark.parametrize(
    ("kind", "dtype", "expected"),
    [
        (Kind.LABELS, "uint8", "uint16"),
        (Kind.LABELS, "bool", "uint16"),
        (Kind.LABELS, "int32", "int32"),
        (Kind.IMAGE, "bool", "uint8"),
        (Kind.IMAGE, ">u2", "uint16"),
        (Kind.IMAGE, "float32", "float32"),
    ],
)
def test_layer_dtype(kind, dtype, expected):
    assert at(FULL, kind=kind, dtype=dtype)[0].dtype == expected


@pytest.mark.parametrize(
    ("kind", "shape", "dtype", "words"),
    [
        (Kind.POINTS, (4, 2), "float32", "points are no pixels"),
        (Kind.IMAGE, (4,), "uint8", "is no plane"),
        (Kind.IMAGE, (4, 5, 2), "uint8", "is no plane"),
        (Kind.IMAGE, (0, 5), "uint8", "is no plane"),
        (Kind.LABELS, (4, 5, 3), "uint8", "is no plane"),
        (Kind.LABELS, (4, 5), "float32", "dtype float32"),
        (Kind.IMAGE, (4, 5), "complex64", "dtype complex64"),
    ],
)
def test_what_cannot_be_shown_is_refused(kind, shape, dtype, words):
    with pytest.raises(UnsupportedArrayError, match=words):
        at(FULL, kind=kind, shape=shape, dtype=np.dtype(dtype))
