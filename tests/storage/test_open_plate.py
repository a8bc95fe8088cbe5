"""A plate's folder becomes a plate: its images, what is known of them, and what is not as it should be."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

import platecast as pc
from platecast.components import Components, PlateLayout
from platecast.errors import StorageError
from platecast.storage import (
    FileManager,
    Plate,
    PlateImage,
    by_well,
    load_resting,
    open_plate,
    resting_address,
)

DATA = Path(__file__).parents[3] / "shared" / "data"
REAL = json.loads((DATA / "plates.json").read_text()) if DATA.is_dir() else {}


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def write(folder, *names, value=7, **options):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(
            path, np.full((4, 6), value, "uint16"), photometric="minisblack", metadata=None, **options
        )


def relative(folder, paths):
    return [Path(path).relative_to(folder).as_posix() for path in paths]


# ----- images and their names


TOLD_APART = {
    "IN Carta, several times": (
        ["t1_D04_s1_w1_z1.tif", "t2_D04_s1_w1_z1.tif"], ("D04", 1, 1, 1, 1), ("D04", 1, 1, 1, 2)
    ),
    "Leica, a grid of fields": (
        [
            f"image--L00--S00--U02--V01--J20--E00--O00--X{x}--Y{y}--T0003--Z05--C01.ome.tif"
            for x, y in (("02", "00"), ("00", "01"))
        ],
        ("B03", 2, 1, 5, 3), ("B03", 100, 1, 5, 3),
    ),
    "Gen5, raw and computed": (
        ["C6_01_1_1_GFP_001.tif", "C6_-3_1_1_ZProj[Stitched[GFP]]_001.tif"],
        ("C06", 1, "GFP", None, 1), ("C06", 1, "ZProj[Stitched[GFP]]", None, 1),
    ),
    "Incucyte, the channel in the prefix": (
        ["Cells-Phase_A2_1_03d06h40m.tif", "Cells_Red_A2_1_03d06h40m.tif"],
        ("A02", 1, "Cells-Phase", None, 4720), ("A02", 1, "Cells_Red", None, 4720),
    ),
    "Incucyte's archive": (
        ["a/2207/19/1110/262/B3-1-C2.tif", "a/2207/19/1310/262/B3-1-C2.tif"],
        ("B03", 1, "C2", None, 2207191110), ("B03", 1, "C2", None, 2207191310),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("names", "first", "second"), TOLD_APART.values(), ids=TOLD_APART)
def test_names_that_say_the_same_are_told_apart(tmp_path, names, first, second):
    def components_in(folder):
        images = open_plate(folder).images
        parts = [image.components for image in images]
        return [(each.well, each.site, each.channel, each.z_index, each.timepoint) for each in parts]

    write(tmp_path / "both", *names)
    assert components_in(tmp_path / "both") == [first, second]
    assert "told apart" in " ".join(open_plate(tmp_path / "both").notes)
    # One alone says no more than is sure.
    write(tmp_path / "one", names[0])
    assert components_in(tmp_path / "one") != [first] or names[0].startswith("C6")
    # The same name in two folders is the same image twice.
    write(tmp_path / "twice", *(f"{folder}/{names[0]}".replace("x/a/", "x/") for folder in "xy"))
    assert len(open_plate(tmp_path / "twice").duplicates) == 1


def test_images_are_sorted_by_well_and_number(tmp_path):
    names = [
        "P1_B02_s1_w1.TIF",
        "P1_B10_s1_w1.TIF",
        "P1_B02_s10_w1.TIF",
        "P1_B02_s2_w1.TIF",
        "P1_A12_s1_w1.TIF",
    ]
    write(tmp_path, *names)
    plate = open_plate(tmp_path)
    assert [(image.components.well, image.components.site) for image in plate.images] == [
        ("A12", 1), ("B02", 1), ("B02", 2), ("B02", 10), ("B10", 1),
    ]  # fmt: skip
    assert (plate.name, plate.wells, plate.sites) == ("P1", ("A12", "B02", "B10"), (1, 2, 10))
    assert plate.problems == ()


def test_folders_are_part_of_the_name(tmp_path):
    write(tmp_path, "TimePoint_2/ZStep_3/P1_B02_s1_w1.TIF")
    plate = open_plate(tmp_path)
    assert (plate.timepoints, plate.z_indices) == ((2,), (3,))
    (image,) = plate.images
    assert image.address == f"disk:{tmp_path}/TimePoint_2/ZStep_3/P1_B02_s1_w1.TIF"


def test_what_is_no_image_is_left_out(tmp_path):
    write(tmp_path, "P1_A01_s1_w1.TIF")
    others = (
        "._P1_A01_s2_w1.TIF", "P1_A01_s1_w1_thumb0F1F64E8-0000-4F4C-9C5F-7C4E1F1B4D9A.tif", "holiday.tif",
    )  # fmt: skip
    touch(tmp_path, *others, "notes.txt", ".hidden/P1_A02_s1_w1.TIF", "old.ome.zarr/P1_A03_s1_w1.TIF")
    plate = open_plate(tmp_path)
    assert relative(tmp_path, [image.path for image in plate.images]) == ["P1_A01_s1_w1.TIF"]
    assert sorted(plate.left_out) == sorted(others)


def test_plate_is_the_folders_name_where_no_image_names_one(tmp_path):
    write(tmp_path / "Monday", "r01c02f03p01-ch4sk1fk1fl1.tiff")
    plate = open_plate(tmp_path / "Monday")
    assert plate.name == "Monday"
    assert plate.images[0].components.plate == "Monday"


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(StorageError, match="absent could not be opened: No such file or directory"):
        open_plate(tmp_path / "absent")


def test_folder_without_images(tmp_path):
    plate = open_plate(tmp_path)
    assert (plate.images, plate.problems, plate.missing, plate.layouts) == ((), (), (), ())
    assert plate.name == tmp_path.name


def test_names_of_ones_own(tmp_path):
    write(tmp_path, "img-b7-gfp.tif", "img-b8-gfp.tif", "other.tif")
    plate = open_plate(tmp_path, pattern=r"img-(?P<well>\w+)-(?P<channel>\w+)")
    assert (plate.wells, plate.channels, plate.left_out) == (("B07", "B08"), ("gfp",), ("other.tif",))


def test_pattern_that_is_none(tmp_path):
    touch(tmp_path, "a.tif")
    with pytest.raises(ValueError, match="no named group"):
        open_plate(tmp_path, pattern="x")


def test_names_that_follow_several_conventions_are_decided_together(tmp_path):
    write(tmp_path, "scan_R_p2_z1_0_B03f01d0.tif", "scan_R_p2_z1_0_B03f02d0.tif")
    plate = open_plate(tmp_path)
    assert (plate.timepoints, plate.z_indices, plate.sites) == ((2,), (1,), (1, 2))
    (note,) = plate.notes
    assert note.startswith("names are read as EVOS, as which 2 of 2 looked at can be read; 2 could also be")
    others = tmp_path / "others"
    write(others, *(f"P_{letter}03f01d0.tif" for letter in "ABCD"), "scan_R_p2_z1_0_B03f01d0.tif")
    plate = open_plate(others)
    assert "CellInsight/ArrayScan, as which 5 of 5" in plate.notes[0]
    assert plate.timepoints == ()


def test_wells_that_are_numbered(tmp_path):
    write(tmp_path, "W0029F0001T0001Z001C1.tif")
    plate = open_plate(tmp_path)
    assert plate.images == ()
    assert "W0029F0001T0001Z001C1.tif" in plate.problems[0]
    assert "plate_columns" in plate.problems[0]
    assert open_plate(tmp_path, plate_columns=12).wells == ("C05",)


def test_links_that_lead_back_are_followed_once(tmp_path):
    for folder, other in (("a", "b"), ("b", "a")):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, f"{folder}_A01_s1_w1.tif")
        (tmp_path / folder / "other").symlink_to(tmp_path / other)
        (tmp_path / folder / "up").symlink_to("..")
    plate = open_plate(tmp_path)
    # Once each by its own folder, and once by the link in the other one.
    assert len(plate.images) == 4
    assert plate.problems == ()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, names are Unicode")
def test_names_of_a_system_that_had_latin_1(tmp_path):
    folder = os.fsencode(tmp_path) + b"/M\xfcll"
    os.mkdir(folder)
    write(tmp_path, "a.tif", value=1)
    for name in (b"Pl\xe4tte_A01_s1_w1.tif", b"A02_s1_w1.tif"):
        shutil.copy(tmp_path / "a.tif", folder + b"/" + name)
    plate = open_plate(os.fsdecode(folder))
    assert [image.components.plate for image in plate.images] == ["M\xfcll", "Pl\xe4tte"]
    assert plate.read(plate.images[1]).max() == 1
    address = resting_address("disk", plate.images[1].path)
    assert address.isascii()
    assert load_resting(address).max() == 1


def test_two_files_of_one_plane_are_told(tmp_path):
    write(tmp_path, "a/P1_A01_s1_w1.TIF", "b/P1_A01_s1_w1.TIF", "b/P1_A01_s2_w1.TIF")
    plate = open_plate(tmp_path)
    assert len(plate.images) == 3
    (group,) = plate.duplicates
    assert relative(tmp_path, [image.path for image in group]) == ["a/P1_A01_s1_w1.TIF", "b/P1_A01_s1_w1.TIF"]


def test_folder_that_cannot_be_read_is_told_and_the_rest_opens(tmp_path, monkeypatch):
    import os

    write(tmp_path, "P1_A01_s1_w1.TIF", "locked/P1_A02_s1_w1.TIF")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    plate = open_plate(tmp_path)
    assert plate.wells == ("A01",)
    assert plate.problems == ("locked: Permission denied",)


# ----- wells, layouts


def images(*components):
    return tuple(PlateImage(f"{number}.tif", each) for number, each in enumerate(components))


def test_wells_of_two_plates_stay_apart():
    first, second = Components(plate="P1", well="A01"), Components(plate="P2", well="A01")
    assert list(by_well(images(first))) == ["A01"]
    assert list(by_well(images(first, second))) == ["P1 A01", "P2 A01"]
    assert Plate("here", images(first, second)).name == "here"


def test_planes_without_a_well_belong_together():
    wells = by_well(images(Components(site=1), Components(site=2)))
    assert {label: len(members) for label, members in wells.items()} == {"no well": 2}


def test_layout_lists_each_components_values_in_order():
    members = [
        Components(plate="P1", well="B10", channel="GFP", z_index=10),
        Components(plate="P1", well="B02", channel="DAPI", z_index=9),
        Components(plate="P1", well="B02", channel="DAPI"),
    ]
    assert Plate("here", images(*members)).layouts == (
        PlateLayout(
            plate="P1",
            well=("B02", "B10"),
            channel=("DAPI", "GFP"),
            z_index=(9, 10),
            images=(3, 3),
        ),
    )


# ----- missing planes


def grid(wells=("A01", "A02"), sites=(1, 2), channels=(1, 2), slices=(None,), times=(None,)):
    return [
        Components(well=well, site=site, channel=channel, z_index=z, timepoint=t)
        for well in wells for site in sites for channel in channels for z in slices for t in times
    ]  # fmt: skip


def without(members, **values):
    return [each for each in members if any(getattr(each, name) != value for name, value in values.items())]


def only(members, **values):
    return [each for each in members if all(getattr(each, name) == value for name, value in values.items())]


STACK, PROJECTION = grid(slices=(1, 2, 3), channels=(1,)), grid(channels=(1,))
SINGLE = grid(slices=(1,), channels=(2,))
MISSING = {
    "nothing of a whole plate": (grid(), []),
    "nothing of no plate": ([], []),
    "a channel of one site": (
        without(grid(), well="A02", site=1, channel=2),
        only(grid(), well="A02", site=1, channel=2),
    ),
    "a site": (without(grid(), well="A02", site=1), only(grid(), well="A02", site=1)),
    "not a well": (without(grid(), well="A02"), []),
    "not other depths": (STACK + PROJECTION + SINGLE, []),
    "a slice": (
        without(STACK, well="A01", site=1, z_index=3) + SINGLE,
        only(STACK, well="A01", site=1, z_index=3),
    ),
    "a projection": (STACK + without(PROJECTION, well="A01", site=1), only(PROJECTION, well="A01", site=1)),
    "a gap that another channel shows": (
        grid(("A01",), (1,), (1,), (1, 2, 4)) + grid(("A01",), (1,), (2,), (1, 2, 3, 4)),
        grid(("A01",), (1,), (1,), (3,)),
    ),
    "not every second slice": (grid(slices=(1, 3, 5, 7)), []),
    "a time point": (
        without(grid(times=(1, 2)), well="A01", site=2, timepoint=2, channel=1),
        only(grid(times=(1, 2)), well="A01", site=2, timepoint=2, channel=1),
    ),
    "not sites of their own": (grid(("A01",), (1,)) + grid(("A02",), (3,)) + grid(("A03",), (2,)), []),
    "not the channel of a few wells": (grid(("A01", "A02", "A03")) + grid(("A01",), channels=(9,)), []),
}


@pytest.mark.parametrize(("members", "expected"), MISSING.values(), ids=MISSING)
def test_missing(members, expected):
    assert Plate("here", images(*members)).missing == tuple(expected)


# ----- what instruments write down

HARMONY = """<?xml version="1.0" encoding="utf-8"?>
<EvaluationInputData xmlns="http://www.perkinelmer.com/PEHH/HarmonyV5"><Plates><Plate><PlateID>BR7</PlateID>
<PlateRows>16</PlateRows><PlateColumns>24</PlateColumns></Plate></Plates><Images>{}</Images>
</EvaluationInputData>"""
RECORD = (
    "<Image><id>0203K1F4P5R6</id><URL>{}</URL><Row>2</Row><Col>3</Col><FieldID>4</FieldID><PlaneID>5</PlaneID>"
    "<TimepointID>0</TimepointID><ChannelID>6</ChannelID><ChannelName>DAPI</ChannelName>"
    '<ImageResolutionX Unit="m">5E-07</ImageResolutionX><PositionX Unit="m">1E-06</PositionX></Image>'
)


def test_record_is_believed_before_the_name(tmp_path):
    write(tmp_path, "Images/r01c01f01p01-ch1sk1fk1fl1.tiff")
    index = tmp_path / "Images" / "Index.idx.xml"
    index.write_text(HARMONY.format(RECORD.format("r01c01f01p01-ch1sk1fk1fl1.tiff")))
    for plate in (open_plate(tmp_path), open_plate(index)):
        (image,) = plate.images
        assert image.components == Components(
            plate="BR7", well="B03", site=4, channel=6, z_index=5, timepoint=1
        )
        assert plate.channel_names == {6: "DAPI"}
        assert (plate.metadata.rows, plate.metadata.pixel_size_um) == (16, 0.5)
        assert plate.record(image).x_um == 1.0
        assert plate.layouts[0].pixel_size_um == 0.5


def test_pattern_is_believed_before_the_record(tmp_path):
    write(tmp_path, "r01c01f01p01-ch1sk1fk1fl1.tiff")
    (tmp_path / "Index.xml").write_text(HARMONY.format(RECORD.format("r01c01f01p01-ch1sk1fk1fl1.tiff")))
    plate = open_plate(tmp_path, pattern=r"r(?P<row>\d+)c(?P<column>\d+)")
    assert plate.wells == ("A01",)
    assert plate.metadata.channel_names == {6: "DAPI"}


def test_recorded_images_that_are_not_there_are_told(tmp_path):
    write(tmp_path, "a.tiff", "r01c01f01p01-ch1sk1fk1fl1.tiff")
    (tmp_path / "Index.xml").write_text(
        HARMONY.format("".join(RECORD.format(name) for name in ("a.tiff", "b.tiff", "c.tiff")))
    )
    plate = open_plate(tmp_path)
    assert plate.wells == ("A01", "B03"), "an image that is not recorded is known by its name"
    assert plate.problems == ("Index.xml: 2 of the images it records are not there, such as b.tiff",)
    assert [record.name for record in plate.metadata.records] == ["a.tiff"]


def test_damaged_index_is_told_and_names_are_read(tmp_path, caplog):
    write(tmp_path, "r01c02f03p04-ch5sk6fk1fl1.tiff")
    (tmp_path / "Index.xml").write_text("<EvaluationInputData><Image>")
    plate = open_plate(tmp_path)
    assert plate.wells == ("A02",)
    assert plate.problems[0].startswith("Index.xml: damaged XML")
    assert "Index.xml" in caplog.text


MLF = '<MeasurementData xmlns:b="x">{}</MeasurementData>'
MRF = '<MeasurementDetail Title="CQ" RowCount="8" ColumnCount="12"/>'
IMG = '<M Type="IMG" Row="3" Column="5" TimePoint="1" FieldIndex="1" ZIndex="{}" Ch="1" {}>{}</M>'


def test_projection_by_the_instrument_beside_its_stack(tmp_path):
    stack = [f"CQ_C05_T0001F001L01A01Z{z:02d}C01.tif" for z in (1, 2)]
    projection = "CQ_C05_T0001F001L01A02Z01C01.tif"
    write(tmp_path, *stack, projection, "DC_DCAM#1_CAM3.tif")
    assert len(open_plate(tmp_path).duplicates) == 1, "by their names, slice 1 is there twice"
    records = [IMG.format(z, "", name) for z, name in enumerate(stack, 1)]
    records += [IMG.format(1, 'ZImageProcessing="Maximum"', projection), '<M Type="ERR" Row="1">AF Error</M>']
    text = (
        MLF.format("".join(records))
        .replace("<M ", "<MeasurementRecord ")
        .replace("</M>", "</MeasurementRecord>")
    )
    (tmp_path / "MeasurementData.mlf").write_text(text)
    (tmp_path / "MeasurementDetail.mrf").write_text(MRF)
    plate = open_plate(tmp_path)
    assert [image.components.z_index for image in plate.images] == [None, 1, 2]
    assert (plate.duplicates, plate.missing, plate.left_out) == ((), (), ("DC_DCAM#1_CAM3.tif",))
    assert plate.problems == ("MeasurementData.mlf: error in well r1cNone: AF Error",)


def test_plate_format_numbers_the_wells(tmp_path):
    write(tmp_path, "W0029F0001T0001Z001C1.tif")
    (tmp_path / "MeasurementDetail.mrf").write_text(MRF)
    assert open_plate(tmp_path).wells == ("C05",)


METASERIES = (
    '<MetaData><prop id="stage-label" type="string" value="B02 : Site 3"/>'
    '<prop id="_IllumSetting_" type="string" value="{}"/>'
    '<prop id="z-position" type="float" value="{}"/><prop id="spatial-calibration-x" type="float" '
    'value="0.65"/><prop id="spatial-calibration-units" type="string" value="um"/></MetaData>'
)
HTD = b'"HTSInfoFile", Version 1.0\n"XWells", 12\n"YWells", 8\n"NWavelengths", 4\n"WaveName2", "Cy5 \xb5"\n' \
      b'"WaveName4", "never taken"\n'  # fmt: skip


def test_imagexpress_is_described_by_its_images(tmp_path):
    for z in (1, 2, 3):
        name = f"TimePoint_1/ZStep_{z}/P1_B02_s1_w1.TIF"
        write(tmp_path, name, description=METASERIES.format("FITC", 100 + 2.5 * z))
    write(tmp_path, "TimePoint_1/ZStep_1/P1_B02_s1_w2.TIF")
    for folder in ("", "TimePoint_1", "TimePoint_1/ZStep_1"):
        (tmp_path / folder / "P1.HTD").write_bytes(HTD)
    plate = open_plate(tmp_path)
    assert plate.channel_names == {1: "FITC", 2: "Cy5 µ"}
    metadata = plate.metadata
    assert (metadata.rows, metadata.columns, metadata.pixel_size_um, metadata.z_step_um) == (8, 12, 0.65, 2.5)
    assert plate.record(plate.images[-1]).z_um == 107.5
    assert plate.problems == ()


def test_site_that_the_name_leaves_out_stands_in_the_image(tmp_path):
    write(tmp_path, "9987_B02.TIF", description=METASERIES.format("DAPI", 1))
    plate = open_plate(tmp_path)
    assert (plate.sites, plate.channels, plate.metadata.pixel_size_um) == ((3,), (), 0.65)


def test_damaged_image_is_told_and_another_one_describes_the_channel(tmp_path):
    (tmp_path / "P1_A01_s1_w1.TIF").write_bytes(b"damaged")
    write(tmp_path, "P1_A02_s1_w1.TIF", description=METASERIES.format("DAPI", 1))
    plate = open_plate(tmp_path)
    assert plate.channel_names == {1: "DAPI"}
    assert len(plate.images) == 2
    (problem,) = plate.problems
    assert "P1_A01_s1_w1.TIF could not be read: " in problem
    with pytest.raises(StorageError, match="P1_A01_s1_w1"):
        plate.read(plate.images[0])


# ----- OME-TIFF


def test_pages_of_a_micromanager_stack(tmp_path):
    data = np.arange(2 * 3 * 4 * 5, dtype="uint16").reshape(2, 3, 4, 5)
    for well in ("A1", "B2"):
        path = tmp_path / f"Run_MMStack_{well}-Site_0.ome.tif"
        tifffile.imwrite(
            path, data, photometric="minisblack",
            metadata={"axes": "ZCYX", "Channel": {"Name": ["DAPI", "GFP", "Cy5"]}, "PhysicalSizeX": 0.5},
        )  # fmt: skip
    plate = open_plate(tmp_path)
    assert len(plate.images) == 12
    assert (plate.wells, plate.sites, plate.channels, plate.z_indices) == (
        ("A01", "B02"),
        (0,),
        (0, 1, 2),
        (0, 1),
    )
    assert plate.channel_names == {0: "DAPI", 1: "GFP", 2: "Cy5"}
    assert plate.metadata.pixel_size_um == 0.5
    assert (plate.missing, plate.duplicates, plate.problems) == ((), (), ())
    with FileManager() as files:
        for image in plate.images:
            what = image.components
            expected = data[what.z_index, what.channel]
            np.testing.assert_array_equal(plate.read(image), expected)
            backend, _, path = image.address.partition(":")
            np.testing.assert_array_equal(files.load(path, backend), expected)


def test_one_plane_in_each_ome_tiff_is_known_by_its_name(tmp_path):
    for channel in (0, 1):
        tifffile.imwrite(
            tmp_path / f"a--A01--x--W0001--P001--T00000--Z000--C0{channel}.ome.tif",
            np.zeros((4, 5), "uint16"), photometric="minisblack",
            metadata={"axes": "YX", "Channel": {"Name": f"channel {channel}"}},
        )  # fmt: skip
    plate = open_plate(tmp_path)
    assert [image.backend for image in plate.images] == ["disk", "disk"]
    assert plate.channel_names == {0: "channel 0", 1: "channel 1"}


COMPANION = """<OME xmlns="x"><Plate ID="Plate:0" Name="P1" Rows="8" Columns="12"><Well Row="1" Column="2">
<WellSample Index="0"><ImageRef ID="Image:0"/></WellSample></Well></Plate>
<Image ID="Image:0"><Pixels DimensionOrder="XYCZT" SizeX="6" SizeY="4" SizeC="2" SizeZ="1" SizeT="1">
<TiffData FirstC="0" IFD="0"><UUID FileName="first.tif"/></TiffData>
<TiffData FirstC="1" IFD="0"><UUID FileName="second.tif"/></TiffData></Pixels></Image></OME>"""


def test_micromanager_planes_with_what_lies_beside_them(tmp_path):
    for site in range(2):
        folder = tmp_path / f"B2-Site_{site}"
        folder.mkdir()
        frames = {}
        for channel in range(2):
            name = f"img_channel{channel:03d}_position{site:03d}_time000000000_z000.tif"
            tifffile.imwrite(folder / name, np.ones((4, 6), "uint16"), photometric="minisblack")
            frames[f"Metadata-{folder.name}/{name}"] = {"XPositionUm": 100.0 * site, "PixelSizeUm": 0.65}
        content = {"Summary": {"ChNames": ["GFP", "Cy5"], "z-step_um": 0}} | frames
        (folder / "metadata.txt").write_text(json.dumps(content))
    (tmp_path / "metadata.txt").write_text("notes of somebody")
    plate = open_plate(tmp_path)
    assert not plate.problems
    assert (plate.wells, plate.sites, plate.channels) == (("B02",), (0, 1), (0, 1))
    assert plate.channel_names == {0: "GFP", 1: "Cy5"}
    assert plate.metadata.pixel_size_um == 0.65
    assert [plate.record(image).x_um for image in plate.images] == [0, 0, 100, 100]


def test_gen5_says_in_its_images_what_the_pixels_are(tmp_path):
    text = (
        "<BTIImageMetaData><ImageAcquisition><PixelWidth>6</PixelWidth>"
        "<ImageWidthMicrons>3.0</ImageWidthMicrons><Channel Color='{}'/>"
        "</ImageAcquisition></BTIImageMetaData>"
    )
    for number, channel in enumerate(("DAPI 377,447", "GFP 469,525"), start=1):
        tifffile.imwrite(
            tmp_path / f"B7_01_{number}_1_{channel}_001.tif",
            np.ones((4, 6), "uint16"),
            photometric="minisblack",
            description=text.format(channel),
            metadata=None,
        )
    plate = open_plate(tmp_path)
    assert not plate.problems
    assert plate.channel_names == {"DAPI 377,447": "DAPI", "GFP 469,525": "GFP"}
    assert plate.metadata.pixel_size_um == 0.5


def test_squid_with_its_parameters(tmp_path):
    (tmp_path / "0").mkdir()
    for z in range(2):
        name = f"B2_0_{z}_Fluorescence_488_nm_Ex.tiff"
        tifffile.imwrite(tmp_path / "0" / name, np.ones((4, 6), "uint16"), photometric="minisblack")
    parameters = {"dz(um)": 1.5, "Nz": 2, "sensor_pixel_size_um": 4.0, "tube_lens_mm": 180}
    parameters["objective"] = {"magnification": 10, "tube_lens_f_mm": 180}
    (tmp_path / "acquisition parameters.json").write_text(json.dumps(parameters))
    plate = open_plate(tmp_path)
    assert not plate.problems
    assert (plate.metadata.pixel_size_um, plate.metadata.z_step_um) == (0.4, 1.5)
    assert plate.images[1].components == Components(
        plate=tmp_path.name, well="B02", site=0, channel="Fluorescence_488_nm_Ex", z_index=1, timepoint=0
    )


def test_companion_file_says_what_names_do_not(tmp_path):
    write(tmp_path, "first.tif", value=1)
    write(tmp_path, "second.tif", value=2)
    (tmp_path / "plate.companion.ome").write_text(COMPANION)
    plate = open_plate(tmp_path)
    assert [(image.components, plate.read(image)[0, 0]) for image in plate.images] == [
        (Components(plate="P1", well="B03", site=0, channel=channel), channel + 1) for channel in (0, 1)
    ]
    assert plate.left_out == ()


# ----- pixels


def test_read(tmp_path):
    write(tmp_path, "P1_A01_s1_w1.TIF", value=513)
    plate = pc.open_plate(tmp_path)
    assert isinstance(plate, pc.Plate)
    array = plate.read(plate.images[0])
    assert (array.dtype, array.shape, array.flags.writeable) == ("uint16", (4, 6), True)
    assert (array == 513).all()


REFUSED = {
    "no plane": ("a.tif", "is not the path of a page or plane"),
    "file that is not there": ("a.tif#page=0", "there is no image"),
    "array that is not there": ("a.zarr/0#index=0", "a.zarr/0"),
}


@pytest.mark.parametrize(("path", "reason"), REFUSED.values(), ids=REFUSED)
def test_path_that_the_backend_cannot_read(tmp_path, path, reason):
    if "zarr" in path:
        pytest.importorskip("zarr")
    with FileManager() as files, pytest.raises(StorageError, match=reason):
        files.load(tmp_path / path, "plate")


def test_backend_only_reads(tmp_path):
    with FileManager() as files:
        with pytest.raises(StorageError, match="only reads"):
            files.save(np.zeros((2, 2)), tmp_path / "a.tif#page=0", "plate")
        with pytest.raises(StorageError, match="only reads"):
            files.delete(tmp_path / "a.tif#page=0", "plate")
        write(tmp_path, "a.tif")
        assert files.exists(tmp_path / "a.tif#page=0", "plate")
        with pytest.raises(StorageError, match="has no page 3"):
            files.load(tmp_path / "a.tif#page=3", "plate")


# ----- real plates


@pytest.mark.parametrize("name", REAL or ["-"])
def test_real_plate(shared_data, name):
    expected = REAL[name]
    plate = open_plate(shared_data / name)
    assert len(plate.images) == expected["images"]
    assert list(plate.wells) == expected["wells"]
    assert list(plate.sites) == expected["sites"]
    assert list(plate.channels) == expected["channels"]
    assert list(plate.z_indices) == expected["z"]
    assert list(plate.timepoints) == expected["timepoints"]
    others = sum(expected.get(key, 0) for key in ("thumbs", "masks", "non_image_tifs"))
    assert len(plate.left_out) == others
    assert {str(key): name for key, name in plate.channel_names.items()} == expected.get(
        "channel_names", {str(key): name for key, name in plate.channel_names.items()}
    )
    counts = {}
    for image in plate.images:
        is_slice = image.components.z_index not in (None, 0)
        label = f"w{image.components.channel} {'z' if is_slice else 'projection/single'}"
        counts[label] = counts.get(label, 0) + 1
    assert counts == expected.get("per_channel", counts)
    assert (plate.missing, plate.duplicates, plate.problems, plate.notes) == ((), (), (), ())
    assert plate.read(plate.images[-1]).ndim == 2


def test_plate_of_hcs_ai_with_its_tables(tmp_path):
    columns = "Well,Field,Wavelength,Timepoint,ZIndex,ImageSubFolderPath,ImageFileName,PositionXUm"
    for number, well in enumerate(("B - 2", "B - 3"), start=1):
        name = f"Scan_t0_B0{number + 1}_s0_w0_z0.tif"
        (tmp_path / f"image_metadata_{number}.csv").write_text(
            f"{columns}\n{well},0,0,0,0,timepoint0,{name},{number}.5\n"
        )
        write(tmp_path, f"timepoint0/{name}")
        touch(tmp_path, f"timepoint0/{name}.statistics.json")
    protocol = {"Wavelengths": [{"Index": 0, "EmissionFilter": {"Name": "TL"}}]}
    (tmp_path / "x.jdce").write_text(json.dumps({"ImageStack": {"AutoLeadAcquisitionProtocol": protocol}}))
    plate = open_plate(tmp_path / "x.jdce")
    assert (plate.name, plate.wells, plate.channel_names) == ("Scan", ("B02", "B03"), {0: "TL"})
    assert [plate.record(image).x_um for image in plate.images] == [1.5, 2.5]
    assert (plate.problems, plate.left_out) == ((), ())
