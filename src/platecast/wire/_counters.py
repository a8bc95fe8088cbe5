"""A sender's counters in a shared page: what they say outlives the sender, even after SIGKILL."""

import fcntl
import mmap
import os
import struct

from platecast.errors import ProtocolError
from platecast.wire._memory import AVAILABLE, map_read_only

_LAYOUT = struct.Struct("@QQQ")


class Counters:
    """The sender's page: planes sent, given up (dropped or superseded here), and settled by earlier viewers.

    Each counter is one aligned machine word, so a reader never sees half of one. The owner closes it.
    """

    def __init__(self) -> None:
        self.fd = -1
        if AVAILABLE:
            self.fd = os.memfd_create("platecast-counters", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            os.ftruncate(self.fd, mmap.PAGESIZE)
            fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        self._page = mmap.mmap(self.fd, mmap.PAGESIZE)

    def write(self, sent: int, given_up: int, elsewhere: int) -> None:
        """Replace the three counters."""
        _LAYOUT.pack_into(self._page, 0, sent, given_up, elsewhere)

    def close(self) -> None:
        """Give up the page; a viewer keeps its own view of it."""
        self._page.close()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class CountersView:
    """The viewer's read-only view of a sender's page.

    Parameters
    ----------
    fd
        Descriptor that the sender passed; the caller closes it.

    Raises
    ------
    ProtocolError
        It is no page of counters.
    """

    def __init__(self, fd: int) -> None:
        try:
            self._page = map_read_only(fd, _LAYOUT.size)
        except OSError as error:
            raise ProtocolError("the sender's counters cannot be mapped") from error

    def read(self) -> tuple[int, int, int]:
        """Return planes sent, given up (dropped or superseded here), and settled by earlier viewers."""
        sent, given_up, elsewhere = _LAYOUT.unpack_from(self._page.data)
        return sent, given_up, elsewhere
