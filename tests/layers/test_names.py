from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platecast.components import Components, Kind, PlaneId, StepId
from platecast.config import Display
from platecast.layers import AXIS_NAMES, layer_names, place

BLUR = StepId(2, "gaussian_blur")


def key(
    *, sliced=("channel",), step=None, run="", kind=Kind.IMAGE, shape=(512, 512), dtype="uint16", **components
):
    plane = PlaneId(components=Components(**components), step=step, run=run, kind=kind)
    return place(plane, Display(sliced=sliced), shape, dtype)[0]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (
            key(sliced=("well", "channel", "site"), step=BLUR, well="A01", channel="DAPI", site=1),
            "Step_02_gaussian_blur_Well_A01_Channel_DAPI_Site_001",
        ),
        (key(step=BLUR, well="A01", channel="DAPI", site=1), "Step_02_gaussian_blur_Channel_DAPI"),
        (
            key(sliced=AXIS_NAMES, step=BLUR, well="A1", channel=1, site=2, z_index=3, timepoint=4),
            "Step_02_gaussian_blur_Well_A01_Channel_1_Site_002_Z_003_T_004",
        ),
        (key(step=StepId(0, "raw"), well="A01"), "Step_00_raw"),
        (key(channel="DAPI"), "Channel_DAPI"),
        (key(well="A01"), "Image"),
        (key(well="A01", kind=Kind.LABELS), "Image_labels"),
        (key(step=BLUR, channel="DAPI", kind=Kind.LABELS), "Step_02_gaussian_blur_Channel_DAPI_labels"),
        (key(sliced=("z_index",), z_index=1000), "Z_1000"),
        (key(plate="P", run="r", channel="DAPI"), "Channel_DAPI"),
    ],
)
def test_name_of_one(made, expected):
    assert layer_names([made]) == [expected]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([key(channel=1, z_index=0), key(channel=1)], ["Channel_1", "Channel_1_projection"]),
        ([key(channel=1), key(channel=1, z_index=0)], ["Channel_1_projection", "Channel_1"]),
        (
            [key(sliced=("z_index",), well="A01", z_index=2), key(sliced=("z_index",), well="A01")],
            ["Z_002", "Image_projection"],
        ),
        ([key(channel=1), key(channel=2, z_index=0)], ["Channel_1", "Channel_2"]),
        ([key(plate="P", channel=1), key(plate="Q", channel=1)], ["Channel_1", "Q_Channel_1"]),
        ([key(run="a", channel=1), key(run="b", channel=1)], ["Channel_1", "b_Channel_1"]),
        (
            [key(run="a", plate="P", channel=1), key(run="b", plate="Q", channel=1)],
            ["Channel_1", "Q_Channel_1"],
        ),
        (
            [key(plate=plate, run=run, channel=1) for plate in "PQ" for run in "ab"],
            ["Channel_1", "b_Channel_1", "Q_Channel_1", "b_Q_Channel_1"],
        ),
        ([key(channel=1), key(channel=1, shape=(256, 128))], ["Channel_1", "Channel_1_256x128"]),
        ([key(channel=1), key(channel=1, dtype="float32")], ["Channel_1", "Channel_1_float32"]),
        ([key(channel=1, site=1), key(channel=1)], ["Channel_1", "Channel_1_by_nothing"]),
        (
            [key(run="a", channel=1), key(run="b", channel=1), key(run="b", channel=1, z_index=0)],
            ["Channel_1", "b_Channel_1_projection", "b_Channel_1"],
        ),
        (
            [
                key(step=StepId(1, "a_projection"), well="A01"),
                key(step=StepId(1, "a"), well="A01"),
                key(step=StepId(1, "a"), well="A01", z_index=0),
            ],
            ["Step_01_a_projection", "Step_01_a_projection_2", "Step_01_a"],
        ),
    ],
)
def test_names_of_several(keys, expected):
    assert layer_names(keys) == expected


some_keys = st.builds(
    lambda well, z, sliced, plate, run, dtype: key(
        well=well, z_index=z, channel=1, sliced=sliced, plate=plate, run=run, dtype=dtype
    ),
    well=st.sampled_from(["A01", None]),
    z=st.sampled_from([1, None]),
    sliced=st.sampled_from([(), ("channel",), ("channel", "well")]),
    plate=st.sampled_from([None, "P"]),
    run=st.sampled_from(["", "r"]),
    dtype=st.sampled_from(["uint8", "uint16"]),
)


@given(st.lists(some_keys, unique=True, max_size=10))
def test_names_are_unique_and_stay(keys):
    names = layer_names(keys)
    assert len(set(names)) == len(names)
    for old, new in zip(layer_names(keys[:-1]), names, strict=False):
        assert old == new or "projection" in new


def test_every_order_gives_every_layer_a_name():
    keys = [key(channel=1), key(channel=1, z_index=0), key(channel=1, plate="P")]
    assert all(len(set(layer_names(order))) == 3 for order in permutations(keys))
