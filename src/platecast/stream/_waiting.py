"""The planes that wait for the viewer, in the order of their numbers. Not thread-safe; the outbox is."""

from collections import OrderedDict
from collections.abc import Iterator

from platecast.components import PlaneId
from platecast.stream._staged import Staged


class WaitingPlanes:
    """A queue that knows what of it takes memory, and which plane a newer one would replace."""

    def __init__(self) -> None:
        self.nbytes = 0
        """Memory of the planes that wait."""
        self._planes: OrderedDict[int, Staged] = OrderedDict()
        """By sequence number, the lowest first."""
        self._heavy: OrderedDict[int, None] = OrderedDict()
        """Those of them that take memory, in the same order."""
        self._newest: dict[PlaneId, int] = {}
        """Planes that the next one of the same identity replaces."""

    def __len__(self) -> int:
        return len(self._planes)

    def __iter__(self) -> Iterator[Staged]:
        return iter(self._planes.values())

    @property
    def first(self) -> Staged | None:
        """The plane with the lowest number."""
        return next(iter(self._planes.values()), None)

    def push(self, staged: Staged, *, first: bool = False) -> None:
        """Add a plane at the end, or before all others."""
        self._planes[staged.seq] = staged
        self.nbytes += staged.waiting_bytes
        if staged.waiting_bytes:
            self._heavy[staged.seq] = None
        if first:
            self._planes.move_to_end(staged.seq, last=False)
            if staged.waiting_bytes:
                self._heavy.move_to_end(staged.seq, last=False)

    def pop(self, seq: int) -> Staged:
        """Take a plane out."""
        staged = self._planes.pop(seq)
        self._heavy.pop(seq, None)
        self.nbytes -= staged.waiting_bytes
        if self._newest and self._newest.get(staged.plane) == seq:
            del self._newest[staged.plane]
        return staged

    def pop_settled(self, upto: int, beyond: set[int]) -> list[Staged]:
        """Take out what a viewer had before the connection broke: up to a number, and some beyond."""
        if self.first is None or self.first.seq > max(upto, max(beyond, default=0)):
            return []
        return [self.pop(seq) for seq in tuple(self._planes) if seq <= upto or seq in beyond]

    def replace(self, staged: Staged) -> Staged | None:
        """Name a plane, not pushed yet, the newest of its identity; take out the one that it replaces."""
        earlier = self._newest.pop(staged.plane, 0)
        replaced = self.pop(earlier) if earlier in self._planes else None
        self._newest[staged.plane] = staged.seq
        return replaced

    @property
    def has_pixels(self) -> bool:
        """Whether any of the planes takes memory."""
        return bool(self._heavy)

    def lighten(self) -> tuple[Staged, bool]:
        """Take the pixels of the oldest plane that has some.

        Returns
        -------
        staged
            The plane, to be released.
        is_gone
            Whether it waits no more; otherwise it rests somewhere and its header goes on waiting.
        """
        seq = next(iter(self._heavy))
        staged = self._planes[seq]
        if staged.address is None:
            return self.pop(seq), True
        del self._heavy[seq]
        self.nbytes -= staged.waiting_bytes
        self._planes[seq] = staged.without_pixels()
        return staged, False
