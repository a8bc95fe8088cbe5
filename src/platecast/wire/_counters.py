"""A sender's counters in a shared page: what they say outlives the sender, even after SIGKILL."""

import struct

from platecast.errors import ProtocolError
from platecast.wire._segment import PassedBuffer, Segment

_LAYOUT = struct.Struct("@QQQ")


class Counters:
    """The sender's page: planes sent, given up (dropped or superseded here), and settled by earlier viewers.

    Each counter is one aligned machine word, so a reader never sees half of one. The owner closes it.

    Parameters
    ----------
    segment
        Where they lie, owned from now on; `None`: in no shared memory.
    """

    def __init__(self, segment: Segment | None = None) -> None:
        self.segment = segment
        self._page = memoryview(bytearray(_LAYOUT.size)) if segment is None else segment.view().data

    def write(self, sent: int, given_up: int, elsewhere: int) -> None:
        """Replace the three counters."""
        _LAYOUT.pack_into(self._page, 0, sent, given_up, elsewhere)

    def close(self) -> None:
        """Give up the page; a viewer keeps its own view of it."""
        self._page = memoryview(bytearray(_LAYOUT.size))
        if self.segment is not None:
            self.segment.close()


class CountersView:
    """The viewer's read-only view of a sender's page.

    Parameters
    ----------
    buffer
        What the sender passed; the caller closes it.

    Raises
    ------
    ProtocolError
        It is no page of counters.
    """

    def __init__(self, buffer: PassedBuffer) -> None:
        try:
            self._page = buffer.map(_LAYOUT.size)
        except OSError as error:
            raise ProtocolError("the sender's counters cannot be mapped") from error

    def read(self) -> tuple[int, int, int]:
        """Return planes sent, given up (dropped or superseded here), and settled by earlier viewers."""
        sent, given_up, elsewhere = _LAYOUT.unpack_from(self._page.data)
        return sent, given_up, elsewhere
