"""Squid's ``acquisition parameters.json`` beside its images: a group of values with the unit in each name.

A pixel on the sample is one of the sensor, binned, over the magnification; that of the objective holds with
the tube lens that the objective was made for, as Squid's own stitcher has it.
"""

import json
from typing import Any

from platecast.components._metadata._text import to_length
from platecast.components._metadata._values import PlateMetadata
from platecast.errors import MetadataError


def read_squid(text: str) -> PlateMetadata:
    """Return the size of pixels and slices.

    Raises
    ------
    MetadataError
        It is damaged, or no such file.
    """
    try:
        values = json.loads(text)
    except ValueError as error:
        raise MetadataError(f"it is damaged: {error}") from error
    if not isinstance(values, dict) or "dz(um)" not in values:
        raise MetadataError("it has none of the values of a Squid acquisition")
    slices = _length(values, "Nz") or 1
    return PlateMetadata(
        source="Squid",
        pixel_size_um=_pixel_size_um(values),
        # Without a stack, what stands there is no distance.
        z_step_um=_length(values, "dz(um)") if slices > 1 else None,
    )


def _pixel_size_um(values: dict[str, Any]) -> float | None:
    objective = values.get("objective")
    if not isinstance(objective, dict):
        return None
    sensor_um, tube_mm = _length(values, "sensor_pixel_size_um"), _length(values, "tube_lens_mm")
    magnification, made_for_mm = _length(objective, "magnification"), _length(objective, "tube_lens_f_mm")
    if sensor_um is None or tube_mm is None or magnification is None or made_for_mm is None:
        return None
    return sensor_um * made_for_mm / magnification / tube_mm


def _length(values: dict[str, Any], name: str) -> float | None:
    value = values.get(name)
    return to_length(str(abs(value))) if isinstance(value, int | float) else None
