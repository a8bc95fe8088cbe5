"""Revvity, formerly PerkinElmer: Opera Phenix and Operetta with Harmony, and the first Opera.

Harmony names rows and columns by number. The time point in its names (``sk``) counts from 1, whatever its
index file counts from. The plate stands in the name of the measurement's folder alone, which several
measurements of one plate share.
"""

import re

from platecast.components._conventions._convention import (
    IMAGE,
    FilenameConvention,
    NamedPath,
    Values,
    grammar,
    numbers_from,
)

_MEASUREMENT = re.compile(
    r"(?:.*/)?([^/]+?)__[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9_]{8}-Measurement ?[0-9]+[a-z]?(?:/.*)?",
    re.ASCII,
)


def _read_plate(values: Values, path: NamedPath, _plate_columns: int | None) -> None:
    values["well"] = f"r{values.pop('row')}c{values.pop('column')}"
    export_timepoint = values.pop("export_timepoint")
    values["timepoint"] = values["timepoint"] or export_timepoint
    if "__" in path.folder:
        match = _MEASUREMENT.fullmatch(path.folder)
        if match is not None:
            values["plate"] = match[1]


HARMONY = FilenameConvention(
    name="Opera Phenix/Operetta",
    pattern=grammar(
        r"(?i:r(?P<row>[0-9]{1,3})c(?P<column>[0-9]{1,3})f(?P<site>[0-9]+)p(?P<z_index>[0-9]+)",
        r"(?:rc[0-9]+)?-ch(?P<channel>[0-9]+)",
        r"(?:sk(?P<timepoint>[0-9]+)(?:fk[0-9]+)?(?:fl[0-9]+)?|t(?P<export_timepoint>[0-9]+))?)",
        IMAGE,
    ),
    base=numbers_from(1, "site", "channel", "z_index", "timepoint"),
    marker="-",
    refine=_read_plate,
)


def _read_flex(values: Values, _path: NamedPath, _plate_columns: int | None) -> None:
    values["well"] = values.pop("row_column")
    if values["site"] == "000":
        values["site"] = None


FLEX = FilenameConvention(
    name="Opera (Flex)",
    pattern=grammar(r"(?P<row_column>[0-9]{6})(?P<site>[0-9]{3})\.(?i:flex)"),
    base=numbers_from(1, "site"),
    refine=_read_flex,
)
