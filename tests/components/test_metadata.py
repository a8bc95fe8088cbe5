"""Instruments' files beside the images are read as they are, whatever they hold besides what we need."""

import csv
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platecast.components import (
    ChannelInfo,
    Components,
    ImageRecord,
    PlateMetadata,
    is_metadata_name,
    merge_metadata,
    read_metadata,
    read_metaseries,
    z_step_of,
)
from platecast.errors import MetadataError

BOM = "\ufeff"


def harmony(version="V5", images="", maps="", head="", plate="<PlateRows>16</PlateRows>"):
    namespace = {
        "V5": "http://www.perkinelmer.com/PEHH/HarmonyV5",
        "V7": "43B2A954-E3C3-47E1-B392-6635266B0DD3/HarmonyV7",
    }.get(version, version)
    return (
        f'{head}<EvaluationInputData xmlns="{namespace}"><Plates><Plate><PlateID>P1</PlateID>{plate}'
        f"</Plate></Plates><Maps>{maps}</Maps><Images>{images}</Images></EvaluationInputData>"
    )


def image(identity="0203K1F4P5R6", channel=6, timepoint=0, extra="", url="a.tiff"):
    return (
        f"<Image><id>{identity}</id><URL>{url}</URL><Row>2</Row><Col>3</Col><FieldID>4</FieldID>"
        f"<PlaneID>5</PlaneID><TimepointID>{timepoint}</TimepointID><ChannelID>{channel}</ChannelID>{extra}"
        "</Image>"
    )


def read(text, name="Index.idx.xml", encoding="utf-8"):
    return read_metadata(name, text.encode(encoding))


WHERE = Components(plate="P1", well="B03", site=4, channel=6, z_index=5, timepoint=1)
TIMEPOINTS = {
    "from 0, with the image's id": (harmony("V5", image()), 1),
    "from 1, with the image's id": (harmony("V7", image(timepoint=1)), 1),
    "from 0, with the name alone": (harmony("V5", image(identity="x", url="r1-ch1sk3fk1fl1.tiff")), 3),
    "from 0, version alone": (harmony("V5", image(identity="x", timepoint=2)), 3),
    "from 1, version alone": (harmony("V7", image(identity="x", timepoint=2)), 2),
    "a version that is not known": (harmony("urn:other", image(identity="x", timepoint=2)), 2),
}


@pytest.mark.parametrize(("text", "timepoint"), TIMEPOINTS.values(), ids=TIMEPOINTS)
def test_harmony_counts_time_points_from_one(text, timepoint):
    (record,) = read(text).records
    assert record.components is not None
    assert record.components.timepoint == timepoint


ENCODINGS = {
    "plain": ("utf-8", ""),
    "byte-order mark": ("utf-8-sig", ""),
    "declared": ("utf-8", '<?xml version="1.0" encoding="utf-8"?>\n'),
    "two bytes a letter": ("utf-16", '<?xml version="1.0" encoding="utf-16"?>\n'),
    "declared wrongly": ("utf-8-sig", '<?xml version="1.0" encoding="us-ascii"?>\n<!-- µ <a> -->'),
}


@pytest.mark.parametrize(("encoding", "head"), ENCODINGS.values(), ids=ENCODINGS)
def test_harmony_in_any_encoding(encoding, head):
    metadata = read(harmony(images=image(), head=head), encoding=encoding)
    assert (metadata.source, metadata.plate, metadata.rows) == ("Harmony V5", "P1", 16)
    assert metadata.records == (ImageRecord(name="a.tiff", components=WHERE),)


