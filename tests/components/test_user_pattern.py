import pytest

from platecast.components import Components, parse_name
from platecast.errors import UnrecognizedNameError

CELLPROFILER = r"^(?P<Plate>.*)_(?P<Well>[A-P][0-9]{2})_s(?P<Site>[0-9])_w(?P<ChannelNumber>[0-9])"

CASES = {
    "our own words": (
        r"(?P<well>[a-p]\d+)-(?P<site>\d+)-(?P<channel>\w+)-(?P<z_index>\d+)-(?P<timepoint>\d+)",
        "x/b7-0-gfp-2-3.czi",
        Components(well="B07", site=0, channel="gfp", z_index=2, timepoint=3),
    ),
    "CellProfiler": (
        CELLPROFILER,
        "d/P_1_B02_s3_w2.png",
        Components(plate="P_1", well="B02", site=3, channel=2),
    ),
    "row and column": (
        r"(?P<WellRow>[A-H])-(?P<WellColumn>\d+)_f(?P<Field>\d+)z(?P<ZIndex>\d+)t(?P<Timepoint>\d+)",
        "B-11_f2z3t4.tif",
        Components(well="B11", site=2, z_index=3, timepoint=4),
    ),
    "row as a number": (r"(?P<row>\d+)x(?P<col>\d+)", "5x1.tif", Components(well="E01")),
    "folders": (
        r"(?P<channel>[^/]+)/(?P<well>[^/.]+)\.tif$",
        "a/gfp/B3.tif",
        Components(well="B03", channel="gfp"),
    ),
    "group that takes no part": (r"(?P<well>B\d)(?:_(?P<site>\d))?", "B3.tif", Components(well="B03")),
}


@pytest.mark.parametrize(("pattern", "name", "components"), CASES.values(), ids=CASES.keys())
def test_groups_are_components(pattern: str, name: str, components: Components) -> None:
    assert parse_name(name, pattern=pattern) == components


def test_plate_columns() -> None:
    assert parse_name("n-W0097", pattern="(?P<well>W.*)", plate_columns=24) == Components(well="E01")


BAD_PATTERNS = {
    "no regular expression": ("(?P<well>", "not a regular expression"),
    "no group": ("[A-P]", "no named group"),
    "unknown group": ("(?P<Well>.)(?P<laser>.)", "'laser' has no meaning; use plate, well"),
    "two groups for one": ("(?P<z>.)(?P<Z_Index>.)", "both mean z_index"),
    "row alone": ("(?P<row>.)", "both row and column"),
    "well twice": ("(?P<row>.)(?P<col>.)(?P<well>.)", "not both"),
}


@pytest.mark.parametrize(("pattern", "message"), BAD_PATTERNS.values(), ids=BAD_PATTERNS.keys())
def test_pattern_that_cannot_be_used(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse_name("A01.tif", pattern=pattern)
    assert not isinstance(caught.value, UnrecognizedNameError)


BAD_NAMES = {
    "no match": ("(?P<well>A01)", "B02.tif", "does not match"),
    "no number": (r"(?P<site>\w+)\.", "left.tif", "'site' caught 'left'"),
    "no well": (r"(?P<well>\w+)\.", "left.tif", "does not name a well"),
    "nothing caught": (r"(?P<well>A01)?", "left.tif", "at least one"),
    "hidden": (r"(?P<well>A01)", "._A01.tif", "hidden"),
    "thumbnail": (CELLPROFILER, "P_B02_s3_w2_thumb.tif", "thumbnail"),
}


@pytest.mark.parametrize(("pattern", "name", "message"), BAD_NAMES.values(), ids=BAD_NAMES.keys())
def test_name_that_does_not_fit(pattern: str, name: str, message: str) -> None:
    with pytest.raises(UnrecognizedNameError, match=message):
        parse_name(name, pattern=pattern)
