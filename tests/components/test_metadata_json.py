"""Files and descriptions of Micro-Manager, Squid and Gen5, as their writers and public readers have them."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from platecast.components import ImageRecord, PlateMetadata, is_telling, read_gen5, read_metadata
from platecast.errors import MetadataError

SUMMARY = {"ChNames": ["FITC", "DAPI"], "z-step_um": -0.5, "PixelSize_um": 0, "Positions": 1}
FRAME = {"PixelSizeUm": "0.65", "XPositionUm": 10.5, "YPositionUm": "-20.25", "ZPositionUm": 1}
VERSION_1 = {
    "Summary": SUMMARY,
    "FrameKey-0-1-0": FRAME
    | {"FileName": "img_000000000_DAPI_000.tif", "Exposure-ms": 10, "Time": "2012-12-04 14:16:45 -0500"},
}
VERSION_2 = {
    "Summary": SUMMARY | {"StartTime": "2016-01-31 20:03:23.000 +0100"},
    "Coords-img_channel001_position000_time000000000_z000.tif": {"channel": 1},
    "Metadata-Pos0/img_channel001_position000_time000000000_z000.tif": FRAME
    | {"ReceivedTime": "2016-01-31 20:03:24.500 +0100"},
}


def read(name, content):
    text = content if isinstance(content, str) else json.dumps(content)
    return read_metadata(name, text.encode())


def test_first_micro_manager():
    metadata = read("metadata.txt", VERSION_1)
    assert metadata.channel_names == {0: "FITC", 1: "DAPI"}
    assert [channel.exposure_s for channel in metadata.channels] == [None, 0.01]
    assert (metadata.pixel_size_um, metadata.z_step_um) == (0.65, 0.5)
    assert metadata.records == (
        ImageRecord(
            name="img_000000000_DAPI_000.tif",
            x_um=10.5,
            y_um=-20.25,
            z_um=1.0,
            acquired=datetime(2012, 12, 4, 14, 16, 45, tzinfo=timezone(timedelta(hours=-5))),
        ),
    )


def test_second_micro_manager():
    metadata = read("a_metadata.txt", VERSION_2)
    assert metadata.source == "Micro-Manager"
    assert metadata.acquired == datetime(2016, 1, 31, 19, 3, 23, tzinfo=UTC)
    (record,) = metadata.records
    assert record.name == "img_channel001_position000_time000000000_z000.tif"
    assert record.acquired == datetime(2016, 1, 31, 19, 3, 24, 500_000, tzinfo=UTC)


def test_micro_manager_that_was_stopped_has_no_last_brace():
    whole = json.dumps(VERSION_1)
    for end in ("", ",", ",\n"):
        assert read("metadata.txt", whole.removesuffix("}") + end) == read("metadata.txt", VERSION_1)


def test_frames_of_a_stack_are_left_to_the_stack():
    content = {"Summary": SUMMARY, "FrameKey-0-0-0": FRAME | {"FileName": "x_MMStack_Pos0.ome.tif"}}
    assert read("x_MMStack_Pos0_metadata.txt", content).records == ()


@pytest.mark.parametrize("text", ["", "anything: else", '{"no": "acquisition"}'])
def test_file_of_another_program_says_nothing(text):
    assert read("metadata.txt", text) == PlateMetadata()
    assert not is_telling("metadata.txt"), "nor does its name make a folder a plate"


NESTED = "[" * 100_000


@pytest.mark.parametrize(
    "text", ['{"Summary": {', '["Summary"]', '{"Summary": 1}', f'{{"Summary": {NESTED}'], ids=range(4)
)
def test_damaged_micro_manager(text):
    with pytest.raises(MetadataError):
        read("metadata.txt", text)


SQUID = {
    "dz(um)": 1.5,
    "Nz": 5,
    "sensor_pixel_size_um": 3.76,
    "tube_lens_mm": 50,
    "objective": {"magnification": 20.0, "NA": 0.4, "tube_lens_f_mm": 180.0, "name": "20x"},
}


def test_squid():
    metadata = read("acquisition parameters.json", SQUID)
    assert metadata.pixel_size_um == pytest.approx(3.76 * 180 / 20 / 50)
    assert metadata.z_step_um == 1.5


@pytest.mark.parametrize("absent", ["sensor_pixel_size_um", "tube_lens_mm", "objective"])
def test_squid_with_less(absent):
    metadata = read(
        "acquisition parameters.json", {k: v for k, v in SQUID.items() if k != absent} | {"Nz": 1}
    )
    assert (metadata.source, metadata.pixel_size_um, metadata.z_step_um) == ("Squid", None, None)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", NESTED], ids=range(5))
def test_damaged_squid(text):
    with pytest.raises(MetadataError):
        read("acquisition parameters.json", text)


GEN5 = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<BTIImageMetaData Version="29">
  <System><Gen5><Version>3.09.07</Version></Gen5></System>
  <ImageReference><Date>02/19/26</Date><Time>10:56:22</Time><Plate>Image Set 3</Plate><Well>B1</Well>
  </ImageReference>
  <ImageAcquisition>
    <PixelWidth>1992</PixelWidth><PixelHeight>1456</PixelHeight>
    <ImageWidthMicrons>1389.0</ImageWidthMicrons><ObjectiveSize>10</ObjectiveSize>
    <NumericalAperture>0.3</NumericalAperture><ShutterSpeedMS>100</ShutterSpeedMS>
    <Channel Color="ZProj[Stitched[DAPI 377,447]]"><BrightField>FALSE</BrightField></Channel>
  </ImageAcquisition>
</BTIImageMetaData>"""


def test_gen5():
    metadata = read_gen5(GEN5, "DAPI 377,447")
    (channel,) = metadata.channels
    assert (channel.channel, channel.name) == ("DAPI 377,447", "DAPI")
    assert (channel.excitation_nm, channel.emission_nm, channel.exposure_s) == (377, 447, 0.1)
    assert (channel.shape, channel.objective_magnification, channel.objective_na) == ((1456, 1992), 10, 0.3)
    assert metadata.pixel_size_um == pytest.approx(1389 / 1992)
    assert (metadata.plate, metadata.acquired) == ("Image Set 3", datetime(2026, 2, 19, 10, 56, 22))


def test_gen5_states_less_without_filters_or_size():
    text = GEN5.replace("ZProj[Stitched[DAPI 377,447]]", "Phase Contrast").replace(
        "<PixelWidth>1992", "<PixelWidth>0"
    )
    metadata = read_gen5(text, "Phase Contrast")
    (channel,) = metadata.channels
    assert (channel.name, channel.excitation_nm, metadata.pixel_size_um) == ("Phase Contrast", None, None)


@pytest.mark.parametrize("text", ["", "<BTIImageMetaData>", "<!DOCTYPE a><BTIImageMetaData/>"])
def test_damaged_gen5(text):
    with pytest.raises(MetadataError):
        read_gen5(text, None)
