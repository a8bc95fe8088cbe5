"""What of a folder was shown already, kept over restarts: one line a file, appended when it is certain.

The first line says for which life of which viewer that holds: another one has nothing of it. A line that was
being written when the process was killed is not whole, and means that its file is shown once more.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote_to_bytes

import msgspec
import platformdirs

from platecast.errors import StorageError
from platecast.stream._watching._settling import FileStamp
from platecast.wire import process_start_time

_VERSION = 1


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    folder: str
    port: int
    instance: str
    run: str
    pid: int
    start_time: float


_Line = tuple[str, int | None, int | None]
"""Place (percent-encoded: a name need not be text), size and time of change; null where it has gone."""


class WatchNote:
    """The note of one folder and one port; for one thread.

    Parameters
    ----------
    folder
        The folder that is followed.
    port
        Port of the viewer that shows it.
    """

    def __init__(self, folder: str, port: int) -> None:
        self._folder = os.path.realpath(folder)
        self._port = port
        name = hashlib.sha256(f"{port}:{self._folder}".encode(errors="surrogateescape")).hexdigest()[:24]
        self.path = (
            Path(platformdirs.user_state_dir("platecast", appauthor=False)) / "watch" / f"{name}.jsonl"
        )
        self._file: IO[bytes] | None = None

    def open(self, instance: str, run: str) -> tuple[str, dict[str, FileStamp]]:
        """Begin, or go on where the same viewer has what was shown before.

        Parameters
        ----------
        instance
            The viewer's present life.
        run
            Identifier of the run, should this be a beginning.

        Returns
        -------
        run, shown
            The run to go on with, and the files that the viewer has, as they looked then.

        Raises
        ------
        StorageError
            Another process follows the folder for this viewer, or the note cannot be written.
        """
        head, shown = self._read()
        if head is not None and head.pid != os.getpid() and process_start_time(head.pid) == head.start_time:
            raise StorageError(
                f"process {head.pid} follows {self._folder} for port {self._port} already: stop it first"
            )
        if head is None or head.instance != instance:
            shown = {}
        else:
            run = head.run
        self.close()
        self._write(instance, run, shown)
        return run, shown

    def add(self, files: Iterable[tuple[str, FileStamp | None]]) -> None:
        """Note files that were shown, or (without a stamp) have gone."""
        if self._file is None:
            return
        self._file.write(_lines(files))
        self._file.flush()

    def close(self) -> None:
        """Let go of the file, which stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self) -> tuple[_Head | None, dict[str, FileStamp]]:
        try:
            first, *lines = self.path.read_bytes().split(b"\n")
            head = msgspec.json.decode(first, type=_Head)
        except (FileNotFoundError, msgspec.DecodeError, ValueError):
            return None, {}
        except OSError as error:
            raise StorageError(f"{self.path} could not be read: {error}") from error
        shown: dict[str, FileStamp] = {}
        for line in lines:
            with contextlib.suppress(msgspec.DecodeError):
                place, size, changed_ns = msgspec.json.decode(line, type=_Line)
                name = os.fsdecode(unquote_to_bytes(place))
                if size is None or changed_ns is None:
                    shown.pop(name, None)
                else:
                    shown[name] = FileStamp(size, changed_ns)
        return (head if head.version == _VERSION else None), shown

    def _write(self, instance: str, run: str, shown: dict[str, FileStamp]) -> None:
        """Write the note anew, in one step, and keep it open."""
        head = _Head(
            version=_VERSION,
            folder=self._folder,
            port=self._port,
            instance=instance,
            run=run,
            pid=os.getpid(),
            start_time=process_start_time(os.getpid()) or 0.0,
        )
        part = self.path.with_suffix(f".{os.getpid()}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part.write_bytes(msgspec.json.encode(head) + b"\n" + _lines(shown.items()))
            os.replace(part, self.path)
            self._file = self.path.open("ab")
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StorageError(f"{self.path} could not be written: {error}") from error


def _lines(files: Iterable[tuple[str, FileStamp | None]]) -> bytes:
    lines: list[_Line] = [
        (quote(os.fsencode(place)), None, None)
        if stamp is None
        else (quote(os.fsencode(place)), stamp.size, stamp.changed_ns)
        for place, stamp in files
    ]
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
