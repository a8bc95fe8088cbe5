"""A small assay: segment nuclei, measure them in every channel, count them per well.

Run it with ``python examples/nuclei_assay.py IMAGES OUTPUT [--masks FOLDER] [--show]``, or with
``platecast run examples/nuclei_assay.py --plate IMAGES --output OUTPUT --stream``. IMAGES is the folder of a
plate with a channel called DAPI. With a folder of masks, ``<image>_MaskNuclei.tiff``, the segmentation is
compared to them.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from scipy import ndimage
from skimage.filters import gaussian, threshold_otsu
from skimage.measure import regionprops_table
from skimage.segmentation import watershed

import platecast as pc


def segment_nuclei(
    image: npt.NDArray[Any], level: float = 0.9, min_area_px: int = 150, min_distance_px: float = 6.0
) -> npt.NDArray[np.int32]:
    """Label bright nuclei; `level` is where the threshold lies, as a multiple of Otsu's."""
    mask = ndimage.binary_fill_holes(image > level * threshold_otsu(image))
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), 2.0)
    size = 2 * int(min_distance_px) + 1
    centres, _ = ndimage.label((depth == ndimage.maximum_filter(depth, size)) & mask)
    labels = watershed(-depth, centres, mask=mask)
    areas = np.bincount(labels.ravel())
    kept = areas >= min_area_px
    kept[0] = False
    numbers = np.where(kept, np.cumsum(kept), 0)
    return np.asarray(numbers[labels], np.int32)


def measure(labels: npt.NDArray[Any], image: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    """Return a row for each nucleus: where it is, how large, how bright in this channel."""
    columns: dict[str, npt.NDArray[Any]] = regionprops_table(
        labels, image, properties=("label", "centroid", "area", "intensity_mean", "intensity_max")
    )
    return columns


def count(nuclei: dict[str, npt.NDArray[Any]]) -> dict[str, float]:
    """Return one row for a field and channel: how many nuclei, how large and how bright."""
    found = len(nuclei["label"])
    return {
        "nuclei": found,
        "mean_area_px": float(nuclei["area"].mean()) if found else 0.0,
        "mean_intensity": float(nuclei["intensity_mean"].mean()) if found else 0.0,
    }


pipeline = pc.Pipeline(
    [
        pc.Step(
            gaussian,
            name="smooth",
            only={"channel": "DAPI"},
            config=pc.StepConfig(stored=False),
            sigma=1.0,
            preserve_range=True,
        ),
        pc.Step(segment_nuclei),
        pc.Step(measure, inputs={"image": "raw", "labels": "segment_nuclei"}),
        pc.Step(count),
    ]
)


def mean_overlap(images: Path, output: Path, masks: Path) -> float:
    """Return the mean over fields of intersection over union with given masks of nuclei."""
    found = []
    for image in pc.open_plate(images).images:
        mask = masks / f"{Path(image.path).stem}_MaskNuclei.tiff"
        if not mask.exists():
            continue
        (result,) = (
            path
            for path in (output / "Step_02_segment_nuclei").glob("*.tif")
            if pc.parse_name(path.name) == image.components
        )
        ours, theirs = tifffile.imread(result) > 0, tifffile.imread(mask) > 0
        found.append((ours & theirs).sum() / (ours | theirs).sum())
    return float(np.mean(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--masks", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--show", action="store_true", help="show everything in a viewer")
    options = parser.parse_args()
    config = pc.PipelineConfig(napari_streaming=pc.NapariStreamingConfig(enabled=options.show))
    report = pc.run(
        pc.Pipeline(pipeline.steps, config), options.images, options.output, workers=options.workers
    )
    for failure in report.failures:
        print(failure)
    for table in report.tables:
        print(table)
    if options.masks is not None:
        overlap = mean_overlap(options.images, options.output, options.masks)
        print(f"mean IoU with the given masks: {overlap:.3f}")


if __name__ == "__main__":
    main()
