"""IN Cell's ``.xdce``, and the files of ImageXpress HCS.ai, as their structure is documented."""

import json
from datetime import UTC, datetime

import pytest

from platecast.components import ChannelInfo, Components, is_metadata_name, read_metadata
from platecast.errors import MetadataError

IN_CELL = ("A - 01(fld 1 wv UV - DAPI).tif", "A - 01(fld 2 wv Blue - FITC).tif")


def xdce(*images, z_step="0", head="", tail="</ImageStack>"):
    """Return a description of images: name, row, column, then field, time, wave and z from 0."""
    listed = "".join(
        f'<Image filename="{name}" timestamp_sec="1600000000.5"><Well label="?"><Row number="{row}"/>'
        f'<Column number="{column}"/></Well><FocusPosition unit="um" z="{100 + 2 * z}"/>'
        f'<PlatePosition_um x="10.5" y="-3"/><Identifier field_index="{field}" time_index="{time}"'
        f' wave_index="{wave}" z_index="{z}"/></Image>'
        for name, row, column, field, time, wave, z in images
    )
    text = (
        f'<?xml version="1.0" encoding="ISO-8859-1"?><ImageStack{head}><Creation date="2020-09-13"'
        ' time="12:26:40"/><AutoLeadAcquisitionProtocol name="p"><ObjectiveCalibration magnification="20.0"'
        ' numerical_aperture="0.45" pixel_width="0.325" pixel_height="0.325" unit="\xb5m"/>'
        '<Camera><Binning value="2 X 2"/><Size height="540" width="640"/></Camera>'
        '<Plate name="Greiner \xb5Clear" rows="8" columns="12"/><Wavelengths>'
        f'<Wavelength index="0" z_step="{z_step}"><ExcitationFilter name="UV" wavelength="350" unit="nm"/>'
        '<EmissionFilter name="DAPI" wavelength="455" unit="nm"/><Exposure time="50" unit="ms"/></Wavelength>'
        f'<Wavelength index="1" z_step="{z_step}"><ExcitationFilter name="Blue" wavelength="490"/>'
        '<EmissionFilter name="FITC" wavelength="525"/></Wavelength></Wavelengths>'
        f'</AutoLeadAcquisitionProtocol><Images number="2">{listed}</Images>{tail}'
    )
    return text.encode("latin-1")


def test_xdce_of_in_cell():
    data = xdce((IN_CELL[0], 1, 1, 0, 0, 0, 0), (IN_CELL[1], 1, 1, 1, 0, 1, 0), head=' PlateID="HA41"')
    plate = read_metadata("HA41.xdce", data)
    assert (plate.source, plate.plate, plate.rows, plate.columns) == ("IN Cell", "HA41", 8, 12)
    assert plate.acquired == datetime(2020, 9, 13, 12, 26, 40)
    assert (plate.pixel_size_um, plate.z_step_um, plate.complaints) == (0.325, None, ())
    first, second = plate.records
    assert first.components == Components(well="A01", site=1, channel="UV - DAPI")
    assert second.components == Components(well="A01", site=2, channel="Blue - FITC")
    assert (first.name, first.x_um, first.y_um, first.z_um) == (IN_CELL[0], 10.5, -3.0, 100.0)
    assert first.acquired == datetime.fromtimestamp(1600000000.5, UTC)
    assert plate.channels[0] == ChannelInfo(
        channel="UV - DAPI", excitation_nm=350, emission_nm=455, exposure_s=0.05, pixel_size_um=0.325,
        shape=(540, 640), binning=2, objective_magnification=20, objective_na=0.45,
    )  # fmt: skip


def test_xdce_of_in_carta_says_the_time_that_names_leave_open():
    images = [(f"t{time + 1}_B03_s1_w2_z{z + 1}.tif", 2, 3, 0, time, 1, z) for time in (0, 1) for z in (0, 1)]
    plate = read_metadata("p.XDCE", xdce(*images))
    assert [record.components for record in plate.records] == [
        Components(well="B03", site=1, channel=2, z_index=z, timepoint=time)
        for time in (1, 2)
        for z in (1, 2)
    ]
    assert plate.channel_names == {1: "DAPI", 2: "FITC"}
    assert plate.z_step_um == 2.0
    assert read_metadata("p.xdce", xdce(*images, z_step="1.5")).z_step_um == 1.5


