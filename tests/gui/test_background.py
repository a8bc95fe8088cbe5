"""Work off the window's thread: its results come back there, and nothing of it stays when the window goes."""

import threading
import time
from concurrent.futures import CancelledError

import pytest

from platecast.gui._parts._background import Background


@pytest.fixture
def background(qapp):
    background = Background(2)
    yield background
    background.close()


def wait_for_stop(stop):
    assert stop.wait(60)
    raise CancelledError


def test_result_comes_back_in_the_windows_thread(qtbot, background):
    got = []
    background.run(
        lambda _stop: threading.current_thread(),
        lambda thread: got.append((thread, threading.current_thread())),
    )
    qtbot.waitUntil(lambda: bool(got))
    ((worked, told),) = got
    assert worked is not told is threading.current_thread()


@pytest.mark.parametrize(
    ("error", "reason"),
    [(OSError("no room"), "no room"), (KeyError("odd"), "KeyError: 'odd'")],
)
def test_failure_is_told_in_words_and_logged(qtbot, background, caplog, error, reason):
    def fail(_stop):
        raise error

    got = []
    background.run(fail, lambda _: pytest.fail("it failed"), got.append)
    qtbot.waitUntil(lambda: got == [reason])
    assert reason.rpartition(": ")[2] in caplog.text


def test_more_work_than_threads_waits_its_turn(qtbot, background):
    got = []
    for number in range(20):
        background.run(lambda _stop, number=number: number, got.append)
    qtbot.waitUntil(lambda: sorted(got) == list(range(20)))
    assert len(background._threads) == 2


def test_what_is_cancelled_frees_its_thread_and_tells_nobody(qtbot, background):
    got = []
    tasks = [background.run(wait_for_stop, got.append, got.append) for _ in range(4)]
    for task in tasks:
        task.cancel()
    background.run(lambda _stop: "next", got.append)
    qtbot.waitUntil(lambda: bool(got))
    assert got == ["next"]


def test_close_stops_what_was_begun_and_leaves_no_thread(background):
    begun = threading.Event()

    def work(stop):
        begun.set()
        wait_for_stop(stop)

    for _ in range(3):
        background.run(work, pytest.fail)
    assert begun.wait(10)
    threads = list(background._threads)
    background.close()
    assert not any(thread.is_alive() for thread in threads)
    assert background.run(pytest.fail, pytest.fail).is_cancelled


def test_close_waits_a_bounded_time_for_work_that_cannot_be_told(background, caplog):
    begun, release = threading.Event(), threading.Event()

    def work(_stop):
        begun.set()
        release.wait(60)

    background.run(work, pytest.fail)
    assert begun.wait(10)
    (thread,) = background._threads
    before = time.monotonic()
    background.close(0.1)
    assert time.monotonic() - before < 10
    assert "1 pieces of work did not stop" in caplog.text
    assert thread.daemon, "it would keep the program from ending"
    release.set()
    thread.join(10)
