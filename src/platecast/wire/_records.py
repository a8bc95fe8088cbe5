"""Records as one run of bytes: a header that says which arrays follow, then the arrays. Never pickle.

Nothing of what a peer sent is used before its header was checked: names, dtypes, and that every array lies
inside the bytes that are there.
"""

import math
import struct
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from platecast.components import Kind
from platecast.errors import InvalidRecordsError, ProtocolError
from platecast.records import Records
from platecast.wire._messages import DTYPES, MAX_ARRAYS, MAX_RECORDS_HEADER_BYTES

Bytes = npt.NDArray[np.uint8]

_LENGTH = struct.Struct("<Q")
_ALIGNMENT = 8
_TEXT = "text"
_COLUMN_DTYPES = DTYPES | {"<i8", _TEXT}
_OFFSETS = np.dtype("<i8")


class ArrayHead(msgspec.Struct, frozen=True, array_like=True):
    """One array of records: its name, dtype (or ``text``), shape, and where it begins."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int


class RecordsHead(msgspec.Struct, frozen=True, kw_only=True):
    """What the arrays behind it are."""

    geometry: tuple[ArrayHead, ...] = ()
    features: tuple[ArrayHead, ...] = ()
    canvas: tuple[int, int] | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(RecordsHead)


def pack_records(records: Records) -> Bytes:
    """Return records as bytes, one copy of every array.

    Raises
    ------
    InvalidRecordsError
        There are more columns, or longer names, than a header holds.
    """
    pieces: list[tuple[int, Bytes]] = []
    end = 0

    def placed(name: str, array: npt.NDArray[Any]) -> ArrayHead:
        nonlocal end
        parts, dtype = _parts(array)
        start = end = _aligned(end)
        for part in parts:
            pieces.append((end, part))
            end += part.nbytes
        return ArrayHead(name, dtype, array.shape, start)

    head = RecordsHead(
        geometry=tuple(placed(name, array) for name, array in records.geometry.items()),
        features=tuple(placed(name, array) for name, array in records.features.items()),
        canvas=records.canvas,
    )
    header = _encoder.encode(head)
    if len(header) > MAX_RECORDS_HEADER_BYTES or len(head.features) > MAX_ARRAYS:
        raise InvalidRecordsError(
            f"{len(head.features)} columns with {len(header)} bytes of names: at most {MAX_ARRAYS} columns"
            f" and {MAX_RECORDS_HEADER_BYTES} bytes can be sent, take fewer columns"
        )
    base = _aligned(_LENGTH.size + len(header))
    packed = np.zeros(base + end, np.uint8)
    packed[: _LENGTH.size] = np.frombuffer(_LENGTH.pack(len(header)), np.uint8)
    packed[_LENGTH.size : _LENGTH.size + len(header)] = np.frombuffer(header, np.uint8)
    for start, part in pieces:
        packed[base + start : base + start + part.nbytes] = part
    return packed


def unpack_records(data: Bytes, kind: Kind) -> Records:
    """Return records out of their bytes; the arrays are views of them.

    Parameters
    ----------
    data
        Memory that nobody else writes to.
    kind
        What they are said to be.

    Raises
    ------
    ProtocolError
        The bytes contradict themselves.
    """
    head, base = _read_head(data)
    try:
        geometry = {each.name: _array(data, base, each) for each in head.geometry}
        features = {each.name: _array(data, base, each) for each in head.features}
        if len(geometry) != len(head.geometry) or len(features) != len(head.features):
            raise ProtocolError("two arrays of one name")
        return Records(kind, geometry, features, head.canvas)
    except InvalidRecordsError as error:
        raise ProtocolError(str(error)) from error


def _read_head(data: Bytes) -> tuple[RecordsHead, int]:
    if data.nbytes < _LENGTH.size:
        raise ProtocolError(f"records of {data.nbytes} bytes")
    (length,) = _LENGTH.unpack(data[: _LENGTH.size].tobytes())
    if length > min(MAX_RECORDS_HEADER_BYTES, data.nbytes - _LENGTH.size):
        raise ProtocolError(f"a header of {length} bytes in records of {data.nbytes}")
    try:
        head = _decoder.decode(data[_LENGTH.size : _LENGTH.size + length].tobytes())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise ProtocolError(f"the header of records cannot be read: {error}") from error
    if len(head.geometry) + len(head.features) > MAX_ARRAYS + 4:
        raise ProtocolError(f"records of {len(head.features)} columns; at most {MAX_ARRAYS} are allowed")
    return head, _aligned(_LENGTH.size + length)


def _array(data: Bytes, base: int, head: ArrayHead) -> npt.NDArray[Any]:
    if head.dtype not in _COLUMN_DTYPES:
        raise ProtocolError(
            f"array {head.name!r}: dtype {head.dtype!r} is not one of {sorted(_COLUMN_DTYPES)}"
        )
    if len(head.shape) > 3 or min(head.shape, default=0) < 0 or not head.shape:
        raise ProtocolError(f"array {head.name!r}: shape {head.shape}")
    if head.dtype == _TEXT:
        return _text(data, base, head)
    dtype = np.dtype(head.dtype)
    found: npt.NDArray[Any] = _bytes(data, base, head, math.prod(head.shape) * dtype.itemsize).view(dtype)
    return found.reshape(head.shape)


def _bytes(data: Bytes, base: int, head: ArrayHead, nbytes: int, skip: int = 0) -> Bytes:
    start = base + head.offset + skip
    if head.offset < 0 or head.offset % _ALIGNMENT or start + nbytes > data.nbytes:
        raise ProtocolError(
            f"array {head.name!r}: {nbytes} bytes at {head.offset + skip} of {data.nbytes - base}"
        )
    return data[start : start + nbytes]


def _text(data: Bytes, base: int, head: ArrayHead) -> npt.NDArray[Any]:
    """Return text: the ends of all strings as offsets from 0, then their UTF-8."""
    if len(head.shape) != 1:
        raise ProtocolError(f"array {head.name!r}: text of shape {head.shape}")
    count = head.shape[0]
    offsets = _bytes(data, base, head, (count + 1) * _OFFSETS.itemsize).view(_OFFSETS)
    if offsets[0] != 0 or (np.diff(offsets) < 0).any():
        raise ProtocolError(f"array {head.name!r}: the offsets of its text do not grow from 0")
    raw = _bytes(data, base, head, int(offsets[-1]), offsets.nbytes).tobytes()
    bounds = offsets.tolist()
    column = np.empty(count, object)
    try:
        column[:] = [raw[start:end].decode() for start, end in pairwise(bounds)]
    except UnicodeDecodeError as error:
        raise ProtocolError(f"array {head.name!r}: its text is no UTF-8: {error}") from error
    return column


def _parts(array: npt.NDArray[Any]) -> tuple[list[Bytes], str]:
    """Return the bytes of an array and the name of its dtype."""
    if array.dtype.kind != "O":
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        return [little.reshape(-1).view(np.uint8)], little.dtype.str
    texts = [text.encode() for text in array.tolist()]
    ends = np.cumsum([0, *(len(text) for text in texts)]).astype(_OFFSETS)
    return [ends.view(np.uint8), np.frombuffer(b"".join(texts), np.uint8)], _TEXT


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGNMENT) * _ALIGNMENT
