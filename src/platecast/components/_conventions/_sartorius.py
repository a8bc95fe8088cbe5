"""Sartorius: Incucyte, exported images and the raw archive.

An export names the time that has passed as ``01d06h40m``; the time point is that in minutes. Where it names
the time of day instead (``2019y06m26d_09h00m``), the time point is made of its digits. The channel is
the folder where that is one of the names of Incucyte's channels, and else unknown. The prefix is the
vessel's number or text that often holds the channel, so only the number is taken for a plate.
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

_VESSEL = re.compile(r"VID[0-9]+", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_PREFIX = re.compile(r"(.+)_[A-Za-z][0-9]{1,2}_[0-9]+(?:_[0-9dhmy_]+)?\.[A-Za-z]+", re.ASCII)
_ARCHIVE = re.compile(r"(?:.*/)?([0-9]{4})/([0-9]{2})/([0-9]{4})/[0-9]+", re.ASCII)
_CHANNELS = frozenset(
    (
        "phase",
        "hd-phase",
        "brightfield",
        "bf",
        "green",
        "red",
        "orange",
        "nir",
        "blue",
        "gfp",
        "rfp",
        "mcherry",
    )
)


def _read_export(values: Values, path: NamedPath, _plate_columns: int | None) -> None:
    prefix, days, date = values.pop("prefix"), values.pop("days"), values.pop("date")
    hours, minutes = values.pop("hours"), values.pop("minutes")
    if prefix is not None and _VESSEL.fullmatch(prefix):
        values["plate"] = prefix
    if days is not None:
        values["timepoint"] = (int(days) * 24 + int(hours)) * 60 + int(minutes)
    elif date is not None:
        values["timepoint"] = "".join(_DIGITS.findall(f"{date}{hours}h{minutes}"))
    if path.last_folder.lower() in _CHANNELS:
        values["channel"] = path.last_folder


def _take_prefix(values: Values, path: NamedPath, _plate_columns: int | None) -> None:
    match = _PREFIX.fullmatch(path.name)
    if match is not None and values.get("channel") is None and values.get("plate") is None:
        values["channel"] = match[1]


def _take_archive_time(values: Values, path: NamedPath, _plate_columns: int | None) -> None:
    match = _ARCHIVE.fullmatch(path.folder)
    if match is not None:
        values["timepoint"] = "".join(match.groups())


INCUCYTE = FilenameConvention(
    name="Incucyte",
    pattern=grammar(
        r"(?:(?P<prefix>.+)_(?=[A-Za-z][0-9]{1,2}_[0-9]+[_.])|(?=[A-Za-z][0-9]{1,2}_[0-9]+_))",
        r"(?P<well>[A-Pa-p][0-9]{1,2})_(?P<site>[0-9]+)",
        r"(?:_(?:(?P<days>[0-9]{1,3})d|(?P<date>[0-9]{4}y[0-9]{2}m[0-9]{2}d)_)(?P<hours>[0-9]{2})h(?P<minutes>[0-9]{2})m)?",
        IMAGE,
    ),
    base=numbers_from(1, "site", "timepoint"),
    refine=_read_export,
    tell_apart=_take_prefix,
)

INCUCYTE_RAW = FilenameConvention(
    name="Incucyte (raw archive)",
    pattern=grammar(rf"(?P<well>[A-P][0-9]{{1,2}})-(?P<site>[0-9]+)-(?P<channel>C[0-9]+|Ph?){IMAGE}"),
    base=numbers_from(1, "site", "timepoint"),
    marker="-",
    tell_apart=_take_archive_time,
)
