"""From `Stream.send` to the receiver of a viewer without a window: pixel for pixel, and all accounted for."""

import gc
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from platecast.components import Components, Kind, PlateLayout, StepId
from platecast.config import WhenFull
from platecast.errors import InvalidComponentsError, InvalidRecordsError, UnsupportedArrayError
from platecast.layers import HeldPlane
from platecast.storage import FileManager
from platecast.stream._links import links
from platecast.wire import Ledger
from tests.receiving import sums_match, viewer_on
from tests.sending import LARGE, SMALL, by_descriptor, open_stream, pattern
from tests.waiting import wait_until

PLANES = {
    **{f"large {name}": pattern(LARGE, name) for name in ("uint8", "int8", "uint16", "int16", "uint32")},
    **{f"large {name}": pattern(LARGE, name) for name in ("int32", "float32", "float64")},
    **{f"small {name}": pattern(SMALL, name) for name in ("uint8", "int8", "uint16", "int16", "uint32")},
    **{f"small {name}": pattern(SMALL, name) for name in ("int32", "float32", "float64")},
    "one pixel": pattern((1, 1)),
    "large and red, green, blue": pattern((300, 400, 3), "uint8"),
    "small with alpha": pattern((5, 7, 4)),
    "every other row and column": pattern((1024, 1024))[::2, ::2],
    "transposed": pattern((600, 512)).T,
    "mirrored": pattern(LARGE)[::-1, ::-1],
    "in Fortran's order": np.asfortranarray(pattern(LARGE)),
    "small and mirrored": pattern(SMALL)[::-1],
    "big-endian": pattern(LARGE, ">u2"),
    "booleans": pattern(LARGE) > 100,
    "64-bit integers": pattern(LARGE, "int64"),
    "half floats": pattern(LARGE, "float16"),
    "an odd number of bytes": pattern((511, 513), "uint8"),
    "not-a-numbers": np.full(LARGE, np.nan, np.float32),
}


@pytest.mark.parametrize("name", PLANES)
def test_planes_arrive_pixel_for_pixel(name, viewer):
    plane = PLANES[name]
    with open_stream(viewer.port) as stream:
        stream.send(plane, well="A01")
    (arrival,) = viewer.planes
    assert arrival.array.shape == plane.shape
    assert not arrival.array.flags.writeable
    np.testing.assert_array_equal(arrival.array, plane)


def test_caller_may_change_its_array_at_once(viewer):
    with open_stream(viewer.port) as stream:
        for shape in (LARGE, SMALL):
            buffer = np.empty(shape, np.uint16)
            for value in range(30):
                buffer[:] = value
                stream.send(buffer, well="A01", timepoint=value)
    assert stream.report() == Ledger(sent=60, shown=60)
    for arrival in viewer.planes:
        assert np.all(arrival.array == arrival.plane.components.timepoint)


def test_what_a_plane_is_travels_with_it(viewer):
    stream = open_stream(viewer.port, step=(2, "blur"), plate="P1", run="r7", config={"colormap": "magma"})
    stream.send(pattern(SMALL), well="b3", site=1, channel="DAPI", z_index=0, timepoint=4)
    stream.send(pattern(SMALL, "int64"), well="B03", plate="P2", kind="labels")
    stream.flush(5)
    image, labels = viewer.planes
    assert image.plane.components == Components(
        plate="P1", well="B03", site=1, channel="DAPI", z_index=0, timepoint=4
    )
    assert (image.plane.run, image.plane.step, image.plane.kind) == ("r7", StepId(2, "blur"), Kind.IMAGE)
    assert image.display.colormap == "magma"
    assert image.contrast == pytest.approx((2, 249), abs=6)
    assert (labels.plane.components.plate, labels.plane.kind) == ("P2", Kind.LABELS)
    assert (labels.array.dtype, labels.contrast) == (np.uint16, None)


