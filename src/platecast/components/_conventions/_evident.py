"""Evident, formerly Olympus: ScanR; and the names of the screens at EMBL, which grew out of it.

The number behind ``W`` runs along the rows from 1 and repeats the well, but ScanR can leave the well's name
out; then the well is known only to those who know the plate's columns.
"""

from types import MappingProxyType

from platecast.components._conventions._convention import (
    DERIVED,
    TIFF,
    FilenameConvention,
    NamedPath,
    Values,
    grammar,
    numbers_from,
)
from platecast.components._wells import well_name


def _name_well(values: Values, _path: NamedPath, plate_columns: int | None) -> None:
    index = values.pop("index")
    if not values["well"]:
        values["well"] = None if plate_columns is None else well_name(index, plate_columns=plate_columns)


SCANR = FilenameConvention(
    name="ScanR",
    pattern=grammar(
        DERIVED,
        r"(?P<well>[A-Za-z]{1,2}[0-9]{1,2})?--(?P<index>W[0-9]{4,5})--P(?P<site>[0-9]{3,})",
        rf"--Z(?P<z_index>[0-9]{{3,}})--T(?P<timepoint>[0-9]{{3,}})--(?P<channel>.+?){TIFF}",
    ),
    base=MappingProxyType({"site": 1, "z_index": 0, "timepoint": 0}),
    marker="--W",
    refine=_name_well,
)

ALMF = FilenameConvention(
    name="EMBL screening (ALMF)",
    pattern=grammar(
        r"(?:.+--)?(?P<well>[A-Za-z]{1,2}[0-9]{1,2})--[^/]*?--W[0-9]{4,5}--P(?P<site>[0-9]{3,})",
        r"--T(?P<timepoint>[0-9]{3,})--Z(?P<z_index>[0-9]{3,})--C(?P<channel>[0-9]+)",
        r"(?:\.ome)?\.(?i:tiff?|jpe?g)",
    ),
    base=numbers_from(None, "site", "channel", "z_index", "timepoint"),
    marker="--W",
)
