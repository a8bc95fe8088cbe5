"""Which files of a folder are finished, judged by what was seen of them. Pure: no files, no clock."""

from dataclasses import dataclass
from typing import NamedTuple

QUIET_S = 0.2
"""A file that has not changed for this long may be finished; its content has the last word."""
GIVE_UP_S = 30.0
"""A file that has not changed for this long and is not whole is damaged."""
_RETRY_S = 1.0
"""How often a file that is not whole is looked at again, though nobody says that it has changed."""


class FileStamp(NamedTuple):
    """What tells a file that has changed from one that has not."""

    size: int
    changed_ns: int


@dataclass(slots=True)
class _Growing:
    stamp: FileStamp
    changed_s: float
    """When it was first seen like this."""
    due_s: float


class Settling:
    """Files that are being written.

    Parameters
    ----------
    quiet_s
        How long a file must not have changed before it is looked into.
    give_up_s
        How long it must not have changed before it counts as damaged.
    """

    def __init__(self, quiet_s: float = QUIET_S, give_up_s: float = GIVE_UP_S) -> None:
        self._quiet_s = quiet_s
        self._give_up_s = give_up_s
        self._growing: dict[str, _Growing] = {}

    def __len__(self) -> int:
        return len(self._growing)

    def __contains__(self, place: str) -> bool:
        return place in self._growing

    @property
    def places(self) -> tuple[str, ...]:
        """All files that are not finished."""
        return tuple(self._growing)

    def saw(self, place: str, stamp: FileStamp, now_s: float) -> None:
        """Hear how a file looks now; its time begins anew where it has changed."""
        known = self._growing.get(place)
        if known is None or known.stamp != stamp:
            self._growing[place] = _Growing(stamp, now_s, now_s + self._quiet_s)

    def due(self, now_s: float) -> list[tuple[str, FileStamp]]:
        """Return the files that may be finished, in the order in which they were seen."""
        return [(place, each.stamp) for place, each in self._growing.items() if each.due_s <= now_s]

    def next_s(self) -> float | None:
        """Return when the next file may be finished, `None` where none is being written."""
        return min((each.due_s for each in self._growing.values()), default=None)

    def is_not_whole(self, place: str, now_s: float) -> bool:
        """Hear that a file is not finished though it does not change; say whether it is to be given up."""
        known = self._growing[place]
        if now_s - known.changed_s >= self._give_up_s:
            del self._growing[place]
            return True
        known.due_s = now_s + _RETRY_S
        return False

    def drop(self, place: str) -> None:
        """Forget a file that is finished, or has gone."""
        self._growing.pop(place, None)
