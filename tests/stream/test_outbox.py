"""What waits and what is under way: nothing ever leaves the account."""

import gc
import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from platecast.components import Components, PlaneId
from platecast.config import Display, WhenFull
from platecast.stream._lost import Lost
from platecast.stream._outbox import Outbox
from platecast.stream._staged import Room, Staged
from platecast.wire import (
    Ack,
    Counters,
    CountersView,
    DropReason,
    Ledger,
    MemfdSegment,
    PassedDescriptor,
    SettledCounts,
    StreamCounts,
    page_rounded,
)

SENDER = bytes(16)
PLANE = PlaneId(components=Components(well="A01"))
EVERYTHING = 1 << 40


def staged(stream=1, nbytes=100):
    return Staged(stream, PLANE, Display(), (1, nbytes), "|u1", nbytes, bytes(nbytes))


@pytest.fixture
def released():
    return []


@pytest.fixture
def outbox(released):
    """An outbox with room for three planes of 100 bytes, and one stream."""
    counters = Counters(MemfdSegment(page_rounded(1)))
    outbox = Outbox(300, released.append, counters)
    outbox.open_stream()
    yield outbox
    counters.close()


def offer(outbox, when_full=WhenFull.DROP_OLDEST, *, stream=1, nbytes=100, timeout_s=0.0):
    if outbox.reserve(nbytes, when_full, timeout_s) is Room.IN_MEMORY:
        outbox.put(staged(stream, nbytes))
    else:
        outbox.drop(stream, lost())


def seqs(planes):
    return [plane.seq for plane in planes]


POLICIES = {
    WhenFull.DROP_OLDEST: [3, 4, 5],
    WhenFull.DROP_NEWEST: [1, 2, 3],
    WhenFull.BLOCK: [1, 2, 3],
}


@pytest.mark.parametrize("when_full", POLICIES)
def test_policy_decides_which_planes_stay(outbox, when_full):
    for _ in range(5):
        offer(outbox, when_full)
    assert outbox.ledger(1) == Ledger(sent=5, dropped=2, pending=3, drop_reasons={"no room": 2})
    assert seqs(outbox.take(EVERYTHING, 10)) == POLICIES[when_full]


@pytest.mark.parametrize("when_full", POLICIES)
def test_plane_larger_than_the_budget_passes_alone(outbox, when_full):
    offer(outbox, when_full, nbytes=1000)
    assert seqs(outbox.take(0, 10)) == [1]


def named(well, stream=1):
    return Staged(
        stream, PlaneId(components=Components(well=well)), Display(), (1, 100), "|u1", 100, bytes(100)
    )


def test_caller_lets_go_of_one_plane_and_leaves_the_rest_to_the_links_thread(outbox, released):
    for _ in range(3):
        offer(outbox, WhenFull.DROP_OLDEST)
    assert outbox.reserve(300, WhenFull.DROP_OLDEST, 0.0) is Room.IN_MEMORY
    assert seqs(released) == [1]
    outbox.release_rest()
    assert seqs(released) == [1, 2, 3]


def test_headers_that_wait_are_nothing_to_the_garbage_collector(outbox):
    offer(outbox, WhenFull.DROP_OLDEST)
    (staged,) = outbox.take(EVERYTHING, 1)
    assert not gc.is_tracked(staged)
    assert not gc.is_tracked(staged.plane)


def test_latest_keeps_the_newest_of_each_plane(outbox, released):
    for well in ("A01", "A02", "A01", "A01", "A02"):
        assert outbox.reserve(100, WhenFull.LATEST, 0.0) is Room.IN_MEMORY
        outbox.put(named(well), replaces=True)
    assert outbox.ledger(1) == Ledger(sent=5, superseded=3, pending=2)
    assert outbox.beat(SENDER).streams == (StreamCounts(1, 5, 0, 0, 3),)
    assert sorted(seqs(released)) == [1, 2, 3]
    assert seqs(outbox.take(EVERYTHING, 10)) == [4, 5]


def test_latest_drops_the_oldest_where_all_differ(outbox, released):
    for well in ("A01", "A02", "A03", "A04"):
        outbox.reserve(100, WhenFull.LATEST, 0.0)
        outbox.put(named(well), replaces=True)
    assert outbox.ledger(1) == Ledger(sent=4, dropped=1, pending=3, drop_reasons={"no room": 1})
    assert seqs(released) == [1]


