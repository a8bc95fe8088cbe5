"""Agilent, formerly BioTek: Cytation and Lionheart with Gen5.

``[<prefix>_]<well>[ROI<n>]_<step>_<channel's number>_<image in the well>_<channel>_<reading>.tif``. What
Gen5 computed from images has a negative step, and each operation wraps the channel's name:
``ZProj[Stitched[GFP]]``.
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

_WRAPPED = re.compile(r"(?:[^\[\]]+\[)+(.+?)\]+", re.ASCII)
_CHANNEL = re.compile(r"(?:.+?_)??[^_]+_-?[0-9]+_[0-9]+_[^_]+_(.+)_[0-9]+\.[A-Za-z]+", re.ASCII)


def _unwrap_channel(values: Values, _path: NamedPath, _plate_columns: int | None) -> None:
    match = _WRAPPED.fullmatch(values["channel"])
    if match is not None:
        values["channel"] = match[1]


def _keep_operations(values: Values, path: NamedPath, _plate_columns: int | None) -> None:
    """Tell what was computed from the image that it was computed from: by the operations around its name."""
    match = _CHANNEL.fullmatch(path.name)
    if match is not None:
        values["channel"] = match[1]


GEN5 = FilenameConvention(
    name="Cytation (Gen5)",
    pattern=grammar(
        r"(?:(?P<plate>.+?)_)??(?P<well>[A-Za-z]{1,2}[0-9]{1,2})(?:ROI[0-9]+)?_-?[0-9]+_[0-9]+_(?P<site>[0-9]+)(?:Z(?P<z_index>[0-9]+))?",
        rf"_(?P<channel>.+)_(?P<timepoint>[0-9]{{3,}}){IMAGE}",
    ),
    base=numbers_from(1, "site", "z_index", "timepoint"),
    refine=_unwrap_channel,
    tell_apart=_keep_operations,
)
