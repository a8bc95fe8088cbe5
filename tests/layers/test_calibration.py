import pytest

from platecast.components import Components, PlaneId, PlateLayout
from platecast.config import Display
from platecast.errors import InvalidComponentsError
from platecast.layers import Calibration, common_scale, place

PIXELS = ("pixel",) * 7
LATERAL = (*("pixel",) * 5, "um", "um")
ALL_UM = (*("pixel",) * 4, "um", "um", "um")


def key(plate="P", **components):
    return place(PlaneId(components=Components(plate=plate, **components)), Display(), (8, 8), "uint16")[0]


FLAT, DEEP, OTHER = key(well="A01"), key(z_index=1), key(plate="Q", well="A01")


@pytest.mark.parametrize(
    ("keys", "known", "steps", "units"),
    [
        ([FLAT], {}, [(1, 1, 1)], PIXELS),
        ([FLAT, DEEP], {"P": Calibration(0.5, 2.0)}, [(2, 0.5, 0.5)] * 2, ALL_UM),
        ([DEEP], {"P": Calibration(0.5)}, [(1, 0.5, 0.5)], LATERAL),
        ([FLAT], {None: Calibration(0.5)}, [(1, 0.5, 0.5)], ALL_UM),
        ([FLAT, OTHER], {"P": Calibration(0.5)}, [(1, 1, 1)] * 2, PIXELS),
        (
            [FLAT, OTHER],
            {"P": Calibration(0.5), "Q": Calibration(0.25)},
            [(1, 0.5, 0.5), (1, 0.25, 0.25)],
            ALL_UM,
        ),
        ([FLAT], {"P": Calibration(None, 2.0)}, [(1, 1, 1)], PIXELS),
    ],
    ids=["unknown", "known", "no z step", "no plate named", "one plate unknown", "two plates", "only z"],
)
def test_common_scale(keys, known, steps, units):
    scales = common_scale(keys, known)
    assert [scales[key].steps[-3:] for key in keys] == steps
    assert {scale.units for scale in scales.values()} == {units}
    assert all(scale.steps[:4] == (1, 1, 1, 1) for scale in scales.values())
    assert all(scale.is_physical == (units != PIXELS) for scale in scales.values())


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["pixel_size_um", "z_step_um"])
def test_a_distance_is_positive(name, wrong):
    with pytest.raises(InvalidComponentsError, match=name):
        PlateLayout(**{name: wrong})
