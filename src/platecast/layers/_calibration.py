"""How large pixels are, and in which unit layers can say so together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from platecast.components import PlateLayout
from platecast.layers._key import AXIS_NAMES, LayerKey

_MICROMETRE, _PIXEL = "um", "pixel"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Distances on the sample in micrometres, `None` where unknown."""

    pixel_size_um: float | None = None
    z_step_um: float | None = None

    @classmethod
    def of(cls, layout: PlateLayout) -> "Calibration":
        """Return what a layout says."""
        return cls(layout.pixel_size_um, layout.z_step_um)


@dataclass(frozen=True, slots=True)
class Scale:
    """Distance of neighbours along each axis of a layer, ``(well, ..., z_index, Y, X)``, and its units."""

    steps: tuple[float, ...]
    units: tuple[str, ...]

    @property
    def is_physical(self) -> bool:
        """Whether Y and X are in micrometres."""
        return self.units[-1] == _MICROMETRE


def common_scale(keys: Iterable[LayerKey], known: Mapping[str | None, Calibration]) -> dict[LayerKey, Scale]:
    """Return the scale of each layer, in units on which all layers agree.

    napari drops units altogether where two layers disagree about an axis. So micrometres are used where the
    distance is known for every layer, and pixels everywhere where it is unknown for one.

    Parameters
    ----------
    keys
        All layers of a window.
    known
        What was announced, by plate; what was announced without a plate holds for plates that were not.
    """
    of_key = {key: known.get(key.plate, known.get(None, Calibration())) for key in keys}
    has_pixels = all(each.pixel_size_um is not None for each in of_key.values())
    has_z = has_pixels and all(
        each.z_step_um is not None for key, each in of_key.items() if "z_index" in key.present
    )
    leading = len(AXIS_NAMES) - 1
    units = (_PIXEL,) * leading + tuple(
        _MICROMETRE if unit else _PIXEL for unit in (has_z, has_pixels, has_pixels)
    )
    scales = {}
    for key, each in of_key.items():
        pixel_size = each.pixel_size_um if has_pixels and each.pixel_size_um else 1.0
        z_step = each.z_step_um if has_z and each.z_step_um else 1.0
        scales[key] = Scale((1.0,) * leading + (z_step, pixel_size, pixel_size), units)
    return scales
