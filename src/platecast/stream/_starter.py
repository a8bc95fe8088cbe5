"""Finds or starts the viewer on a port, in the background, so that nobody who sends waits for a window."""

import logging
import threading

from platecast.errors import PlatecastError
from platecast.manager import find_or_start

_log = logging.getLogger(__name__)


class Starter:
    """Starts a viewer in a thread of its own. For any thread.

    Parameters
    ----------
    port
        The viewer's data port.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._thread: threading.Thread | None = None

    @property
    def was_asked(self) -> bool:
        """Whether `start` was ever called."""
        return self._thread is not None

    @property
    def is_starting(self) -> bool:
        """Whether a viewer is being found or started."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, *, persistent: bool, title: str, or_next: bool, memory_budget_mb: float | None) -> None:
        """Find or start a viewer, see `find_or_start`; a failure is logged."""

        def find() -> None:
            try:
                find_or_start(
                    self._port,
                    or_next=or_next,
                    title=title,
                    persistent=persistent,
                    memory_budget_mb=memory_budget_mb,
                )
            except PlatecastError as error:
                _log.warning("no viewer on port %d: %s", self._port, error)

        self._thread = threading.Thread(target=find, name=f"platecast-starter-{self._port}", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> None:
        """Wait for the viewer that is being started, if one is."""
        if self._thread is not None:
            self._thread.join(timeout_s)
