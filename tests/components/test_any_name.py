"""Whatever a plate, well or number is, a name of each convention gives back what it was made of."""

import random
import re
import string

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from platecast.components import Components, find_convention, parse_name, well_name
from platecast.errors import UnrecognizedNameError

TOKENS = [
    "A01",
    "_",
    "-",
    " ",
    "#",
    ".",
    "s1",
    "w2",
    "t3",
    "z4",
    "P1",
    "é",
    "微",
    "R_p2",
    "2024-01-02",
    "B02_s1_w1",
    "(x)",
]
PIECE = st.sampled_from(TOKENS) | st.text(string.ascii_letters + string.digits, min_size=1, max_size=4)
PLATES = (
    st.lists(PIECE, min_size=1, max_size=5)
    .map("".join)
    .filter(lambda text: text and text.strip(" ._-~") == text)
    # What ends like a time point of HCS.ai is taken for one that has lost its z.
    .filter(lambda text: re.search(r"(?:^|_)t[0-9]+$", text) is None)
)
ROWS = [*string.ascii_uppercase[:16], "AA", "AF"]
NUMBER = st.integers(1, 9) | st.integers(10, 120)
TEXT = st.sampled_from(
    ["DAPI", "Texas Red 586,647", "BF_LED_matrix_full", "405 nm #1", "GFP-A", "Ünï", "TL - open"]
)


def row_number(row):
    return (26 if len(row) == 2 else 0) + ord(row[-1]) - 64


class Parts:
    """What a name is made of, and how each part is written this time."""

    def __init__(self, draw):
        self.plate, self.row, self.column = (
            draw(PLATES),
            draw(st.sampled_from(ROWS)),
            draw(st.integers(1, 48)),
        )
        self.site, self.channel = draw(NUMBER), draw(st.integers(1, 9))
        self.z, self.t, self.text = draw(NUMBER), draw(NUMBER), draw(TEXT)
        self.guid = str(draw(st.uuids()))
        if draw(st.booleans()):
            self.guid = self.guid.upper()
        self.suffix = draw(st.sampled_from([".tif", ".tiff", ".TIF", ".TIFF"]))
        optional = ("plate", "site", "channel", "z", "t", "guid")
        self.has = draw(st.fixed_dictionaries({name: st.booleans() for name in optional}))
        self.case = draw(st.sampled_from([str.upper, str.lower]))

    @property
    def well(self):
        return f"{self.row}{self.column:02d}"

    def optional(self, name, text):
        return text if self.has[name] else ""


def imagexpress(p):
    p.channel = p.channel if p.has["channel"] or not p.has["guid"] else None
    site = p.site if p.has["site"] or p.channel is None else None
    well = p.case(p.well) if p.row < "Q" else p.well
    prefix = p.optional("plate", f"{p.plate}_")
    folders = p.optional("t", f"TimePoint_{p.t}/") + p.optional("z", f"ZStep_{p.z}/")
    name = (
        f"{prefix}{well}{'' if site is None else f'_s{site}'}{'' if p.channel is None else f'_w{p.channel}'}"
    )
    return f"x/{folders}{name}{p.optional('guid', p.guid)}{p.suffix}", Components(
        plate=p.plate if p.has["plate"] else None,
        well=p.well,
        site=site,
        channel=p.channel,
        z_index=p.z if p.has["z"] else None,
        timepoint=p.t if p.has["t"] else None,
    )


def hcs_ai(p):
    name = f"{p.plate}_t{p.t}_{p.well}_s{p.site}_w{p.channel}_z{p.z}{p.suffix}"
    return name, Components(
        plate=p.plate, well=p.well, site=p.site, channel=p.channel, z_index=p.z, timepoint=p.t
    )


