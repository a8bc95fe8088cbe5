"""What a viewer says of itself, typed: the answer to `status`, which is also what it publishes."""

import msgspec

from platecast.wire._ledger import Ledger


class LayerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One layer of a viewer."""

    name: str
    kind: str
    planes: int
    """Planes that are there."""
    nbytes: int = 0
    """Memory of their pixels."""


class SenderStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One process that is connected."""

    pid: int
    memory: str
    """How its pixels come: ``memfd``, ``named`` or, inside messages, ``inline``."""
    host: str = ""
    """Its machine, where that is another one."""
    silent_s: float = 0.0
    """How long ago it was last heard of; a sender says something twice a second."""


class StockStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The planes of a viewer that are in one place."""

    planes: int = 0
    mb: float = 0.0


class PlanesStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Where the planes of a viewer are, and what they take of its memory."""

    budget_mb: float = 0.0
    """Most memory that planes may take."""
    memory_mb: float = 0.0
    """What they take: in layers, on their way into one, and on screen."""
    in_memory: StockStatus = StockStatus()
    in_scratch: StockStatus = StockStatus()
    """Those that gave way to others, on a disk."""
    at_rest: StockStatus = StockStatus()
    """Those in a store that are read when they are looked at."""
    refused: int = 0
    """Those for which there was no room."""
    records: StockStatus = StockStatus()
    """Points, shapes, tracks, vectors and tables, each as it was sent; outside the budget."""


class ViewerStatus(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="status"):
    """A viewer at one moment, as `docs/protocol.md` describes it, section 6."""

    protocol: int
    version: str
    port: int
    pid: int
    instance: str
    title: str
    state: str
    """``starting``, ``ready``, ``busy`` or, with the last word of a viewer that ends, ``gone``."""
    uptime_s: float
    gui_age_s: float | None = None
    """How long ago the window's loop last turned."""
    progress: str = ""
    """ZeroMQ address where this is published."""
    ledger: Ledger = Ledger()
    senders: tuple[SenderStatus, ...] = ()
    queued: int = 0
    """What waits for the window."""
    refused: int = 0
    """Messages that broke the protocol."""
    dropped_unnamed: int = 0
    """Planes that were dropped, so many at once that their senders could not say which."""
    memory_mb: float = 0.0
    """Resident memory of the process."""
    planes: PlanesStatus = PlanesStatus()
    layer_count: int = 0
    layers: tuple[LayerStatus, ...] = ()
    """The layers, of which the first 256 are named."""
