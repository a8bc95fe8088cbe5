"""What the session asks of whatever shows the layers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy.typing as npt

from platecast.components import Components, StepId
from platecast.layers import Index, Regrouping, StoredLayer, Value


class Canvas(Protocol):
    """Shows the layers of a `LayerStore`. All methods are for the window's thread.

    The store's axes are shared by all layers; a canvas reads them there, and hears by `axes_changed` that
    they grew. What the user set on a layer is the user's: no method touches it, except where it says so.
    """

    def add_layer(self, layer: StoredLayer, index: Index) -> bool:
        """Show a layer that is not shown yet; if it is the only one, go to the plane at `index`.

        Returns
        -------
        bool
            False where there are so many that this one is shown when it is looked at; that takes no time.
        """

    def axes_changed(self) -> None:
        """Follow axes that grew, keeping the values that are on screen."""

    def regroup(self, regrouping: Regrouping) -> list[StoredLayer]:
        """Let layers take the place of others, as they looked; keep the place that is on screen.

        Returns
        -------
        list of StoredLayer
            The new ones that are still to be added.
        """

    def rename(self, layer: StoredLayer) -> None:
        """Take over a layer's new name, unless the user has named it."""

    def refresh(self, layers: Iterable[StoredLayer]) -> None:
        """Draw the visible ones among these layers again, and say what is on screen."""

    def show_more(self) -> bool:
        """Show the next portion of what is too much for one turn; say whether there is more."""

    def features_changed(self, places: Iterable[Components]) -> None:
        """Take in that tables came for these places."""

    def is_on_screen(self, layer: StoredLayer, index: Index) -> bool:
        """Say whether a plane can be seen where the sliders stand now."""

    def go_to(self, values: Mapping[str, Value]) -> None:
        """Put the sliders on these values, and look at the layers that were sliced by them.

        What is not given stays as it is, unless nothing is there; then the nearest place is taken.
        """

    def values_on_screen(self) -> dict[str, Value]:
        """Return the values that are on screen, of all components that vary but the channels of layers."""

    def time_pictures(self, *, is_wanted: bool) -> dict[str, float | None]:
        """Begin to note what it takes until something is seen; or end, and return that.

        See `StepProbe` and `ArrivalProbe`.
        """

    def names(self) -> dict[str, StoredLayer]:
        """Return the layers that were added, by the names they bear now."""

    def state(self, layer: StoredLayer) -> dict[str, Any]:
        """Return what the user may have changed: ``visible``, ``opacity`` and, of images, the colours."""

    def set_visible(self, layer: StoredLayer, *, is_visible: bool) -> None:
        """Show or hide a layer, as the user does with its eye in the list.

        Raises
        ------
        LookupError
            It is one of many, and not looked at.
        """

    def read(self, layer: StoredLayer, position: tuple[int, ...]) -> npt.NDArray[Any]:
        """Return the plane at a position of the shared axes, read through what is shown."""

    def remove(self, layers: Sequence[StoredLayer]) -> None:
        """Stop showing layers and let the store forget them."""

    def follow(self, layer: StoredLayer, index: Index) -> bool:
        """Go to a plane that has just come, unless the user has hidden its layer; say whether that moved."""

    @property
    def steps(self) -> tuple[StepId | None, ...]:
        """The steps of the newest run that have layers, in their order."""

    @property
    def compared(self) -> tuple[StepId | None, ...]:
        """The steps that are compared; none where nothing is."""

    def compare(self, steps: Sequence[StepId | None], *, side_by_side: bool) -> None:
        """Show the layers of some steps and nothing else, each step in a cell of its own or all in turns.

        Without steps the comparison ends, and the user's settings are as they were before it.
        """

    def turn(self) -> None:
        """Show the next of the compared steps where they are seen in turns; where not, begin with that."""

    def screenshot(self, *, canvas_only: bool) -> bytes:
        """Return a picture of the window, or of the images alone, as PNG."""

    def bring_to_front(self) -> None:
        """Put the window before all others, also where it was minimised."""

    def close(self) -> None:
        """Close the window."""
