"""The demonstration runs over the plate it makes and over real ones."""

from pathlib import Path

import pytest
import tifffile

pytest.importorskip("scipy", reason="the demo needs SciPy")
pytest.importorskip("skimage", reason="the demo needs scikit-image")

from platecast.config import NapariStreamingConfig
from platecast.demo import demo_pipeline, make_plate, run_demo
from platecast.errors import PipelineError

DATA = Path(__file__).parents[3] / "shared" / "data"
UNSEEN = NapariStreamingConfig(enabled=False)


def test_steps_and_their_names():
    pipeline = demo_pipeline("DAPI")
    assert [step.name for step in pipeline.steps] == [
        "subtract_background",
        "gaussian_blur",
        "segment_nuclei",
    ]


def test_small_synthetic_plate(tmp_path):
    plate = make_plate(tmp_path, wells=2, sites=1, z=1, size=128)
    report = run_demo(plate, tmp_path / "demo", streaming=UNSEEN, workers=1)
    assert report.run.ok
    assert (report.nuclei_channel, report.channel_names) == (1, {})
    assert (report.run.planes_in, report.run.planes_written) == (4, 4 + 4 + 2)
    labels = sorted((tmp_path / "demo" / "results" / "Step_03_segment_nuclei").iterdir())
    assert [tifffile.imread(path).dtype.name for path in labels] == ["uint16", "uint16"]
    assert tifffile.imread(labels[0]).max() > 0


def test_chosen_channel(tmp_path):
    plate = make_plate(tmp_path, wells=1, sites=1, z=1, size=64)
    report = run_demo(plate, tmp_path / "demo", streaming=UNSEEN, workers=1, nuclei="2")
    assert report.nuclei_channel == 2
    with pytest.raises(PipelineError, match="no channel 'GFP'"):
        run_demo(plate, tmp_path / "demo", streaming=UNSEEN, workers=1, nuclei="GFP")


def test_folder_without_images(tmp_path):
    with pytest.raises(PipelineError, match="holds no images"):
        run_demo(tmp_path, tmp_path.parent / "demo", streaming=UNSEEN)


REAL = {
    "imagexpress_projection_mix": (96, 96 + 96 + 44),
    "cytation_nf1_cellpainting": (15, 15 + 15 + 5),
    "opera_phenix_harmony/Version1": (6, 6 + 6 + 1),
}


@pytest.mark.skipif(not DATA.is_dir(), reason="the real plates are not beside this checkout")
@pytest.mark.parametrize(("name", "expected"), REAL.items())
def test_real_plate(tmp_path, name, expected):
    report = run_demo(DATA / name, tmp_path, streaming=UNSEEN, workers=1)
    assert report.run.failures == ()
    assert (report.run.planes_in, report.run.planes_written) == expected
