"""The worked example on a real plate: its nuclei are those that the plate's own masks mark."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("skimage", reason="the example needs scikit-image")

EXAMPLE = Path(__file__).parents[2] / "examples" / "nuclei_assay.py"


def test_nuclei_are_those_of_the_masks(shared_data, tmp_path, capsys):
    folder = shared_data / "cytation_nf1_cellpainting"
    images, masks = folder / "Plate_2_images", folder / "Plate_2_masks"
    done = subprocess.run(
        [sys.executable, EXAMPLE, images, tmp_path / "out", "--masks", masks],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    overlap = float(re.search(r"mean IoU with the given masks: (\S+)", done.stdout)[1])
    with capsys.disabled():
        print(f"\nnuclei_assay: mean IoU {overlap:.3f}")
    assert overlap >= 0.8
    with (tmp_path / "out" / "Step_04_count.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["well"], row["channel"]) for row in rows] == [
        (well, channel) for well in ("B07", "D06", "D07", "F07", "H12") for channel in ("DAPI", "GFP", "RFP")
    ]
    assert all(15 <= int(row["nuclei"]) <= 45 for row in rows)
    assert all(float(row["mean_intensity"]) > 0 for row in rows)
    assert not (tmp_path / "out" / "Step_01_smooth").exists()
