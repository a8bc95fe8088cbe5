"""The demonstration's steps do to an image what their names say."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

pytest.importorskip("scipy", reason="the demo needs SciPy")
pytest.importorskip("skimage", reason="the demo needs scikit-image")

from platecast.demo import gaussian_blur, segment_nuclei, subtract_background

CYTATION = Path(__file__).parents[3] / "shared" / "data" / "cytation_nf1_cellpainting"


def discs(shape, centres, radius, value=1000.0):
    """Draw bright discs on a dark field."""
    rows, columns = np.indices(shape)
    field = np.zeros(shape)
    for row, column in centres:
        field[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = value
    return field


@pytest.mark.parametrize("shape", [(200, 240), (203, 197)])
def test_background_goes_and_objects_stay(shape):
    tilt = 200 + 300 * np.linspace(0, 1, shape[1])
    centres = [(60, 50), (140, 60)]
    image = (tilt + discs(shape, centres, 10)).astype(np.uint16)
    cleaned = subtract_background(image)
    assert (cleaned.dtype, cleaned.shape) == (np.uint16, shape)
    for row, column in centres:
        assert float(cleaned[row, column]) == pytest.approx(1000, rel=0.1)
    assert np.median(cleaned) < 30


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_blur_keeps_the_dtype_and_the_mean(dtype):
    image = discs((100, 100), [(50, 50)], 8, 200).astype(dtype)
    blurred = gaussian_blur(image, sigma=2)
    assert blurred.dtype == image.dtype
    assert blurred.mean() == pytest.approx(image.mean(), rel=0.02)
    assert blurred.max() <= image.max()


FIELDS = {
    "apart": ([(40, 40), (40, 120), (120, 80)], 3),
    "touching": ([(60, 50), (60, 66), (130, 120)], 3),
    "too small": ([], 0),
}


@pytest.mark.parametrize(("centres", "count"), FIELDS.values(), ids=FIELDS)
def test_each_nucleus_has_a_label_of_its_own(centres, count):
    noise = np.random.default_rng(0).normal(100, 5, (160, 160))
    speck = discs((160, 160), [(150, 20)], 2)
    labels = segment_nuclei(gaussian_blur((noise + speck + discs((160, 160), centres, 9)).astype(np.uint16)))
    assert labels.dtype == np.uint16
    assert sorted(np.unique(labels)) == list(range(count + 1))
    assert len({labels[centre] for centre in centres} - {0}) == count


EMPTY = {
    "noise": np.random.default_rng(0).normal(100, 5, (160, 160)).astype(np.uint16),
    "one value": np.full((160, 160), 7, np.uint16),
}


@pytest.mark.parametrize("image", EMPTY.values(), ids=EMPTY)
def test_field_without_nuclei_has_no_labels(image):
    assert not segment_nuclei(image).any()


@pytest.mark.skipif(not CYTATION.is_dir(), reason="the real plates are not beside this checkout")
def test_real_nuclei_agree_with_the_published_masks():
    overlaps = []
    for path in (CYTATION / "Plate_2_images").glob("*_DAPI_*.tif"):
        mask = tifffile.imread(CYTATION / "Plate_2_masks" / f"{path.stem}_MaskNuclei.tiff") > 0
        found = segment_nuclei(gaussian_blur(subtract_background(tifffile.imread(path)))) > 0
        overlaps.append((mask & found).sum() / (mask | found).sum())
    assert len(overlaps) == 5
    assert np.mean(overlaps) >= 0.8
