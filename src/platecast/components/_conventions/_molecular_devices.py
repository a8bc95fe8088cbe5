"""Molecular Devices: ImageXpress with MetaXpress, ImageXpress HCS.ai, IN Carta.

MetaXpress writes a GUID directly behind the last digit of site or wavelength (``w1`` and ``401562CF-...``
give ``w1401562CF-...``), so numbers are only what is left before a whole GUID. The prefix is the plate, of
which nothing can be said but that it ends before the well. Time and z are folders around the file; a
projection lies beside the z folders in the native store, in ``ZStep_0`` in an export. In an export, a
wavelength without z is copied into every ``ZStep``, which the names cannot tell.
"""

import re

from platecast.components._conventions._convention import (
    GUID,
    IMAGE,
    TIFF,
    FilenameConvention,
    NamedPath,
    Values,
    grammar,
    numbers_from,
)

_GUID = rf"_?[\[{{]?{GUID}[\]}}]?"
# A site or wavelength of two digits in front of a GUID looks like a well in row s, t or w.
_WELL = r"(?P<well>(?![stw])[Aa]?[A-Za-z][0-9]{2})"
_ONE_BASED = r"0*[1-9][0-9]*?"
# Read as ImageXpress, each time point of such a name would be a plate of its own.
_DAMAGED_HCS_AI = r"(?:.*_)?t[0-9]+_[A-Za-z]+[0-9]+_s[0-9]+_w[0-9]+(?:_z[0-9]+)?\."
_FOLDERS = re.compile(r"(?:TimePoint_([0-9]+))?/?(?:ZStep_([0-9]+))?", re.ASCII | re.IGNORECASE)


def _read_folders(values: Values, path: NamedPath, _plate_columns: int | None) -> None:
    outer, _, inner = path.folder.rpartition("/")
    match = _FOLDERS.fullmatch(f"{outer.rpartition('/')[2]}/{inner}") or _FOLDERS.fullmatch(inner)
    if match is not None:
        for name, stated in zip(("timepoint", "z_index"), match.groups(), strict=True):
            values[name] = values.get(name) or stated


IMAGEXPRESS = FilenameConvention(
    name="ImageXpress",
    pattern=grammar(
        rf"(?!{_DAMAGED_HCS_AI})(?:(?P<plate>.+)_)?{_WELL}",
        rf"(?=_[swt][0-9]|{_GUID})",
        rf"(?:_s(?P<site>{_ONE_BASED}))?(?:_w(?P<channel>{_ONE_BASED}))?(?:_z(?P<z_index>[0-9]+?))?",
        rf"(?:_t(?P<timepoint>{_ONE_BASED}))?(?:{_GUID})?{IMAGE}",
    ),
    base=numbers_from(1, "site", "channel", "z_index", "timepoint"),
    refine=_read_folders,
)

# Only rows of the plates that such a microscope takes, in capitals: `image_t01.tif` is no well T01.
IMAGEXPRESS_SINGLE = FilenameConvention(
    name="ImageXpress (one image a well)",
    pattern=grammar(rf"(?!(?:DC|SC)_)(?:(?P<plate>.+)_)?(?P<well>[A-P][0-9]{{2}}){TIFF}"),
    base=numbers_from(1, "z_index", "timepoint"),
    refine=_read_folders,
)

HCS_AI = FilenameConvention(
    name="ImageXpress HCS.ai",
    pattern=grammar(
        rf"(?P<plate>.+)_t(?P<timepoint>[0-9]+)_{_WELL}_s(?P<site>[0-9]+)_w(?P<channel>[0-9]+)",
        rf"_z(?P<z_index>[0-9]+){IMAGE}",
    ),
    base=numbers_from(0, "site", "channel", "z_index", "timepoint"),
    marker="_z",
)


def _take_leading_number(values: Values, path: NamedPath, _plate_columns: int | None) -> None:
    values["timepoint"] = path.name[1:].partition("_")[0]


# No source says what the number in front of the well counts: it is a time point where it must be something.
IN_CARTA = FilenameConvention(
    name="IN Carta",
    pattern=grammar(rf"t[0-9]+_{_WELL}_s(?P<site>[0-9]+)_w(?P<channel>[0-9]+)_z(?P<z_index>[0-9]+){TIFF}"),
    base=numbers_from(1, "site", "channel", "z_index", "timepoint"),
    marker="_z",
    tell_apart=_take_leading_number,
)
