"""All viewers of this user, followed as they come, change and go."""

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from platecast.errors import PlatecastError
from platecast.manager._find import GONE, NOT_RESPONDING, ViewerInfo
from platecast.wire import ProgressSockets, ViewerStatus, list_endpoints, runtime_dir

_log = logging.getLogger(__name__)

_LOOK_INTERVAL_S = 0.25
_SCAN_INTERVAL_S = 2.0
"""How often the folder is read although nothing in it seems to have changed."""
_SILENCE_S = 1.6
"""A viewer says something every second."""


class ViewerWatch:
    """Follows every viewer of this user, also those that others start later.

    A thread of its own listens; nothing is asked of a viewer, and one that is stuck delays nobody. A viewer
    that has gone is reported once, with the state ``"gone"``, and then forgotten. A context manager.

    Parameters
    ----------
    on_change
        Called in the watch's thread with each viewer that changed, if given; must not block.

    Examples
    --------
    In a window, `fileno` becomes readable when something changed::

        watch = ViewerWatch()
        notifier = QSocketNotifier(watch.fileno(), QSocketNotifier.Type.Read)
        notifier.activated.connect(lambda: show(watch.changes()))
    """

    def __init__(self, on_change: Callable[[ViewerInfo], None] | None = None) -> None:
        self._on_change = on_change
        self._lock = threading.Lock()
        self._viewers: dict[str, ViewerInfo] = {}
        self._changed: dict[str, ViewerInfo] = {}
        self._heard_at: dict[str, float] = {}
        self._ended: set[str] = set()
        """Instances that said goodbye, and whose files may still be there."""
        self._folder_seen: tuple[float, int] = (float("-inf"), 0)
        self._looked_at = float("-inf")
        # Sockets and not a pipe: Qt can wait for nothing else on Windows.
        self._readable, self._signal = socket.socketpair()
        for each in (self._readable, self._signal):
            each.setblocking(False)
        self._stopping = threading.Event()
        self._scanned = threading.Event()
        self._thread = threading.Thread(target=self._run, name="platecast-viewer-watch", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def fileno(self) -> int:
        """Return a descriptor that is readable while there are `changes`; it belongs to the watch."""
        return self._readable.fileno()

    @property
    def viewers(self) -> tuple[ViewerInfo, ...]:
        """The viewers there are, by port; for any thread."""
        self._scanned.wait(1.0)
        with self._lock:
            return tuple(sorted(self._viewers.values(), key=lambda viewer: viewer.endpoint.port))

    def changes(self) -> tuple[ViewerInfo, ...]:
        """Return each viewer that changed since the last call, as it is now; for any thread."""
        with self._lock:
            changed, self._changed = self._changed, {}
            with contextlib.suppress(BlockingIOError):
                self._readable.recv(4096)
        return tuple(changed.values())

    def close(self) -> None:
        """Follow nobody any longer. Must not be called by `on_change`."""
        self._stopping.set()
        self._thread.join()
        self._readable.close()
        self._signal.close()

    # For the watch's own thread.

    def _run(self) -> None:
        with ProgressSockets() as sockets:
            while not self._stopping.is_set():
                try:
                    self._turn(sockets)
                except Exception:
                    # The edge of the thread: one odd file or message must not end the watch.
                    _log.exception("viewers could not be followed for a moment")
                    self._stopping.wait(_LOOK_INTERVAL_S)

    def _turn(self, sockets: ProgressSockets) -> None:
        now = time.monotonic()
        # Not with every message: a hundred viewers say some hundred things a second.
        if now - self._looked_at >= _LOOK_INTERVAL_S:
            self._looked_at = now
            self._look_for_files(sockets)
            self._look_at_processes(now)
            self._scanned.set()
        for instance, status in sockets.receive(_LOOK_INTERVAL_S).items():
            self._hear(instance, status)

    def _look_at_processes(self, now: float) -> None:
        for instance, viewer in tuple(self._viewers.items()):
            if not viewer.endpoint.alive:
                self._forget(viewer)
            elif viewer.state != NOT_RESPONDING and now - self._heard_at[instance] > _SILENCE_S:
                self._tell(ViewerInfo(viewer.endpoint, NOT_RESPONDING, viewer.status))

    def _look_for_files(self, sockets: ProgressSockets) -> None:
        now = time.monotonic()
        try:
            changed_ns = os.stat(runtime_dir()).st_mtime_ns
            scanned_at, seen_ns = self._folder_seen
            if changed_ns == seen_ns and now - scanned_at < _SCAN_INTERVAL_S:
                return
            endpoints = list_endpoints()
        except PlatecastError as error:
            if self._folder_seen[1] != -1:
                _log.warning("viewers cannot be looked for: %s", error)
            endpoints, changed_ns = [], -1
        self._folder_seen = (now, changed_ns)
        self._ended &= {endpoint.instance for endpoint in endpoints}
        for endpoint in endpoints:
            if endpoint.instance not in self._viewers and endpoint.instance not in self._ended:
                self._heard_at[endpoint.instance] = now
                self._tell(ViewerInfo(endpoint, "starting"))
        sockets.follow(viewer.endpoint for viewer in self._viewers.values())

    def _hear(self, instance: str, status: ViewerStatus) -> None:
        viewer = self._viewers.get(instance)
        if viewer is None:
            return
        self._heard_at[instance] = time.monotonic()
        if status.state == GONE:
            self._forget(ViewerInfo(viewer.endpoint, GONE, status))
        else:
            self._tell(ViewerInfo(viewer.endpoint, status.state, status))

    def _forget(self, viewer: ViewerInfo) -> None:
        self._ended.add(viewer.endpoint.instance)
        self._tell(ViewerInfo(viewer.endpoint, GONE, viewer.status))

    def _tell(self, viewer: ViewerInfo) -> None:
        instance = viewer.endpoint.instance
        with self._lock:
            if viewer.state == GONE:
                self._viewers.pop(instance, None)
                self._heard_at.pop(instance, None)
            else:
                self._viewers[instance] = viewer
            self._changed[instance] = viewer
            with contextlib.suppress(BlockingIOError):
                self._signal.send(b"\0")
        if self._on_change is not None:
            self._on_change(viewer)
