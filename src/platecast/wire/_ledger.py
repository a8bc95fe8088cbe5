"""The account of every plane: each is shown, superseded, failed, dropped or pending, and the sums match."""

import msgspec


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """How many planes were sent and what became of them; ``sent`` is the sum of the others."""

    sent: int = 0
    shown: int = 0
    """Readable from a layer."""
    superseded: int = 0
    """Replaced by a later plane of the same place."""
    failed: int = 0
    """Refused by the viewer, with a reason."""
    dropped: int = 0
    """Given up on the way, with a reason."""
    pending: int = 0
    """On the way."""

    def __add__(self, other: "Ledger") -> "Ledger":
        return Ledger(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})

    @property
    def settled(self) -> bool:
        """Whether nothing is on the way."""
        return self.pending == 0
