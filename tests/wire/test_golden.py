"""Recorded bytes of every message: they change only together with `docs/protocol.md` and its version.

Run this file to record them anew.
"""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from platecast.components import Components, Kind, PlaneId, PlateLayout, StepId
from platecast.config import Display, NapariPolygons
from platecast.records import make_records
from platecast.wire import (
    PROTOCOL_VERSION,
    Ack,
    AttachBlocks,
    Batch,
    Beat,
    BlocksAttached,
    DroppedPlane,
    Hello,
    Item,
    LayerStatus,
    Ledger,
    NamedBuffer,
    PassBlocks,
    PlanesStatus,
    Refused,
    SenderStatus,
    SettledCounts,
    StockStatus,
    StreamCounts,
    ViewerStatus,
    Welcome,
    decode_batch,
    decode_sender_message,
    decode_viewer_message,
    encode,
    pack_records,
    unpack_records,
)

GOLDEN = Path(__file__).with_name("golden")
SENDER = bytes(range(16))
INSTANCE = bytes(range(16, 32))
NONCE = bytes(range(32, 48))

MESSAGES = {
    "hello": Hello(
        version=PROTOCOL_VERSION,
        sender=SENDER,
        token="00ff",  # noqa: S106 -- of nobody
        pid=4711,
        memory_group="/user.slice/pipeline",
        start_time=123456.0,
        host="node17",
    ),
    "attach": AttachBlocks(sender=SENDER, nonce=NONCE, name="pc1a2b3c4d_1", size=4096),
    "buffers": PassBlocks(sender=SENDER, nonce=NONCE, buffers=(NamedBuffer(14, 2_764_800, "pc1a2b3c4d_7"),)),
    "attached": BlocksAttached(),
    "beat": Beat(
        sender=SENDER,
        base=41,
        gaps=((43, 44), (50, 50)),
        streams=(StreamCounts(1, 60, 5, 20, 0, {"no room": 5}), StreamCounts(2, 7, 0, 0, 3)),
    ),
    "goodbye": Beat(sender=SENDER, base=68, streams=(StreamCounts(1, 60, 5, 20),), last=True),
    "welcome": Welcome(
        version=PROTOCOL_VERSION,
        instance=INSTANCE,
        handover="/run/user/1000/platecast/5555-10111213.sock",
        nonce=NONCE,
        window_bytes=512 << 20,
        named=True,
        codecs=("blosc2",),
    ),
    "refused": Refused(reason="wrong token"),
    "ack": Ack(
        received=66,
        upto=42,
        beyond=(45, 47),
        streams=(SettledCounts(1, 30, 2, 1, {"dtype '<c8' is not one of |u1": 1}),),
        failures=((42, "dtype '<c8' is not one of |u1"),),
        taken=(12, 13),
        freed=(9,),
    ),
    "batch": Batch(
        version=PROTOCOL_VERSION,
        sender=SENDER,
        items=(
            Item(
                seq=67,
                stream=1,
                plane=PlaneId(
                    components=Components(
                        plate="P1", well="B03", site=2, channel="DAPI", z_index=5, timepoint=0
                    ),
                    run="2026-03-01T14-05-09-1f3a",
                    step=StepId(2, "gaussian_blur"),
                ),
                shape=(1080, 1280),
                dtype="<u2",
                nbytes=1080 * 1280 * 2,
                buffer=14,
                contrast=(110.0, 2048.5),
                address="disk:/plates/P1/B03.tif",
            ),
            Item(
                seq=68,
                stream=2,
                plane=PlaneId(components=Components(well="A01", channel=1), kind=Kind.LABELS),
                shape=(16, 16),
                dtype="|u1",
                nbytes=256,
                display=1,
                frame=0,
            ),
            Item(
                seq=69,
                stream=2,
                plane=PlaneId(components=Components(well="A01"), kind=Kind.POINTS),
                shape=(120,),
                dtype="|u1",
                nbytes=120,
                frame=1,
            ),
            Item(
                seq=70,
                stream=2,
                plane=PlaneId(components=Components(well="A02", channel=1)),
                shape=(1080, 1080),
                dtype="<u2",
                nbytes=2_332_800,
                frame=2,
                codec="blosc2",
            ),
        ),
        displays=(
            Display(),
            Display(
                sliced=("well", "channel"),
                colormap="magma",
                replace_layers=True,
                polygons=NapariPolygons.SHAPES,
                color_by="area",
            ),
        ),
        dropped=(
            DroppedPlane(
                plane=PlaneId(components=Components(well="A02", channel=1)), reason="no room", display=1
            ),
        ),
        dropped_unnamed=5,
        layouts=(PlateLayout(plate="P1", well=("A01", "B03"), channel=("DAPI", 2), z_index=(0, 1)),),
    ),
    "batch_of_a_failure": Batch(
        version=PROTOCOL_VERSION,
        sender=SENDER,
        items=(
            Item(
                seq=69,
                stream=1,
                plane=PlaneId(components=Components(plate="P1", well="B03", channel="DAPI")),
                shape=(),
                dtype="",
                nbytes=0,
                failure="/plates/P1/B03.tif could not be read: it ends after 4096 bytes, too early",
            ),
        ),
        displays=(Display(),),
    ),
}


