"""The viewer's account of a sender's planes, message by message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platecast.viewer._inbox._account import SenderAccount, SeqSet
from platecast.wire import Beat, Ledger, StreamCounts

SENDER = bytes(16)


def beat(base=1, gaps=(), sent=None, dropped=0, elsewhere=0, last=False):
    streams = () if sent is None else (StreamCounts(1, sent, dropped, elsewhere),)
    return Beat(sender=SENDER, base=base, gaps=gaps, streams=streams, last=last)


def arrive(account, *seqs, stream=1, shown=True):
    for seq in seqs:
        account.receive(seq, stream)
        if shown:
            account.settle(seq, stream, None)


def test_plane_that_was_read_after_all_counts_as_shown_again():
    account = SenderAccount(SENDER)
    arrive(account, 1, 2)
    account.spoil(1, 1, "its disk has gone")
    assert (account.ledger().shown, account.ledger().failure_reasons) == (1, {"its disk has gone": 1})
    account.restore(1, "its disk has gone")
    ledger = account.ledger()
    assert (ledger.shown, ledger.failed, ledger.failure_reasons, ledger.pending) == (2, 0, {}, 0)
    (said,) = account.ack().streams
    assert (said.shown, said.failed, said.reasons) == (2, 0, {})


SEQUENCES = {
    "nothing": ([], (), 1, 0, ()),
    "in order": ([1, 2, 3], (), 1, 3, ()),
    "backwards": ([3, 2, 1], (), 1, 3, ()),
    "twice": ([1, 1, 2, 2], (), 1, 2, ()),
    "a hole": ([1, 2, 4, 5], (), 1, 2, (4, 5)),
    "a hole that is a gap": ([1, 2, 4, 5], [(3, 3)], 1, 5, ()),
    "gaps side by side": ([1, 6], [(2, 3), (4, 5)], 1, 6, ()),
    "gaps out of order": ([1, 4, 7], [(5, 6), (2, 3)], 1, 7, ()),
    "gaps within a gap": ([], [(1, 9), (3, 4)], 1, 9, ()),
    "a gap ahead": ([1], [(5, 6)], 1, 1, ()),
    "an earlier viewer's are skipped": ([], (), 51, 50, ()),
    "base joins what came before it": ([52, 53], (), 52, 53, ()),
    "base below is nothing": ([1, 2, 3], (), 2, 3, ()),
    "base and gaps": ([13], [(11, 12)], 11, 13, ()),
}


class TestSeqSet:
    @pytest.mark.parametrize("name", SEQUENCES)
    @pytest.mark.parametrize("told_first", [True, False])
    def test_upto_and_beyond(self, name, told_first):
        seqs, gaps, base, upto, beyond = SEQUENCES[name]
        numbers = SeqSet()
        if told_first:
            numbers.skip(base, gaps)
        for seq in seqs:
            numbers.add(seq)
        if not told_first:
            numbers.skip(base, gaps)
        assert (numbers.upto, numbers.beyond) == (upto, beyond)

    @given(st.lists(st.integers(1, 40)), st.lists(st.tuples(st.integers(1, 40), st.integers(0, 6))))
    def test_it_holds_what_a_set_would(self, seqs, starts_and_lengths):
        gaps = [(first, first + length) for first, length in starts_and_lengths]
        numbers = SeqSet()
        for seq in seqs:
            numbers.add(seq)
        numbers.skip(1, gaps)
        known = set(seqs) | {seq for first, last in gaps for seq in range(first, last + 1)}
        upto = next(seq for seq in range(1, 99) if seq not in known) - 1
        assert numbers.upto == upto
        assert all(seq in numbers for seq in seqs)
        assert set(numbers.beyond) <= {seq for seq in seqs if seq > upto}

    def test_many_gaps_cost_little(self):
        numbers = SeqSet()
        numbers.skip(1, [(seq, seq) for seq in range(2, 200_000, 2)])
        for seq in range(1, 200_000, 2):
            numbers.add(seq)
        assert numbers.upto == 199_999

    def test_beyond_is_bounded_lowest_first(self):
        numbers = SeqSet()
        for seq in range(5000, 1, -1):
            numbers.add(seq)
        assert numbers.beyond == tuple(range(2, 1026))


def case_loss(account):
    account.hear(beat(sent=5))
    arrive(account, 1, 2, 3)
    assert account.close(5, 0, 0) == 2


def case_loss_beyond_the_last_beat(account):
    account.hear(beat(sent=3))
    arrive(account, 1, 2, 3)
    assert account.close(121, 20, 0) == 98


def case_dropped_after_the_last_beat(account):
    account.hear(beat(sent=4, dropped=1))
    arrive(account, 2, 3, 4)
    assert account.close(9, 6, 0) == 0


def case_dropped_what_had_arrived(account):
    account.hear(beat(sent=5))
    arrive(account, 1, 2, 3)
    assert account.close(5, 5, 0) == 0


def case_restart(account):
    account.hear(beat(base=51, sent=60, dropped=10, elsewhere=40))
    arrive(account, *range(51, 61))


def case_failed(account):
    account.hear(beat(sent=2))
    account.receive(1, 1)
    account.settle(1, 1, "dtype")
    account.receive(2, 1)


def case_superseded(account):
    account.hear(beat(sent=2))
    arrive(account, 1, 2)
    account.supersede(1)


def case_settled_twice(account):
    account.hear(beat(sent=1))
    arrive(account, 1)
    account.settle(1, 1, "late")
    account.settle(1, 1, None)


def case_duplicate(account):
    account.hear(beat(sent=2))
    arrive(account, 1)
    assert not account.receive(1, 1)


def case_before_any_beat(account):
    arrive(account, 1, 2)


def case_two_streams(account):
    streams = (StreamCounts(1, 3, 1, 0, 0, {"no room": 1}), StreamCounts(2, 4, 0, 0))
    account.hear(Beat(sender=SENDER, base=1, streams=streams))
    arrive(account, 1, 3)
    arrive(account, 4, 5, stream=2)


ENDED = "sender ended"


def dropped(sent, shown, reasons, pending=0):
    total = sum(reasons.values())
    return Ledger(sent=sent, shown=shown, dropped=total, pending=pending, drop_reasons=reasons)


LEDGERS = {
    "the sender died with two under way": (case_loss, dropped(5, 3, {ENDED: 2})),
    "it died long after its last beat": (
        case_loss_beyond_the_last_beat,
        dropped(121, 3, {ENDED: 118}),
    ),
    "it dropped some after its last beat": (
        case_dropped_after_the_last_beat,
        dropped(9, 3, {ENDED: 5, "not said": 1}),
    ),
    "it gave up what had arrived": (case_dropped_what_had_arrived, dropped(5, 3, {ENDED: 2})),
    "an earlier viewer had forty": (case_restart, dropped(20, 10, {"not said": 10})),
    "one failed, one is on its way": (
        case_failed,
        Ledger(sent=2, failed=1, pending=1, failure_reasons={"dtype": 1}),
    ),
    "one took the place of the other": (case_superseded, Ledger(sent=2, shown=1, superseded=1)),
    "settled again": (case_settled_twice, Ledger(sent=1, shown=1)),
    "sent again": (case_duplicate, Ledger(sent=2, shown=1, pending=1)),
    "more than the sender has said": (case_before_any_beat, Ledger(sent=2, shown=2)),
    "two streams": (case_two_streams, dropped(7, 4, {"no room": 1}, pending=2)),
}


@pytest.mark.parametrize("name", LEDGERS)
def test_ledger(name):
    happens, expected = LEDGERS[name]
    account = SenderAccount(SENDER)
    happens(account)
    assert account.ledger() == expected


class TestAck:
    def test_nothing_new_is_not_said(self):
        account = SenderAccount(SENDER)
        arrive(account, 1)
        assert account.ack() is not None
        assert account.ack() is None

    def test_it_says_what_arrived_and_what_is_settled(self):
        account = SenderAccount(SENDER)
        arrive(account, 1, 3, 4)
        account.receive(2, 1)
        ack = account.ack()
        assert (ack.received, ack.upto, ack.beyond) == (4, 1, (3, 4))
        (counts,) = ack.streams
        assert (counts.stream, counts.shown, counts.failed) == (1, 3, 0)

    def test_buffers_and_failures_are_told_once(self):
        account = SenderAccount(SENDER)
        account.receive(1, 1)
        account.take(7)
        account.free(6)
        account.settle(1, 1, "no")
        ack = account.ack()
        assert (ack.taken, ack.freed, ack.failures) == ((7,), (6,), ((1, "no"),))
        account.hear(beat(sent=1))
        ack = account.ack()
        assert (ack.taken, ack.freed, ack.failures) == ((), (), ())

    def test_every_beat_is_answered_with_the_counts_for_an_ack_may_be_lost(self):
        account = SenderAccount(SENDER)
        arrive(account, 1)
        lost = account.ack()
        account.hear(beat(base=1, sent=1))
        assert account.ack().streams == lost.streams

    def test_a_duplicate_is_answered(self):
        account = SenderAccount(SENDER)
        arrive(account, 1)
        account.ack()
        account.receive(1, 1)
        assert account.ack().upto == 1

    def test_a_sender_that_connected_anew_hears_everything(self):
        account = SenderAccount(SENDER)
        arrive(account, 1, 2)
        first = account.ack()
        account.forget_acknowledged()
        assert account.ack() == first


def test_goodbye_is_remembered():
    account = SenderAccount(SENDER)
    account.hear(beat(sent=1, last=True))
    account.hear(beat(sent=1))
    assert account.said_goodbye


class TestReasons:
    """What a peer says of reasons never contradicts its counts, and never grows without end."""

    def test_reasons_that_do_not_add_up_are_not_believed(self):
        account = SenderAccount(SENDER)
        for said in ({"no room": 7}, {"no room": -1, "disk full": 4}):
            account.hear(Beat(sender=SENDER, base=1, streams=(StreamCounts(1, 9, 3, 0, 0, said),)))
            assert account.ledger().drop_reasons == {"not said": 3}

    def test_only_so_many_reasons_are_told_apart(self):
        account = SenderAccount(SENDER)
        for seq in range(1, 101):
            account.receive(seq, 1)
            account.settle(seq, 1, f"reason {seq}" + 1000 * "!")
        reasons = account.ledger().failure_reasons
        assert sum(reasons.values()) == account.ledger().failed == 100
        assert len(reasons) == 16
        assert reasons["other reasons"] == 85
        assert max(map(len, reasons)) == 200
        assert account.ack().streams[0].reasons == reasons
