"""Whatever a peer sends, it is either understood or refused with a `ProtocolError`."""

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platecast.components import Components, PlaneId
from platecast.config import Display
from platecast.errors import ProtocolError
from platecast.wire import (
    MAX_BATCH_ITEMS,
    PROTOCOL_VERSION,
    Ack,
    Batch,
    Hello,
    Item,
    Welcome,
    check_item,
    decode_batch,
    decode_sender_message,
    decode_viewer_message,
    encode,
)

SENDER = bytes(16)
PLANE = PlaneId(components=Components(well="A01"))
DECODERS = {"sender": decode_sender_message, "viewer": decode_viewer_message, "batch": decode_batch}

by_decoder = pytest.mark.parametrize("decode", DECODERS.values(), ids=DECODERS.keys())


def item(**changes):
    sound = Item(seq=1, stream=1, plane=PLANE, shape=(4, 6), dtype="<u2", nbytes=48, frame=0)
    return msgspec.structs.replace(sound, **changes)


def batch(*items, version=PROTOCOL_VERSION):
    return Batch(version=version, sender=SENDER, items=items, displays=(Display(),))


SOUND = {
    "in a frame": item(),
    "in a buffer": item(frame=None, buffer=7),
    "at the end of a larger frame": item(offset=52),
    "red, green and blue": item(shape=(4, 4, 3), dtype="|u1"),
    "with alpha": item(shape=(2, 3, 4), dtype="<u2"),
    "one pixel": item(shape=(1, 1), dtype="|u1", nbytes=1),
    "doubles": item(shape=(2, 3), dtype="<f8"),
}

LIES = {
    "unknown dtype": (item(dtype="<c8"), "dtype '<c8'"),
    "object dtype": (item(dtype="|O"), "dtype '|O'"),
    "big-endian dtype": (item(dtype=">u2"), "dtype '>u2'"),
    "structured dtype": (item(dtype="V8"), "dtype 'V8'"),
    "empty dtype": (item(dtype=""), "dtype ''"),
    "unknown codec": (item(codec="zstd"), "codec 'zstd'"),
    "no shape": (item(shape=(), nbytes=2), "neither"),
    "one axis": (item(shape=(24,)), "neither"),
    "five colours": (item(shape=(2, 2, 5), nbytes=40), "neither"),
    "a stack": (item(shape=(2, 2, 2, 3)), "neither"),
    "no rows": (item(shape=(0, 6), nbytes=0), "neither"),
    "negative shape": (item(shape=(-4, -6)), "neither"),
    "too few bytes said": (item(nbytes=47), "47 bytes do not hold"),
    "too many bytes said": (item(nbytes=49), "49 bytes do not hold"),
    "negative bytes": (item(nbytes=-48), "do not hold"),
    "more pixels than an integer holds": (item(shape=(2**62, 2**62), nbytes=2**62), "do not hold"),
    "larger than any plane": (item(shape=(2**16, 2**15), dtype="|u1", nbytes=2**31), "do not hold"),
    "display that is not there": (item(display=1), "display 1 of 1"),
    "negative display": (item(display=-1), "display -1"),
    "pixels nowhere": (item(frame=None), "rest nowhere"),
    "pixels twice": (item(buffer=1), "both in a buffer and in a frame"),
    "negative offset": (item(offset=-2), "offset -2"),
    "offset between two pixels": (item(offset=3), "offset 3"),
    "frame that is not there": (item(frame=1), "frame 1 of 1"),
    "negative frame": (item(frame=-1), "frame -1 of 1"),
    "behind the frame's end": (item(offset=54), "holds 100 bytes"),
    "offset far away": (item(offset=2**62), "holds 100 bytes"),
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_item_passes(name):
    check_item(SOUND[name], batch(SOUND[name]), [100])


@pytest.mark.parametrize("name", LIES)
def test_each_lie_about_a_plane_is_refused_with_its_value(name):
    liar, words = LIES[name]
    with pytest.raises(ProtocolError, match=words.replace("|", r"\|")):
        check_item(liar, batch(liar), [100])


UNUSABLE = {
    "nothing": b"",
    "no msgpack": b"\xc1",
    "JSON": b'{"type": "hello"}',
    "a number": msgspec.msgpack.encode(5),
    "a map without a type": msgspec.msgpack.encode({"version": 1}),
    "a type that there is not": msgspec.msgpack.encode({"type": "pickle", "version": 1}),
    "deep nesting": b"\x91" * 100_000 + b"\xc0",
    "a length that is a lie": b"\xdf\xff\xff\xff\xff",
}


@pytest.mark.parametrize("name", UNUSABLE)
@by_decoder
def test_what_is_no_message_is_refused(decode, name):
    with pytest.raises(ProtocolError, match="not a message"):
        decode(UNUSABLE[name])


@by_decoder
def test_too_long_a_message_is_refused_before_it_is_read(decode):
    with pytest.raises(ProtocolError, match="at most"):
        decode(b"\xc1" * (5 << 20))


@pytest.mark.parametrize("version", [0, PROTOCOL_VERSION + 1, PROTOCOL_VERSION - 1, -1])
@pytest.mark.parametrize(
    ("message", "decode"),
    [
        (
            Hello(version=PROTOCOL_VERSION, sender=SENDER, token="", pid=1, memory_group=""),
            decode_sender_message,
        ),
        (
            Welcome(version=PROTOCOL_VERSION, instance=SENDER, handover="", nonce=SENDER, window_bytes=1),
            decode_viewer_message,
        ),
        (batch(), decode_batch),
    ],
    ids=["hello", "welcome", "batch"],
)
def test_another_version_is_refused_by_its_number(message, decode, version):
    other = msgspec.structs.replace(message, version=version)
    with pytest.raises(ProtocolError, match=f"protocol version {version};"):
        decode(encode(other))


def test_a_batch_of_too_many_planes_is_refused():
    with pytest.raises(ProtocolError, match=f"{MAX_BATCH_ITEMS + 1} planes"):
        decode_batch(encode(batch(*[item()] * (MAX_BATCH_ITEMS + 1))))


def test_components_that_name_no_plane_are_refused():
    with pytest.raises(ProtocolError, match="not a message"):
        decode_batch(encode(batch(item())).replace(b"A01", b"???"))


def test_a_later_peer_of_the_same_version_may_say_more():
    more = msgspec.msgpack.decode(encode(Ack(received=3, upto=2))) | {"mood": "good"}
    assert decode_viewer_message(msgspec.msgpack.encode(more)) == Ack(received=3, upto=2)


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_random_bytes_never_raise_anything_else(data):
    for decode in DECODERS.values():
        with pytest.raises(ProtocolError):
            decode(data)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=6)
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = sorted({name for type_ in (Batch, Item, Hello, Ack) for name in type_.__struct_fields__})