def test_a_plane_under_way_is_not_replaced(outbox):
    outbox.reserve(100, WhenFull.LATEST, 0.0)
    outbox.put(named("A01"), replaces=True)
    assert seqs(outbox.take(EVERYTHING, 10)) == [1]
    outbox.reserve(100, WhenFull.LATEST, 0.0)
    outbox.put(named("A01"), replaces=True)
    assert outbox.ledger(1) == Ledger(sent=2, pending=2)


@pytest.mark.parametrize(
    ("when_full", "may_spill", "room"),
    [
        (WhenFull.SPILL, False, Room.ON_DISK),
        (WhenFull.DROP_OLDEST, True, Room.ON_DISK),
        (WhenFull.DROP_NEWEST, True, Room.ON_DISK),
        (WhenFull.DROP_NEWEST, False, Room.NOWHERE),
    ],
)
def test_where_a_plane_goes_when_memory_is_full(outbox, when_full, may_spill, room):
    offer(outbox, nbytes=300)
    assert outbox.reserve(100, when_full, 0.0, may_spill=may_spill) is room


def test_dropped_planes_are_let_go_of(outbox, released):
    for _ in range(5):
        offer(outbox)
    assert seqs(released) == [1, 2]
    assert outbox.drop_all() == 3
    assert outbox.drop_all() == 0
    assert seqs(released) == [1, 2, 3, 4, 5]


def test_blocked_caller_goes_on_when_there_is_room(outbox):
    for _ in range(3):
        offer(outbox)
    caller = threading.Thread(target=offer, args=(outbox, WhenFull.BLOCK), kwargs={"timeout_s": 30.0})
    caller.start()
    outbox.take(EVERYTHING, 1)
    caller.join(10)
    assert not caller.is_alive()
    assert outbox.ledger(1).dropped == 0


def test_room_that_was_not_used_is_room_again(outbox):
    assert outbox.reserve(300, WhenFull.DROP_NEWEST, 0.0) is Room.IN_MEMORY
    assert outbox.reserve(100, WhenFull.DROP_NEWEST, 0.0) is Room.NOWHERE
    outbox.unreserve(300)
    assert outbox.reserve(300, WhenFull.DROP_NEWEST, 0.0) is Room.IN_MEMORY


WINDOWS = {"no room": (0, 1), "one and a half": (150, 1), "two": (200, 2), "all": (EVERYTHING, 3)}


@pytest.mark.parametrize("name", WINDOWS)
def test_window_bounds_what_is_under_way(outbox, name):
    window, most = WINDOWS[name]
    for _ in range(3):
        offer(outbox)
    outbox.take(window, 1)
    taken = 1 + len(outbox.take(window, 10))
    assert taken == most


def test_planes_that_could_not_be_sent_keep_their_place(outbox):
    for _ in range(3):
        offer(outbox)
    taken = outbox.take(EVERYTHING, 3)
    outbox.put_back(taken[1:])
    assert seqs(outbox.take(EVERYTHING, 3)) == [2, 3]


def test_acknowledged_planes_are_returned_once(outbox):
    for _ in range(3):
        offer(outbox)
    outbox.take(EVERYTHING, 3)
    ack = Ack(received=3, upto=1, beyond=(3,), streams=(SettledCounts(1, 2, 0, 0),))
    assert seqs(outbox.acknowledge(ack)) == [1, 3]
    assert seqs(outbox.acknowledge(ack)) == []
    assert outbox.ledger(1) == Ledger(sent=3, shown=2, pending=1)


def test_plane_under_way_is_overdue_while_the_viewer_has_not_received_it(outbox):
    for _ in range(3):
        offer(outbox)
    outbox.take(EVERYTHING, 2)
    assert seqs(outbox.overdue(1)) == [2]


def lost(site=0):
    plane = PlaneId(components=Components(well="A01", site=site))
    return Lost(plane, Display(), DropReason.NO_ROOM)


