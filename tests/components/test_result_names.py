import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platecast.components import COMPONENT_NAMES, Components, find_convention, format_name, parse_name

SUFFIXES = [".tif", ".tiff", ".ome.tif", ".OME.TIFF", ".png", ".npy", ".csv", ""]

NAMES = {
    "all": (
        Components(plate="P1", well="a1", site=1, channel="DAPI", z_index=3, timepoint=0),
        "plate-P1_well-A01_site-1_channel-DAPI_z-3_t-0.tif",
    ),
    "one": (Components(timepoint=12), "t-12.tif"),
    "number": (Components(well="AF48", channel=2), "well-AF48_channel-2.tif"),
    "digits as text": (Components(channel="02"), "channel-%302.tif"),
    "empty text": (Components(plate="", channel=""), "plate-_channel-.tif"),
    "separators": (Components(plate="a_b-c/d.e%"), "plate-a%5Fb%2Dc%2Fd%2Ee%25.tif"),
    "beyond ASCII": (Components(plate="µ", channel="٣"), "plate-%C2%B5_channel-%D9%A3.tif"),
}


@pytest.mark.parametrize(("components", "name"), NAMES.values(), ids=NAMES.keys())
def test_name_of_a_result(components: Components, name: str) -> None:
    assert format_name(components) == name
    assert parse_name(name) == components
    assert find_convention(name).name == "platecast"


@pytest.mark.parametrize("suffix", ["tif", ".json", ".tif.bak", "/x.tif", "_1.tif"])
def test_suffix_that_could_not_be_read_back(suffix: str) -> None:
    with pytest.raises(ValueError, match="suffix="):
        format_name(Components(site=1), suffix)


wells = st.builds(
    "{}{:02d}".format,
    st.sampled_from(["A", "P", "Z", *(f"A{c}" for c in string.ascii_uppercase)]),
    st.integers(1, 72),
)
text = st.text(st.characters())
numbers = st.integers(0, 10**12)
some_components = st.fixed_dictionaries(
    {},
    optional={
        "plate": text,
        "well": wells,
        "site": numbers,
        "channel": st.one_of(numbers, text, st.text("0123456789%_-.", max_size=4)),
        "z_index": numbers,
        "timepoint": numbers,
    },
).filter(bool)


@settings(max_examples=300, deadline=None)
@given(
    values=some_components, suffix=st.sampled_from(SUFFIXES), folder=st.sampled_from(["", "7/", "ZStep_1/"])
)
def test_round_trip(values: dict[str, object], suffix: str, folder: str) -> None:
    components = Components(**values)
    name = format_name(components, suffix)
    assert set(name) <= set(string.ascii_letters + string.digits + "-_.%~")
    read = parse_name(folder + name)
    assert read == components
    assert [type(getattr(read, c)) for c in COMPONENT_NAMES] == [
        type(getattr(components, c)) for c in COMPONENT_NAMES
    ]
