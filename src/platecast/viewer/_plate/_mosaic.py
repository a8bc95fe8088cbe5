"""Small pictures of the wells of a plate as one picture. Pure."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

_LOWER_PERCENTILE, _UPPER_PERCENTILE = 1.0, 99.7
PICTURE_PX = 32
"""Side of the small picture of a well."""
_GAMMA = 0.6
_SAMPLES = 200_000


def plate_mosaic(
    pictures: Mapping[tuple[int, int], npt.NDArray[np.float32]], rows: int, columns: int
) -> npt.NDArray[np.uint8]:
    """Return one picture of a plate, ``(rows * side, columns * side, 4)`` RGBA.

    All wells have the same contrast, so that they can be compared. The rim of each is transparent, and so are
    wells without a picture.

    Parameters
    ----------
    pictures
        ``(side, side)`` values, by row and column; at least one.
    rows, columns
        Of the plate.
    """
    stacked = np.stack(list(pictures.values()))
    side = stacked.shape[1]
    lower, upper = np.percentile(
        stacked.reshape(-1)[:: max(1, stacked.size // _SAMPLES)], (_LOWER_PERCENTILE, _UPPER_PERCENTILE)
    )
    scale = 1.0 / (upper - lower) if upper > lower else 0.0
    # Dim wells beside bright ones would be black without it.
    grey = (255 * np.clip((stacked - lower) * scale, 0, 1) ** _GAMMA).astype(np.uint8)
    mosaic = np.zeros((rows, side, columns, side, 4), np.uint8)
    at_row, at_column = (np.array(places) for places in zip(*pictures, strict=True))
    rim = max(1, side // 16)
    inner = slice(rim, -rim)
    # Advanced keys around a slice put their axis in front, as `grey` has it.
    mosaic[at_row, inner, at_column, inner, :3] = grey[:, inner, inner, np.newaxis]
    mosaic[at_row, inner, at_column, inner, 3] = 255
    return mosaic.reshape(rows * side, columns * side, 4)