class TestBeat:
    def test_base_is_the_first_plane_that_is_not_settled(self, outbox):
        assert outbox.beat(SENDER).base == 1
        for _ in range(3):
            offer(outbox)
        outbox.take(EVERYTHING, 1)
        assert outbox.beat(SENDER).base == 1
        outbox.acknowledge(Ack(received=1, upto=1))
        assert outbox.beat(SENDER).base == 2

    def test_dropped_planes_are_gaps_until_base_has_passed_them(self, outbox):
        for _ in range(3):
            offer(outbox)
        outbox.drop(1, lost())
        outbox.drop(1, lost())
        assert outbox.beat(SENDER).gaps == ((4, 5),)
        outbox.take(EVERYTHING, 3)
        outbox.acknowledge(Ack(received=3, upto=3))
        beat = outbox.beat(SENDER)
        assert (beat.base, beat.gaps) == (6, ())

    def test_gaps_are_bounded_lowest_first(self, outbox):
        outbox.budget_bytes = EVERYTHING
        for _ in range(6000):
            offer(outbox)
            outbox.drop(1, lost())
        gaps = outbox.beat(SENDER).gaps
        assert len(gaps) == 4096
        assert gaps[0] == (2, 2)

    def test_streams_are_counted_apart(self, outbox):
        outbox.open_stream()
        offer(outbox)
        offer(outbox, stream=2)
        outbox.drop(2, lost())
        counts = {each.stream: (each.sent, each.dropped) for each in outbox.beat(SENDER).streams}
        assert counts == {1: (1, 0), 2: (2, 1)}


class TestRestart:
    """The viewer ends and another one comes, or the connection alone was broken."""

    def settle_one_of_three(self, outbox):
        outbox.meet_viewer(b"one")
        for _ in range(3):
            offer(outbox)
        outbox.take(EVERYTHING, 2)
        outbox.acknowledge(Ack(received=2, upto=1, streams=(SettledCounts(1, 1, 0, 0),)))
        outbox.forget_viewer()

    def test_what_was_under_way_waits_again_in_order(self, outbox):
        self.settle_one_of_three(outbox)
        assert seqs(outbox.take(EVERYTHING, 3)) == [2, 3]

    def test_new_viewer_counts_anew_and_hears_what_is_settled_elsewhere(self, outbox):
        self.settle_one_of_three(outbox)
        outbox.meet_viewer(b"two")
        assert outbox.beat(SENDER).streams[0].elsewhere == 1
        outbox.take(EVERYTHING, 2)
        outbox.acknowledge(Ack(received=3, upto=3, streams=(SettledCounts(1, 2, 0, 0),)))
        assert outbox.ledger(1) == Ledger(sent=3, shown=3)

    def test_same_viewer_goes_on_counting_and_nothing_is_counted_twice(self, outbox):
        self.settle_one_of_three(outbox)
        outbox.meet_viewer(b"one")
        assert outbox.beat(SENDER).streams[0].elsewhere == 0
        settled = outbox.acknowledge(Ack(received=2, upto=2, streams=(SettledCounts(1, 2, 0, 0),)))
        assert seqs(settled) == [2], "it was settled although it waits to be sent again"
        assert seqs(outbox.take(EVERYTHING, 3)) == [3]
        outbox.acknowledge(Ack(received=3, upto=3, streams=(SettledCounts(1, 3, 0, 0),)))
        assert outbox.ledger(1) == Ledger(sent=3, shown=3)


def test_waiting_for_what_is_settled_ends_with_time_or_with_the_last_plane(outbox):
    assert outbox.wait_settled(1, 0.0)
    offer(outbox)
    assert not outbox.wait_settled(1, 0.01)
    outbox.drop_all()
    assert outbox.wait_settled(None, 0.0)


def test_counters_say_what_the_ledger_says(outbox):
    view = CountersView(PassedDescriptor(outbox._counters.segment.fd))
    for _ in range(5):
        offer(outbox)
    assert view.read() == (5, 2, 0)