def test_harmony_lengths_are_in_metres():
    extra = (
        '<PositionX Unit="m">-0.000322907</PositionX><PositionY Unit="m">1E-06</PositionY>'
        '<PositionZ Unit="m">-5E-06</PositionZ><AbsPositionZ Unit="m">0.134611905</AbsPositionZ>'
        '<ImageResolutionX Unit="m">5.979760809567617E-07</ImageResolutionX>'
        "<AbsTime>2021-03-29T16:55:28.9876543-04:00</AbsTime>"
    )
    metadata = read(harmony(images=image(extra=extra)))
    (record,) = metadata.records
    assert (record.x_um, record.y_um, record.z_um, record.absolute_z_um) == (-322.907, 1.0, -5.0, 134611.905)
    assert metadata.pixel_size_um == 0.5979760809567617
    assert metadata.y_up
    assert record.acquired == datetime(2021, 3, 29, 16, 55, 28, 987654, timezone(-timedelta(hours=4)))


def test_harmony_7_states_a_channel_once():
    maps = (
        '<Map><Entry ChannelID="6"><FlatfieldProfile>{x: 1}</FlatfieldProfile></Entry></Map>'
        '<Map><Entry ChannelID="6"><ChannelName>HOECHST</ChannelName><ImageSizeX>20</ImageSizeX>'
        '<ImageSizeY>10</ImageSizeY><ImageResolutionX Unit="m">3E-07</ImageResolutionX>'
        "<MainEmissionWavelength>456</MainEmissionWavelength><ExposureTime>0.02</ExposureTime></Entry></Map>"
    )
    metadata = read(harmony("V7", image(timepoint=1), maps), "Index.xml")
    assert metadata.channels == (
        ChannelInfo(
            channel=6, name="HOECHST", emission_nm=456, exposure_s=0.02, pixel_size_um=0.3, shape=(10, 20)
        ),
    )
    assert (metadata.source, metadata.pixel_size_um) == ("Harmony V7", 0.3)


def test_harmony_record_that_is_not_usable_is_told_and_left_out():
    broken = image(url="b.tiff").replace("<Row>2</Row>", "")
    metadata = read(harmony(images=image() + broken))
    assert [record.name for record in metadata.records] == ["a.tiff"]
    assert "b.tiff" in metadata.complaints[0]


def test_harmony_ref_names_pages():
    text = harmony(images=image().replace("<URL>", '<URL BufferNo="3">'))
    assert read(text, "Index.ref.xml").records[0].page == 3


