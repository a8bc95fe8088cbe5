"""Pixels of the window as a PNG file."""

from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QBuffer, QByteArray, QIODevice
from qtpy.QtGui import QImage


def png_bytes(pixels: npt.NDArray[Any]) -> bytes:
    """Return an ``(Y, X, 4)`` uint8 RGBA picture as the bytes of a PNG file.

    Raises
    ------
    RuntimeError
        Qt could not write it.
    """
    pixels = np.ascontiguousarray(pixels, dtype=np.uint8)
    height, width = pixels.shape[:2]
    image = QImage(pixels.tobytes(), width, height, width * 4, QImage.Format.Format_RGBA8888)
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not image.save(buffer, "PNG"):
        raise RuntimeError(f"Qt could not write a picture of {width} x {height} pixels as PNG")
    return bytes(content.data())