class Delivery(RuleBasedStateMachine):
    """Any order of what callers, link and viewers do, beside a model that only counts."""

    def __init__(self):
        super().__init__()
        self.released = []
        self.counters = Counters(MemfdSegment(page_rounded(1)))
        self.outbox = Outbox(300, self.released.append, self.counters)
        self.streams = [self.outbox.open_stream(), self.outbox.open_stream()]
        self.sent = dict.fromkeys(self.streams, 0)
        self.settled = set()
        self.viewers = 0
        self.meet()

    def meet(self):
        self.viewers += 1
        self.outbox.meet_viewer(bytes([self.viewers % 256]))
        self.counts = {stream: [0, 0] for stream in self.streams}
        self.under_way = {}
        self.done = set()

    @rule(which=st.integers(0, 1), when_full=st.sampled_from(WhenFull), nbytes=st.integers(1, 400))
    def offer(self, which, when_full, nbytes):
        stream = self.streams[which]
        self.sent[stream] += 1
        offer(self.outbox, when_full, stream=stream, nbytes=nbytes)

    @rule(window=st.integers(0, 600), most=st.integers(1, 4), sent=st.integers(0, 4))
    def transmit(self, window, most, sent):
        taken = self.outbox.take(window, most)
        self.outbox.put_back(taken[sent:])
        self.under_way |= {plane.seq: plane for plane in taken[:sent]}

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), fails=st.booleans())
    def settle(self, data, fails):
        seq = data.draw(st.sampled_from(sorted(self.under_way)))
        plane = self.under_way.pop(seq)
        self.counts[plane.stream][fails] += 1
        self.done.add(seq)
        streams = tuple(SettledCounts(s, shown, 0, failed) for s, (shown, failed) in self.counts.items())
        returned = self.outbox.acknowledge(Ack(received=0, upto=0, beyond=tuple(self.done), streams=streams))
        assert seqs(returned) == [seq]
        self.settled.add(seq)

    @rule()
    def restart(self):
        self.outbox.forget_viewer()
        self.meet()

    @rule()
    def drop_all(self):
        before = self.outbox.unsettled
        assert self.outbox.drop_all() == before
        self.under_way = {}

    @invariant()
    def every_plane_is_accounted_for_once(self):
        ledgers = [self.outbox.ledger(stream) for stream in self.streams]
        assert [ledger.sent for ledger in ledgers] == list(self.sent.values())
        total = ledgers[0] + ledgers[1]
        assert total.shown + total.failed == len(self.settled)
        assert total.pending == self.outbox.unsettled
        assert total.sent == total.shown + total.failed + total.dropped + total.pending

    @invariant()
    def beat_and_counters_agree(self):
        beat = self.outbox.beat(SENDER)
        sent, dropped, elsewhere = CountersView(PassedDescriptor(self.counters.segment.fd)).read()
        assert sent == sum(each.sent for each in beat.streams)
        assert dropped == sum(each.dropped for each in beat.streams)
        assert elsewhere == sum(each.elsewhere for each in beat.streams)
        missing = set(range(beat.base, sent + 1)) - {s for a, b in beat.gaps for s in range(a, b + 1)}
        assert len(missing - self.settled) == self.outbox.unsettled

    def teardown(self):
        self.counters.close()


Delivery.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestDelivery = Delivery.TestCase


class TestPlanesThatRestSomewhere:
    def test_their_headers_are_never_dropped(self, outbox, released):
        for n in range(6):
            outbox.reserve(100, WhenFull.DROP_OLDEST, 0.0)
            resting = named(f"A{n + 1:02d}")
            resting.address = f"disk:/plate/{n}.tif"
            outbox.put(resting)
        assert outbox.ledger(1) == Ledger(sent=6, pending=6)
        assert len(released) == 3
        taken = outbox.take(EVERYTHING, 10)
        assert seqs(taken) == [1, 2, 3, 4, 5, 6]
        assert [plane.pixels is None for plane in taken] == [True, True, True, False, False, False]

    def test_others_are_dropped_between_them(self, outbox):
        for n in range(6):
            outbox.reserve(100, WhenFull.DROP_OLDEST, 0.0)
            plane = named(f"A{n + 1:02d}")
            plane.address = None if n % 2 else "disk:/plate"
            outbox.put(plane)
        assert outbox.ledger(1) == Ledger(sent=6, dropped=1, pending=5, drop_reasons={"no room": 1})
        assert seqs(outbox.take(EVERYTHING, 10)) == [1, 3, 4, 5, 6]

    def test_headers_take_nothing_of_the_viewers_window(self, outbox):
        for n in range(6):
            outbox.reserve(100, WhenFull.DROP_OLDEST, 0.0)
            plane = named(f"A{n + 1:02d}")
            plane.address = "disk:/plate"
            outbox.put(plane)
        assert seqs(outbox.take(100, 10)) == [1, 2, 3, 4]
        outbox.forget_viewer()
        assert seqs(outbox.take(EVERYTHING, 10)) == [1, 2, 3, 4, 5, 6]


def test_plane_at_which_its_sender_was_interrupted_is_dropped_in_the_end(outbox, monkeypatch):
    def interrupted(staged):
        raise KeyboardInterrupt

    offer(outbox)
    monkeypatch.setattr(outbox._state.waiting, "push", interrupted)
    with pytest.raises(KeyboardInterrupt):
        offer(outbox)
    monkeypatch.undo()
    offer(outbox)
    assert outbox.drop_all() == 3
    assert outbox.ledger(1) == Ledger(sent=3, dropped=3, drop_reasons={"sender ended": 3})
