"""What lies in a folder that somebody writes into, and where the system says that something happened."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

import psutil

from platecast.storage import comes_back, is_plate_file
from platecast.stream._watching._settling import FileStamp

_log = logging.getLogger(__name__)

_GROUP_MS = 50
"""Longest time for which change events are collected; the library's own default is 1.6 s."""
_STEP_MS = 20
_SILENT_KINDS = (
    "9p afpfs afs beegfs ceph cifs coda davfs drvfs fuse gfs2 glusterfs gpfs lustre ncpfs nfs ocfs2 "
    "prl_fs smb smbfs vboxsf virtiofs webdav"
).split()
"""File systems on which other machines write, and whose kernels say nothing of it here."""


def list_files(folder: str, below: str = "") -> dict[str, FileStamp]:
    """Return the files of a plate in a folder and below, by their places, as they look now.

    Hidden folders and OME-Zarr stores are left out, and what vanishes meanwhile.

    Parameters
    ----------
    folder
        The folder.
    below
        Place of a folder inside it, to look there only.

    Raises
    ------
    OSError
        The folder itself cannot be listed.
    """
    found: dict[str, FileStamp] = {}
    pending: list[tuple[str, frozenset[tuple[int, int]]]] = [(below, frozenset())]
    while pending:
        place, within = pending.pop()
        path = os.path.join(folder, place)
        try:
            entered = comes_back(path, within)
            if entered is None:
                continue
            with os.scandir(path) as entries:
                pending += [(each, entered) for each in _list(entries, place, found)]
        except OSError as error:
            if place == below:
                raise
            _log.debug("%s: %s", place, error)
    return found


def _list(entries: Iterator[os.DirEntry[str]], folder: str, found: dict[str, FileStamp]) -> list[str]:
    folders = []
    for entry in entries:
        place = f"{folder}/{entry.name}" if folder else entry.name
        if is_plate_file(entry.name):
            try:
                state = entry.stat()
            except OSError:
                continue
            found[place] = FileStamp(state.st_size, state.st_mtime_ns)
        elif not entry.name.startswith(".") and not entry.name.lower().endswith(".zarr") and entry.is_dir():
            folders.append(place)
    return folders


def stamp_of(path: str) -> FileStamp | None:
    """Return how a file looks now, `None` where it has gone."""
    try:
        state = os.stat(path)
    except OSError:
        return None
    return FileStamp(state.st_size, state.st_mtime_ns)


def is_silent(folder: str) -> bool:
    """Return whether a folder lies on a file system where change events do not tell everything."""
    real = os.path.realpath(folder)
    if real.startswith("\\\\"):
        return True
    mounts = [
        (len(each.mountpoint), each.fstype.lower())
        for each in psutil.disk_partitions(all=True)
        if os.path.join(real, "").startswith(os.path.join(each.mountpoint, ""))
    ]
    kind = max(mounts, default=(0, ""))[1]
    return any(kind.startswith(silent) for silent in _SILENT_KINDS)


class ChangeEvents:
    """Collects the paths of which the system says that something happened there; a context manager.

    Parameters
    ----------
    folder
        The folder that is followed, with all below.
    tell
        Called in a thread of this object's own when there are some.
    """

    def __init__(self, folder: str, tell: Callable[[], None]) -> None:
        self._folder = folder
        self._tell = tell
        self._changed: set[str] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="platecast-folder-events", daemon=True)
        self.is_broken = False
        """Whether there will be no more events."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def take(self) -> set[str]:
        """Return the paths since the last call."""
        with self._lock:
            changed, self._changed = self._changed, set()
        return changed

    def _listen(self) -> None:
        import watchfiles

        try:
            for changes in watchfiles.watch(
                self._folder,
                watch_filter=None,
                debounce=_GROUP_MS,
                step=_STEP_MS,
                stop_event=self._stop,
                raise_interrupt=False,
                ignore_permission_denied=True,
                force_polling=False,
            ):
                with self._lock:
                    self._changed.update(path for _, path in changes)
                self._tell()
        except Exception:
            # The edge of the thread: inotify's limits, a folder that was unmounted.
            _log.warning("change events of %s ended; looking instead", self._folder, exc_info=True)
        self.is_broken = True
        self._tell()


def has_events() -> bool:
    """Return whether change events can be had: the library for them is installed."""
    try:
        import watchfiles  # noqa: F401
    except ImportError:
        return False
    return True
