"""Which kind of plane memory a process shares: the seam behind which systems differ.

===========  =======================================================  =============================
kind         what it is                                               default
===========  =======================================================  =============================
``memfd``    anonymous memory, passed by descriptor                   where there is memfd (Linux)
``named``    named shared memory, named over the control channel      nowhere
``inline``   none: pixels travel inside the messages                  elsewhere (macOS, Windows)
===========  =======================================================  =============================

``PLATECAST_MEMORY`` chooses another one, for a sender or for a viewer; what both ends know is used
(`docs/decisions/0009-memory-on-other-systems.md`).
"""

import enum
import os

from platecast.errors import ConfigError
from platecast.wire._counters import Counters
from platecast.wire._memfd import AVAILABLE, MemfdSegment
from platecast.wire._named import NamedBlocks
from platecast.wire._segment import Segment, page_rounded

MEMORY_VARIABLE = "PLATECAST_MEMORY"


class MemoryKind(enum.StrEnum):
    """How pixels get from a sender to a viewer of the same machine."""

    MEMFD = "memfd"
    NAMED = "named"
    INLINE = "inline"


def memory_kind() -> MemoryKind:
    """Return the kind of plane memory that this process shares.

    Raises
    ------
    ConfigError
        ``PLATECAST_MEMORY`` names none, or one that this system does not have.
    """
    chosen = os.environ.get(MEMORY_VARIABLE)
    if not chosen:
        return MemoryKind.MEMFD if AVAILABLE else MemoryKind.INLINE
    kinds = [kind for kind in MemoryKind if AVAILABLE or kind is not MemoryKind.MEMFD]
    if chosen not in kinds:
        raise ConfigError(f"{MEMORY_VARIABLE}={chosen!r}: this system has {', '.join(kinds)}")
    return MemoryKind(chosen)


class PlaneMemory:
    """Where the segments of one sender come from; thread-safe.

    Parameters
    ----------
    kind
        Of which kind they are.
    """

    def __init__(self, kind: MemoryKind) -> None:
        self.kind = kind
        self._blocks = NamedBlocks() if kind is MemoryKind.NAMED else None

    def segment(self, capacity: int) -> Segment:
        """Return a new segment of whole pages; raises `OSError` when none can be made."""
        if self._blocks is not None:
            return self._blocks.segment(capacity)
        if self.kind is MemoryKind.INLINE:
            raise OSError("pixels travel inside messages")
        return MemfdSegment(capacity)

    def counters(self) -> Counters:
        """Return a page of counters, shared where the kind allows; the caller closes it."""
        if self.kind is MemoryKind.INLINE:
            return Counters()
        if self.kind is MemoryKind.MEMFD:
            return Counters(MemfdSegment(page_rounded(1), "platecast-counters"))
        return Counters(self.segment(page_rounded(1)))

    def close(self) -> None:
        """Let go of what is left, once every segment is closed."""
        if self._blocks is not None:
            self._blocks.close()