def test_layout_arrives_before_the_planes_that_follow_it_and_again_after_a_restart(free_port):
    layout = PlateLayout(plate="P1", well=("A01", "A02"))
    stream = open_stream(free_port)
    stream.announce(layout)
    for _ in range(2):
        with viewer_on(free_port) as viewer:
            stream.send(pattern(SMALL), well="A01")
            wait_until(lambda: viewer.planes, "a plane arrives")
            assert viewer.layouts == [layout]


REFUSED = {
    "a stack": (np.zeros((3, 4, 5)), {"well": "A01"}, UnsupportedArrayError),
    "complex numbers": (np.zeros((4, 5), complex), {"well": "A01"}, UnsupportedArrayError),
    "no array": ("pixels", {"well": "A01"}, UnsupportedArrayError),
    "no components": (np.zeros((4, 5)), {}, InvalidComponentsError),
    "points of five coordinates": (
        np.zeros((4, 5)),
        {"well": "A01", "kind": "points"},
        InvalidRecordsError,
    ),
    "labels of floats": (np.zeros((4, 5)), {"well": "A01", "kind": "labels"}, UnsupportedArrayError),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_plane_raises_and_is_not_counted(name, free_port):
    image, components, error = REFUSED[name]
    stream = open_stream(free_port)
    with pytest.raises(error):
        stream.send(image, **components)
    assert stream.report() == Ledger()


def test_array_that_fails_while_it_is_copied_gives_its_room_back(free_port):
    class Broken:
        shape, dtype = LARGE, np.dtype(np.uint16)

        def min(self):
            return 0

        max = min

        def __array__(self, *_, **__):
            raise RuntimeError("the device is gone")

    stream = open_stream(free_port, config={"budget_mb": 0.6, "when_full": WhenFull.DROP_NEWEST})
    for _ in range(3):
        with pytest.raises(RuntimeError, match="the device is gone"):
            stream.send(Broken(), well="A01")
    stream.send(pattern(LARGE), well="A01")
    assert stream.report() == Ledger(sent=1, pending=1)


class TestAccount:
    def test_both_sides_agree(self, viewer):
        with open_stream(viewer.port) as stream:
            for n in range(200):
                stream.send(pattern(LARGE if n % 4 == 0 else SMALL), well="A01", site=n)
        assert stream.report() == viewer.ledger() == Ledger(sent=200, shown=200)

    def test_streams_of_one_port_share_a_link_and_are_counted_apart(self, viewer):
        with open_stream(viewer.port) as one, open_stream(viewer.port) as other:
            for n in range(3):
                one.send(pattern(SMALL), well="A01", site=n)
            other.send(pattern(SMALL), well="A02")
        assert (one.report().shown, other.report().shown) == (3, 1)
        assert viewer.ledger() == Ledger(sent=4, shown=4)
        assert len(viewer.status()["senders"]) == 1

    def test_many_threads_share_one_stream(self, viewer):
        stream = open_stream(viewer.port)
        start = threading.Barrier(8)

        def work(number):
            start.wait()
            for n in range(20):
                stream.send(np.full(SMALL, number * 20 + n, np.uint8), well="A01", site=number, timepoint=n)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert stream.flush(10) == Ledger(sent=160, shown=160)
        for arrival in viewer.planes:
            components = arrival.plane.components
            assert np.all(arrival.array == components.site * 20 + components.timepoint)

    def test_failed_and_superseded_planes_are_told(self, free_port, caplog):
        with viewer_on(free_port, takes=False) as viewer:
            stream = open_stream(free_port)
            for n in range(3):
                stream.send(pattern(SMALL), well="A01", site=n)
            arrivals = []
            wait_until(lambda: len(arrivals.__iadd__(viewer.take_all())) == 3, "three planes arrive")
            one, two, three = arrivals
            viewer.show([one, two])
            viewer.receiver.settle(three.ticket, "no room")
            viewer.receiver.supersede(one.ticket)
            expected = Ledger(sent=3, shown=1, superseded=1, failed=1, failure_reasons={"no room": 1})
            wait_until(lambda: stream.report() == viewer.ledger() == expected, "both sides agree")
            wait_until(lambda: "could not show plane 3: no room" in caplog.text, "the reason is logged")

    def test_closing_a_stream_waits_until_everything_is_shown(self, free_port):
        with viewer_on(free_port):
            with open_stream(free_port) as stream:
                for n in range(50):
                    stream.send(pattern(LARGE), well="A01", site=n)
            assert stream.report().settled

    def test_goodbye_closes_the_account(self, viewer):
        with open_stream(viewer.port) as stream:
            stream.send(pattern(SMALL), well="A01")
        links.close_all()
        wait_until(lambda: not viewer.status()["senders"], "the sender has left")
        assert viewer.ledger() == Ledger(sent=1, shown=1)

    def test_dropped_planes_are_in_the_viewers_ledger_too(self, free_port):
        with viewer_on(free_port, takes=False) as viewer:
            stream = open_stream(free_port, config={"budget_mb": 0.2})
            viewer.receiver._roster.window_bytes = 200_000
            for n in range(100):
                stream.send(np.zeros((100, 100), np.uint16), well="A01", site=n)
            dropped = stream.report().dropped
            assert dropped >= 70

            def show_all():
                viewer.show(viewer.take_all())
                return stream.report().settled

            wait_until(show_all, "everything is settled")
            wait_until(lambda: viewer.ledger() == stream.report(), "both sides agree")
            assert stream.report() == Ledger(
                sent=100, shown=100 - dropped, dropped=dropped, drop_reasons={"no room": dropped}
            )


class TestNobodyThere:
    def test_caller_goes_on_and_drops_are_counted(self, free_port):
        stream = open_stream(free_port, config={"budget_mb": 1.0})
        for n in range(30):
            stream.send(np.zeros(SMALL if n % 2 else (300, 300), np.uint16), well="A01", site=n)
        ledger = stream.close()
        assert sums_match(ledger)
        assert ledger.shown == 0
        assert ledger.dropped >= 8
        assert links.get(free_port, None).outbox.drop_all() == ledger.pending

    def test_what_waited_is_shown_when_a_viewer_comes(self, free_port):
        stream = open_stream(free_port)
        for n in range(10):
            stream.send(pattern(LARGE), well="A01", site=n)
        with viewer_on(free_port) as viewer:
            assert stream.flush(10) == viewer.ledger() == Ledger(sent=10, shown=10)

    def test_blocking_caller_waits_no_longer_than_it_said(self, free_port):
        config = {"budget_mb": 0.6, "when_full": "block", "block_timeout_s": 0.05}
        stream = open_stream(free_port, config=config)
        stream.send(pattern(LARGE), well="A01")
        stream.send(pattern(LARGE), well="A02")
        assert stream.report() == Ledger(sent=2, dropped=1, pending=1, drop_reasons={"waited too long": 1})


def plane_mappings():
    return [line for line in Path("/proc/self/maps").read_text().splitlines() if "/memfd:platecast " in line]


class TestPlaneMemory:
    @by_descriptor
    def test_planes_that_come_in_a_burst_are_not_copied_by_the_viewer(self, free_port):
        stream = open_stream(free_port)
        for n in range(10):
            stream.send(pattern((1080, 1080)), well="A01", site=n)
        with viewer_on(free_port) as viewer:
            assert stream.flush(10).shown == 10
            (sender,) = viewer.status()["senders"]
            assert (sender["pid"], sender["memory"]) == (os.getpid(), "memfd")
            for plane in viewer.planes:
                address = plane.array.ctypes.data
                (line,) = [line for line in plane_mappings() if line.startswith(f"{address:x}-")]
                assert " r--s " in line
            links.close_all()

    @by_descriptor
    def test_planes_that_come_one_by_one_are_copied_and_their_buffers_used_again(self, viewer):
        with open_stream(viewer.port) as stream:
            for n in range(10):
                stream.send(pattern(LARGE), well="A01", site=n)
                assert stream.flush(5).shown == n + 1
            link = links.get(viewer.port, None)
            assert not link.staging.pool._lent
        addresses = {f"{plane.array.ctypes.data:x}" for plane in viewer.planes}
        assert not addresses & {line.partition("-")[0] for line in plane_mappings()}
        assert all(np.array_equal(plane.array, pattern(LARGE)) for plane in viewer.planes)

    @by_descriptor
    def test_pages_that_the_viewer_let_go_of_are_used_again(self, free_port):
        with viewer_on(free_port, keep=False):
            stream = open_stream(free_port)
            link = links.get(free_port, None)
            for n in range(40):
                stream.send(pattern(LARGE), well="A01", site=n)
                stream.flush(5)
            gc.collect()
            wait_until(lambda: not link.staging.pool._lent, "the pages come back")
            assert link.staging.pool._free_count > 1

    @by_descriptor
    def test_page_that_the_viewer_keeps_is_never_written_again(self, viewer):
        stream = open_stream(viewer.port, config={"budget_mb": 3.0})
        for n in range(60):
            stream.send(np.full(LARGE, n, np.uint16), well="A01", site=n)
            stream.flush(5)
        assert stream.report().shown == 60
        assert all(np.all(a.array == a.plane.components.site) for a in viewer.planes)

    @by_descriptor
    def test_no_descriptor_and_no_mapping_is_left(self, free_port):
        gc.collect()
        before = len(os.listdir("/proc/self/fd"))
        mapped = set(plane_mappings())
        with viewer_on(free_port) as viewer, open_stream(free_port) as stream:
            for n in range(300):
                stream.send(pattern(LARGE), well="A01", site=n)
        assert len(viewer.planes) == 300
        links.close_all()
        viewer.planes.clear()
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) == before
        assert set(plane_mappings()) - mapped == set()

    @by_descriptor
    def test_planes_leave_half_of_the_descriptors_to_the_program(self, free_port):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = len(os.listdir("/proc/self/fd")) + 150
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        try:
            stream = open_stream(free_port, config={"budget_mb": 500.0})
            for n in range(limit):
                stream.send(pattern(LARGE), well="A01", site=n)
            used = len(os.listdir("/proc/self/fd"))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert limit // 4 < used < limit // 2 + 20  # a few are prepared ahead
        with viewer_on(free_port):
            assert stream.flush(20) == Ledger(sent=limit, shown=limit)

    def test_without_the_unix_socket_pixels_travel_inline(self, free_port, caplog):
        with viewer_on(free_port) as viewer:
            os.unlink(viewer.endpoint.handover)
            with open_stream(free_port) as stream:
                for shape in (LARGE, SMALL, (300, 300, 3)):
                    stream.send(pattern(shape, "uint8"), well="A01")
        assert stream.report() == Ledger(sent=3, shown=3)
        assert "pixels travel inside messages" in caplog.text
        for arrival in viewer.planes:
            np.testing.assert_array_equal(arrival.array, pattern(arrival.array.shape, "uint8"))


