"""One plane, wherever its pixels are."""

import enum
import math
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


class Whereabouts(enum.StrEnum):
    """Where the pixels of a plane are."""

    IN_MEMORY = "in_memory"
    """In this process's memory."""
    IN_SCRATCH = "in_scratch"
    """In the scratch file of this process, and nowhere else."""
    AT_REST = "at_rest"
    """In a store, under the plane's address."""


class ScratchPlane(Protocol):
    """A plane's bytes in scratch."""

    def read(self, nbytes: int) -> bytes:
        """Return the first bytes."""

    def close(self) -> None:
        """Give the space back."""


class Holder(Protocol):
    """Decides where the pixels of planes are."""

    def read(self, plane: "HeldPlane", *, keep: bool = True) -> npt.NDArray[Any]:
        """Return a plane's pixels, see `HeldPlane.pixels`."""

    def admit(self, plane: "HeldPlane") -> bool:
        """File a plane that waits, see `HeldPlane.admit`."""

    def note_gone(self, plane: "HeldPlane") -> None:
        """Take a note of a plane that nobody has any more; from anywhere, in the middle of anything."""


class HeldPlane:
    """One plane of which a `Shelf` decides where its pixels are. For any thread.

    It may stand wherever a read-only array of one plane can: indexing it reads its pixels.

    Parameters
    ----------
    shelf
        Holds it.
    number
        Names it on its shelf.
    shape
        ``(Y, X)`` or ``(Y, X, 3 | 4)``.
    dtype
        Of its pixels, as its header says.
    address
        Where it rests, as ``backend:path``, if it does.
    """

    def __init__(
        self,
        shelf: Holder,
        number: int,
        shape: tuple[int, ...],
        dtype: npt.DTypeLike,
        address: str | None,
    ) -> None:
        self.number = number
        self.shape = shape
        self.ndim = len(shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.address = address
        self.size_bytes = math.prod(shape) * self.dtype.itemsize
        """Of its pixels, wherever they are."""
        self.memory: npt.NDArray[Any] | None = None
        """Its pixels while they are in memory; for its shelf to change."""
        self.scratch: ScratchPlane | None = None
        """Its pixels in scratch, once they were written; for its shelf to change."""
        self.is_queued = False
        """Whether it waits to be filed; for its shelf to change."""
        self._shelf = shelf

    def __del__(self) -> None:
        # A finalizer may run in the middle of anything: the shelf only takes a note.
        self._shelf.note_gone(self)

    @property
    def nbytes(self) -> int:
        """The memory that it takes at this moment."""
        return 0 if self.memory is None else self.size_bytes

    @property
    def whereabouts(self) -> Whereabouts:
        """Where its pixels are."""
        if self.memory is not None:
            return Whereabouts.IN_MEMORY
        return Whereabouts.AT_REST if self.scratch is None else Whereabouts.IN_SCRATCH

    @property
    def is_elsewhere_too(self) -> bool:
        """Whether its memory can be let go of without writing anything."""
        return self.address is not None or self.scratch is not None

    def pixels(self, *, keep: bool = True) -> npt.NDArray[Any]:
        """Return its pixels, read-only, and read them if they are not in memory.

        Parameters
        ----------
        keep
            Whether what is read stays in memory for the next look, within the budget.

        Raises
        ------
        OSError
            It cannot be read, or is not what its header said.
        """
        return self._shelf.read(self, keep=keep)

    def admit(self) -> bool:
        """Make room for it among the planes that are filed; False while others are being put away for it.

        Raises
        ------
        MemoryBudgetError
            There is no room, neither in memory nor in scratch.
        """
        return self._shelf.admit(self)

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:  # noqa: ANN401 -- NumPy's keys
        picked: npt.NDArray[Any] = self.pixels()[key]
        return picked

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.pixels(), dtype=dtype, copy=copy)


Pixels = npt.NDArray[Any] | HeldPlane
"""A plane as an array, or one whose pixels may be elsewhere."""