DAMAGED = {
    "cut off": harmony(images=image())[:-40],
    "empty": "",
    "no XML": "Hello",
    "of something else": "<Index/>",
    "entities that grow": '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    + harmony(images="&b;"),
    "entities behind a comment": "<!-- <a> --><!DOCTYPE x [<!ENTITY a 'x'>]>" + harmony(),
    "another file's text": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + harmony(images="&a;"),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_damaged_or_dangerous_file_is_an_error(text):
    with pytest.raises(MetadataError):
        read(text)


MLF = """<?xml version="1.0" encoding="utf-8"?>
<bts:MeasurementData bts:Version="1.0" xmlns:bts="http://www.yokogawa.co.jp/BTS/BTSSchema/1.0">{}
</bts:MeasurementData>"""


def mlf(*records):
    lines = (
        "<bts:MeasurementRecord {}>{}</bts:MeasurementRecord>".format(
            " ".join(f'bts:{key}="{value}"' for key, value in values.items()), name
        )
        for name, values in records
    )
    return MLF.format("".join(lines))


IMG = {
    "Type": "IMG", "Time": "2023-09-18T13:58:44.438+02:00", "Column": 8, "Row": 4, "TimePoint": 1,
    "FieldIndex": 2, "ZIndex": 3, "TimelineIndex": 1, "ActionIndex": 1, "Action": "3D",
    "X": -567.1, "Y": 402.9, "Z": 6.0, "Ch": 1,
}  # fmt: skip


def test_cellvoyager_record():
    metadata = read(mlf(("a.tif", IMG), ("b.tif", IMG | {"ZIndex": 4, "Z": 9.0})), "MeasurementData.mlf")
    first = metadata.records[0]
    assert first.components == Components(well="D08", site=2, channel=1, z_index=3, timepoint=1)
    assert (first.x_um, first.y_um, first.z_um, metadata.y_up) == (-567.1, 402.9, 6.0, True)
    assert metadata.z_step_um == 3.0


def test_cellvoyager_errors_are_complaints_not_images():
    error = {"Type": "ERR", "Time": IMG["Time"], "Column": 8, "Row": 4, "TimePoint": 1}
    metadata = read(mlf(("AF Error at F06 No. 5", error), ("a.tif", IMG)), "MeasurementData.mlf")
    assert [record.name for record in metadata.records] == ["a.tif"]
    assert metadata.complaints == ("error in well r4c8: AF Error at F06 No. 5",)


def test_cellvoyager_projection_is_no_first_slice():
    projection = IMG | {"ZIndex": 1, "ZImageProcessing": "Maximum"}
    metadata = read(mlf((r"Projection\a.tif", projection)), "MeasurementData.mlf")
    (record,) = metadata.records
    assert record.name == "Projection/a.tif"
    assert record.components is not None
    assert record.components.z_index is None


def test_cellvoyager_tile_without_a_field():
    tile = {key: value for key, value in IMG.items() if key != "FieldIndex"} | {"PartialTileIndex": 7}
    (record,) = read(mlf(("a.tif", tile)), "MeasurementData.mlf").records
    assert record.components is not None
    assert record.components.site == 7


HTD = b'"HTSInfoFile", Version 1.0\r\n"Description", "1z (0\xb5m offset)"\r\n"XWells", 12\r\n' \
      b'"YWells", 8\r\n' \
      b'"Waves", TRUE\r\n"NWavelengths", 2\r\n"WaveName1", "DAPI"\r\n"WaveName2", "Texas Red"\r\n' \
      b'"WaveName3", "never used"\r\n"EndFile"\r\n'  # fmt: skip


def test_htd_in_no_encoding_of_unicode():
    metadata = read_metadata("9987.HTD", HTD)
    assert (metadata.rows, metadata.columns) == (8, 12)
    assert metadata.channel_names == {1: "DAPI", 2: "Texas Red"}
    assert metadata.records == ()


def test_htd_that_is_none():
    with pytest.raises(MetadataError, match="none of the keys"):
        read_metadata("a.htd", b"hello")


def metaseries(**properties):
    lines = (
        f'<prop id="{name.replace("_", "-")}" type="x" value="{value}"/>'
        for name, value in properties.items()
    )
    return f"<MetaData>\n{''.join(lines)}\n</MetaData>"


def test_metaseries():
    text = metaseries(
        stage_label="E07 : Site 2", spatial_calibration_x="1.3668", spatial_calibration_units="um",
        stage_position_x="79813.4", z_position="9343.19", acquisition_time_local="20230221 10:41:56.561",
    ).replace("</MetaData>", '<prop id="_IllumSetting_" value="A&amp;B"/><custom-prop id="Z Step" '
              'type="float" value="3"/>\x00</MetaData>')  # fmt: skip
    metadata = read_metaseries(text, 2)
    assert metadata.channel_names == {2: "A&B"}
    assert metadata.pixel_size_um == 1.3668
    (record,) = metadata.records
    assert record.components == Components(well="E07", site=2, channel=2, z_index=3)
    assert (record.x_um, record.z_um) == (79813.4, 9343.19)
    assert str(record.acquired) == "2023-02-21 10:41:56.561000"


def test_metaseries_in_pixels_states_no_size():
    text = metaseries(spatial_calibration_x="1", spatial_calibration_units="pixels")
    assert read_metaseries(text, 1).pixel_size_um is None


@pytest.mark.parametrize("text", ["", "ImageJ=1.53", "<MetaData></MetaData>"])
def test_description_of_something_else(text):
    with pytest.raises(MetadataError):
        read_metaseries(text, 1)


NAMES = {
    "Index.idx.xml": True, "Index.xml": True, "index.ref.XML": True, "MeasurementData.mlf": True,
    "MeasurementDetail.mrf": True, "9987.HTD": True, "p.htd": True, "a.mes": True, "p.companion.ome": True,
    "METADATA.ome.xml": True, "crosstalk_parameter.xml": False, ".Index.xml": False, "Index.xml.bak": False,
    "a.ome.tif": False,
}  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), NAMES.items())
def test_files_that_describe_a_plate(name, expected):
    assert is_metadata_name(name) is expected