class TestPolicies:
    def test_spilled_planes_are_shown_when_a_viewer_comes(self, free_port, tmp_path, monkeypatch):
        monkeypatch.setattr("platecast.wire._spill.spill_folder", lambda: tmp_path)
        stream = open_stream(free_port, config={"budget_mb": 1.0, "when_full": "spill"})
        for n in range(12):
            stream.send(pattern(LARGE) + n, well="A01", site=n)
        assert stream.report() == Ledger(sent=12, pending=12)
        with viewer_on(free_port) as viewer:
            assert stream.flush(10) == viewer.ledger() == Ledger(sent=12, shown=12)
        shown = {arrival.plane.components.site: arrival.array for arrival in viewer.planes}
        assert all(np.array_equal(shown[n], pattern(LARGE) + n) for n in range(12))

    def test_spill_is_bounded(self, free_port, tmp_path, monkeypatch):
        monkeypatch.setattr("platecast.wire._spill.spill_folder", lambda: tmp_path)
        config = {"budget_mb": 1.0, "when_full": "spill", "spill_mb": 2.0}
        stream = open_stream(free_port, config=config)
        for n in range(12):
            stream.send(pattern(LARGE), well="A01", site=n)
        ledger = stream.report()
        assert sums_match(ledger)
        assert ledger.drop_reasons == {"disk full": ledger.dropped}
        assert ledger.pending >= 3

    def test_latest_supersedes_what_waits(self, free_port):
        stream = open_stream(free_port, config={"when_full": "latest"})
        for n in range(20):
            stream.send(np.full(SMALL, n, np.uint16), well="A01", site=n % 2)
        with viewer_on(free_port) as viewer:
            assert stream.flush(10) == Ledger(sent=20, shown=2, superseded=18)
            wait_until(lambda: viewer.ledger() == stream.report(), "both sides agree")
        assert sorted(int(arrival.array[0, 0]) for arrival in viewer.planes) == [18, 19]

    def test_lent_array_is_sent_without_a_copy(self, viewer):
        with open_stream(viewer.port) as stream:
            plane = stream.empty(LARGE, "uint16")
            plane[:] = pattern(LARGE)
            stream.send(plane, well="A01")
        assert np.array_equal(viewer.planes[0].array, pattern(LARGE))


