import json
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from platecast.components import Components, find_convention, parse_name, well_name
from platecast.errors import UnrecognizedNameError

SHARED = Path(__file__).parents[3] / "shared" / "data"
GUID = "4C0DE5A1-77B2-4F00-9E1D-0A1B2C3D4E5F"
DIGITS_GUID = "20394857-1111-4222-9333-445566778899"


def case(convention: str, name: str, **components: object) -> object:
    return pytest.param(convention, name, components, id=f"{convention}: {name}")


READABLE = [
    # ImageXpress: numbers that run into the GUID, plates that look like wells, folders for time and z
    case("ImageXpress", f"P_B02_s3_w2{GUID}.tif", plate="P", well="B02", site=3, channel=2),
    case("ImageXpress", f"P_B02_s3_w1{DIGITS_GUID}.tif", plate="P", well="B02", site=3, channel=1),
    case("ImageXpress", f"P_B02_s12_w1{DIGITS_GUID}.tif", plate="P", well="B02", site=12, channel=1),
    case("ImageXpress", f"P_B02_s12{DIGITS_GUID}.tif", plate="P", well="B02", site=12),
    case("ImageXpress", f"P_B02_w12{DIGITS_GUID}.tif", plate="P", well="B02", channel=12),
    case("ImageXpress", f"P_S12_w1{GUID}.tif", plate="P", well="S12", channel=1),
    case("ImageXpress", f"P_C03{GUID}.tif", plate="P", well="C03"),
    case("ImageXpress", f"P_C01_w1_{GUID}.tif", plate="P", well="C01", channel=1),
    case("ImageXpress", f"P_C01_w1_[{GUID}].tif", plate="P", well="C01", channel=1),
    case("ImageXpress", f"G10_s2_w1{GUID}.tif", well="G10", site=2, channel=1),
    case("ImageXpress", f"p-1_a01_s1_w2{GUID.lower()}.tif", plate="p-1", well="A01", site=1, channel=2),
    case("ImageXpress", "A01_s1_w1_B02_s3_w2.TIF", plate="A01_s1_w1", well="B02", site=3, channel=2),
    case("ImageXpress", "9987_B02_s1.TIF", plate="9987", well="B02", site=1),
    case("ImageXpress", "P_AF48_s1_w1.tif", plate="P", well="AF48", site=1, channel=1),
    case("ImageXpress", f"x_t2_B02_s1_w2{GUID}.tif", plate="x_t2", well="B02", site=1, channel=2),
    case(
        "ImageXpress", f"S/2023-02-21/13/ZStep_10/P_B02_s1_w1{GUID}.tif",
        plate="P", well="B02", site=1, channel=1, z_index=10,
    ),
    case("ImageXpress", "X/TimePoint_2/P_B02_s1.TIF", plate="P", well="B02", site=1, timepoint=2),
    case(
        "ImageXpress", "TimePoint_2/ZStep_0/P_B02_s1_w1.TIF",
        plate="P", well="B02", site=1, channel=1, timepoint=2, z_index=0,
    ),
    case("ImageXpress", "TimePoint_2/old/P_B02_s1_w1.TIF", plate="P", well="B02", site=1, channel=1),
    case("ImageXpress", f"P_C01_w1_{{{GUID}}}.tif", plate="P", well="C01", channel=1),
    case(
        "ImageXpress", "A01_s001_w1_z003_t002.tif", well="A01", site=1, channel=1, z_index=3, timepoint=2,
    ),
    case("ImageXpress", "P_B02_t3.TIF", plate="P", well="B02", timepoint=3),
    case("ImageXpress", "P_B02_s1_w1.png", plate="P", well="B02", site=1, channel=1),
    case("ImageXpress (one image a well)", "P_B02.TIF", plate="P", well="B02"),
    case(
        "ImageXpress HCS.ai", "timepoint3/A01_t9_t3_G11_s0_w0_z5.tif",
        plate="A01_t9", well="G11", site=0, channel=0, z_index=5, timepoint=3,
    ),
    case("IN Carta", "t1_D04_s1_w1_z3.tif", well="D04", site=1, channel=1, z_index=3),
    # Opera Phenix, Operetta, Opera
    case(
        "Opera Phenix/Operetta", "r16c24f112p101rc1-ch12sk3fk1fl1.tiff",
        well="P24", site=112, channel=12, z_index=101, timepoint=3,
    ),
    case(
        "Opera Phenix/Operetta", "r04c02f01p05-ch03t07.tiff",
        well="D02", site=1, channel=3, z_index=5, timepoint=7,
    ),
    case(
        "Opera Phenix/Operetta", "B_1__2020-05-02T16_02_51-Measurement 2b/x/r32c48f01p01-ch1sk1fk1fl1.tiff",
        plate="B_1", well="AF48", site=1, channel=1, z_index=1, timepoint=1,
    ),
    case(
        "Opera Phenix/Operetta", "R4C2F1P5-CH3SK7FK1FL1.TIFF",
        well="D02", site=1, channel=3, z_index=5, timepoint=7,
    ),
    case("Opera Phenix/Operetta", "r04c02f01p05-ch3.tiff", well="D02", site=1, channel=3, z_index=5),
    case("Opera (Flex)", "016024000.flex", well="P24"),
    case("Opera (Flex)", "001002003.flex", well="A02", site=3),
    case(
        "Opera Phenix/Operetta", "r01c02f03p04-ch5sk6fk1fl1.png",
        well="A02", site=3, channel=5, z_index=4, timepoint=6,
    ),
    # Yokogawa
    case(
        "CellVoyager", "A01_Plate_#3.5_C04_T0277F004L277A04Z07C04.tif",
        plate="A01_Plate_#3.5", well="C04", site=4, channel=4, z_index=7, timepoint=277,
    ),
    case(
        "CellVoyager", "P_H12.d4_T0001F1001L01A02Z000000001C02.png",
        plate="P", well="AF48", site=1001, channel=2, z_index=1, timepoint=1,
    ),
    case(
        "CellVoyager", "A02_T0001F002L01A01Z03C04.jpg",
        well="A02", site=2, channel=4, z_index=3, timepoint=1,
    ),
    # Thermo Fisher
    case("CellInsight/ArrayScan", "AS_1_O24f02d0.C01", plate="AS_1", well="O24", site=2, channel=0),
    case("CellInsight/ArrayScan", "B03f00d1.DIB", well="B03", site=0, channel=1),
    case(
        "CellInsight/ArrayScan", "runi3t012A01f01d2.TIF",
        plate="run", well="A01", site=1, channel=2, timepoint=12,
    ),
    case("CellInsight/ArrayScan", "AS_1_A01f00d0.png", plate="AS_1", well="A01", site=0, channel=0),
    case("EVOS", "scan_1_R_p2_z4_0_B03f01d0.tif", well="B03", site=1, channel=0, z_index=4, timepoint=2),
    # Cytiva
    case("IN Cell", "A - 13(fld 2).tif", well="A13", site=2),
    case(
        "IN Cell", "P_1_F - 001(fld 03 wv TL - open - Cy3 wix 2 z 12 time 4 - 26ms).tif",
        plate="P_1", well="F01", site=3, channel="TL - open - Cy3", z_index=12, timepoint=4,
    ),
    case("IN Cell", "Q 7 A-1 (fld 2 wv UV - X).TIF", plate="Q 7", well="A01", site=2, channel="UV - X"),
    case("IN Cell", "B - 12(wv Blue - FITC).tif", well="B12", channel="Blue - FITC"),
    case("IN Cell", "P1_A01(fld 1 wv 390 - Blue).tif", plate="P1", well="A01", site=1, channel="390 - Blue"),
    case("IN Cell", "a-01(fld 1 wv Cy5 - Cy5).png", well="A01", site=1, channel="Cy5 - Cy5"),
    # Agilent
    case("Cytation (Gen5)", "B7_01_1_3_DAPI_002.tif", well="B07", site=3, channel="DAPI", timepoint=2),
    case(
        "Cytation (Gen5)", "A1ROI2_02_1_1_Bright Field_High_003.tif",
        well="A01", site=1, channel="Bright Field_High", timepoint=3,
    ),
    case(
        "Cytation (Gen5)", "C6_-3_1_1_ZProj[Stitched[Cy5 1,2]]_001.tif",
        well="C06", site=1, channel="Cy5 1,2", timepoint=1,
    ),
    case(
        "Cytation (Gen5)", "P 1_x_C6_01_1_2_GFP_001.tif",
        plate="P 1_x", well="C06", site=2, channel="GFP", timepoint=1,
    ),
    # Evident and EMBL
    case(
        "ScanR", "F12--W00072--P00007--Z00001--T00000--405 nm #1.tif",
        well="F12", site=7, channel="405 nm #1", z_index=1, timepoint=0,
    ),
    case(
        "ScanR", "--W00002--P00001--Z00000--T00000--cherry.tif",
        site=1, channel="cherry", z_index=0, timepoint=0,
    ),
    case(
        "EMBL screening (ALMF)", "a--b-1uM--B9--A1--W0021--P003--T0000--Z000--C01.ome.jpeg",
        well="B09", site=3, channel=1, z_index=0, timepoint=0,
    ),
    case(
        "ScanR", "A1--W00001--P00001--Z00000--T00000--Transmission-CSU.ome.tif",
        well="A01", site=1, channel="Transmission-CSU", z_index=0, timepoint=0,
    ),
    case(
        "EMBL screening (ALMF)", "x--A2--W0002--P001--T00001--Z001--C03.ome.tif",
        well="A02", site=1, channel=3, z_index=1, timepoint=1,
    ),
    case(
        "EMBL screening (ALMF)", "x--s444246--XWNeg9+BafA1--W0085--P002--T00001--Z001--C04.ome.tif",
        site=2, channel=4, z_index=1, timepoint=1,
    ),
    # Sartorius: the time in minutes, the channel from the folder
    case(
        "Incucyte", "phase/VID9_A1_2_01d01h16m.tif",
        plate="VID9", well="A01", site=2, channel="phase", timepoint=1516,
    ),
    case("Incucyte", "B2_cells_C10_B2_1.tif", well="B02", site=1),
    case("Incucyte", "x_B2_1_2019y06m26d_09h05m.tif", well="B02", site=1, timepoint=201906260905),
    case("Incucyte (raw archive)", "2207/19/1110/262/B3-1-C2.tif", well="B03", site=1, channel="C2"),
    case("Incucyte (raw archive)", "2207/19/1110/262/B3-1-P.png", well="B03", site=1, channel="P"),
    # Micro-Manager
    case("Micro-Manager stack", "a/x_1_MMStack_A1-Site_15.ome.tif", plate="x_1", well="A01", site=15),
    case("Micro-Manager stack", "x_1_MMStack_Pos3.ome.tif", plate="x_1", site=3),
    case("Micro-Manager stack", "x_1_MMStack_Pos3_2.ome.tif", plate="x_1", site=3),
    case("Micro-Manager stack", "x_1_MMStack_Default.ome.tif", plate="x_1"),
    case("Micro-Manager stack", "x_1_MMStack.ome.tif", plate="x_1"),
    case("Micro-Manager stack", "x_1_MMStack_1-Pos_012_003.ome.tif", plate="x_1"),
    case(
        "Micro-Manager 2", "A1-Site_2/img_channel001_position007_time000000004_z003.tif",
        well="A01", site=2, channel=1, z_index=3, timepoint=4,
    ),
    case("Micro-Manager 2", "Pos3/img_channel001_z012.tif", site=3, channel=1, z_index=12),
    case("Micro-Manager 2", "img_time000000002.tif", timepoint=2),
    case("Micro-Manager 1", "B2-Site_4/img_000000001__007.tif", well="B02", site=4, z_index=7, timepoint=1),
    case(
        "Micro-Manager 1", "Pos2/img_000000004_Cy_5_003.tif",
        site=2, channel="Cy_5", z_index=3, timepoint=4,
    ),
    # Cephla
    case("Squid", "3/C2_7_0_BF_LED.tiff", well="C02", site=7, channel="BF_LED", z_index=0, timepoint=3),
    case("Squid", "manual0_3_5_BF.tiff", site=3, channel="BF", z_index=5),
    case("Squid", "0/AF48_0003_2_638_nm.bmp", well="AF48", site=3, channel="638_nm", z_index=2, timepoint=0),
    case("Squid (OME-TIFF)", "acq/ome_tiff/B2_0004.ome.tiff", well="B02", site=4),
    case("Squid (OME-TIFF)", "acq/ome_tiff/manual0_4.ome.tiff", site=4),
    case("SeaFront", "B03_s1_x0_y2_z4_F_405_Ex.tif", well="B03", site=1, channel="F_405_Ex", z_index=4),
    # Others
    case(
        "Leica Matrix Screener",
        "image--L00--S00--U02--V01--J20--E00--O00--X00--Y01--T0003--Z05--C01.ome.tif",
        well="B03", channel=1, z_index=5, timepoint=3,
    ),
    case("Nikon JOBS", "P_WellM05_Point1_M05_0003_Channela,b_Seq27.nd2", well="M05", site=3, channel="a,b"),
    case("Nikon JOBS", "2020__WellA2_ChannelDAPI_Seq0003.tiff", well="A02", channel="DAPI"),
    case(
        "Leica Matrix Screener",
        "image--L00--S00--U00--V00--J20--E00--O00--X00--Y00--T00--Z00--C01.png",
        well="A01", channel=1, z_index=0, timepoint=0,
    ),
    case("Nikon JOBS", "t__WellB2_ChannelSD DAPI- EM_Seq0003.ome.tif", well="B02", channel="SD DAPI- EM"),
    case("Nikon JOBS", "WellA02_Seq0003.nd2", well="A02"),
    case("Araceli", f"A1_s3_w2_z-m_20240101T1200_{GUID}.tiff", well="A01", site=3, channel=2),
    case("Vitra/SBS", "Channel 2-12-A-12-00.tif", well="A12", channel=2),
    case("OME-Zarr plate", "a/P.ome.zarr/E/07/0", plate="P", well="E07", site=0),
]  # fmt: skip


