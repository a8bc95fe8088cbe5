"""What this program is, and the versions that a report of a defect should name."""

import importlib.metadata
import platform
from collections.abc import Iterator

from qtpy.QtCore import Qt, qVersion
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QMessageBox, QWidget

from platecast._version import __version__

_PACKAGES = ("napari", "numpy", "pyzmq", "zarr", "tifffile", "PyQt6")


def versions() -> Iterator[tuple[str, str]]:
    """Yield the names and versions of everything that matters."""
    yield "platecast", __version__
    yield "Python", platform.python_version()
    yield "Qt", qVersion() or "unknown"
    for name in _PACKAGES:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield name, "not installed"
    yield "System", platform.platform(terse=True)


def show_about(parent: QWidget) -> QMessageBox:
    """Open the dialog, and return it."""
    facts = list(versions())
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle("About platecast")
    box.setIconPixmap(parent.windowIcon().pixmap(64, 64))
    box.setTextFormat(Qt.TextFormat.RichText)
    rows = "".join(f"<tr><td>{name}&nbsp;&nbsp;&nbsp;</td><td>{value}</td></tr>" for name, value in facts)
    box.setText(
        "<h3>platecast</h3>Shows the images of a running high-content-screening pipeline, live, in napari."
    )
    box.setInformativeText(f"<table>{rows}</table>")
    copy = box.addButton("&Copy", QMessageBox.ButtonRole.ActionRole)
    box.addButton(QMessageBox.StandardButton.Close)
    assert copy is not None  # noqa: S101 -- it was just added
    # An action role closes the dialog, too: whoever copies is done with it.
    copy.clicked.connect(lambda: _copy("\n".join(f"{name} {value}" for name, value in facts)))
    box.open()
    return box


def _copy(text: str) -> None:
    clipboard = QGuiApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(text)