def harmony(p):
    time = f"sk{p.t}fk1fl1" if p.has["plate"] else f"t{p.t:02d}"
    name = f"r{row_number(p.row):02d}c{p.column:02d}f{p.site:02d}p{p.z:02d}-ch{p.channel}{time}{p.suffix}"
    return name, Components(well=p.well, site=p.site, channel=p.channel, z_index=p.z, timepoint=p.t)


def cellvoyager(p):
    prefix = p.optional("plate", f"{p.plate}_")
    name = f"{prefix}{p.well}_T{p.t:04d}F{p.site:03d}L01A01Z{p.z:02d}C{p.channel:02d}{p.suffix}"
    plate = p.plate if p.has["plate"] else None
    return name, Components(
        plate=plate, well=p.well, site=p.site, channel=p.channel, z_index=p.z, timepoint=p.t
    )


def quadrants(p):
    row, column = random.Random(p.z).randrange(32), random.Random(p.t).randrange(48)
    block = f"{'ABCDEFGH'[row // 4]}{column // 4 + 1:02d}.{'abcd'[row % 4]}{column % 4 + 1}"
    name = f"{p.plate}_{block}_T{p.t:04d}F{p.site:03d}L01A01Z{p.z:02d}C{p.channel:02d}{p.suffix}"
    well = well_name(f"r{row + 1}c{column + 1}")
    return name, Components(
        plate=p.plate, well=well, site=p.site, channel=p.channel, z_index=p.z, timepoint=p.t
    )


def in_cell(p):
    prefix = p.optional("plate", f"{p.plate}_")
    name = (
        f"{prefix}{p.row} - {p.column:02d}(fld {p.site}{p.optional('channel', f' wv {p.text}')}"
        f"{p.optional('z', f' z {p.z}')}{p.optional('t', f' time {p.t} - 26ms')}){p.suffix}"
    )
    return name, Components(
        plate=p.plate if p.has["plate"] else None,
        well=p.well,
        site=p.site,
        channel=p.text if p.has["channel"] else None,
        z_index=p.z if p.has["z"] else None,
        timepoint=p.t if p.has["t"] else None,
    )


def gen5(p):
    wrapped = f"ZProj[Stitched[{p.text}]]" if p.has["z"] else p.text
    step = "-3" if p.has["z"] else "02"
    name = f"{p.row}{p.column}_{step}_{p.channel}_{p.site}_{wrapped}_{p.t:03d}{p.suffix}"
    return name, Components(well=p.well, site=p.site, channel=p.text, timepoint=p.t)


def arrayscan(p):
    prefix = p.optional("plate", f"{p.plate}_")
    name = f"{prefix}{p.well}f{p.site:02d}d{p.channel}{p.suffix}"
    return name, Components(
        plate=p.plate if p.has["plate"] else None, well=p.well, site=p.site, channel=p.channel
    )


def scanr(p):
    well = p.optional("plate", f"{p.row}{p.column}")
    name = f"{well}--W{p.site:05d}--P{p.site:05d}--Z{p.z:05d}--T{p.t:05d}--{p.text}{p.suffix}"
    return name, Components(
        well=p.well if well else None,
        site=p.site,
        channel=p.text,
        z_index=p.z,
        timepoint=p.t,
    )


def almf(p):
    name = (
        f"{p.plate}--{p.row}{p.column}--{p.text}--W{p.site:04d}--P{p.site:03d}--T{p.t:05d}--Z{p.z:03d}"
        f"--C{p.channel:02d}.ome{p.suffix}"
    )
    return name, Components(well=p.well, site=p.site, channel=p.channel, z_index=p.z, timepoint=p.t)


def incucyte(p):
    row = p.row[-1]
    name = f"VID{p.z}_{row}{p.column}_{p.site}_{p.t:02d}d01h05m{p.suffix}"
    well = f"{row}{p.column:02d}"
    return f"phase/{name}", Components(
        plate=f"VID{p.z}",
        well=well,
        site=p.site,
        channel="phase",
        timepoint=p.t * 1440 + 65,
    )


