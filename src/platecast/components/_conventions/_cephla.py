"""Cephla: Squid, and the SeaFront microscope.

A region is a well, or a place the user chose (``manual0``, a bare number), which is no well. Squid writes a
folder for each time point, named by its number, or a file for each field into a folder ``ome_tiff``. Beside
the images it leaves those of the camera that finds the focus.
"""

from types import MappingProxyType

from platecast.components._conventions._convention import (
    DERIVED,
    IMAGE,
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


_REGION = r"(?:(?P<well>[A-Za-z]{1,2}[0-9]{1,2})|current|manual[0-9]*|[0-9]{1,3})"

SQUID = FilenameConvention(
    name="Squid",
    pattern=grammar(
        DERIVED,
        rf"{_REGION}_(?P<site>[0-9]+)_(?P<z_index>[0-9]+)_(?!laser af camera\.|focus_camera\.)",
        rf"(?P<channel>[A-Za-z].*?|[0-9]{{3,4}}[ _]?nm.*?){IMAGE}",
    ),
    base=numbers_from(0, "site", "z_index", "timepoint"),
    refine=_read_time,
)

SQUID_OME = FilenameConvention(
    name="Squid (OME-TIFF)",
    pattern=grammar(rf"(?:.*/)?ome_tiff/{_REGION}_(?P<site>[0-9]+)\.ome{TIFF}"),
    base=numbers_from(0, "site"),
    marker=".ome.",
    whole_path=True,
)

SEAFRONT = FilenameConvention(
    name="SeaFront",
    pattern=grammar(
        DERIVED,
        r"(?P<well>[A-Za-z]{1,2}[0-9]{2})_s(?P<site>[0-9]+)_x[0-9]+_y[0-9]+(?:_z(?P<z_index>[0-9]+))?",
        rf"_(?P<channel>[A-Za-z].*?){IMAGE}",
    ),
    base=MappingProxyType({"site": 1, "z_index": 0}),
    marker="_x",
)