def test_xdce_of_images_with_any_names():
    plate = read_metadata("p.xdce", xdce(("a.tif", 16, 24, 4, 0, 1, 0), ("b.tif", 99, 1, 0, 0, 0, 0)))
    (record,) = plate.records
    assert record.components == Components(well="P24", site=5, channel=2)
    assert "b.tif is not usable" in plate.complaints[0]


JDCE = {
    "ImageStack": {
        "PlateId": "P7",
        "Creation": {"Date": "2026-08-07", "Time": "10:11:12", "TimeZoneOffset": "0"},
        "ImageMetadataFiles": ["image_metadata_1.csv"],
        "AutoLeadAcquisitionProtocol": {
            "Plate": {"Name": "96 wells", "Rows": 8, "Columns": 12},
            "ObjectiveCalibration": {"PixelWidth": 1.35, "PixelHeight": 1.35, "Unit": "um"},
            "Camera": {"Size": {"Width": 2048, "Height": 1024}, "Binning": "1 X 1"},
            "PlateMap": {"ZDimensionParameters": {"NumberOfSlices": 3, "Step": 5.0}},
            "Wavelengths": [
                {"Index": 0, "EmissionFilter": {"Name": "TL", "Wavelength": 0}},
                {"Index": 1, "ZStep": 2.5, "EmissionFilter": {"Name": "FITC", "Wavelength": 536}},
            ],
        },
    }
}
COLUMNS = (
    "Well,Row,Column,Field,Wavelength,Timepoint,ZIndex,ImageSubFolderPath,ImageFileName,PositionXUm,"
    "PositionYUm,PositionZUm,TimeStampSec"
)


def test_jdce():
    plate = read_metadata("x.jdce", json.dumps(JDCE).encode())
    assert (plate.source, plate.plate, plate.rows, plate.columns) == ("ImageXpress HCS.ai", "P7", 8, 12)
    assert (plate.pixel_size_um, plate.z_step_um) == (1.35, 2.5)
    assert plate.acquired == datetime(2026, 8, 7, 10, 11, 12)
    assert plate.channel_names == {0: "TL", 1: "FITC"}
    assert plate.channels[1].emission_nm == 536
    assert plate.channels[0].emission_nm is None
    assert plate.channels[0].shape == (1024, 2048)


def test_sparse_jdce():
    plate = read_metadata("x.jdce", b'{"ImageStack": {"AutoLeadAcquisitionProtocol": {"Wavelengths": [{}]}}}')
    assert [info.channel for info in plate.channels] == [0]


def test_table_of_images():
    rows = [
        "B - 7,2,7,0,1,0,2,timepoint0,Scan_t0_B07_s0_w1_z2.tif,1.5,2.5,900.25,1600000000",
        ",2,8,3,0,1,0,timepoint1,x.tif,,,,",
        "Z - 99,1,1,0,0,0,0,,y.tif,,,,",
    ]
    plate = read_metadata("image_metadata_1.csv", "\r\n".join([COLUMNS, *rows]).encode())
    first, second = plate.records
    assert first.name == "timepoint0/Scan_t0_B07_s0_w1_z2.tif"
    assert first.components == Components(plate="Scan", well="B07", site=0, channel=1, z_index=2, timepoint=0)
    assert (first.x_um, first.y_um, first.z_um) == (1.5, 2.5, 900.25)
    assert second.components == Components(well="B08", site=3, channel=0, z_index=0, timepoint=1)
    assert "y.tif is not usable" in plate.complaints[0]


DAMAGED = {
    "xdce, cut off": ("a.xdce", xdce(tail="")),
    "xdce, other XML": ("a.xdce", b"<Images/>"),
    "jdce, no JSON": ("a.jdce", b"{"),
    "jdce, other JSON": ("a.jdce", b'{"a": 1}'),
    "jdce, a list": ("a.jdce", b"[]"),
    "table, other columns": ("image_metadata_2.csv", b"a,b\n1,2\n"),
    "table, empty": ("image_metadata_2.csv", b""),
}


@pytest.mark.parametrize(("name", "data"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_files_are_told(name, data):
    assert is_metadata_name(name)
    with pytest.raises(MetadataError):
        read_metadata(name, data)


def test_other_tables_are_none_of_ours():
    assert not is_metadata_name("1049_Metadata.csv")
