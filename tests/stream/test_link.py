"""The link between stream and viewer when messages are lost, come twice, or the viewer goes away."""

import itertools
import os
import time

import numpy as np
import pytest

from platecast.stream._links import links
from platecast.stream._outbox import CALM_ITEMS
from platecast.wire import (
    PROTOCOL_VERSION,
    Endpoint,
    Ledger,
    SenderSockets,
    new_instance,
    process_start_time,
    remove_endpoint,
    write_endpoint,
)
from tests.receiving import sums_match, viewer_on
from tests.sending import LARGE, SMALL, by_descriptor, open_stream, pattern
from tests.waiting import wait_until


class TestRestart:
    def test_next_viewer_goes_on_and_every_plane_is_accounted_for(self, free_port):
        stream = open_stream(free_port)
        ledgers = []
        sent = 0
        for _ in range(3):
            with viewer_on(free_port) as viewer:
                for _ in range(20):
                    stream.send(pattern(LARGE), well="A01", site=sent)
                    sent += 1
                wait_until(lambda: len(viewer.planes) >= 10, "planes arrive")
            ledgers.append(viewer.receiver.ledger())
        with viewer_on(free_port) as viewer:
            assert stream.flush(10) == Ledger(sent=60, shown=60)
            ledgers.append(viewer.ledger())
        # A plane that was shown and whose acknowledgement was lost is shown by the next viewer, too.
        assert sum(ledger.shown for ledger in ledgers) >= 60
        assert all(sums_match(ledger) for ledger in ledgers)

    def test_viewer_that_comes_late_acknowledges_at_once(self, free_port):
        stream = open_stream(free_port)
        for _ in range(2):
            with viewer_on(free_port):
                stream.send(pattern(SMALL), well="A01")
                assert stream.flush(5).settled

    @by_descriptor
    def test_broken_connection_to_the_same_viewer_counts_nothing_twice(self, free_port):
        with viewer_on(free_port) as viewer:
            stream = open_stream(free_port)
            link = links.get(free_port, None)
            for n in range(40):
                stream.send(np.full(LARGE, n, np.uint16), well="A01", site=n)
                if n % 10 == 5:
                    wait_until(lambda: link.linked, "the link is there")
                    link._session.sockets.gone = True
            wait_until(lambda: stream.report().settled, "everything is settled")
            assert stream.report() == Ledger(sent=40, shown=40)
            wait_until(lambda: viewer.ledger() == stream.report(), "both sides agree")
            sites = [arrival.plane.components.site for arrival in viewer.planes]
            assert sorted(sites) == list(range(40))
            assert all(np.all(a.array == a.plane.components.site) for a in viewer.planes)


