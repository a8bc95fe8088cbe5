"""Records of a peer are refused where they contradict themselves, before an array is touched."""

import random
import struct

import msgspec
import numpy as np
import pytest

from platecast.components import Kind
from platecast.errors import InvalidRecordsError, ProtocolError
from platecast.records import make_records
from platecast.wire import pack_records, unpack_records

POINTS = {"geometry": [["coordinates", "<f4", [1, 2], 0]], "features": [], "canvas": None}
BODY = np.array([1.0, 2.0], "<f4").tobytes()


def packed(head, body=BODY):
    header = msgspec.msgpack.encode(head)
    start = struct.pack("<Q", len(header)) + header
    return np.frombuffer(start + bytes(-len(start) % 8) + body, np.uint8)


def features(*rows, body=b""):
    return packed(POINTS | {"features": list(rows)}, BODY + body)


def test_what_is_right_is_taken():
    assert unpack_records(packed(POINTS), Kind.POINTS).geometry["coordinates"].tolist() == [[1.0, 2.0]]


TEXT = struct.pack("<2q", 0, 2) + b"ab"
REFUSED = {
    "nothing": (np.zeros(0, np.uint8), "records of 0 bytes"),
    "no header": (np.zeros(8, np.uint8), "cannot be read"),
    "a header that is longer than all": (
        np.frombuffer(struct.pack("<Q", 99), np.uint8),
        "header of 99 bytes",
    ),
    "a header of a wrong type": (packed([1, 2]), "cannot be read"),
    "too few bytes": (packed(POINTS, BODY[:4]), "8 bytes at 0 of 4"),
    "objects": (packed({"geometry": [["coordinates", "|O", [1, 2], 0]]}), "dtype '|O'"),
    "an offset before the start": (packed({"geometry": [["coordinates", "<f4", [1, 2], -8]]}), "at -8"),
    "an odd offset": (packed({"geometry": [["coordinates", "<f4", [1, 2], 4]]}, BODY * 2), "at 4"),
    "a negative length": (packed({"geometry": [["coordinates", "<f4", [-1, 2], 0]]}), "shape (-1, 2)"),
    "a length beyond all memory": (
        packed({"geometry": [["coordinates", "<f4", [2**40, 2], 0]]}),
        "bytes at 0",
    ),
    "an array too many": (
        packed({"geometry": [*POINTS["geometry"], ["more", "<f4", [1], 0]]}),
        "consist of the arrays",
    ),
    "two of one name": (packed({"geometry": POINTS["geometry"] * 2}), "two arrays of one name"),
    "another dtype": (packed({"geometry": [["coordinates", "<f8", [1, 1], 0]]}), "consist of the arrays"),
    "a feature of another length": (features(["a", "|u1", [2], 0]), "there are 1 points"),
    "text without its offsets": (features(["a", "text", [1], 8], body=TEXT[:8]), "bytes at 8"),
    "text that shrinks": (
        features(["a", "text", [1], 8], body=struct.pack("<2q", 0, -2)),
        "do not grow from 0",
    ),
    "text beyond the end": (features(["a", "text", [1], 8], body=struct.pack("<2q", 0, 99)), "99 bytes"),
    "text that is none": (
        features(["a", "text", [1], 8], body=struct.pack("<2q", 0, 2) + b"\xff\xff"),
        "no UTF-8",
    ),
    "not finite": (packed(POINTS, np.array([np.nan, 1], "<f4").tobytes()), "must be finite"),
    "columns without end": (packed(POINTS | {"features": [["a", "|u1", [1], 0]] * 5000}), "5000 columns"),
}


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED)
def test_what_contradicts_itself_is_refused(data, words):
    with pytest.raises(ProtocolError) as caught:
        unpack_records(data, Kind.POINTS)
    assert words in str(caught.value)


def test_offsets_of_shapes_are_checked():
    records = make_records([[[0, 0], [0, 4], [4, 4]]], Kind.SHAPES)
    good = pack_records(records)
    for wrong in (b"\x07", b"\xff"):
        place = good.tobytes().rindex(struct.pack("<2i", 0, 3)) + 4
        bad = good.copy()
        bad[place] = wrong[0]
        with pytest.raises(ProtocolError, match="the offsets of rings"):
            unpack_records(bad, Kind.SHAPES)


@pytest.mark.parametrize("kind", [Kind.POINTS, Kind.SHAPES, Kind.TRACKS, Kind.TABLE])
def test_damaged_bytes_are_refused_or_read_as_something_valid(kind):
    rng = random.Random(7)
    data = {
        Kind.POINTS: np.ones((5, 2)),
        Kind.SHAPES: [[[0, 0], [0, 4], [4, 4]]] * 3,
        Kind.TRACKS: np.ones((5, 4)),
        Kind.TABLE: {"label": [1, 2], "name": ["a", "bc"]},
    }[kind]
    good = pack_records(make_records(data, kind))
    for _ in range(2000):
        bad = good.copy()
        for _ in range(rng.randrange(1, 4)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        try:
            unpack_records(bad[: rng.randrange(len(bad) // 2, len(bad) + 1)], kind)
        except ProtocolError:
            continue


def test_too_many_columns_are_refused_before_they_are_sent():
    table = make_records({f"column {number}": [1] for number in range(5000)}, Kind.TABLE)
    with pytest.raises(InvalidRecordsError, match="5000 columns"):
        pack_records(table)