def read_only_mappings():
    return {line.split()[4] for line in plane_mappings() if " r--s " in line}


@by_descriptor
def test_planes_beyond_the_mappings_of_a_process_are_copied(free_port, monkeypatch):
    monkeypatch.setattr("platecast.viewer._inbox._adoption.MOST_MAPPINGS", 5)
    before = read_only_mappings()
    burst = (1080, 1080)
    with open_stream(free_port) as stream:
        for n in range(12):
            stream.send(pattern(burst) + n, well="A01", site=n)
        with viewer_on(free_port) as viewer:
            assert stream.flush(5) == Ledger(sent=12, shown=12)
            assert len(read_only_mappings() - before) == 5
            assert all(
                np.array_equal(a.array, pattern(burst) + a.plane.components.site) for a in viewer.planes
            )


def test_planes_that_rest_on_disk_are_all_shown_however_small_the_budget(free_port, tmp_path):
    files = FileManager()
    stream = open_stream(free_port, config={"budget_mb": 1.0})
    for n in range(10):
        path = tmp_path / f"well-A01_site-{n}.tif"
        files.save(pattern(LARGE) + n, path, "disk")
        components = Components(well="A01", site=n)
        stream.send_components(pattern(LARGE) + n, components, address=f"disk:{path}")
    assert stream.report() == Ledger(sent=10, pending=10)
    with viewer_on(free_port) as viewer:
        assert stream.flush(10) == viewer.ledger() == Ledger(sent=10, shown=10)
    resting = [arrival for arrival in viewer.planes if isinstance(arrival.array, HeldPlane)]
    assert len(resting) == 9
    for arrival in viewer.planes:
        assert np.array_equal(np.asarray(arrival.array), pattern(LARGE) + arrival.plane.components.site)


@pytest.mark.parametrize("shape", [LARGE, SMALL], ids=["large", "small"])
def test_device_array_is_moved_to_the_host_once(viewer, shape):
    moves = []

    class OnDevice:
        dtype, min, max = np.dtype(np.uint16), None, None

        def __init__(self):
            self.shape = shape

        def __array__(self, dtype=None, copy=None):
            moves.append(self)
            return pattern(shape)

    with open_stream(viewer.port) as stream:
        stream.send(OnDevice(), well="A01")
    assert len(moves) == 1
    np.testing.assert_array_equal(viewer.planes[0].array, pattern(shape))
