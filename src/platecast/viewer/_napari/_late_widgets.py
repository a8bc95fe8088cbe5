"""Lets the first picture of a layer go before the widgets around it."""

# ruff: noqa: SLF001 -- napari makes and shows them when a layer is inserted, and offers no other way

from collections.abc import Callable
from typing import Any

from napari.layers import Layer
from napari.viewer import Viewer
from qtpy.QtCore import QObject, QTimer

from platecast.viewer._napari._private import on_composed

_MOST_WAIT_MS = 500
"""For a window that is not painted, because it is minimised or covered."""


class LateWidgets(QObject):
    """Puts off the controls of layers, and the sliders of the first one, until the picture is on screen.

    The controls of a layer take a third of the time of inserting it, and of many layers hardly any are ever
    looked at: they are made for those that are selected. Sliders that appear make the canvas smaller, which
    is drawn twice then. Verified with napari 0.9.2.

    Parameters
    ----------
    viewer
        A viewer without layers.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._container = viewer.window._qt_viewer.controls
        super().__init__(self._container)
        self._layers = viewer.layers
        self._sliders = viewer.window._qt_viewer.dims
        self._sliders.hide()
        self._made: dict[Layer, Any] = _Made(self._make)
        self._container.widgets = self._made
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.show_now)
        on_composed(viewer, self._painted)
        events, selection = self._layers.events, self._layers.selection.events
        events.inserted.disconnect(self._container._add)
        events.inserted.connect(self._inserted)
        events.removed.disconnect(self._container._remove)
        events.removed.connect(self._removed)
        selection.changed.disconnect(self._container._populate)
        selection.changed.connect(self._selected)

    def show_now(self) -> None:
        """Show what was put off, for somebody who takes a picture of the window."""
        self._timer.stop()
        if self._layers and self._sliders.isHidden():
            self._sliders.show()
            # They make the canvas smaller, and napari has fitted the first layer to the larger one.
            self._sliders.parentWidget().layout().activate()
            self._viewer.reset_view()
        self._container._populate()

    def _inserted(self, _event: object) -> None:
        if self._sliders.isHidden():
            self._timer.start(_MOST_WAIT_MS)

    def _selected(self, _event: object) -> None:
        active = self._layers.selection.active
        if active is None or active in self._made:
            self._container._populate()
        else:
            self._timer.start(_MOST_WAIT_MS)

    def _painted(self) -> None:
        if self._timer.isActive():
            self._timer.start(0)

    def _make(self, layer: Layer) -> Any:  # noqa: ANN401 -- a QWidget
        self._container._add(_Inserted(layer))
        return self._made[layer]

    def _removed(self, event: Any) -> None:  # noqa: ANN401 -- napari is untyped
        if event.value in self._made:
            self._container._remove(event)
        if not self._layers:
            self._sliders.hide()


class _Inserted:
    """What napari's container reads of an event."""

    def __init__(self, layer: Layer) -> None:
        self.value = layer


class _Made(dict[Layer, Any]):
    """The controls that were made; the others are when they are asked for."""

    def __init__(self, make: Callable[[Layer], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, layer: Layer) -> Any:  # noqa: ANN401 -- a QWidget
        return self._make(layer)
