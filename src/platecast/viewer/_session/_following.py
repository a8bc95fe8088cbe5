"""When the sliders go to the newest plane. Pure but for the clock and the mouse that it is given."""

import time
from collections.abc import Callable

from platecast.layers import Index, StoredLayer

HOLD_S = 5.0
"""How long the sliders are left alone after the user has moved one or gone to a well."""
RULE = (
    "The sliders go to the newest plane of a visible layer.\n"
    f"They stay for {HOLD_S:g} s after you have moved one or gone to a well or site, and while a mouse\n"
    "button is down; after that they go on with the next plane that comes."
)
"""The rule as users read it."""


def _nothing_held() -> bool:
    return False


class Following:
    """Remembers the newest plane, and whether the sliders may go there. For the window's thread.

    Parameters
    ----------
    is_dragging
        Says whether the user holds something with the mouse.
    clock
        Returns seconds that never go back.
    """

    def __init__(
        self,
        is_dragging: Callable[[], bool] = _nothing_held,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_dragging = is_dragging
        self._clock = clock
        self._is_asked = False
        self._newest: tuple[StoredLayer, Index] | None = None
        self._touched_s = float("-inf")
        self.chosen: bool | None = None
        """The choice of this window's user; `None` leaves it to the senders."""

    @property
    def is_on(self) -> bool:
        """Whether the newest plane is followed: as chosen here, else as the latest sender wants it."""
        return self._is_asked if self.chosen is None else self.chosen

    @property
    def is_held(self) -> bool:
        """Whether the user is busy with the sliders."""
        return self._clock() - self._touched_s < HOLD_S or self._is_dragging()

    @property
    def newest(self) -> tuple[StoredLayer, Index] | None:
        """The plane to go to."""
        return self._newest

    def touch(self) -> None:
        """Hear that the user has gone somewhere: what came before is not gone to any more."""
        self._touched_s = self._clock()
        self._newest = None

    def note(self, layer: StoredLayer, index: Index, *, is_asked: bool) -> None:
        """Hear of a plane that was filed, and whether its sender wants it followed."""
        self._is_asked = is_asked
        if self.is_on:
            self._newest = layer, index

    def take(self) -> tuple[StoredLayer, Index] | None:
        """Return the plane to go to, once; `None` where there is none or the user is busy."""
        newest, self._newest = self._newest, None
        return None if newest is None or not self.is_on or self.is_held else newest

    def forget(self) -> None:
        """Let go of the newest plane: layers are gone."""
        self._newest = None
