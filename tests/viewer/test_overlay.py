import pytest

from platecast.viewer._overlay import missing_text, position_text, waiting_text


@pytest.mark.parametrize(
    ("position", "state", "expected"),
    [
        ({"timepoint": 1, "z_index": 3, "site": 1, "well": "A01"}, {}, "Well A01 · Site 1 · Z 3 · T 1"),
        ({"well": "A01"}, {"missing": ["a"]}, "Well A01 · missing"),
        ({"well": "A01"}, {"missing": ["a"], "failure": "no disk"}, "Well A01 · failed: no disk"),
        (
            {"well": "A01"},
            {"visible": 2, "missing": ["a"], "failure": "no disk"},
            "Well A01 · 1 of 2 layers missing · failed: no disk",
        ),
        ({"well": "A01"}, {"missing": ["a"], "visible": 3}, "Well A01 · 1 of 3 layers missing"),
        ({"channel": "DAPI"}, {"visible": 0}, "Channel DAPI · every layer is hidden"),
        ({}, {}, ""),
    ],
)
def test_position_text(position, state, expected):
    assert position_text(position, **{"visible": 1, "missing": []} | state) == expected


def test_missing_text():
    assert missing_text([]) == ""
    assert missing_text(["Channel_1", "Channel_2"]) == "No image here: Channel_1, Channel_2"
    assert missing_text(["a", "b"], ["no disk", ""]) == "No image here: a (failed: no disk), b"


def test_waiting_text():
    assert waiting_text(5555) == "Waiting for images on port 5555"
