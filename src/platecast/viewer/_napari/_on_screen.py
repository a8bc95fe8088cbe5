"""Tells what is on screen: in words on the canvas, and which planes are missing there."""

from collections.abc import Callable, Mapping, Sequence

from napari.layers import Layer
from napari.viewer import ViewerModel

from platecast.layers import StoredLayer, Value
from platecast.viewer._napari._missing import MissingPlanes, missing_in_cells
from platecast.viewer._napari._overlay import position_text, waiting_text
from platecast.viewer._napari._sliders import Sliders


class OnScreen:
    """Writes the line of text over the images, and tells others what changed. For the window's thread.

    Parameters
    ----------
    viewer
        Whose canvas it is.
    port
        What an empty window says it waits on.
    """

    def __init__(self, viewer: ViewerModel, port: int) -> None:
        self._viewer = viewer
        self._port = port
        self._missing = MissingPlanes()
        self.on_missing: Callable[[MissingPlanes], None] = _nothing
        """Called when other layers than before have no plane on screen."""
        self.on_moved: Callable[[], None] = _nothing_moved
        """Called when another place is on screen."""
        overlay = viewer.canvas.overlays.text
        overlay.position = "top_left"
        overlay.font_size = 14
        overlay.visible = True

    def wait(self) -> None:
        """Say that there is nothing yet."""
        self._say(waiting_text(self._port), MissingPlanes())

    def tell(
        self,
        place: Mapping[str, Value],
        visible: Sequence[tuple[StoredLayer, Layer]],
        sliders: Sliders,
        remark: str = "",
    ) -> None:
        """Say what is on screen.

        Parameters
        ----------
        place
            Where the window looks.
        visible
            The layers that can be seen.
        sliders
            Where they stand.
        remark
            What else there is to say of the whole picture.
        """
        place = {name: value for name, value in place.items() if name not in sliders.wide_axes}
        missing = missing_in_cells(visible, sliders, self._viewer)
        text = position_text(
            place,
            visible=len(visible),
            missing=missing.names,
            losses=missing.losses,
            reading=sum(not layer.loaded for _, layer in visible),
        )
        self._say(" · ".join(filter(None, (text, remark))), missing)

    def _say(self, text: str, missing: MissingPlanes) -> None:
        overlay = self._viewer.canvas.overlays.text
        if overlay.text != text:
            overlay.text = text
            self.on_moved()
        if missing != self._missing:
            self._missing = missing
            self.on_missing(missing)


def _nothing(missing: MissingPlanes) -> None:
    """Show it nowhere: there is no window."""


def _nothing_moved() -> None:
    """Tell nobody."""
