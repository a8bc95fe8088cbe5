"""Evident, formerly Olympus: ScanR; and the names of the screens at EMBL, which grew out of it.

The number behind ``W`` runs along the rows from 1 and repeats the well, but ScanR can leave the well's name
out; then the well is known only to those who know the plate's columns. EMBL's names hold the well and the
treatment, either of which can be left out.
"""

from types import MappingProxyType

from platecast.components._conventions._convention import (
    DERIVED,
    IMAGE,
    FilenameConvention,
    NamedPath,
    Values,
    grammar,
    numbers_from,
)
from platecast.components._wells import well_name

_WELL = "[A-Za-z]{1,2}[0-9]{1,2}"


def _name_well(values: Values, _path: NamedPath, plate_columns: int | None) -> None:
    index, alone = values.pop("index"), values.pop("well_alone", None)
    values["well"] = values["well"] or alone
    if values["well"] is None:
        index = f"W{int(index[1:]):04d}"
        values["well"] = None if plate_columns is None else well_name(index, plate_columns=plate_columns)


SCANR = FilenameConvention(
    name="ScanR",
    pattern=grammar(
        DERIVED,
        rf"(?P<well>{_WELL})?--(?P<index>W[0-9]{{4,5}})--P(?P<site>[0-9]{{3,}})",
        rf"--Z(?P<z_index>[0-9]{{3,}})--T(?P<timepoint>[0-9]{{3,}})--(?P<channel>.+?)(?:\.ome)?{IMAGE}",
    ),
    base=MappingProxyType({"site": 1, "z_index": 0, "timepoint": 0}),
    marker="--W",
    refine=_name_well,
)

ALMF = FilenameConvention(
    name="EMBL screening (ALMF)",
    pattern=grammar(
        rf"(?:(?:.+--)?(?P<well>{_WELL})--(?:(?!--).)*|(?:.+--)?(?P<well_alone>{_WELL})|.+?)",
        r"--(?P<index>W[0-9]{4,5})",
        r"--P(?P<site>[0-9]{3,})--T(?P<timepoint>[0-9]{3,})--Z(?P<z_index>[0-9]{3,})",
        rf"--C(?P<channel>[0-9]+)(?:\.ome)?{IMAGE}",
    ),
    base=numbers_from(None, "site", "channel", "z_index", "timepoint"),
    marker="--W",
    refine=_name_well,
)
