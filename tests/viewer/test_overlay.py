import pytest

from platecast.layers import Loss, LossState
from platecast.viewer._napari._overlay import missing_text, position_text, waiting_text

LONG = Loss(
    LossState.FAILED, "/data/P1/TimePoint_1/A01.tif could not be read: it ends after 5000 bytes, too early"
)
FAILED, DROPPED = Loss(LossState.FAILED, "no disk"), Loss(LossState.DROPPED, "no room")


@pytest.mark.parametrize(
    ("position", "state", "expected"),
    [
        ({"timepoint": 1, "z_index": 3, "site": 1, "well": "A01"}, {}, "Well A01 · Site 1 · Z 3 · T 1"),
        ({"well": "A01"}, {"missing": ["a"]}, "Well A01 · missing"),
        ({"well": "A01"}, {"missing": ["a"], "losses": [FAILED]}, "Well A01 · failed: no disk"),
        ({"well": "A01"}, {"missing": ["a"], "losses": [DROPPED]}, "Well A01 · dropped: no room"),
        (
            {"well": "A01"},
            {"visible": 3, "missing": ["a", "b"], "losses": [FAILED, None]},
            "Well A01 · 2 of 3 layers missing · failed: no disk",
        ),
        ({"well": "A01"}, {"missing": ["a"], "visible": 3}, "Well A01 · 1 of 3 layers missing"),
        (
            {"well": "A01", "site": 1},
            {"missing": ["a"], "losses": [LONG]},
            "Well A01 · Site 1\nfailed: A01.tif could not be read: it ends after 5000\nbytes, too early",
        ),
        ({"channel": "DAPI"}, {"visible": 0}, "Channel DAPI · every layer is hidden"),
        ({}, {}, ""),
    ],
)
def test_position_text(position, state, expected):
    assert position_text(position, **{"visible": 1, "missing": []} | state) == expected


def test_missing_text():
    assert missing_text([]) == ""
    assert missing_text(["Channel_1", "Channel_2"]) == "No image here: Channel_1, Channel_2"
    assert missing_text(["a", "b"], [DROPPED, None]) == "No image here: a (dropped: no room), b"


def test_waiting_text():
    assert waiting_text(5555) == "Waiting for images on port 5555"
