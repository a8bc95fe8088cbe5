"""The nuclear channel is recognized by its stain's name, where there is one."""

from pathlib import Path

import pytest

pytest.importorskip("scipy", reason="the demo needs SciPy")
pytest.importorskip("skimage", reason="the demo needs scikit-image")

from platecast.demo import guess_nuclei_channel
from platecast.demo._nuclei import find_channel
from platecast.errors import PipelineError
from platecast.storage import open_plate

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


REAL = {
    "opera_phenix_harmony/Version1": 5,
    "imagexpress_projection_mix": 1,
    "cytation_nf1_cellpainting": "DAPI",
}


@pytest.mark.skipif(not DATA.is_dir(), reason="the real plates are not beside this checkout")
@pytest.mark.parametrize(("name", "expected"), REAL.items())
def test_real_plate(name, expected):
    plate = open_plate(DATA / name)
    assert guess_nuclei_channel(plate.channels, plate.channel_names) == expected