@pytest.mark.parametrize(("convention", "name", "components"), READABLE)
def test_name_of_a_raw_image(convention: str, name: str, components: dict[str, object]) -> None:
    assert find_convention(name).name == convention
    assert parse_name(name) == Components(**components)


@pytest.mark.parametrize(
    "path", [PurePosixPath("ZStep_2/P_B02_s1.TIF"), PureWindowsPath(r"ZStep_2\P_B02_s1.TIF")]
)
def test_paths_of_either_kind(path: PurePosixPath | PureWindowsPath) -> None:
    expected = Components(plate="P", well="B02", site=1, z_index=2)
    assert parse_name(path) == expected
    assert parse_name(str(path)) == expected


def test_wells_by_number_need_the_columns_of_the_plate() -> None:
    name = "Projection/W0029F0001T0002Z000C1.tif"
    expected = Components(well="C05", site=1, channel=1, z_index=0, timepoint=2)
    assert parse_name(name, plate_columns=12) == expected
    assert parse_name("W29F001T0002Z00C1.tif", plate_columns=12) == expected
    with pytest.raises(UnrecognizedNameError, match="plate_columns"):
        parse_name(name)
    for unnamed in (
        "--W00014--P00001--Z00000--T00000--GFP.tif",
        "x--s444246--XWNeg9--W0014--P001--T00001--Z001--C01.ome.tif",
    ):
        assert parse_name(unnamed, plate_columns=12).well == "B02"


