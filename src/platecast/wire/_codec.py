"""Messages to bytes and back. Nothing that comes from a peer is used before it was checked here."""

import math
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from platecast.errors import PlatecastError, ProtocolError
from platecast.wire._compression import NONE, codecs
from platecast.wire._messages import (
    DTYPES,
    MAX_BATCH_ITEMS,
    MAX_CONTROL_BYTES,
    MAX_HEADER_BYTES,
    MAX_PLANE_BYTES,
    MAX_REASON_LENGTH,
    PROTOCOL_VERSION,
    Batch,
    Item,
    SenderMessage,
    ViewerMessage,
)

T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder()
_sender_decoder = msgspec.msgpack.Decoder(SenderMessage)
_viewer_decoder = msgspec.msgpack.Decoder(ViewerMessage)
_batch_decoder = msgspec.msgpack.Decoder(Batch)


def encode(message: SenderMessage | ViewerMessage | Batch) -> bytes:
    """Return the msgpack bytes of a message, in which text that is no Unicode (a file's name) is escaped."""
    try:
        return _encoder.encode(message)
    except UnicodeEncodeError:
        # One such text must not keep the whole stream from being sent.
        plain = msgspec.to_builtins(message, builtin_types=(bytes, bytearray, memoryview))
        return _encoder.encode(_escaped(plain))


def _escaped(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_escaped(key): _escaped(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(each) for each in value]
    return value


def decode_sender_message(data: bytes) -> SenderMessage:
    """Decode what a sender said on the control channel.

    Raises
    ------
    ProtocolError
        The bytes are no such message, too long, or of another protocol version.
    """
    message: SenderMessage = _decode(_sender_decoder, data, MAX_CONTROL_BYTES)
    _check_version(getattr(message, "version", PROTOCOL_VERSION))
    return message


def decode_viewer_message(data: bytes) -> ViewerMessage:
    """Decode what a viewer said on the control channel; raises as `decode_sender_message`."""
    message: ViewerMessage = _decode(_viewer_decoder, data, MAX_CONTROL_BYTES)
    _check_version(getattr(message, "version", PROTOCOL_VERSION))
    return message


def decode_batch(data: bytes) -> Batch:
    """Decode the header of a batch; its items still need `check_item`, so that one bad item spoils no other.

    Raises
    ------
    ProtocolError
        The bytes are no batch, too long, of another protocol version, or hold too many items.
    """
    batch = _decode(_batch_decoder, data, MAX_HEADER_BYTES)
    _check_version(batch.version)
    for planes in (batch.items, batch.dropped):
        if len(planes) > MAX_BATCH_ITEMS:
            raise ProtocolError(f"a batch of {len(planes)} planes; at most {MAX_BATCH_ITEMS} are allowed")
    if any(not 0 <= lost.display < len(batch.displays) for lost in batch.dropped):
        raise ProtocolError(f"a dropped plane with a display beyond {len(batch.displays)}")
    return batch


def check_item(item: Item, batch: Batch, frame_sizes: Sequence[int]) -> None:
    """Check that an item's shape, type and place are consistent, before a byte of it is touched.

    Raises
    ------
    ProtocolError
        The first thing that is wrong, with its value.
    """
    if not 0 <= item.display < len(batch.displays):
        raise ProtocolError(f"display {item.display} of {len(batch.displays)}")
    if item.failure is not None:
        _check_failure(item)
        return
    if item.dtype not in DTYPES:
        raise ProtocolError(f"dtype {item.dtype!r} is not one of {', '.join(sorted(DTYPES))}")
    if item.codec != NONE:
        _check_codec(item)
    _check_shape(item)
    if math.prod(item.shape) * int(item.dtype[2:]) != item.nbytes or item.nbytes > MAX_PLANE_BYTES:
        raise ProtocolError(f"{item.nbytes} bytes do not hold shape {item.shape} of {item.dtype}")
    if item.buffer is not None and item.frame is not None:
        raise ProtocolError("the pixels cannot be both in a buffer and in a frame")
    if item.buffer is None and item.frame is None and item.address is None:
        raise ProtocolError("the pixels are in no buffer, in no frame, and rest nowhere")
    if item.offset < 0 or item.offset % int(item.dtype[2:]):
        raise ProtocolError(f"offset {item.offset} is negative or not aligned to {item.dtype}")
    if item.frame is not None:
        if not 0 <= item.frame < len(frame_sizes):
            raise ProtocolError(f"frame {item.frame} of {len(frame_sizes)}")
        held = frame_sizes[item.frame]
        if item.codec == NONE and item.offset + item.nbytes > held:
            raise ProtocolError(f"frame {item.frame} holds {held} bytes, not {item.nbytes}")


def _check_codec(item: Item) -> None:
    if item.codec not in codecs():
        raise ProtocolError(f"codec {item.codec!r} is not available")
    if item.frame is None or item.offset:
        raise ProtocolError(f"codec {item.codec!r} of pixels that are not the whole of a frame")


def _check_failure(item: Item) -> None:
    if len(item.failure or "") > MAX_REASON_LENGTH:
        raise ProtocolError(f"a reason of {len(item.failure or '')} characters")
    if item.shape or item.dtype or item.nbytes or item.buffer is not None or item.frame is not None:
        raise ProtocolError("a plane that failed at its sender has no pixels")


def _check_shape(item: Item) -> None:
    shape = item.shape
    if not item.plane.kind.is_pixels:
        if len(shape) != 1 or shape[0] < 1 or item.dtype != "|u1":
            raise ProtocolError(f"{item.plane.kind} are a run of bytes, not shape {shape} of {item.dtype}")
        if item.address is not None:
            raise ProtocolError(f"{item.plane.kind} rest nowhere, and {item.address!r} was given")
        return
    rgb = len(shape) == 3 and shape[2] in (3, 4)
    if not (len(shape) == 2 or rgb) or min(shape) < 1:
        raise ProtocolError(f"shape {shape} is neither (Y, X) nor (Y, X, 3 or 4)")


def _decode(decoder: msgspec.msgpack.Decoder[T], data: bytes, limit: int) -> T:
    if len(data) > limit:
        raise ProtocolError(f"a message of {len(data)} bytes; at most {limit} are allowed")
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, PlatecastError, RecursionError, OverflowError) as error:
        raise ProtocolError(f"not a message of protocol {PROTOCOL_VERSION}: {error}") from error


def _check_version(version: int) -> None:
    if version != PROTOCOL_VERSION:
        raise ProtocolError(f"protocol version {version}; this side speaks {PROTOCOL_VERSION}")
