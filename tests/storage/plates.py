"""OME-Zarr plates as others write them, for tests."""

import numpy as np
import zarr

AXES = [
    {"name": "t", "type": "time"},
    {"name": "c", "type": "channel"},
    *({"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"),
]
DATA = np.arange(1 * 2 * 3 * 4 * 5, dtype="uint16").reshape(1, 2, 3, 4, 5)


def image(version="0.5", labels=("DAPI", "GFP"), axes="tczyx", scale=(1, 1, 2.0, 0.5, 0.5)):
    kept = [axis for axis in AXES if axis["name"] in axes]
    factors = [factor for factor, axis in zip(scale, AXES, strict=True) if axis["name"] in axes]
    transform = {"type": "scale", "scale": factors}
    attributes = {
        "multiscales": [{"axes": kept, "datasets": [{"path": "0", "coordinateTransformations": [transform]}]}]
    }
    if labels:
        attributes["omero"] = {"channels": [{"label": label, "color": "00ff00"} for label in labels]}
    return attributes if version == "0.4" else {"ome": {"version": "0.5", **attributes}}


def write_plate(path, version="0.5", wells=("B/03", "B/4"), fields=("0", "1"), data=DATA, **image_options):
    """Write a plate as the format says, with zarr-python alone."""
    zarr_format = 2 if version == "0.4" else 3
    plate = {
        "rows": [{"name": "A"}, {"name": "B"}],
        "columns": [{"name": name} for name in ("01", "02", "03", "4")],
        "wells": [
            {"path": well, "rowIndex": 1, "columnIndex": 2 + number} for number, well in enumerate(wells)
        ],
    }
    root = zarr.open_group(path, mode="w", zarr_format=zarr_format)
    root.attrs.update(
        {"plate": {"version": "0.4", **plate}}
        if version == "0.4"
        else {"ome": {"version": "0.5", "plate": plate}}
    )
    for well in wells:
        group = root.create_group(well)
        stated = {"well": {"images": [{"path": field} for field in fields]}}
        group.attrs.update(stated if version == "0.4" else {"ome": {"version": "0.5", **stated}})
        for number, field in enumerate(fields):
            place = group.create_group(field)
            place.attrs.update(image(version, **image_options))
            array = place.create_array("0", shape=data.shape, chunks=data.shape, dtype=data.dtype)
            array[...] = data + number
    return root
