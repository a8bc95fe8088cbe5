import pytest

from platecast.components import Components, Kind, PlaneId, PlateLayout, StepId
from platecast.layers import Loss, LossState
from platecast.viewer._plate._model import FORMATS, PlateModel, Topic, WellState

DAPI = Topic(None, Kind.IMAGE, "DAPI")


def plane(well, channel="DAPI", site=1, *, step=None, run="", kind=Kind.IMAGE, plate=None, **rest):
    components = Components(well=well, channel=channel, site=site, plate=plate, **rest)
    return PlaneId(components=components, step=step, run=run, kind=kind)


def states(model, plate=None):
    return {well.name: well.state for well in model.view(plate).wells.values()}


def test_states_without_a_layout_are_judged_by_the_fullest_well():
    model = PlateModel()
    for well, sites in (("A01", 2), ("A02", 1)):
        for site in range(sites):
            model.add(plane(well, site=site))
    model.lose(plane("A03"), Loss(LossState.FAILED, "too large"))
    assert states(model) == {
        "A01": WellState.ARRIVED,
        "A02": WellState.PARTLY,
        "A03": WellState.FAILED,
    }


def test_wells_of_a_sparse_plate_are_judged_by_their_own_images():
    model = PlateModel()
    model.announce(
        PlateLayout(well=("A01", "A02", "A03"), site=(1, 2, 3), channel=("DAPI",), images=(3, 1, 2))
    )
    for well, sites in (("A01", (1, 2, 3)), ("A02", (3,)), ("A03", (1,))):
        for site in sites:
            model.add(plane(well, site=site))
    assert states(model) == {
        "A01": WellState.ARRIVED,
        "A02": WellState.ARRIVED,
        "A03": WellState.PARTLY,
    }
    step = StepId(1, "blur")
    model.add(plane("A01", site=1, step=step))
    assert states(model)["A02"] is WellState.PARTLY, "a third of the images, rounded up"
    for site in (2, 3):
        model.add(plane("A01", site=site, step=step))
    model.add(plane("A02", site=3, step=step))
    assert states(model) == {
        "A01": WellState.ARRIVED,
        "A02": WellState.ARRIVED,
        "A03": WellState.PARTLY,
    }


def test_a_layout_says_what_is_missing():
    model = PlateModel()
    model.announce(PlateLayout(well=("A01", "A02"), site=(1, 2), channel=("DAPI", "GFP")))
    assert states(model) == {"A01": WellState.MISSING, "A02": WellState.MISSING}
    for site in (1, 2):
        model.add(plane("A01", site=site))
    assert states(model)["A01"] is WellState.PARTLY, "the other channel has not come"
    for site in (1, 2):
        model.add(plane("A01", "GFP", site))
    assert states(model) == {"A01": WellState.ARRIVED, "A02": WellState.MISSING}


def test_results_need_not_be_as_many_as_raw_images():
    model = PlateModel()
    model.announce(PlateLayout(well=("A01", "A02"), z_index=(0, 1, 2)))
    for z in range(3):
        model.add(plane("A01", None, z_index=z))
    model.add(plane("A01", None, step=StepId(1, "project")))
    assert states(model)["A01"] is WellState.ARRIVED
    for z in range(3):
        model.add(plane("A02", None, z_index=z))
    assert states(model)["A02"] is WellState.PARTLY, "its projection has not come"


def test_a_plane_that_comes_after_all_is_no_failure():
    model = PlateModel()
    model.lose(plane("A01"), Loss(LossState.FAILED, "too large"))
    assert model.losses(None, "A01") == ("too large",)
    model.add(plane("A01"))
    assert states(model) == {"A01": WellState.ARRIVED}


def test_means_of_a_topic():
    model = PlateModel()
    model.add(plane("A01", site=1), 10.0)
    model.add(plane("A01", site=2), 30.0)
    model.add(plane("A02", site=1))
    model.add(plane("A01", "GFP"), 99.0)
    view = model.view(None, DAPI)
    assert {well.name: well.value for well in view.wells.values()} == {"A01": 20.0, "A02": None}
    assert view.value_range == (20.0, 20.0)
    model.add(plane("A01", site=2), 50.0)
    assert model.view(None, DAPI).wells[0, 0].value == 30.0, "a plane sent again counts once"
    assert model.view(None).value_range is None
    assert [str(topic) for topic in model.topics(None)] == ["DAPI", "GFP"]


def test_plates_and_runs_are_apart():
    model = PlateModel()
    model.add(plane("A01", plate="P", run="1"))
    model.add(plane("B01", plate="P", run="2"))
    model.add(plane("C01", plate="Q", run="2"))
    assert model.plates == ("P", "Q")
    assert set(states(model, "P")) == {"B01"}, "of several runs the newest"
    assert set(states(model, "Q")) == {"C01"}
    model.clear()
    assert model.plates == ()


@pytest.mark.parametrize(
    ("well", "expected"),
    [
        ("D06", (4, 6)),
        ("F08", (6, 8)),
        ("H12", (8, 12)),
        ("P24", (16, 24)),
        ("AF48", (32, 48)),
        ("AV72", (48, 72)),
    ],
)
def test_format(well, expected):
    model = PlateModel()
    model.add(plane(well))
    view = model.view(None)
    assert (view.rows, view.columns) == expected
    assert expected in FORMATS or well == "AV72"


def test_without_a_well_nothing_is_said():
    model = PlateModel()
    model.add(PlaneId(components=Components(channel="DAPI")))
    assert model.plates == ()
    assert model.view(None).wells == {}
