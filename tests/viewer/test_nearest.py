"""A well is left for another one that has other sites, slices and times."""

import pytest

from platecast.components import Components, PlaneId, StepId
from platecast.config import Display
from platecast.layers import Loss, LossState

PLACES = (("A01", 1, 0), ("A01", 2, 5), ("B02", 2, 4), ("B02", 3, 5), ("B02", 9, 0), ("C03", 7, 7))


@pytest.fixture(params=[(), ("well",), ("well", "site")], ids=lambda sliced: "-".join(sliced) or "stacked")
def canvas(request, napari_canvas, store, file_plane):
    store.regroup(request.param)
    for well, site, z_index in PLACES:
        file_plane(napari_canvas, well=well, site=site, z_index=z_index)
    return napari_canvas


@pytest.mark.parametrize(
    ("here", "asked", "expected"),
    [
        ({"well": "A01", "site": 2, "z_index": 5}, {"well": "B02"}, ("B02", 2, 4)),
        ({"well": "A01", "site": 1, "z_index": 0}, {"well": "B02"}, ("B02", 9, 0)),
        ({"well": "A01", "site": 1, "z_index": 0}, {"well": "C03"}, ("C03", 7, 7)),
        ({"well": "A01", "site": 1, "z_index": 0}, {"site": 2}, ("A01", 2, 5)),
        ({"well": "A01", "site": 1, "z_index": 0}, {"site": 7}, ("A01", 7, 0)),
        ({"well": "A01", "site": 1, "z_index": 0}, {"z_index": 7}, ("A01", 1, 7)),
        ({"well": "A01", "site": 1, "z_index": 0}, {"well": "B02", "site": 3}, ("B02", 3, 5)),
        ({"well": "A01", "site": 1, "z_index": 0}, {"well": "C03", "site": 1}, ("C03", 1, 0)),
    ],
)
def test_what_exists_is_kept_and_else_the_nearest_is_taken(canvas, here, asked, expected):
    canvas.go_to(here)
    assert canvas.values_on_screen() == here
    canvas.go_to(asked)
    names = ("well", "site", "z_index")
    assert canvas.values_on_screen() == dict(zip(names, expected, strict=True))


def test_sites_of_the_well(canvas):
    canvas.go_to({"well": "B02"})
    assert canvas.values_here("site") == (2, 3, 9)


def test_what_failed_is_gone_to(napari_canvas, store, file_plane):
    for well, site in (("A01", 1), ("A01", 2), ("B02", 2)):
        file_plane(napari_canvas, well=well, site=site)
    napari_canvas.go_to({"well": "A01", "site": 1})
    failed = PlaneId(components=Components(well="B02", site=1))
    store.lose(failed, Display(), Loss(LossState.FAILED, "no disk"))
    napari_canvas.go_to({"well": "B02"})
    assert napari_canvas.values_on_screen() == {"well": "B02", "site": 1}


def test_only_what_is_visible_counts(napari_canvas, model, file_plane):
    raw, blur = StepId(0, "raw"), StepId(1, "blur")
    for well, site, step in (("A01", 1, raw), ("A01", 1, blur), ("B02", 1, raw), ("B02", 2, blur)):
        file_plane(napari_canvas, step=step, well=well, site=site)
    assert [layer.visible for layer in model.layers] == [False, True]
    napari_canvas.go_to({"well": "B02"})
    assert napari_canvas.values_on_screen() == {"well": "B02", "site": 2}
    model.layers[0].visible = True
    napari_canvas.go_to({"well": "A01"})
    napari_canvas.go_to({"well": "B02"})
    assert napari_canvas.values_on_screen() == {"well": "B02", "site": 1}
