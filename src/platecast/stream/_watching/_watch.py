"""Follows a folder while somebody writes into it, and shows each image once, as soon as it is finished."""

import contextlib
import logging
import os
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from platecast.config import NapariStreamingConfig
from platecast.errors import PlatecastError, StorageError
from platecast.storage import AnyPath, PlateReader
from platecast.stream._stream import Stream
from platecast.stream._watching._folder_files import FolderFiles, describes
from platecast.stream._watching._note import WatchNote
from platecast.stream._watching._settling import GIVE_UP_S, QUIET_S, FileStamp, Settling
from platecast.stream._watching._show import FolderShow
from platecast.wire import Ledger, read_endpoint

_log = logging.getLogger(__name__)

_VIEWER_S = 0.5
_NOTE_S = 0.05
_IDLE_S = 2.0
_CHECK_COST = 20
"""Looking at everything again takes at most one part in so many of the time."""
_LONGEST_WAIT_S = 0.5
_END_S = 5.0


@dataclass(frozen=True, slots=True)
class WatchReport:
    """What became of a folder so far.

    Parameters
    ----------
    state
        ``"following"``, ``"waiting for the folder"`` or ``"waiting for a viewer"``.
    polling
        Whether the folder is looked at again and again, because nobody says when it changes.
    files
        Images whose files are finished, those of earlier calls among them.
    growing
        Files that are being written.
    unknown
        Files that look like images and are of no kind we know.
    failures
        Files that did not become whole, and why.
    ledger
        The account of the planes that were sent to the present viewer.
    """

    state: str
    polling: bool
    files: int
    growing: int
    unknown: tuple[str, ...]
    failures: dict[str, str]
    ledger: Ledger


