"""The nuclear channel is recognized by its stain's name, where there is one."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

pytest.importorskip("scipy", reason="the demo needs SciPy")
pytest.importorskip("skimage", reason="the demo needs scikit-image")

from platecast.demo import guess_nuclei_channel, read_channel_names
from platecast.demo._nuclei import find_channel
from platecast.errors import PipelineError
from platecast.pipeline import find_images

DATA = Path(__file__).parents[3] / "shared" / "data"

GUESSES = {
    "text": (["GFP", "DAPI", "RFP"], None, "DAPI"),
    "lower case": (["gfp", "hoechst33342"], None, "hoechst33342"),
    "instrument's name": ([1, 2, 5], {1: "Alexa 647", 5: "HOECHST 33342"}, 5),
    "nothing known": ([3, 2], None, 2),
    "nothing nuclear": ([1, 2], {1: "FITC", 2: "Cy5"}, 1),
    "numbers before text": (["red", 4], None, 4),
    "not in every image": ([None, 2], None, 2),
    "first of two": ([1, 2], {1: "DRAQ5", 2: "DAPI"}, 1),
}


@pytest.mark.parametrize(("channels", "names", "expected"), GUESSES.values(), ids=GUESSES)
def test_guess(channels, names, expected):
    assert guess_nuclei_channel(channels, names) == expected


def test_images_without_channels_cannot_be_guessed():
    with pytest.raises(PipelineError, match="state no channel"):
        guess_nuclei_channel([None])


FOUND = {"number": (5, 5), "number as text": ("5", 5), "name": ("hoechst 33342", 5), "text": ("dapi", "DAPI")}


@pytest.mark.parametrize(("wanted", "expected"), FOUND.values(), ids=FOUND)
def test_channel_is_found_by_number_and_name(wanted, expected):
    assert find_channel(wanted, [1, 5, "DAPI", None], {5: "HOECHST 33342"}) == expected


def test_channel_that_is_not_there_is_an_error_that_lists_those_there_are():
    with pytest.raises(PipelineError, match=r"no channel 'GFP': there are 1, 5 \(HOECHST\)"):
        find_channel("GFP", [5, 1], {5: "HOECHST"})


HARMONY = """<?xml version="1.0" encoding="utf-8"?>
<Data xmlns="http://www.perkinelmer.com/PEHH/Harmony{version}">{content}</Data>"""
HARMONY_INDEXES = {
    "elements of an image": (
        "V5",
        "<Image><ChannelID>2</ChannelID><ChannelName>DAPI</ChannelName></Image>"
        "<Image><ChannelID>1</ChannelID><ChannelName>Alexa 488</ChannelName></Image>",
    ),
    "entries of a map": (
        "V7",
        '<Map><Entry ChannelID="1"><ChannelName>Alexa 488</ChannelName></Entry></Map>'
        '<Map><Entry ChannelID="2"><ChannelName>DAPI</ChannelName></Entry></Map>',
    ),
}


@pytest.mark.parametrize(("version", "content"), HARMONY_INDEXES.values(), ids=HARMONY_INDEXES)
def test_harmony_index(tmp_path, version, content):
    (tmp_path / "Images").mkdir()
    index = tmp_path / "Images" / "Index.idx.xml"
    index.write_text(HARMONY.format(version=version, content=content))
    assert read_channel_names(tmp_path, ()) == {1: "Alexa 488", 2: "DAPI"}


def test_damaged_index_is_left_out(tmp_path, caplog):
    (tmp_path / "Index.xml").write_text("<Data><Image>")
    assert read_channel_names(tmp_path, ()) == {}
    assert "Index.xml" in caplog.text


def test_metaseries_description(tmp_path):
    prop = '<MetaData><prop id="_IllumSetting_" type="string" value="{}"/></MetaData>'
    for channel, name in {1: "FITC", 2: "DAPI"}.items():
        path = tmp_path / f"P1_A01_s1_w{channel}.TIF"
        tifffile.imwrite(path, np.zeros((8, 8), "uint16"), description=prop.format(name), metadata=None)
    (tmp_path / "P1_A01_s1_w3.TIF").write_bytes(b"damaged")
    assert read_channel_names(tmp_path, find_images(tmp_path)) == {1: "FITC", 2: "DAPI"}


REAL = {
    "opera_phenix_harmony/Version1": 5,
    "opera_phenix_harmony/Version7_metadata_only": None,
    "imagexpress_projection_mix": 1,
    "cytation_nf1_cellpainting": "DAPI",
}


@pytest.mark.skipif(not DATA.is_dir(), reason="the real plates are not beside this checkout")
@pytest.mark.parametrize(("name", "expected"), REAL.items())
def test_real_plate(name, expected):
    images = find_images(DATA / name)
    names = read_channel_names(DATA / name, images)
    if expected is None:
        assert len(names) == 7
    else:
        assert guess_nuclei_channel({image.components.channel for image in images}, names) == expected
