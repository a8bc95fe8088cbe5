"""How the pixels of a plane become the viewer's: the sender's own pages, or a copy of them."""

import functools
from collections.abc import Callable

import numpy as np

from platecast.errors import ProtocolError
from platecast.layers import Pixels, Shelf
from platecast.viewer._roster import Sender
from platecast.wire import Item, map_read_only

MOST_MAPPINGS = 50_000
"""Planes that are mapped at once; Linux allows a process 65,530 mappings, and others need some, too."""


class Adoption:
    """Makes arrays of what senders passed; for the receiver's thread.

    Parameters
    ----------
    shelf
        Makes planes that are read when they are looked at, of which only the header came.
    on_release
        Called with a sender's name and the number of a buffer when the last view of its pages is gone, in
        whichever thread that happened; the receiver then calls `released`.
    """

    def __init__(self, shelf: Shelf, on_release: Callable[[bytes, int], None]) -> None:
        self._shelf = shelf
        self._on_release = on_release
        self._mappings = 0

    def array(self, sender: Sender, item: Item, fd: int | None, frame: memoryview | None) -> Pixels:
        """Return a plane's pixels, read-only.

        Parameters
        ----------
        sender
            Whose plane it is.
        item
            Its header, checked already.
        fd
            The descriptor of its buffer, if it came in one; the caller closes it.
        frame
            The frame that holds its bytes, if they travelled inside the message.

        Raises
        ------
        ProtocolError, OSError
            The buffer did not come, does not hold it, or cannot be mapped.
        """
        if item.buffer is not None and fd is None:
            raise ProtocolError(f"buffer {item.buffer} was not handed over")
        if fd is None and frame is None:
            return self._shelf.plane(item.address or "", item.shape, item.dtype)
        if fd is None:
            data = np.frombuffer(frame or b"", np.uint8)
        elif item.buffer is not None and sender.same_group and self._mappings < MOST_MAPPINGS:
            release = functools.partial(self._on_release, sender.account.sender, item.buffer)
            data = map_read_only(fd, item.offset + item.nbytes, release)
            self._mappings += 1
            sender.account.take(item.buffer)
        else:
            # The pages are charged to another memory cgroup, or a mapping more would be one too many.
            data = map_read_only(fd, item.offset + item.nbytes).copy()
            if item.buffer is not None:
                sender.account.free(item.buffer)
        pixels = data[item.offset : item.offset + item.nbytes].view(item.dtype).reshape(item.shape)
        pixels.flags.writeable = False
        return pixels

    def released(self) -> None:
        """Note that a mapping is gone."""
        self._mappings -= 1
