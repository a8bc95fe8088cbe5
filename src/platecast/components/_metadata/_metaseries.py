"""The description that MetaXpress writes into its TIFF files (MetaSeries).

It looks like XML and need not be: it holds whatever somebody typed. Only the properties that say something
about the plate are read. Lengths are in micrometres where the calibration says so; the stage's y grows with
the rows of the plate.
"""

import html
import re
from datetime import datetime

from platecast.components._components import Components
from platecast.components._metadata._text import to_float, to_int, to_length
from platecast.components._metadata._values import ChannelInfo, ImageRecord, PlateMetadata
from platecast.components._wells import well_name
from platecast.errors import InvalidWellError, MetadataError

_PROPERTY = re.compile(r'<(?:custom-)?prop id="([^"]*)"[^>]*? value="([^"]*)"')
_LABEL = re.compile(r"\s*(.+?)\s*:\s*Site\s*([0-9]+)\s*")
_EXPOSURE_MS = re.compile(r"([0-9.]+)\s*ms")


def read_metaseries(text: str, channel: int | str | None) -> PlateMetadata:
    """Return what an image's own description states; it has one record, the image's.

    Parameters
    ----------
    text
        The ``ImageDescription`` of a TIFF file.
    channel
        The channel of the image, which is in its name alone; `None` where there is none, either.

    Raises
    ------
    MetadataError
        It is no MetaSeries description.
    """
    found = _PROPERTY.findall(text) if "<MetaData>" in text else []
    values = {name: html.unescape(value) for name, value in found}
    if not values:
        raise MetadataError("its description is not one of MetaXpress")
    is_um = values.get("spatial-calibration-units", "").lower() in ("um", "µm", "micron", "microns")
    is_calibrated = is_um and values.get("spatial-calibration-state", "on") == "on"
    acquired = _time(values.get("acquisition-time-local", ""))
    return PlateMetadata(
        source="MetaXpress",
        acquired=acquired,
        channels=() if channel is None else (_channel(values, channel, is_calibrated),),
        pixel_size_um=_pixel_size_um(values) if is_calibrated else None,
        z_step_um=to_length(values.get("Z Projection Step Size")),
        y_up=False,
        records=(
            ImageRecord(
                components=_components(values, channel),
                x_um=to_float(values.get("stage-position-x")),
                y_um=to_float(values.get("stage-position-y")),
                z_um=to_float(values.get("z-position")),
                acquired=acquired,
            ),
        ),
    )


def _channel(values: dict[str, str], channel: int | str, is_calibrated: bool) -> ChannelInfo:
    rows, columns = to_int(values.get("pixel-size-y")), to_int(values.get("pixel-size-x"))
    exposure = _EXPOSURE_MS.match(values.get("Exposure Time", ""))
    return ChannelInfo(
        channel=channel,
        name=values.get("_IllumSetting_") or None,
        emission_nm=to_float(values.get("wavelength")) or None,
        exposure_s=float(exposure[1]) / 1000 if exposure else None,
        pixel_size_um=_pixel_size_um(values) if is_calibrated else None,
        shape=(rows, columns) if rows and columns else None,
        binning=to_int(values.get("camera-binning-x")),
        objective_na=to_float(values.get("_MagNA_")),
    )


def _pixel_size_um(values: dict[str, str]) -> float | None:
    return to_length(values.get("spatial-calibration-x"))


def _components(values: dict[str, str], channel: int | str | None) -> Components | None:
    label = _LABEL.fullmatch(values.get("stage-label", ""))
    z_step = to_float(values.get("Z Step"))
    try:
        well = well_name(label[1]) if label else None
    except InvalidWellError:
        well = None
    site = int(label[2]) if label else None
    z_index = int(z_step) if z_step is not None and z_step >= 0 else None
    if (well, site, channel, z_index) == (None, None, None, None):
        return None
    return Components(well=well, site=site, channel=channel, z_index=z_index)


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%d %H:%M:%S.%f")  # local, of no zone
    except ValueError:
        return None
