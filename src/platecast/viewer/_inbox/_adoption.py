"""How the pixels of a plane become the viewer's: the sender's own pages, or a copy of them."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from platecast.errors import ProtocolError
from platecast.layers import HeldPlane, Shelf
from platecast.records import Records
from platecast.viewer._inbox._sender import Sender
from platecast.wire import Batch, Item, PassedBuffer, decompress, unpack_records

MOST_MAPPINGS = 50_000
"""Planes that are mapped at once; Linux allows a process 65,530 mappings, and others need some, too."""

_COPIED_BATCH_BYTES = 16 << 20
"""Up to this much at once is copied, see `Adoption.at_leisure`."""
_COPIED_BACKLOG = 16
"""Planes that may wait for the window while others are copied."""


class Adoption:
    """Makes arrays of what senders passed; for the receiver's thread.

    Parameters
    ----------
    shelf
        Holds the planes.
    on_release
        Called with a sender's name and the number of a buffer when the last view of its pages is gone, in
        whichever thread that happened; the receiver then calls `released`.
    """

    def __init__(self, shelf: Shelf, on_release: Callable[[bytes, int], None]) -> None:
        self._shelf = shelf
        self._on_release = on_release
        self._mappings = 0
        self._at_leisure = False

    def begin(self, batch: Batch, backlog: int) -> None:
        """Decide for a batch whether pages are adopted or copied.

        Adopting spares a copy here, and costs the sender fresh memory for its next plane: 0.3 ms for 0.5 MB,
        in the process that should not notice us at all. So pages are copied as long as we keep up, and
        adopted when much comes at once.

        Parameters
        ----------
        batch
            What came.
        backlog
            How many planes wait for the window.
        """
        nbytes = sum(item.nbytes for item in batch.items if item.buffer is not None)
        self._at_leisure = nbytes <= _COPIED_BATCH_BYTES and backlog <= _COPIED_BACKLOG

    def content(
        self, sender: Sender, item: Item, buffer: PassedBuffer | None, frame: memoryview | None
    ) -> HeldPlane | Records:
        """Return a plane, or the records that it consists of.

        A plane's pixels are read-only and wait to be filed where they came with it.


        Parameters
        ----------
        sender
            Whose plane it is.
        item
            Its header, checked already.
        buffer
            What it came in, if it came in one; the caller closes it.
        frame
            The frame that holds its bytes, if they travelled inside the message.

        Raises
        ------
        ProtocolError, OSError
            The buffer did not come, does not hold it, or cannot be mapped.
        """
        if sender.host and buffer is None and frame is None:
            raise ProtocolError("a plane of another machine must bring its pixels: it rests there")
        if item.buffer is not None and buffer is None:
            raise ProtocolError(f"buffer {item.buffer} was not handed over")
        if buffer is None and frame is None:
            return self._shelf.plane(item.address or "", item.shape, item.dtype)
        array = self._array(sender, item, buffer, frame)
        if item.plane.kind.is_pixels:
            # An address of another machine names another file here, or none.
            return self._shelf.hold(array, None if sender.host else item.address)
        # A copy: what was checked must not change under us, and records are small beside images.
        records = unpack_records(np.array(array), item.plane.kind)
        self._shelf.count(records, item.nbytes)
        return records

    def _array(
        self, sender: Sender, item: Item, buffer: PassedBuffer | None, frame: memoryview | None
    ) -> npt.NDArray[Any]:
        """Return what came with an item, read-only: the sender's own pages, or a copy of them."""
        if buffer is None and item.codec != "none":
            data = decompress(frame or memoryview(b""), item.nbytes)
        elif buffer is None:
            data = np.frombuffer(frame or b"", np.uint8)[item.offset :]
        elif item.buffer is not None and self._adopts(sender):
            release = functools.partial(self._on_release, sender.account.sender, item.buffer)
            data = buffer.map(item.offset + item.nbytes, release)[item.offset :]
            self._mappings += 1
            sender.account.take(item.buffer)
        else:
            data = buffer.copy(item.nbytes, item.offset)
            if item.buffer is not None:
                sender.account.free(item.buffer)
        pixels: npt.NDArray[Any] = data[: item.nbytes].view(item.dtype).reshape(item.shape)
        pixels.flags.writeable = False
        return pixels

    def _adopts(self, sender: Sender) -> bool:
        # In another memory cgroup the pages stay charged to the sender; a mapping more could be one too many.
        return sender.same_group and self._mappings < MOST_MAPPINGS and not self._at_leisure

    def released(self) -> None:
        """Note that a mapping is gone."""
        self._mappings -= 1
