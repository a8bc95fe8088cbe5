"""Micro-Manager: image stacks and single planes.

A position of a grid (``1-Pos_000_001``) is no well and its two numbers are no site: such a stack is known by
the name of its acquisition alone. Single planes lie in a folder named after their position; version 2 names
the axes that an acquisition has, in the order of the alphabet, and leaves out the others.
"""

import re

from platecast.components._conventions._convention import (
    IMAGE,
    TIFF,
    FilenameConvention,
    NamedPath,
    Values,
    grammar,
    numbers_from,
)

_WELL_FOLDER = re.compile(r"([A-Za-z]{1,2}[0-9]{1,2})-Site_([0-9]+)", re.ASCII)
_POSITION_FOLDER = re.compile(r"Pos_?([0-9]+)", re.ASCII)


def _read_stack_position(values: Values, _path: NamedPath, _plate_columns: int | None) -> None:
    position = values.pop("position")
    values["site"] = values["site"] or position
    del values["part"]  # of a position that was too long for one file


MM_STACK = FilenameConvention(
    name="Micro-Manager stack",
    pattern=grammar(
        r"(?P<plate>.+)_MMStack(?:_(?:(?P<well>[A-Za-z]{1,2}[0-9]{1,2})-Site_(?P<site>[0-9]+)",
        r"|[0-9]+-Pos_?[0-9]+_[0-9]+|Pos_?(?P<position>[0-9]+)|Default))?",
        rf"(?P<part>_[0-9]+)?(?:\.ome)?{TIFF}",
    ),
    base=numbers_from(0, "site"),
    marker="_MMStack",
    refine=_read_stack_position,
)


def _read_position(values: Values, path: NamedPath, _plate_columns: int | None) -> None:
    values["channel"] = values["channel"] or None  # version 1 leaves the name of a nameless channel empty
    folder = path.last_folder
    match = _WELL_FOLDER.fullmatch(folder)
    if match is not None:
        values["well"], values["site"] = match.groups()
    elif values.get("site") is None:
        match = _POSITION_FOLDER.fullmatch(folder)
        values["site"] = None if match is None else match[1]


MM_PLANES = FilenameConvention(
    name="Micro-Manager 2",
    pattern=grammar(
        r"img(?=_)(?:_channel(?P<channel>[0-9]{3,}))?(?:_position(?P<site>[0-9]{3,}))?",
        rf"(?:_time(?P<timepoint>[0-9]{{9,}}))?(?:_z(?P<z_index>[0-9]{{3,}}))?{IMAGE}",
    ),
    base=numbers_from(0, "site", "channel", "z_index", "timepoint"),
    marker="img_",
    refine=_read_position,
)

MM_PLANES_1 = FilenameConvention(
    name="Micro-Manager 1",
    pattern=grammar(
        rf"img_(?P<timepoint>[0-9]{{9}})_(?P<channel>.*)_(?P<z_index>[0-9]{{3,}}){IMAGE}",
    ),
    base=numbers_from(0, "site", "z_index", "timepoint"),
    marker="img_0",
    refine=_read_position,
)
