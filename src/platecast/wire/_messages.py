"""The messages between senders and a viewer, as types.

`docs/protocol.md` is the authority on their meaning. Every message is a msgpack map; unknown fields are
ignored, so that a newer peer of the same version may say more.
"""

import msgspec

from platecast.components import PlaneId, PlateLayout
from platecast.config import Display

PROTOCOL_VERSION = 2

MAX_CONTROL_BYTES = 1 << 20
"""Longest message on the control channel."""
MAX_HEADER_BYTES = 4 << 20
"""Longest batch header."""
MAX_PLANE_BYTES = 1 << 30
"""Largest plane."""
MAX_BATCH_ITEMS = 256
"""Most planes in one batch."""
MAX_REASON_LENGTH = 1000
"""Longest reason, in characters, for which a sender has no plane."""
MAX_RECORDS_HEADER_BYTES = 1 << 20
"""Longest header of records."""
MAX_ARRAYS = 4096
"""Most columns of records."""

DTYPES = frozenset({"|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<f4", "<f8"})
"""The pixel types that travel, as numpy writes them; little-endian always."""


class Hello(msgspec.Struct, tag="hello", frozen=True, kw_only=True):
    """A sender introduces itself, again and again until it is answered."""

    version: int
    sender: bytes
    """16 random bytes; who knows them may send in this sender's name."""
    token: str
    pid: int
    memory_group: str
    """The memory cgroup of the sender: pages are charged to whoever touched them first."""
    start_time: float = 0.0
    """When the process started; the viewer watches it by this, where it sees the same process."""
    host: str = ""
    """Name of the sender's machine, where that is another one or may be; empty otherwise."""


class StreamCounts(msgspec.Struct, frozen=True, array_like=True):
    """What a sender says about one of its streams; all of it only grows."""

    stream: int
    sent: int
    dropped: int
    elsewhere: int
    """Planes that an earlier viewer instance settled."""
    superseded: int = 0
    """Planes that a later one replaced before they left."""
    reasons: dict[str, int] = {}
    """The dropped ones by reason."""


class Beat(msgspec.Struct, tag="beat", frozen=True, kw_only=True):
    """A sender's account, twice a second."""

    sender: bytes
    base: int
    """Every plane below this sequence number is settled or dropped."""
    gaps: tuple[tuple[int, int], ...] = ()
    """First and last sequence number of runs of dropped planes at or above `base`."""
    streams: tuple[StreamCounts, ...] = ()
    last: bool = False
    """The sender says goodbye: nothing follows."""


class AttachBlocks(msgspec.Struct, tag="attach", frozen=True, kw_only=True):
    """A sender lends its page of counters by name: proof of the same machine, if the viewer can open it."""

    sender: bytes
    nonce: bytes
    """From the welcome: who does not know it passes no memory."""
    name: str
    size: int


class NamedBuffer(msgspec.Struct, frozen=True, array_like=True):
    """A buffer of a sender, by the name of its block."""

    number: int
    size: int
    name: str


class PassBlocks(msgspec.Struct, tag="buffers", frozen=True, kw_only=True):
    """A sender passes buffers by name, before the batch that names their numbers."""

    sender: bytes
    nonce: bytes
    buffers: tuple[NamedBuffer, ...]


class Welcome(msgspec.Struct, tag="welcome", frozen=True, kw_only=True):
    """The viewer accepts a sender."""

    version: int
    instance: bytes
    """16 bytes that name this life of this viewer, and the topic of its data channel."""
    handover: str
    """Path of the unix socket for descriptors; empty where there is none."""
    nonce: bytes
    """To be repeated through the unix socket: proof of the same machine."""
    window_bytes: int
    """Most bytes that may be under way and not yet settled."""
    named: bool = False
    """Whether the viewer takes named blocks."""
    codecs: tuple[str, ...] = ()
    """How pixels may be compressed."""


class BlocksAttached(msgspec.Struct, tag="attached", frozen=True, kw_only=True):
    """The viewer can open the sender's blocks."""


class Refused(msgspec.Struct, tag="refused", frozen=True, kw_only=True):
    """The viewer refuses a sender or its message."""

    reason: str


class SettledCounts(msgspec.Struct, frozen=True, array_like=True):
    """What became of one stream's planes in this viewer instance."""

    stream: int
    shown: int
    superseded: int
    failed: int
    reasons: dict[str, int] = {}
    """The failed ones by reason."""


class Ack(msgspec.Struct, tag="ack", frozen=True, kw_only=True):
    """The viewer's account of a sender's planes."""

    received: int
    """Every plane up to this sequence number has arrived or will not come."""
    upto: int
    """Every plane up to this sequence number is settled."""
    beyond: tuple[int, ...] = ()
    """Further planes that are settled."""
    streams: tuple[SettledCounts, ...] = ()
    """The streams whose counts changed since the last message."""
    failures: tuple[tuple[int, str], ...] = ()
    """Planes that failed since the last message, and why."""
    taken: tuple[int, ...] = ()
    """Buffers whose pages the viewer keeps."""
    freed: tuple[int, ...] = ()
    """Buffers that are the sender's again, also after they were taken."""


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One plane of a batch. Its pixels are in a buffer, in a frame, only at its address, or nowhere.

    Points, shapes, tracks, vectors and tables are planes, too: their bytes are records, see `pack_records`.
    """

    seq: int
    stream: int
    plane: PlaneId
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    display: int = 0
    """Index into the batch's `displays`."""
    buffer: int | None = None
    """Number of a buffer handed over through the unix socket."""
    frame: int | None = None
    """Index of the frame, behind the header, that holds the bytes."""
    offset: int = 0
    codec: str = "none"
    """Or ``blosc2``: the frame is one chunk of Blosc2 that holds the bytes."""
    level: int = 0
    """0 is full resolution; each level halves both sides."""
    contrast: tuple[float, float] | None = None
    address: str | None = None
    """Where the plane rests, as ``backend:path``."""
    failure: str | None = None
    """Why the sender has no plane for this place; shape and dtype are empty then."""


class DroppedPlane(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a plane would have been that its sender gave up; the beats count it."""

    plane: PlaneId
    reason: str
    display: int = 0
    """Index into the batch's `displays`."""


class Batch(msgspec.Struct, tag="batch", frozen=True, kw_only=True):
    """Planes on the data channel: frames are topic, this header, then the inline pixels."""

    version: int
    sender: bytes
    items: tuple[Item, ...]
    displays: tuple[Display, ...]
    layouts: tuple[PlateLayout, ...] = ()
    dropped: tuple[DroppedPlane, ...] = ()
    """Planes that will not come."""
    dropped_unnamed: int = 0
    """How many more were dropped since the last batch, too many to name."""


SenderMessage = Hello | Beat | AttachBlocks | PassBlocks
ViewerMessage = Welcome | Refused | Ack | BlocksAttached