def test_file_of_another_name_is_refused():
    with pytest.raises(MetadataError, match=r"notes\.xml"):
        read_metadata("notes.xml", b"")


def test_pixel_size_that_differs_is_none():
    parts = [
        PlateMetadata(
            pixel_size_um=size,
            channels=(ChannelInfo(channel=channel, pixel_size_um=size),),
            complaints=("x",),
        )
        for channel, size in {1: 0.3, 2: 0.6}.items()
    ]
    merged = merge_metadata(*parts)
    assert merged.pixel_size_um is None
    assert [info.pixel_size_um for info in merged.channels] == [0.3, 0.6]
    assert merged.complaints == ("x", "x")
    assert merge_metadata() == PlateMetadata()


@given(st.integers(2, 40), st.floats(0.05, 50), st.floats(-1e4, 1e4), st.sampled_from([1, -1]), st.randoms())
def test_z_step_is_found_in_any_stack(slices, step_um, start_um, direction, random):
    records = [
        ImageRecord(components=Components(well="A01", z_index=z), z_um=start_um + direction * z * step_um)
        for z in range(slices)
    ]
    records += [ImageRecord(components=Components(well="A01")), ImageRecord(), ImageRecord(z_um=3.0)]
    random.shuffle(records)
    assert z_step_of(records) == pytest.approx(step_um, abs=2e-3)


@given(st.binary(max_size=200), st.sampled_from([name for name, is_one in NAMES.items() if is_one]))
def test_any_bytes_are_read_or_refused(data, name):
    try:
        assert isinstance(read_metadata(name, data), PlateMetadata)
    except MetadataError:
        pass


def oracle(path):
    """Return a row of a load_data file, under the names before the channel's."""
    with open(path, newline="") as file:
        (row,) = csv.DictReader(file)
    return row


@pytest.mark.parametrize("version", ["1", "5"])
def test_harmony_equals_its_load_data(shared_data, version):
    folder = shared_data / "opera_phenix_harmony" / f"Version{version}"
    metadata = read_metadata("Index.idx.xml", (folder / "images" / "Index.idx.xml").read_bytes())
    row = oracle(folder / f"load_data_version{version}.csv")
    names = [key.removeprefix("FileName_") for key in row if key.startswith("FileName_")]
    assert len(names) == len(metadata.records) == 6
    records = {record.name: record for record in metadata.records}
    channels = {info.channel: info for info in metadata.channels}
    for name in names:
        record = records[row[f"FileName_{name}"]]
        what = record.components
        assert what is not None

        def value(key, name=name):
            return row.get(f"Metadata_{key}_{name}", row.get(f"Metadata_{key}"))

        assert (what.plate, what.well, what.site) == (value("Plate"), value("Well"), int(value("Site")))
        assert (what.channel, what.z_index) == (int(value("ChannelID")), int(value("PlaneID")))
        stated = {
            "x_um": "PositionX", "y_um": "PositionY", "z_um": "PositionZ", "absolute_z_um": "AbsPositionZ"
        }  # fmt: skip
        for field, key in stated.items():
            assert getattr(record, field) == pytest.approx(float(value(key)) * 1e6, abs=1e-9)
        assert record.acquired == datetime.fromisoformat(value("AbsTime"))
        info = channels[what.channel]
        assert info.name == value("ChannelName")
        assert info.exposure_s == float(value("ExposureTime"))
        assert info.excitation_nm == float(value("MainExcitationWavelength"))
        assert (info.emission_nm or 0) == float(value("MainEmissionWavelength"))
        assert info.pixel_size_um == pytest.approx(float(value("ImageResolutionX")) * 1e6, rel=1e-12)
        assert info.shape == (int(value("ImageSizeY")), int(value("ImageSizeX")))
        assert info.binning == int(value("BinningX"))
        assert info.objective_magnification == float(value("ObjectiveMagnification"))
        assert info.objective_na == float(value("ObjectiveNA"))