UNREADABLE = {
    "empty": "",
    "folder": "/",
    "thumbnail": f"P_E07_s1_w1_thumb{GUID}.tif",
    "thumbnail without wavelength": f"P_E07_thumb{GUID}.tif",
    "thumbnail of Araceli": f"A1_s3_w2_z-m_20240101T1200_{GUID}_thumbnail.tiff",
    "thumbnail by its folder": "data/Thumbs/A1--W00001--P00001--Z00000--T00000--GFP.jpg",
    "thumbnail in a folder": "P/thumbnails/r01c01f01p01-ch1sk1fk1fl1.png",
    "plate file": "9987_Plate_3434/9987.HTD",
    "resource fork": "._P_B02_s1_w1.TIF",
    "hidden file": ".well-A01.tif",
    "sidecar": "P_t0_B02_s0_w0_z0.tif.statistics.json",
    "editor's lock": "~$P_B02_s1_w1.TIF",
    "wrong suffix": "r01c01f01p01-ch1sk1fk1fl1.xml",
    "HCS.ai without z": "P_t1_B02_s1_w1.tif",
    "HCS.ai with an unpadded column": "P_t0_B2_s0_w0_z0.tif",
    "HCS.ai with an unpadded column, of numbers from 1": "P_t1_B2_s1_w1_z1.tif",
    "ImageXpress counts from 1": "P_B02_s0_w1.tif",
    "one token too many": "P_D08_T0001F001L01A01Z01C01K01.tif",
    "dark frame": "DC_DCAM#1_CAM3.tif",
    "shading frame": "SC_BP445-45_20x v2_M01_CH01.tif",
    "mask beside Gen5": "B7_01_3_3_RFP_001_MaskCells.tiff",
    "outline beside EMBL": "x--s4--XWNeg9--W0009--P001--T00001--Z001--cell_outline.tiff",
    "foreground beside ImageXpress": "P_A01_w2-foregroun.tif",
    "corrected image beside Gen5": "B1_01_1_1_DAPI_001_illumcorrect.tiff",
    "unmixed image beside Incucyte": "VID9_A1_2_01d01h16m_cal-bg-unmix.tif",
    "part of an IN Cell image": "4h_A - 3(fld 1 wv 405 - Orange)_bl.bmp",
    "copy of an IN Cell image": "A - 01(fld 1 wv UV - DAPI)(1).tif",
    "camera for the focus": "0/A1_0_0_laser af camera.bmp",
    "camera for the focus, of a region": "A1_focus_camera.bmp",
    "stack beside Squid's OME-TIFF": "elsewhere/B2_0004.ome.tiff",
    "no axis": "img.tif",
    "no axis that is known": "img_view000.tif",
    "mask beside Squid": "0/A1_0_2_Fluorescence_488_nm_Ex_mask.tiff",
    "mask beside ScanR": "A1--W00001--P00001--Z00000--T00000--GFP_mask.tif",
    "overlay": "AS_1_D03f00d0_Overlay.png",
    "outlines": "A01_s1--nuclei_outlines.png",
    "no HCS name": "only_two_components.tiff",
    "time that looks like a well": "image_t01.tif",
    "no such column": "P_A99_s1_w1.tif",
    "no such row": "r00c01f01p01-ch1sk1fk1fl1.tiff",
    "other digits": "P_A01_s\u0661_w1.tif",
}


