"""Following viewers: what an observer sees, and what a stranger does not."""

import contextlib
import select
import time

import pytest
import zmq

from platecast.manager import ViewerWatch
from platecast.wire import Ledger, ProgressSockets
from tests.plain_sender import PlainSender, item
from tests.receiving import TOKEN, viewer_on
from tests.waiting import wait_until


@pytest.fixture
def watch(runtime_dir):
    with ViewerWatch() as watch:
        yield watch


def states(watch):
    return [viewer.state for viewer in watch.viewers]


def test_nobody_is_there(watch):
    assert watch.viewers == ()
    assert watch.changes() == ()


def test_who_follows_nobody_waits_all_the_same():
    """A watch without viewers would keep a core busy, and its process's other threads from theirs."""
    with ProgressSockets() as sockets:
        before = time.monotonic()
        assert sockets.receive(0.1) == {}
        assert time.monotonic() - before >= 0.1


def test_viewer_is_followed_from_its_start_to_its_end(watch, free_port):
    with viewer_on(free_port) as viewer:
        wait_until(lambda: watch.viewers and watch.viewers[0].status, "it is heard")
        (found,) = watch.viewers
        assert (found.endpoint, found.state, found.ledger) == (viewer.endpoint, "starting", Ledger())
        assert found.memory_mb > 10
        viewer.receiver.beat()
        wait_until(lambda: states(watch) == ["ready"], "it is ready")
        wait_until(lambda: states(watch) == ["busy"], "its loop does not turn")
        watch.changes()
    wait_until(lambda: watch.viewers == (), "it has gone")
    assert [viewer.state for viewer in watch.changes()] == ["gone"]


def test_account_is_heard_without_asking(watch, free_port):
    with viewer_on(free_port) as viewer, contextlib.closing(PlainSender(viewer)) as sender:
        sender.join()
        sender.publish(*(item(seq) for seq in range(1, 6)))
        wait_until(lambda: watch.viewers and watch.viewers[0].ledger == Ledger(sent=5, shown=5), "all shown")
        assert watch.viewers[0].status.senders[0].pid
        assert watch.viewers[0].ledger == viewer.ledger()


def test_descriptor_is_readable_only_while_there_are_changes(watch, free_port):
    def readable(timeout_s=0.0):
        return bool(select.select([watch.fileno()], [], [], timeout_s)[0])

    assert not readable()
    with viewer_on(free_port):
        assert readable(5)
        wait_until(lambda: watch.viewers and watch.viewers[0].status, "it is heard")
        assert watch.changes()
        assert not readable()


def test_callback_is_told_of_every_change(free_port):
    told = []
    with ViewerWatch(told.append) as watch:
        with viewer_on(free_port):
            wait_until(lambda: watch.viewers and watch.viewers[0].status, "it is heard")
        wait_until(lambda: told[-1].state == "gone", "it has gone")
    assert {viewer.endpoint.port for viewer in told} == {free_port}


def test_observers_come_and_go(free_port):
    with viewer_on(free_port) as viewer:
        publisher = viewer.receiver._sockets.progress
        with ViewerWatch(), ViewerWatch():
            wait_until(lambda: publisher.observers == 2, "both are there")
        wait_until(lambda: publisher.observers == 0, "both have gone")


SUBSCRIPTIONS = {
    "everything": b"",
    "a part of the token": TOKEN[:-1].encode(),
    "a wrong token": b"guessed",
    "more than the token": TOKEN.encode() + b"!",
}


@pytest.mark.parametrize("topic", SUBSCRIPTIONS.values(), ids=SUBSCRIPTIONS)
def test_who_does_not_know_the_token_hears_nothing(free_port, topic):
    with viewer_on(free_port) as viewer, zmq.Context() as context, ProgressSockets() as sockets:
        with context.socket(zmq.SUB) as stranger:
            stranger.linger = 0
            stranger.subscribe(topic)
            stranger.connect(viewer.endpoint.progress)
            sockets.follow([viewer.endpoint])
            for _ in range(3):
                wait_until(lambda: sockets.receive(2.0), "the user hears")
            assert not stranger.poll(100)