def test_harmony_7_of_a_real_plate(shared_data):
    path = shared_data / "opera_phenix_harmony" / "Version7_metadata_only" / "Index.xml"
    metadata = read_metadata("Index.xml", path.read_bytes())
    assert (metadata.source, metadata.rows, metadata.columns) == ("Harmony V7", 8, 12)
    assert metadata.channel_names[6] == "HOECHST 33342"
    assert len(metadata.channel_names) == len(metadata.records) == 7
    assert {record.components.timepoint for record in metadata.records if record.components} == {1}
    assert metadata.pixel_size_um == pytest.approx(0.296688132474701)


def test_cellvoyager_of_a_real_plate(shared_data):
    (folder,) = (path for path in (shared_data / "cellvoyager_cv8000").iterdir() if path.is_dir())
    parts = {
        path.suffix: read_metadata(path.name, path.read_bytes())
        for path in folder.iterdir()
        if is_metadata_name(path.name)
    }
    assert sorted(parts) == [".mes", ".mlf", ".mrf"]
    merged = merge_metadata(parts[".mlf"], parts[".mrf"], parts[".mes"])
    assert (merged.rows, merged.columns, merged.pixel_size_um, merged.z_step_um) == (8, 12, 0.325, 3.0)
    assert (merged.source, len(merged.records)) == ("CellVoyager", 96)
    assert merged.acquired is not None
    assert merged.acquired.astimezone(UTC).date().isoformat() == "2023-09-18"
    first = merged.channels[0]
    assert (first.channel, first.name, first.excitation_nm, first.emission_nm) == (1, "405", 405, 445)
    assert (first.exposure_s, first.color, first.shape) == (0.1, "#002FFF", (2000, 2000))
    assert all(re.fullmatch(r".+_[DEF]0[38]_T0001F00[1-4].+\.tif", record.name) for record in merged.records)


HARMONY = (
    '<EvaluationInputData xmlns="http://www.perkinelmer.com/PEHH/HarmonyV5"><Images>'
    '<Image Version="1"><id>0101K1F1P1R1</id><URL BufferNo="2">{url}</URL><Row>1</Row><Col>2</Col>'
    "<FieldID>3</FieldID><PlaneID>4</PlaneID><ChannelID>5</ChannelID>{more}</Image></Images>"
    "</EvaluationInputData>"
)
IMAGES = {
    "simple": ("a.tiff", "", "a.tiff"),
    "with an empty element": ("a.tiff", "<Nothing/>", "a.tiff"),
    "with nested elements": ("a.tiff", "<Deep><Row>9</Row></Deep>", "a.tiff"),
    "with an entity": ("a&amp;b.tiff", "", "a&b.tiff"),
    "with a comment": ("a.tiff", "<!-- <Image><Row>9</Row></Image> -->", "a.tiff"),
    "with blanks": ("\n a.tiff\n", "\n", "a.tiff"),
}


@pytest.mark.parametrize(("url", "more", "name"), IMAGES.values(), ids=IMAGES)
def test_harmony_image_however_it_is_written(url, more, name):
    plate = read_metadata("Index.idx.xml", HARMONY.format(url=url, more=more).encode())
    (record,) = plate.records
    assert (record.name, record.page) == (name, 2)
    assert record.components == Components(well="A02", site=3, channel=5, z_index=4, timepoint=1)


@pytest.mark.parametrize("more", ["<Row>1</Col>", "<Row", "</Deep>", "&nothing;"])
def test_harmony_image_that_is_damaged(more):
    with pytest.raises(MetadataError, match="damaged XML"):
        read_metadata("Index.idx.xml", HARMONY.format(url="a.tiff", more=more).encode())
