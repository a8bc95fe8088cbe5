"""Yokogawa: CellVoyager CV7000 and CV8000, CQ1 and CQ3K.

A name ends behind the channel: one with another token is not a recorded image. Timeline (``L``) and action
(``A``) are settings of the recording, not components. The CQ instruments number the wells along the rows
and write ``Z000`` for a projection.
"""

from platecast.components._conventions._convention import (
    IMAGE,
    FilenameConvention,
    NamedPath,
    Values,
    grammar,
    numbers_from,
)
from platecast.components._wells import well_name

CELLVOYAGER = FilenameConvention(
    name="CellVoyager",
    pattern=grammar(
        r"(?:(?P<plate>.+)_)?(?P<well>[A-Za-z]{1,2}[0-9]{2}(?:\.[a-d][1-4])?)",
        r"_T(?P<timepoint>[0-9]{4,})F(?P<site>[0-9]{3,})L[0-9]{2,}A[0-9]{2,}",
        rf"Z(?P<z_index>[0-9]{{2,}})C(?P<channel>[0-9]+){IMAGE}",
    ),
    base=numbers_from(1, "site", "channel", "z_index", "timepoint"),
    marker="_T",
)


def _name_well(values: Values, _path: NamedPath, plate_columns: int | None) -> None:
    values["well"] = well_name(f"W{int(values['well']):04d}", plate_columns=plate_columns)


CQ1 = FilenameConvention(
    name="CQ1/CQ3K",
    pattern=grammar(
        r"W(?P<well>[0-9]{1,5})F(?P<site>[0-9]{3,})T(?P<timepoint>[0-9]{3,})Z(?P<z_index>[0-9]{2,})",
        rf"C(?P<channel>[0-9]+){IMAGE}",
    ),
    base=numbers_from(1, "site", "channel", "z_index", "timepoint"),
    refine=_name_well,
)