@pytest.mark.parametrize("name", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_name_that_is_no_raw_image(name: str) -> None:
    with pytest.raises(UnrecognizedNameError) as caught:
        parse_name(name)
    assert repr(name.rstrip("/")) in str(caught.value)


def real_names() -> list[dict[str, object]]:
    path = SHARED / "filenames.jsonl"
    if not path.exists():
        pytest.skip("the collection of real file names is not beside this checkout")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_names_of_the_instruments() -> None:
    wrong = {}
    for row in real_names():
        expected: Components | tuple[object, ...] | None = None
        if row["parse"]:
            well = None if row["well"] is None else well_name(str(row["well"]))
            timepoint = row.get("time_minutes", row["timepoint"])
            expected = (well, row["site"], row["channel"], row["z"], timepoint)
        try:
            components = parse_name(str(row["name"]), plate_columns=row.get("plate_columns"))
            found = (
                components.well,
                components.site,
                components.channel,
                components.z_index,
                components.timepoint,
            )
        except UnrecognizedNameError:
            found = None
        if found != expected:
            wrong[row["name"]] = found
    assert wrong == {}


def test_plates_of_the_instruments() -> None:
    """Every plate on disk yields the component sets that its metadata state, and one plate."""
    if not (SHARED / "plates.json").exists():
        pytest.skip("the real plates are not beside this checkout")
    plates = json.loads((SHARED / "plates.json").read_text("utf-8"))
    seen = 0
    for folder, truth in plates.items():
        root = SHARED / folder
        suffixes = {".tif", ".tiff"}
        files = [path.relative_to(root) for path in root.rglob("*") if path.suffix.lower() in suffixes]
        found = []
        for file in sorted(files):
            try:
                found.append(parse_name(file))
            except UnrecognizedNameError:
                continue
        assert len(found) == truth["images"], folder
        assert len({components.plate for components in found}) == 1, folder
        assert sorted({components.well for components in found}) == sorted(truth["wells"]), folder
        # A name leaves out the site where the wells have one each.
        sites = sorted({c.site for c in found if c.site is not None})
        assert sites == sorted(truth["sites"]) or (sites, truth["sites"]) == ([], [1]), folder
        assert sorted({c.channel for c in found if c.channel is not None}) == truth["channels"], folder
        for truths, name in (("z", "z_index"), ("timepoints", "timepoint")):
            values = {getattr(components, name) for components in found} - {None}
            assert sorted(values) == truth[truths], (folder, name)
        seen += 1
    assert seen
