"""Which files of a folder are new, growing, finished or gone."""

import contextlib
import logging
import os
import time
from collections.abc import Callable

from platecast.components import is_metadata_name
from platecast.storage import is_plate_file
from platecast.stream._watching._folder import ChangeEvents, has_events, is_silent, list_files, stamp_of
from platecast.stream._watching._settling import FileStamp, Settling

_log = logging.getLogger(__name__)

_POLL_S = 0.2
"""Shortest time between two looks at the whole folder where no events come."""
_POLL_COST = 4
"""Looking takes at most one part in so many of the time."""
_CHECK_S = 5.0
"""How often the whole folder is looked at although events come: some get lost."""


class FolderFiles:
    """The files of a folder into which somebody writes. For one thread.

    Events say where to look, and looking at the whole folder now and then says what they left out; where
    that is much, there are no events to rely on, and the folder is polled.

    Parameters
    ----------
    folder
        The folder; it need not be there yet.
    settling
        Judges which files are finished.
    poll
        Whether to poll; `None`: where the file system does not tell of changes.
    shows_existing
        Whether files count as new that are there at the first look.
    tell
        Called in another thread when there is something to hear.
    """

    def __init__(
        self,
        folder: str,
        settling: Settling,
        *,
        poll: bool | None,
        shows_existing: bool,
        tell: Callable[[], None],
    ) -> None:
        self._folder = folder
        self.settling = settling
        self._poll = poll
        self._shows_existing = shows_existing
        self._tell = tell
        self.taken: dict[str, FileStamp] = {}
        """Finished images, as they looked when they were taken."""
        self.metadata: dict[str, FileStamp] = {}
        """The same of files that describe the plate."""
        self.gone: list[str] = []
        """Taken images that were removed since; for the owner to clear."""
        self.polling = False
        self.is_there: bool | None = None
        """Whether the folder is there; not known before the first look."""
        self.changed_s = time.monotonic()
        """When something was last new."""
        self.next_look_s = 0.0
        """When the whole folder is to be looked at again."""
        self._events: ChangeEvents | None = None
        self._suspects: set[str] = set()
        """What the last look found and no event had told, which may still come."""
        self._has_looked = False

    def finished(self, now_s: float) -> dict[str, FileStamp]:
        """Return the files that have not changed for a while, and so may be finished."""
        due: dict[str, FileStamp] = {}
        for place, stamp in self.settling.due(now_s):
            now = stamp_of(os.path.join(self._folder, *place.split("/")))
            if now == stamp:
                due[place] = stamp
            else:
                self._saw(place, now, now_s)
        return due

    def take(self, place: str, stamp: FileStamp) -> None:
        """Hear that a file is finished, and what it was then."""
        self.settling.drop(place)
        (self.metadata if describes(place) else self.taken)[place] = stamp
        self.changed_s = time.monotonic()

    def begin_anew(self, taken: dict[str, FileStamp]) -> None:
        """Take only these images for taken."""
        self.taken = dict(taken)
        self.next_look_s = 0.0

    def listen(self, wanted: bool) -> None:
        """Begin to hear of changes, or end it."""
        if self._events is not None and (not wanted or self._events.is_broken):
            self.polling = self.polling or self._events.is_broken
            self._events.__exit__(None, None, None)
            self._events = None
        if wanted and self._events is None and not self.polling:
            self.polling = (self._poll is None and is_silent(self._folder)) or bool(self._poll)
            if not self.polling and not has_events():
                _log.warning("without watchfiles %s is polled: pip install 'platecast[io]'", self._folder)
                self.polling = True
            if not self.polling:
                self._events = ChangeEvents(self._folder, self._tell)
                self._events.__enter__()

    def look(self, now_s: float) -> None:
        """Take in what has changed in the folder since the last time."""
        try:
            if now_s >= self.next_look_s:
                is_there = os.path.isdir(self._folder)
                self.listen(is_there)
                # After the events began: what comes between is told twice rather than not at all.
                files = list_files(self._folder)
                self._compare(files, now_s)
                took_s = time.monotonic() - now_s
                pause_s = _POLL_S if self.polling else _CHECK_S
                self.next_look_s = time.monotonic() + max(pause_s, _POLL_COST * took_s)
                self.is_there = True
            elif self._events is not None:
                self._hear(self._events, now_s)
        except OSError as error:
            if self.is_there is not False:
                _log.warning("%s is not there any more: %s", self._folder, error.strerror or error)
            self.listen(False)
            self.is_there = False
            self.next_look_s = now_s + _POLL_S

    def _hear(self, events: ChangeEvents, now_s: float) -> None:
        for path in events.take():
            place = os.path.relpath(path, self._folder).replace(os.sep, "/")
            self._suspects.discard(place)
            if place == ".":
                # The folder itself: it may have gone.
                self.next_look_s = 0.0
            if place.startswith(".") or "/." in place or ".zarr/" in place:
                continue
            if os.path.isdir(path):
                # A folder that was made: its files may have come before anybody listened there.
                with contextlib.suppress(OSError):
                    for inner, stamp in list_files(self._folder, place).items():
                        self._suspects.discard(inner)
                        self._saw(inner, stamp, now_s)
            elif is_plate_file(_name(place)):
                self._saw(place, stamp_of(path), now_s)
        if events.is_broken:
            self.next_look_s = 0.0

    def _compare(self, files: dict[str, FileStamp], now_s: float) -> None:
        """Take in all that lies in the folder."""
        if not self._has_looked and not self._shows_existing:
            self.taken |= {place: stamp for place, stamp in files.items() if not describes(place)}
        fresh = {place: stamp for place, stamp in files.items() if self._known(place) != stamp}
        if self._events is not None and self._has_looked:
            is_silent_here = bool(self._suspects)
            waiting = set(self.settling.places)
            self._suspects = {place for place in fresh if place not in waiting}
            if is_silent_here:
                _log.warning("nobody says when %s changes: it is polled from now on", self._folder)
                self.polling = True
                self.listen(False)
        for place, stamp in fresh.items():
            self._saw(place, stamp, now_s)
        for place in [place for place in (*self.taken, *self.settling.places) if place not in files]:
            self._saw(place, None, now_s)
        self._has_looked = True

    def _known(self, place: str) -> FileStamp | None:
        return self.metadata.get(place) if describes(place) else self.taken.get(place)

    def _saw(self, place: str, stamp: FileStamp | None, now_s: float) -> None:
        if stamp is None:
            self.settling.drop(place)
            if self.taken.pop(place, None) is not None:
                _log.info("%s was removed; what was shown of it stays", place)
                self.gone.append(place)
            return
        if self._known(place) != stamp:
            self.settling.saw(place, stamp, now_s)
            self.changed_s = now_s


def describes(place: str) -> bool:
    """Return whether a file describes the plate rather than being an image of it."""
    return is_metadata_name(_name(place))


def _name(place: str) -> str:
    return place.rpartition("/")[2]