@given(
    st.sampled_from(["hello", "beat", "welcome", "ack", "refused", "batch"]),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8),
)
@settings(max_examples=200, deadline=None)
def test_maps_with_the_right_names_and_wrong_values_never_raise_anything_else(type_, fields):
    data = msgspec.msgpack.encode({**fields, "type": type_})
    for decode in DECODERS.values():
        try:
            decode(data)
        except ProtocolError:
            pass


@given(
    place=st.integers(0, 10_000),
    bits=st.integers(1, 255),
)
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_never_raises_anything_else(place, bits):
    data = bytearray(encode(batch(item(address="disk:A01.tif"), item(frame=None, buffer=3))))
    data[place % len(data)] ^= bits
    try:
        decoded = decode_batch(bytes(data))
        for each in decoded.items:
            check_item(each, decoded, [48])
    except ProtocolError:
        pass


INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 300)


@given(
    shape=st.lists(INTEGERS, max_size=5).map(tuple),
    dtype=st.sampled_from(["|u1", "<u2", "<f8", ">u2", "|O", "", "<u0", "🙂"]),
    nbytes=INTEGERS,
    display=INTEGERS,
    buffer=st.none() | INTEGERS,
    frame=st.none() | INTEGERS,
    offset=INTEGERS,
)
@settings(max_examples=300, deadline=None)
def test_an_item_that_passes_lies_within_its_frame(**fields):
    each = item(**fields)
    try:
        check_item(each, batch(each), [64, 10])
    except ProtocolError:
        return
    assert each.nbytes == math.prod(each.shape) * int(each.dtype[2:])
    if each.frame is not None:
        assert 0 <= each.offset <= each.offset + each.nbytes <= [64, 10][each.frame]


def test_text_that_is_no_unicode_is_sent_readable():
    named = PlaneId(components=Components(plate="Pl\udce4tte", well="A01"))
    sent = batch(item(plane=named, failure="no \udcfc"), item(seq=2))
    first, second = decode_batch(encode(sent)).items
    assert first.plane.components.plate == r"Pl\udce4tte"
    assert first.failure == r"no \udcfc"
    assert second == item(seq=2)
