"""Between processes: messages, plane memory, and the sockets of both ends. The only room that imports zmq."""

from platecast.wire._codec import (
    check_item,
    decode_batch,
    decode_sender_message,
    decode_viewer_message,
    encode,
)
from platecast.wire._control import ask
from platecast.wire._counters import Counters, CountersView
from platecast.wire._endpoint import (
    RUNTIME_DIR_VARIABLE,
    Endpoint,
    check_ports,
    list_endpoints,
    process_start_time,
    read_endpoint,
    remove_endpoint,
    runtime_dir,
    write_endpoint,
)
from platecast.wire._ledger import Ledger
from platecast.wire._memory import AVAILABLE, Segment, map_read_only, memory_group, page_rounded
from platecast.wire._messages import (
    MAX_BATCH_ITEMS,
    PROTOCOL_VERSION,
    Ack,
    Batch,
    Beat,
    Hello,
    Item,
    Refused,
    SettledCounts,
    StreamCounts,
    Welcome,
)
from platecast.wire._pool import SegmentPool
from platecast.wire._receiver import (
    Buffer,
    Data,
    FromSender,
    Joined,
    Left,
    Malformed,
    ReceiverSockets,
    Request,
    new_instance,
)
from platecast.wire._sender import SenderSockets

__all__ = [
    "AVAILABLE",
    "MAX_BATCH_ITEMS",
    "PROTOCOL_VERSION",
    "RUNTIME_DIR_VARIABLE",
    "Ack",
    "Batch",
    "Beat",
    "Buffer",
    "Counters",
    "CountersView",
    "Data",
    "Endpoint",
    "FromSender",
    "Hello",
    "Item",
    "Joined",
    "Ledger",
    "Left",
    "Malformed",
    "ReceiverSockets",
    "Refused",
    "Request",
    "Segment",
    "SegmentPool",
    "SenderSockets",
    "SettledCounts",
    "StreamCounts",
    "Welcome",
    "ask",
    "check_item",
    "check_ports",
    "decode_batch",
    "decode_sender_message",
    "decode_viewer_message",
    "encode",
    "list_endpoints",
    "map_read_only",
    "memory_group",
    "new_instance",
    "page_rounded",
    "process_start_time",
    "read_endpoint",
    "remove_endpoint",
    "runtime_dir",
    "write_endpoint",
]