class FolderWatch:
    """Follows a folder in a thread of its own, from when it is made until it is closed; a context manager.

    A file is finished when its size and time of change have stayed the same for a fifth of a second and its
    content says that it is whole; so it does not matter whether it is written in place, in parts, or renamed
    when it is done. One that is not whole for half a minute without a change has failed, until it changes.
    A file that is written again is shown again, at the same place.

    What was shown is noted, so that a new watch goes on where an earlier one ended, as long as the same
    viewer is there. A new viewer is shown everything that lies in the folder.

    Parameters
    ----------
    folder
        The plate's folder. It may appear later; the folder around it is there.
    port, config, start_viewer
        As for `Stream`.
    poll
        Whether to look at the folder again and again instead of waiting for events; default: where the file
        system does not tell of changes, as on network shares.
    pattern, plate_columns
        As for `open_plate`.
    existing
        Whether files are shown that are there already.
    quiet_s, give_up_s
        How long a file must not have changed to be finished, and to have failed.

    Raises
    ------
    StorageError
        Neither the folder nor the one around it is there, or it is no folder.

    Examples
    --------
    ::

        with platecast.watch("plates/today") as watching:
            watching.wait_idle(idle_s=600)
    """

    def __init__(
        self,
        folder: AnyPath,
        *,
        port: int | None = None,
        config: NapariStreamingConfig | None = None,
        start_viewer: bool = True,
        poll: bool | None = None,
        pattern: str | None = None,
        plate_columns: int | None = None,
        existing: bool = True,
        quiet_s: float = QUIET_S,
        give_up_s: float = GIVE_UP_S,
    ) -> None:
        self.folder = os.path.abspath(os.fspath(folder))
        check_folder(self.folder)
        self._reader = PlateReader(self.folder, pattern=pattern, plate_columns=plate_columns)
        self._stream = Stream(port, config=config, start_viewer=start_viewer)
        self._news = threading.Event()
        self._files = FolderFiles(
            self.folder,
            Settling(quiet_s, give_up_s),
            poll=poll,
            shows_existing=existing,
            tell=self._news.set,
        )
        self._failures: dict[str, str] = {}
        self._uncertain: list[tuple[str, FileStamp | None]] = []
        self._show: FolderShow | None = None
        self._note: WatchNote | None = None
        self._instance: str | None = None
        self._error: PlatecastError | None = None
        self._is_unchecked = False
        self._next_viewer_s = 0.0
        self._next_check_s = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="platecast-watch", daemon=True)
        self._thread.start()

    def report(self) -> WatchReport:
        """Return what became of the folder so far; from any thread.

        Raises
        ------
        PlatecastError
            The folder cannot be followed any more; the message says why.
        """
        if self._error is not None:
            raise self._error
        show = self._show
        taken = self._files.taken
        unknown = () if show is None else tuple(sorted(show.unknown.copy()))
        return WatchReport(
            state=self._state(),
            polling=self._files.polling,
            files=len(taken) - sum(place in taken for place in unknown),
            growing=len(self._files.settling),
            unknown=unknown,
            failures=dict(self._failures),
            ledger=self._stream.report(),
        )

    def wait_idle(self, idle_s: float, timeout_s: float | None = None) -> bool:
        """Wait until nothing has changed for `idle_s` and all is shown; False when time is up."""
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._stopping.is_set():
            report = self.report()
            is_done = report.growing == 0 and report.ledger.pending == 0 and report.state == "following"
            if is_done and time.monotonic() - self._files.changed_s >= idle_s:
                return True
            if deadline_s is not None and time.monotonic() >= deadline_s:
                return False
            self._stopping.wait(min(idle_s, _NOTE_S))
        return False

    def close(self) -> None:
        """Stop following, and wait a bounded time until what was found is shown and noted."""
        self._stopping.set()
        self._news.set()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # The rest runs in the watch's own thread.

    def _run(self) -> None:
        with contextlib.ExitStack() as stack:
            self._show = stack.enter_context(FolderShow(self._stream, self._reader))
            while not self._stopping.is_set():
                try:
                    self._turn(self._show)
                except PlatecastError as error:
                    _log.error("%s", error)
                    self._error = error
                    break
                except Exception:
                    # The edge of the thread: one odd file must not end the watch.
                    _log.exception("following %s failed; trying again", self.folder)
                    self._stopping.wait(_LONGEST_WAIT_S)
            self._files.listen(False)
            self._stream.close(_END_S)
            self._write_note()
            if self._note is not None:
                self._note.close()

    def _turn(self, show: FolderShow) -> None:
        self._news.clear()
        now_s = time.monotonic()
        if now_s >= self._next_viewer_s:
            self._next_viewer_s = now_s + _VIEWER_S
            self._meet_viewer(show)
        if self._instance is None:
            self._news.wait(_NOTE_S)
            return
        self._files.look(now_s)
        self._uncertain += [(place, None) for place in self._files.gone]
        self._files.gone.clear()
        self._take_finished(show, time.monotonic())
        self._write_note()
        self._check_when_idle(show, now_s)
        self._news.wait(self._patience_s())

    def _check_when_idle(self, show: FolderShow, now_s: float) -> None:
        """Look at everything again, as when a plate is opened: what a name means may depend on the others."""
        is_idle = now_s - self._files.changed_s > _IDLE_S and not self._files.settling.places
        if self._is_unchecked and is_idle and now_s >= self._next_check_s:
            self._is_unchecked = False
            show.check_again(tuple(self._files.taken))
            self._next_check_s = time.monotonic() + _CHECK_COST * (time.monotonic() - now_s)

    def _patience_s(self) -> float:
        now_s = time.monotonic()
        look_s = self._files.next_look_s
        due_s = min(look_s, self._files.settling.next_s() or look_s)
        longest_s = _NOTE_S if self._uncertain else _LONGEST_WAIT_S
        return min(max(due_s - now_s, 0.005), longest_s)

    def _meet_viewer(self, show: FolderShow) -> None:
        """Begin with a viewer, or with the next one after that has gone."""
        endpoint = read_endpoint(self._stream.port)
        if endpoint is None or endpoint.instance == self._instance:
            self._instance = None if endpoint is None else self._instance
            return
        self._note = self._note or WatchNote(self.folder, self._stream.port)
        self._stream.run, shown = self._note.open(endpoint.instance, self._stream.run)
        self._instance = endpoint.instance
        self._files.begin_anew(shown)
        self._uncertain.clear()
        self._failures.clear()
        show.forget()

    def _state(self) -> str:
        if self._instance is None:
            return "waiting for a viewer"
        return "following" if self._files.is_there else "waiting for the folder"

    def _take_finished(self, show: FolderShow, now_s: float) -> None:
        due = self._files.finished(now_s)
        described = {place: due.pop(place) for place in tuple(due) if describes(place)}
        if described:
            self._describe(show, described, now_s)
        broken = show.show(tuple(due)) if due else {}
        for place, stamp in due.items():
            if place not in broken:
                self._failures.pop(place, None)
            elif self._files.settling.is_not_whole(place, now_s):
                self._failures[place] = broken[place]
                show.fail(place, broken[place])
            else:
                continue
            self._files.take(place, stamp)
            self._uncertain.append((place, stamp))
            self._is_unchecked = True

    def _describe(self, show: FolderShow, files: dict[str, FileStamp], now_s: float) -> None:
        """Read the files that describe the plate; those that cannot be read may not be whole."""
        show.describe_by({**self._files.metadata, **files})
        for place, stamp in files.items():
            complaint = next((line for line in self._reader.problems if line.startswith(f"{place}: ")), None)
            if complaint is None:
                self._failures.pop(place, None)
            elif self._files.settling.is_not_whole(place, now_s):
                self._failures[place] = complaint
            else:
                continue
            self._files.take(place, stamp)
        show.check_again(tuple(self._files.taken))

    def _write_note(self) -> None:
        """Note what is certain: everything, once nothing is on its way."""
        if self._uncertain and self._note is not None and self._stream.report().pending == 0:
            self._note.add(self._uncertain)
            self._uncertain.clear()


def watch(
    folder: AnyPath,
    *,
    port: int | None = None,
    config: NapariStreamingConfig | None = None,
    poll: bool | None = None,
    existing: bool = True,
) -> FolderWatch:
    """Follow a folder while somebody writes into it, and show each image as soon as it is finished.

    Parameters
    ----------
    folder
        The plate's folder; it may appear later.
    port, config
        As for `Stream`; a viewer is started where there is none.
    poll, existing
        As for `FolderWatch`, which has options for unusual names and slow instruments besides.

    Returns
    -------
    FolderWatch
        Follows the folder until it is closed.
    """
    return FolderWatch(folder, port=port, config=config, poll=poll, existing=existing)


def check_folder(path: AnyPath) -> None:
    """Raise `StorageError` where a folder cannot be followed: it must be one, or may become one."""
    folder = os.path.abspath(os.fspath(path))
    if os.path.isdir(folder):
        return
    if os.path.exists(folder):
        raise StorageError(f"{folder} is a file: watch follows the folder that a plate is written into")
    around = os.path.dirname(folder)
    if not os.path.isdir(around):
        raise StorageError(f"there is neither {folder} nor the folder around it, {around}")
