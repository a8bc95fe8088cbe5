"""Well labels: how instruments write them, and the one form in which we keep them.

The canonical form is the row's letters and the column padded to two digits: ``A01``, ``P24``, ``AF48``.
File names and the folders around them are the business of `parse_name`.
"""

import functools
import re

from platecast.errors import InvalidWellError

MAX_ROWS = 78
"""Rows that a label may name: ``A`` to ``BZ``. The largest plates made have 48; programs count on."""
MAX_COLUMNS = 72
"""Columns that a label may name: those of a plate of 3456 wells."""

_FORMATS = ((2, 3), (3, 4), (4, 6), (6, 8), (8, 12), (16, 24), (32, 48), (48, 72))
"""Rows and columns of the plates that are made, with 6 to 3456 wells."""

_LABEL = re.compile(
    r"(?P<letters>[A-Za-z]{1,2})(?:(?:\s*-\s*|/)0?)?(?P<number>[0-9]{1,2})"
    r"|[Rr](?P<row>[0-9]{1,3})[Cc](?P<column>[0-9]{1,3})"
    r"|(?P<row_2>[0-9]{2})(?P<column_2>[0-9]{2})"
    r"|(?P<row_3>[0-9]{3})(?P<column_3>[0-9]{3})"
    r"|U(?P<column_0>[0-9]{1,3})--V(?P<row_0>[0-9]{1,3})"
    r"|(?P<block_row>[A-Ha-h])(?P<block_column>[0-9]{1,2})\.(?P<part_row>[a-d])(?P<part_column>[1-4])"
    r"|W(?P<index>[0-9]{4,5})"
)
_BLOCK_ROWS, _BLOCK_COLUMNS, _BLOCK_SIDE = 8, 12, 4
_EXPECTED = (
    "expected a label such as A01, b7, AF48, E - 01, r05c01, 0501, 003002, U02--V01, H12.d4, "
    f"or W0097 together with plate_columns; rows A to BZ, columns 1 to {MAX_COLUMNS}"
)


def parse_well(label: str, *, plate_columns: int | None = None) -> tuple[int, int]:
    """Return the 0-based row and column of a well label.

    Parameters
    ----------
    label
        The well in any of these encodings; blanks around it do not matter:

        - letters and a number: ``A01``, ``a1``, ``Ab6``, ``AF48``, ``E - 01``, ``E - 001``, ``E/1``;
        - numbers: ``r05c01``, Harmony's ``0501`` (two digits each), Opera's ``003002`` (three each);
        - Leica's 0-based column and row: ``U02--V01`` is row 1, column 2;
        - Yokogawa's form for 1536 wells: ``H12.d4`` is a well of a plate of 8 x 12 blocks, and in it
          one of 4 x 4 wells, a letter for its row and a digit for its column;
        - a running number along the rows, from 1: ``W0097``, only with `plate_columns`.
    plate_columns
        Number of columns of the plate (12 for 96 wells, 24 for 384): the running number means nothing
        without it, the other encodings ignore it.

    Raises
    ------
    InvalidWellError
        The label names no well, or one beyond row `MAX_ROWS` or column `MAX_COLUMNS`.

    Examples
    --------
    >>> parse_well("B07")
    (1, 6)
    >>> parse_well("W0097", plate_columns=24)
    (4, 0)
    """
    return _parse(label, plate_columns)


def well_name(label: str, *, plate_columns: int | None = None) -> str:
    """Return the canonical name of a well label; the parameters are those of `parse_well`.

    Examples
    --------
    >>> well_name("r05c01"), well_name("H12.d4")
    ('E01', 'AF48')
    """
    return _canonical(label, plate_columns)


def row_name(row: int) -> str:
    """Return the letters of a 0-based row: A, B, ..., Z, AA, AB, ..."""
    first, second = divmod(row, 26)
    return ("" if not first else chr(ord("A") + first - 1)) + chr(ord("A") + second)


def plate_format(rows: int, columns: int) -> tuple[int, int]:
    """Return the size of the smallest plate that is made and has room.

    Examples
    --------
    >>> plate_format(9, 3)
    (16, 24)
    """
    fitting = (size for size in _FORMATS if rows <= size[0] and columns <= size[1])
    return next(fitting, (rows, columns))


# A plate of 384 wells has a hundred thousand file names, and reading a label anew for each would be a third
# of the time that a name takes.
@functools.lru_cache(maxsize=8192)
def _canonical(label: str, plate_columns: int | None) -> str:
    row, column = _parse(label, plate_columns)
    return f"{row_name(row)}{column + 1:02d}"


def _parse(label: str, plate_columns: int | None) -> tuple[int, int]:
    match = _LABEL.fullmatch(label.strip())
    if match is None:
        raise InvalidWellError(f"{label!r} does not name a well: {_EXPECTED}")
    row, column = _place(label, match, plate_columns)
    if not (0 <= row < MAX_ROWS and 0 <= column < MAX_COLUMNS):
        raise InvalidWellError(
            f"{label!r} names row {row + 1}, column {column + 1}, which no plate has: {_EXPECTED}"
        )
    return row, column


def _place(label: str, match: re.Match[str], plate_columns: int | None) -> tuple[int, int]:
    """Return row and column as the label states them, without a look at the plate's limits."""
    part = {name: text for name, text in match.groupdict().items() if text is not None}
    if "letters" in part:
        row = 0
        for letter in part["letters"].upper():
            row = row * 26 + ord(letter) - ord("A") + 1
        return row - 1, int(part["number"]) - 1
    if "index" in part:
        return _place_of_index(label, int(part["index"]), plate_columns)
    if "row_0" in part:
        return int(part["row_0"]), int(part["column_0"])
    if "block_row" in part:
        block_row, block_column = ord(part["block_row"].upper()) - ord("A"), int(part["block_column"]) - 1
        if not 0 <= block_column < _BLOCK_COLUMNS:
            raise InvalidWellError(
                f"{label!r}: the part before the dot is a well of a plate of {_BLOCK_ROWS} x {_BLOCK_COLUMNS}"
            )
        part_row, part_column = ord(part["part_row"]) - ord("a"), int(part["part_column"]) - 1
        return block_row * _BLOCK_SIDE + part_row, block_column * _BLOCK_SIDE + part_column
    row_text, column_text = part.values()
    return int(row_text) - 1, int(column_text) - 1


def _place_of_index(label: str, index: int, plate_columns: int | None) -> tuple[int, int]:
    if plate_columns is None:
        raise InvalidWellError(
            f"{label!r} is a running number: give plate_columns, the number of columns of the plate "
            "(12 for 96 wells, 24 for 384, 48 for 1536)"
        )
    if not 1 <= plate_columns <= MAX_COLUMNS:
        raise InvalidWellError(f"plate_columns={plate_columns}: a plate has 1 to {MAX_COLUMNS} columns")
    if index == 0:
        raise InvalidWellError(f"{label!r}: wells are numbered from 1")
    return divmod(index - 1, plate_columns)
