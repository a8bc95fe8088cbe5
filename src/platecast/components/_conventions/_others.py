"""Conventions of one entry a vendor: Leica, Nikon, Araceli, Vitra, and the paths inside an OME-Zarr plate."""

from platecast.components._conventions._convention import (
    GUID,
    IMAGE,
    FilenameConvention,
    NamedPath,
    Values,
    grammar,
    numbers_from,
)


def _read_leica_well(values: Values, _path: NamedPath, _plate_columns: int | None) -> None:
    values["well"] = f"U{values.pop('u')}--V{values.pop('v')}"


def _number_leica_field(values: Values, path: NamedPath, _plate_columns: int | None) -> None:
    x, y = (path.name.rpartition(f"--{axis}")[2].partition("--")[0] for axis in "XY")
    values["site"] = int(y) * _LEICA_ROW + int(x)


_LEICA_ROW = 100
"""Fields along x that the number of a field leaves room for."""


# Leica counts the fields of a well along x and y: two numbers, which are no site.
LEICA = FilenameConvention(
    name="Leica Matrix Screener",
    pattern=grammar(
        r"image--L[0-9]+--S[0-9]+--U(?P<u>[0-9]+)--V(?P<v>[0-9]+)--J[0-9]+--E[0-9]+--O[0-9]+",
        r"--X[0-9]+--Y[0-9]+--T(?P<timepoint>[0-9]+)--Z(?P<z_index>[0-9]+)--C(?P<channel>[0-9]+)",
        rf"(?:\.ome)?{IMAGE}",
    ),
    base=numbers_from(0, "site", "channel", "z_index", "timepoint"),
    marker="image--L",
    refine=_read_leica_well,
    tell_apart=_number_leica_field,
)

# `Seq` runs over the whole recording and says nothing about the image.
NIKON = FilenameConvention(
    name="Nikon JOBS",
    pattern=grammar(
        r"(?:.*_)?Well(?P<well>[A-Za-z]{1,2}[0-9]{1,2})(?:_Point.*_(?P<site>[0-9]+))?",
        rf"(?:_Channel(?P<channel>.+))?_Seq[0-9]+(?:\.(?i:nd2|h5)|(?:\.ome)?{IMAGE})",
    ),
    base=numbers_from(None, "site"),
    marker="_Seq",
)

# `z-m` is an image made from all slices.
ARACELI = FilenameConvention(
    name="Araceli",
    pattern=grammar(
        r"(?P<well>[A-Za-z]{1,2}[0-9]{1,2})_s(?P<site>[0-9]+)_w(?P<channel>[0-9]+)",
        r"_z-?(?:(?P<z_index>[0-9]+)|[a-z])_[^_]+",
        rf"_{GUID}{IMAGE}",
    ),
    base=numbers_from(1, "site", "channel", "z_index"),
    marker="_z",
)

VITRA = FilenameConvention(
    name="Vitra/SBS",
    pattern=grammar(
        rf"Channel ?(?P<channel>[0-9]+)-[0-9]+-(?P<well>[A-Za-z]{{1,2}}-[0-9]{{1,2}})(?:-[0-9]+)?{IMAGE}"
    ),
    base=numbers_from(1, "channel"),
    marker="Channel",
)


def _read_zarr_well(values: Values, _path: NamedPath, _plate_columns: int | None) -> None:
    values["well"] = f"{values.pop('row')}{values.pop('column')}"


OME_ZARR = FilenameConvention(
    name="OME-Zarr plate",
    pattern=grammar(
        r"(?:.*/)?(?P<plate>[^/]+?)(?:\.ome)?\.zarr/(?P<row>[A-Za-z]{1,2})/(?P<column>[0-9]{1,2})/(?P<site>[0-9]+)"
    ),
    base=numbers_from(0, "site"),
    whole_path=True,
    refine=_read_zarr_well,
)
