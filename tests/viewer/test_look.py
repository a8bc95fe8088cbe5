import pytest

from platecast.components import Components, Kind, PlaneId, StepId
from platecast.config import Display
from platecast.layers import place
from platecast.viewer._session._look import channel_colormaps, hidden_layers, insert_place


@pytest.mark.parametrize(
    ("channels", "colormaps"),
    [
        (["DAPI", "GFP", "TRITC", "Cy5"], ["bop blue", "green", "bop orange", "magenta"]),
        ([1, 2, 3, 4], ["cyan", "magenta", "yellow", "green"]),
        (["w1", "w2"], ["cyan", "magenta"]),
        (["Hoechst 33342", "Brightfield"], ["bop blue", "gray"]),
        (["GFP", "FITC"], ["green", "cyan"]),
        ([405, 488], ["cyan", "magenta"]),
        (
            list(range(9)),
            ["cyan", "magenta", "yellow", "green", "bop orange", "bop purple", "bop blue", "red", "cyan"],
        ),
    ],
)
def test_channel_colormaps(channels, colormaps):
    assert list(channel_colormaps(channels).values()) == colormaps


def test_a_channel_keeps_its_colormap_when_others_come():
    few, many = channel_colormaps(["a", "GFP"]), channel_colormaps(["a", "GFP", "b"])
    assert few.items() <= many.items()


def key(*, sliced=("channel",), step=None, run="", kind=Kind.IMAGE, **components):
    step = None if step is None else StepId(step, f"step{step}")
    plane = PlaneId(components=Components(**components), run=run, step=step, kind=kind)
    return place(plane, Display(sliced=sliced), (8, 8), "uint8")[0]


WELLS = ("well", "channel")


@pytest.mark.parametrize(
    ("keys", "hidden"),
    [
        ([key(channel=1), key(channel=2)], []),
        ([key(channel=1, step=0), key(channel=1, step=1)], [0]),
        ([key(channel=1, step=1), key(channel=1, step=0)], [1]),
        ([key(channel=1, step=0), key(channel=2, step=1)], []),
        ([key(channel=1, step=0), key(channel=1, step=1, kind=Kind.LABELS)], []),
        ([key(channel=1, step=0, kind=Kind.LABELS), key(channel=1, step=1, kind=Kind.LABELS)], [0]),
        ([key(channel=1, step=0, z_index=0), key(channel=1, step=1)], [0]),
        ([key(channel=1, step=0, plate="P"), key(channel=1, step=1, plate="Q")], []),
        ([key(channel=1, step=0), key(channel=1)], []),
        ([key(channel=1, run="a"), key(channel=1, run="b")], [0]),
        ([key(channel=1, run="a"), key(channel=1, run="b"), key(channel=2, run="a")], [0, 2]),
        ([key(channel=1), key(channel=1, run="b")], []),
        ([key(sliced=WELLS, well=well, channel=1) for well in ("A01", "A02")], [1]),
        ([key(sliced=WELLS, well="A01", channel=1), key(sliced=WELLS, well="A01", channel=2)], []),
    ],
    ids=[
        "channels",
        "later-step",
        "earlier-step-comes-late",
        "other-channel",
        "labels-over-images",
        "labels-of-later-step",
        "projection-of-stack",
        "other-plate",
        "no-step",
        "later-run",
        "earlier-run-comes-late",
        "no-run",
        "second-well",
        "channels-of-a-well",
    ],
)
def test_hidden_layers(keys, hidden):
    assert hidden_layers(keys, {"well": "A01"}) == {keys[place] for place in hidden}


OWN_IMAGE, OWN_LABELS, USERS = (True, False), (True, True), (False, False)


@pytest.mark.parametrize(
    ("is_labels", "neighbours", "expected"),
    [
        (False, [], 0),
        (False, [OWN_IMAGE, OWN_LABELS], 1),
        (False, [OWN_LABELS], 0),
        (False, [USERS], 0),
        (False, [OWN_IMAGE, USERS], 1),
        (True, [], 0),
        (True, [OWN_IMAGE, OWN_LABELS], 2),
        (True, [OWN_IMAGE, USERS], 1),
        (True, [USERS], 1),
    ],
)
def test_insert_place(is_labels, neighbours, expected):
    assert insert_place(is_labels, neighbours) == expected
