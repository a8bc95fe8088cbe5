"""Cephla: Squid, and the SeaFront microscope.

A region is a well, or a place the user chose (``manual0``, a bare number), which is no well. Squid writes a
folder for each time point, named by its number.
"""

from platecast.components._conventions._convention import (
    DERIVED,
    TIFF,
    FilenameConvention,
    NamedPath,
    Values,
    grammar,
    numbers_from,
)


def _read_time(values: Values, path: NamedPath, _plate_columns: int | None) -> None:
    folder = path.last_folder
    if folder.isascii() and folder.isdigit():
        values["timepoint"] = folder


SQUID = FilenameConvention(
    name="Squid",
    pattern=grammar(
        DERIVED,
        r"(?:(?P<well>[A-Za-z]{1,2}[0-9]{1,2})|current|manual[0-9]*|[0-9]{1,3})",
        r"_(?P<site>[0-9]+)_(?P<z_index>[0-9]+)_(?P<channel>[A-Za-z].*?)\.(?i:tiff?|bmp|png)",
    ),
    base=numbers_from(0, "site", "z_index", "timepoint"),
    refine=_read_time,
)

SEAFRONT = FilenameConvention(
    name="SeaFront",
    pattern=grammar(
        DERIVED,
        r"(?P<well>[A-Za-z]{1,2}[0-9]{2})_s(?P<site>[0-9]+)_x[0-9]+_y[0-9]+(?:_z(?P<z_index>[0-9]+))?",
        rf"_(?P<channel>[A-Za-z].*?){TIFF}",
    ),
    base=numbers_from(1, "site", "z_index"),
    marker="_x",
)
