import json
from pathlib import Path

import pytest

from platecast.components import Components, parse_well, well_name
from platecast.errors import InvalidWellError

REAL_LABELS = Path(__file__).parents[3] / "shared" / "data" / "wells.jsonl"

VALID = {
    "padded": ("A01", (0, 0), "A01"),
    "unpadded": ("p9", (15, 8), "P09"),
    "three digits": ("F - 001", (5, 0), "F01"),
    "row of two letters": ("Ac5", (28, 4), "AC05"),
    "after AZ": ("BA1", (52, 0), "BA01"),
    "last row": ("BZ1", (77, 0), "BZ01"),
    "last column": ("A72", (0, 71), "A72"),
    "dash with blanks": (" D - 11  ", (3, 10), "D11"),
    "dash": ("H-12", (7, 11), "H12"),
    "zarr path": ("E/07", (4, 6), "E07"),
    "row and column": ("r32c48", (31, 47), "AF48"),
    "four digits": ("0412", (3, 11), "D12"),
    "six digits": ("016024", (15, 23), "P24"),
    "leica": ("U11--V07", (7, 11), "H12"),
    "first of a block": ("A01.a1", (0, 0), "A01"),
    "last of the last block": ("H12.d4", (31, 47), "AF48"),
    "inside a block": ("C02.b3", (9, 6), "J07"),
}


@pytest.mark.parametrize(("label", "place", "name"), VALID.values(), ids=VALID.keys())
def test_valid_label(label: str, place: tuple[int, int], name: str) -> None:
    assert parse_well(label) == place
    assert well_name(label) == name
    assert parse_well(name) == place
    assert Components(well=label).well == name


@pytest.mark.parametrize(
    ("label", "columns", "name"),
    [
        ("W0001", 12, "A01"),
        ("W0024", 24, "A24"),
        ("W0025", 24, "B01"),
        ("W1536", 48, "AF48"),
        ("W00096", 12, "H12"),
    ],
)
def test_running_number(label: str, columns: int, name: str) -> None:
    assert well_name(label, plate_columns=columns) == name


INVALID = [
    "", " ", "A", "12", "A0", "A00", "A73", "CA1", "A011", "AA011", "A - 0001",
    "AAA1", "A0001", "A.1", "A1B", "A01.a01", "A01.e1",
    "A13.a1", "I01.a1", "A01.a5", "0012", "1200", "000001", "r0c1", "r79c1", "U00", "U72--V00", "Well",
    "W0000", "\u06612", "A\u0662",
]  # fmt: skip


@pytest.mark.parametrize("label", INVALID)
def test_invalid_label(label: str) -> None:
    with pytest.raises(InvalidWellError) as caught:
        parse_well(label, plate_columns=24)
    assert repr(label) in str(caught.value)


def test_running_number_needs_the_columns_of_the_plate() -> None:
    with pytest.raises(InvalidWellError, match="plate_columns"):
        parse_well("W0097")
    with pytest.raises(InvalidWellError, match="plate_columns=0"):
        parse_well("W0097", plate_columns=0)


def test_labels_of_the_instruments() -> None:
    if not REAL_LABELS.exists():
        pytest.skip("the collection of real well labels is not beside this checkout")
    rows = [json.loads(line) for line in REAL_LABELS.read_text("utf-8").splitlines()]
    wrong = {}
    for row in rows:
        expected = (row["row_index"], row["col_index"]) if row["valid"] else None
        try:
            found = parse_well(row["label"], plate_columns=row.get("plate_columns"))
        except InvalidWellError:
            found = None
        if found != expected:
            wrong[row["label"]] = found
    assert rows
    assert wrong == {}