def micromanager(p):
    name = f"{p.plate}_MMStack_{p.row}{p.column}-Site_{p.site}{p.optional('z', '_1')}.ome{p.suffix}"
    return name, Components(plate=p.plate, well=p.well, site=p.site)


def micromanager_planes(p):
    name = f"img_channel{p.channel:03d}_position{p.site:03d}_time{p.t:09d}_z{p.z:03d}{p.suffix}"
    return f"{p.well}-Site_{p.site}/{name}", Components(
        well=p.well,
        site=p.site,
        channel=p.channel,
        z_index=p.z,
        timepoint=p.t,
    )


def squid(p):
    channel = p.text.replace("4", "x").replace("#", "")
    channel = channel if channel[0].isascii() and channel[0].isalpha() else f"F{channel}"
    name = f"{p.t}/{p.row}{p.column}_{p.site}_{p.z}_{channel}{p.suffix}"
    return name, Components(well=p.well, site=p.site, channel=channel, z_index=p.z, timepoint=p.t)


def leica(p):
    name = (
        f"image--L0000--S00--U{p.column - 1:02d}--V{row_number(p.row) - 1:02d}--J15--E04--O01--X01--Y01"
        f"--T{p.t:04d}--Z{p.z:02d}--C{p.channel:02d}.ome{p.suffix}"
    )
    return name, Components(well=p.well, channel=p.channel, z_index=p.z, timepoint=p.t)


def nikon(p):
    point = p.optional("site", f"_Point1_{p.well}_{p.site:04d}")
    name = f"{p.plate}_Well{p.row}{p.column}{point}_Channel{p.text}_Seq{p.z:04d}{p.suffix}"
    return name, Components(well=p.well, site=p.site if point else None, channel=p.text)


def vitra(p):
    name = f"Channel {p.channel}-{p.site:02d}-{p.row}-{p.column:02d}-00{p.suffix}"
    return name, Components(well=p.well, channel=p.channel)


def araceli(p):
    name = f"{p.row}{p.column}_s{p.site}_w{p.channel}_z-m_20240101T1200_{p.guid}{p.suffix}"
    return name, Components(well=p.well, site=p.site, channel=p.channel)


def zarr(p):
    plate = p.plate.replace(".zarr", "")
    return f"a/{plate}.ome.zarr/{p.row}/{p.column}/{p.site}", Components(
        plate=plate, well=p.well, site=p.site
    )


RENDERERS = {
    "ImageXpress": imagexpress,
    "ImageXpress HCS.ai": hcs_ai,
    "Opera Phenix/Operetta": harmony,
    "CellVoyager": cellvoyager,
    "CellVoyager, 1536 wells": quadrants,
    "IN Cell": in_cell,
    "Cytation (Gen5)": gen5,
    "CellInsight/ArrayScan": arrayscan,
    "ScanR": scanr,
    "EMBL screening (ALMF)": almf,
    "Incucyte": incucyte,
    "Micro-Manager stack": micromanager,
    "Micro-Manager 2": micromanager_planes,
    "Squid": squid,
    "Leica Matrix Screener": leica,
    "Nikon JOBS": nikon,
    "Vitra/SBS": vitra,
    "Araceli": araceli,
    "OME-Zarr plate": zarr,
}


@pytest.mark.parametrize(("convention", "render"), RENDERERS.items(), ids=RENDERERS)
def test_name_gives_back_what_it_was_made_of(convention, render):
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.composite(lambda draw: Parts(draw))())
    def gives_back(parts):
        name, made_of = render(parts)
        named = name.rpartition("/")[2]
        assert find_convention(name).name == convention.partition(",")[0]
        assert parse_name(name) == made_of
        # Nothing more and nothing less is a name.
        for broken in (f"{named}.json", f"._{named}", named.removesuffix(parts.suffix) + ".txt"):
            if convention != "OME-Zarr plate":
                with pytest.raises(UnrecognizedNameError):
                    parse_name(broken)

    gives_back()
