import pytest

from platecast.viewer._overlay import position_text, waiting_text


@pytest.mark.parametrize(
    ("position", "state", "expected"),
    [
        ({"timepoint": 1, "z_index": 3, "site": 1, "well": "A01"}, {}, "Well A01 · Site 1 · Z 3 · T 1"),
        ({"well": "A01"}, {"is_missing": True}, "Well A01 · missing"),
        (
            {"channel": "DAPI"},
            {"has_visible": False, "is_missing": True},
            "Channel DAPI · every layer is hidden",
        ),
        ({}, {}, ""),
    ],
)
def test_position_text(position, state, expected):
    assert position_text(position, **{"has_visible": True, "is_missing": False} | state) == expected


def test_waiting_text():
    assert waiting_text(5555) == "Waiting for images on port 5555"