STATUS = ViewerStatus(
    protocol=PROTOCOL_VERSION,
    version="0.1.0",
    port=5555,
    pid=4711,
    instance=INSTANCE.hex(),
    title="platecast",
    state="ready",
    gui_age_s=0.125,
    uptime_s=52.75,
    progress="tcp://127.0.0.1:49152",
    ledger=Ledger(sent=240, shown=236, failed=1, dropped=3),
    senders=(SenderStatus(pid=4800, memory="memfd"),),
    memory_mb=324.5,
    planes=PlanesStatus(
        budget_mb=8000.0,
        memory_mb=1.5,
        in_memory=StockStatus(planes=100, mb=1.5),
        in_scratch=StockStatus(planes=36, mb=0.25),
        at_rest=StockStatus(planes=100, mb=1.25),
        records=StockStatus(planes=2, mb=0.5),
        refused=1,
    ),
    layer_count=1,
    layers=(
        LayerStatus(name="Step_02_gaussian_blur_Channel_DAPI", kind="image", planes=236, nbytes=2359296),
    ),
)
"""What is published on the progress channel, and the answer to `status`: JSON."""

RECORDS = {
    "points": make_records(
        np.array([[1.5, 2.0], [3.0, 4.25]]),
        Kind.POINTS,
        features={"label": [7, 9], "name": ["a", "déjà"], "area": [1.5, np.inf]},
    ),
    "shapes": make_records(
        [[[0, 0], [0, 4], [4, 4]], [[[0, 0], [0, 9], [9, 9], [9, 0]], [[2, 2], [2, 4], [4, 4]]]],
        Kind.SHAPES,
        image_shape=(10, 12),
    ),
    "tracks": make_records([[1, 0, 5.5, 6.5], [1, 1, 5.0, 7.0]], Kind.TRACKS),
    "vectors": make_records([[[1, 2, 3], [0, 0, 1]]], Kind.VECTORS),
    "table": make_records({"label": np.array([1, 2], np.uint16), "well": ["A01", "B02"]}, Kind.TABLE),
}


def decode(name, data):
    if name.startswith("batch"):
        return decode_batch(data)
    sender_said = name in ("hello", "beat", "goodbye", "attach", "buffers")
    return decode_sender_message(data) if sender_said else decode_viewer_message(data)


@pytest.mark.parametrize("name", MESSAGES)
def test_message_is_encoded_to_exactly_the_recorded_bytes(name):
    assert encode(MESSAGES[name]) == (GOLDEN / f"{name}.msgpack").read_bytes()


@pytest.mark.parametrize("name", MESSAGES)
def test_recorded_bytes_are_decoded_to_the_message(name):
    assert decode(name, (GOLDEN / f"{name}.msgpack").read_bytes()) == MESSAGES[name]


@pytest.mark.parametrize("name", RECORDS)
def test_records_are_packed_to_exactly_the_recorded_bytes_and_back(name):
    recorded = np.fromfile(GOLDEN / f"{name}.records", np.uint8)
    assert pack_records(RECORDS[name]).tobytes() == recorded.tobytes()
    assert pack_records(unpack_records(recorded, RECORDS[name].kind)).tobytes() == recorded.tobytes()


def test_every_recorded_message_is_looked_at():
    assert {path.stem for path in GOLDEN.glob("*.msgpack")} == set(MESSAGES)
    assert {path.stem for path in GOLDEN.glob("*.records")} == set(RECORDS)


def test_status_is_encoded_to_exactly_the_recorded_bytes():
    assert msgspec.json.encode(STATUS) == (GOLDEN / "status.json").read_bytes()


def test_recorded_status_is_decoded_and_unknown_fields_are_ignored():
    recorded = (GOLDEN / "status.json").read_bytes()
    assert msgspec.json.decode(recorded, type=ViewerStatus) == STATUS
    assert msgspec.json.decode(recorded[:-1] + b',"later":[1]}', type=ViewerStatus) == STATUS


if __name__ == "__main__":
    (GOLDEN / "status.json").write_bytes(msgspec.json.encode(STATUS))
    for recorded, message in MESSAGES.items():
        (GOLDEN / f"{recorded}.msgpack").write_bytes(encode(message))
    for recorded, records in RECORDS.items():
        pack_records(records).tofile(GOLDEN / f"{recorded}.records")