class TestRetransmission:
    """Messages that get lost, or come twice; loopback does neither, so the test does."""

    @pytest.fixture
    def stream(self, viewer):
        stream = open_stream(viewer.port)
        stream.send(pattern(SMALL), well="A01", site=0)
        assert stream.flush(5).settled
        return stream

    @pytest.fixture
    def session(self, viewer, stream):
        return links.get(viewer.port, None)._session

    @pytest.mark.parametrize("shape", [SMALL, LARGE], ids=["inline", "by descriptor"])
    def test_lost_batch_is_sent_again(self, viewer, stream, session, shape, monkeypatch, caplog):
        publish, lost = session.sockets.publish, []

        def lose_the_first(batch, frames):
            if not lost:
                lost.append(batch)
                return True
            return publish(batch, frames)

        monkeypatch.setattr(session.sockets, "publish", lose_the_first)
        stream.send(pattern(shape), well="A01", site=1)
        assert stream.flush(10) == Ledger(sent=2, shown=2)
        assert len(lost) == 1
        assert np.array_equal(viewer.planes[1].array, pattern(shape))

    @pytest.mark.parametrize("shape", [SMALL, LARGE], ids=["inline", "by descriptor"])
    def test_batch_that_comes_twice_is_counted_once(self, viewer, stream, session, shape, monkeypatch):
        publish = session.sockets.publish
        monkeypatch.setattr(
            session.sockets,
            "publish",
            lambda batch, frames: publish(batch, frames) and publish(batch, frames),
        )
        for n in range(1, 20):
            stream.send(pattern(shape), well="A01", site=n)
        assert stream.flush(10) == viewer.ledger() == Ledger(sent=20, shown=20)
        assert len(viewer.planes) == 20

    def test_lost_acknowledgements_are_made_up_for(self, viewer, stream, monkeypatch):
        say, said = viewer.receiver._sockets.say, []

        def lose_the_first(route, message):
            said.append(message)
            if len(said) > 3:
                say(route, message)

        monkeypatch.setattr(viewer.receiver._sockets, "say", lose_the_first)
        for n in range(1, 3):
            stream.send(pattern(LARGE), well="A01", site=n)
        assert stream.flush(10) == Ledger(sent=3, shown=3)

    def test_nothing_is_sent_again_after_a_pause(self, viewer, stream, session, caplog):
        caplog.set_level("INFO")
        for n in range(1, 5):
            session.received_at -= 100
            stream.send(pattern(LARGE), well="A01", site=n)
            assert stream.flush(5).settled
        assert "again" not in caplog.text
        assert viewer.ledger() == Ledger(sent=5, shown=5)

    def test_plane_that_comes_before_the_thread_waits_is_not_left_lying(
        self, viewer, stream, session, monkeypatch
    ):
        link = links.get(viewer.port, None)
        transmit, poll = link._transmitter.transmit, session.sockets.poll
        late, waits = [], []

        def transmit_and_send(*arguments):
            transmit(*arguments)
            if len(late) < 3:
                # The thread looks busy still, so that nobody wakes it.
                late.append(stream.send(pattern(SMALL), well="A01", site=len(late) + 1))

        def note_what_waits(timeout_s):
            if link.outbox.waiting:
                waits.append(timeout_s)
            return poll(timeout_s)

        monkeypatch.setattr(link._transmitter, "transmit", transmit_and_send)
        monkeypatch.setattr(session.sockets, "poll", note_what_waits)
        link.wake()
        wait_until(lambda: len(late) == 3 and stream.report().settled, "all is shown")
        assert len(waits) >= 3
        assert max(waits) == 0

    def test_burst_and_flush_end_the_rest_in_which_few_planes_are_collected(
        self, viewer, stream, session, monkeypatch
    ):
        monkeypatch.setattr("platecast.stream._transmitter._CALM_PAUSE_S", 3600.0)
        link = links.get(viewer.port, None)
        stream.send(pattern(SMALL), well="A01", site=1)
        wait_until(lambda: link._sleep.is_resting, "the thread rests")
        for n in range(2, 2 + CALM_ITEMS):
            stream.send(pattern(SMALL), well="A01", site=n)
        assert link._sleep.is_resting
        stream.send(pattern(SMALL), well="A01", site=100)
        wait_until(lambda: stream.report().settled, "a burst is sent")
        stream.send(pattern(SMALL), well="A01", site=101)
        stream.send(pattern(SMALL), well="A01", site=102)
        assert stream.flush(10) == Ledger(sent=CALM_ITEMS + 5, shown=CALM_ITEMS + 5)

    def test_window_that_takes_long_causes_no_retransmission(self, free_port, caplog):
        caplog.set_level("INFO")
        with viewer_on(free_port, takes=False) as viewer:
            stream = open_stream(free_port)
            for n in range(3):
                stream.send(pattern(LARGE), well="A01", site=n)
            wait_until(lambda: viewer.status()["queued"] == 3, "the planes wait for the window")
            assert not stream.flush(1.6).settled
            viewer.show(viewer.take_all())
            assert stream.flush(5) == Ledger(sent=3, shown=3)
        assert "again" not in caplog.text

    def test_viewer_that_forgot_the_sender_is_greeted_again(self, viewer, stream):
        for sender in viewer.receiver._roster:
            viewer.receiver._roster.forget(sender.account.sender)
        stream.send(pattern(LARGE), well="A01", site=1)
        assert stream.flush(10) == Ledger(sent=2, shown=2)


def test_several_failures_say_nothing_of_the_others(viewer, monkeypatch):
    """One bad plane in the middle neither wedges the stream nor takes others with it."""
    stream = open_stream(viewer.port)
    for n in range(9):
        stream.send(pattern(LARGE), well="A01", site=n)
        if n == 4:
            transmitter = links.get(viewer.port, None)._transmitter
            place = transmitter._place

            def lie(session, staged, frames, place=place):
                sound = place(session, staged, frames)
                if staged.seq == 6:
                    staged.dtype = ">u2"
                return sound

            monkeypatch.setattr(transmitter, "_place", lie)
    assert (
        stream.flush(10)
        == viewer.ledger()
        == Ledger(sent=9, shown=8, failed=1, failure_reasons=stream.report().failure_reasons)
    )


def test_link_does_not_spin_when_a_viewer_has_gone(free_port):
    stream = open_stream(free_port)
    with viewer_on(free_port):
        stream.send(pattern(LARGE), well="A01")
        stream.flush(5)
    link = links.get(free_port, None)
    wait_until(lambda: link._session is None, "the link sees that the viewer has gone")
    turns = 0
    seek = link._seek

    def counted():
        nonlocal turns
        turns += 1
        seek()

    link._seek = counted
    with viewer_on(free_port):
        wait_until(lambda: link.linked, "the next viewer is found")
    assert turns < 100


def test_viewer_that_answers_nothing_is_asked_ever_less_often(free_port, monkeypatch):
    """A stopped viewer cost the pipeline 4% of its core; planes that come meanwhile wake nobody either."""
    asked = []
    say = SenderSockets.say

    def noted(sockets, message):
        asked.append(time.monotonic())
        return say(sockets, message)

    monkeypatch.setattr(SenderSockets, "say", noted)
    endpoint = Endpoint(
        version=PROTOCOL_VERSION,
        port=free_port,
        pid=os.getpid(),
        start_time=process_start_time(os.getpid()) or 0.0,
        instance=new_instance().hex(),
        token="",
        handover="",
        title="stopped",
        persistent=True,
    )
    write_endpoint(endpoint)
    stream = open_stream(free_port)

    def asked_again():
        stream.send(pattern(SMALL), well="A01")
        return len(asked) >= 8

    wait_until(asked_again, "the viewer is asked eight times")
    remove_endpoint(endpoint)
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert pauses[5] >= 0.2
    assert pauses[6] >= 0.2
