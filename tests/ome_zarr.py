"""What every OME-Zarr plate of ours must pass: two validators, and what both of them miss."""

import itertools
import json
import warnings
from pathlib import Path

import ome_zarr_models.v05
import yaozarrs
import zarr
from ome_zarr_models.exceptions import ValidationWarning


def check_plate(folder, *, killed=False):
    """Fail unless a folder holds a valid plate; return the paths of its wells.

    A writer that was `killed` while an image grew leaves levels of different lengths along T, C and Z.
    """
    folder = Path(folder)
    yaozarrs.validate_zarr_store(str(folder))
    with warnings.catch_warnings():
        # It misses a version inside "plate", where OME-Zarr 0.5 has none any more.
        warnings.simplefilter("ignore", ValidationWarning)
        model = ome_zarr_models.v05.HCS.from_zarr(zarr.open_group(folder, mode="r"))
    plate = ome_metadata(folder)["plate"]
    assert model.n_wells == len(plate["wells"])
    _check_wells(folder, plate, killed)
    return {entry["path"] for entry in plate["wells"]}


def ome_metadata(folder):
    """Return the OME metadata of a group."""
    return json.loads((Path(folder) / "zarr.json").read_text())["attributes"]["ome"]


def _check_wells(folder, plate, killed):
    paths = [entry["path"] for entry in plate["wells"]]
    assert len(set(paths)) == len(paths), "a well is listed twice"
    counts = []
    for entry in plate["wells"]:
        row, column = plate["rows"][entry["rowIndex"]], plate["columns"][entry["columnIndex"]]
        assert entry["path"] == f"{row['name']}/{column['name']}", "a well's indices are those of another one"
        images = ome_metadata(folder / entry["path"])["well"]["images"]
        counts.append(len(images))
        for image in images:
            _check_image(folder / entry["path"] / image["path"], killed)
    assert plate["field_count"] == max(counts) or (killed and plate["field_count"] > max(counts))


def _check_image(folder, killed):
    (multiscale,) = ome_metadata(folder)["multiscales"]
    arrays = [zarr.open_array(folder / dataset["path"], mode="r") for dataset in multiscale["datasets"]]
    assert any((folder / "0" / "c").rglob("0")), f"{folder} is listed and has no plane"
    assert killed or len({array.shape[:3] for array in arrays}) == 1, "levels differ in more than Y and X"
    for larger, smaller in itertools.pairwise(arrays):
        assert smaller.shape[3:] == tuple(-(-length // 2) for length in larger.shape[3:])
