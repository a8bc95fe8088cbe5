"""Viewers that this window starts, and the images that already wait for them."""

import functools
import threading

from qtpy.QtCore import QObject
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look

from platecast.gui._images._deliveries import Deliveries, Target
from platecast.gui._parts._background import Background
from platecast.gui._viewers._displays import Displays
from platecast.gui._viewers._start_dialog import StartRequest
from platecast.manager import log_path, start_viewer
from platecast.wire import Endpoint


class Starts(QObject):
    """Starts viewers in the background.

    Parameters
    ----------
    background
        Where it waits for them.
    deliveries
        What waits for them.
    displays
        Told how images are to be shown in them.
    parent
        Its owner.
    """

    started = QtSignal(object, object)
    """An `Endpoint` that listens now, and the path of its log."""
    failed = QtSignal(str)
    """A viewer did not come up; says why."""

    def __init__(
        self,
        background: Background,
        deliveries: Deliveries,
        displays: Displays,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._displays = displays
        self._background = background
        self._deliveries = deliveries
        self._requests: dict[Target, StartRequest] = {}

    def begin(self, request: StartRequest) -> Target:
        """Start a viewer; images may be sent to the target at once."""
        target = self._deliveries.expect(request.title, request.config)
        self._requests[target] = request
        self._start(target)
        return target

    def try_again(self, target: Target) -> None:
        """Start the viewer of a target again, or send again what waits for one that is there."""
        target.error = ""
        if target.port is None and target in self._requests:
            self._start(target)
        elif target.port is not None:
            self._deliveries.arrive(target, target.port)

    def _start(self, target: Target) -> None:
        request = self._requests[target]
        self._background.run(
            functools.partial(_start, request),
            functools.partial(self._arrive, target),
            functools.partial(self._fail, target),
        )

    def _arrive(self, target: Target, endpoint: Endpoint) -> None:
        self._displays.remember(endpoint.instance, self._requests.pop(target).config)
        self._deliveries.arrive(target, endpoint.port)
        self.started.emit(endpoint, log_path(endpoint.port))

    def _fail(self, target: Target, why: str) -> None:
        self._deliveries.fail(target, why)
        self.failed.emit(why)


def _start(request: StartRequest, stop: threading.Event) -> Endpoint:
    return start_viewer(
        request.port,
        or_next=request.or_next,
        title=request.title,
        persistent=request.persistent,
        virtual_screen=request.virtual_screen,
        memory_budget_mb=request.config.memory_budget_mb,
        stop=stop,
    )
