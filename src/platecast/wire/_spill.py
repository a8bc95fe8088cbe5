"""Planes that wait on disk: an unlinked file, so that nothing is left behind however the process ends."""

import errno
import os
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import platformdirs
import psutil

from platecast.wire._libc import punch_hole

_IN_MEMORY = frozenset({"tmpfs", "ramfs", "devtmpfs"})
_FREE_SHARE = 0.1
_MOST_BYTES = 8 << 30


@dataclass(frozen=True, slots=True)
class Spilled:
    """Where a plane's bytes lie in the spill file."""

    file: "SpillFile"
    offset: int
    nbytes: int

    def read(self, nbytes: int, offset: int = 0) -> bytes:
        """Return some of the plane's bytes."""
        return self.file.read(self.offset + offset, nbytes)

    def close(self) -> None:
        """Give the space back."""
        self.file.free(self)


class SpillFile:
    """A bounded file for planes that find no room in memory; thread-safe.

    It is made when the first plane is spilled, on a disk: in the user's cache folder, else wherever there
    is one that is not memory in disguise.

    Parameters
    ----------
    limit_bytes
        Most bytes that may lie in it; `None`: a share of the disk's free space.
    free_share
        That share; default: a tenth, and at most 8 GiB.
    """

    def __init__(self, limit_bytes: int | None = None, *, free_share: float | None = None) -> None:
        self._lock = threading.Lock()
        self.limit_bytes = limit_bytes
        self._free_share = free_share
        self._file: IO[bytes] | None = None
        self._end = 0
        self._used_bytes = 0

    def write(self, data: memoryview) -> Spilled | None:
        """Write a plane's bytes; `None` where the file may not grow further or the disk is full."""
        with self._lock:
            if not self._open() or self._used_bytes + len(data) > (self.limit_bytes or 0):
                return None
            if not self._used_bytes:
                self._end = 0
            offset, self._end = self._end, self._end + len(data)
            self._used_bytes += len(data)
        spilled = Spilled(self, offset, len(data))
        try:
            self._write(data, offset)
        except OSError as error:
            self.free(spilled)
            if error.errno != errno.ENOSPC:
                raise
            return None
        return spilled

    def read(self, offset: int, nbytes: int) -> bytes:
        """Return bytes of the file."""
        file = self._opened()
        if hasattr(os, "pread"):
            return os.pread(file.fileno(), nbytes, offset)
        with self._lock:
            file.seek(offset)
            return file.read(nbytes)

    def free(self, spilled: Spilled) -> None:
        """Give the space of a plane back to the disk."""
        with self._lock:
            self._used_bytes -= spilled.nbytes
            if self._file is None:
                return
            if not self._used_bytes:
                self._file.truncate(0)
            else:
                punch_hole(self._file.fileno(), spilled.offset, spilled.nbytes)

    def close(self) -> None:
        """Give everything back."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _write(self, data: memoryview, offset: int) -> None:
        file = self._opened()
        done = 0
        while done < len(data):
            if hasattr(os, "pwrite"):
                done += os.pwrite(file.fileno(), data[done:], offset + done)
            else:
                with self._lock:
                    file.seek(offset + done)
                    done += file.write(data[done:])

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            raise OSError("the spill file is closed")
        return self._file

    def _open(self) -> bool:
        if self._file is not None:
            return True
        folder = spill_folder()
        if folder is None:
            return False
        if self.limit_bytes is None:
            free = psutil.disk_usage(str(folder)).free
            default_bytes = min(int(free * _FREE_SHARE), _MOST_BYTES)
            self.limit_bytes = default_bytes if self._free_share is None else int(free * self._free_share)
        # Never has a name where the system can do that, and none for others elsewhere.
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)
        return True


def spill_folder() -> Path | None:
    """Return a folder on a disk where this user may write, `None` where all of them are in memory."""
    for folder in (platformdirs.user_cache_path("platecast", appauthor=False), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        if os.access(folder, os.W_OK) and _file_system(folder) not in _IN_MEMORY:
            return folder
    return None


def _file_system(folder: Path) -> str:
    """Return the type of the file system that a folder lies in."""
    path = str(folder.resolve())
    mounts = [each for each in psutil.disk_partitions(all=True) if path.startswith(each.mountpoint)]
    return max(mounts, key=lambda each: len(each.mountpoint)).fstype if mounts else ""
