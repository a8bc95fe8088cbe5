"""When a viewer publishes, and when it ends with its owner."""

import os

import pytest

from platecast.viewer._inbox._owner import Owner, OwnerState
from platecast.viewer._inbox._progress_pace import ProgressPace
from tests.receiving import viewer_on
from tests.waiting import wait_until


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def test_nobody_is_told_nothing():
    assert not ProgressPace(Clock()).is_due(0, lambda: pytest.fail("nothing is looked up for nobody"))


PACE = {
    "the first word": ([(0.0, "a")], [True]),
    "nothing new": ([(0.0, "a"), (0.5, "a")], [True, False]),
    "something new": ([(0.0, "a"), (0.5, "b")], [True, True]),
    "something new, too soon": ([(0.0, "a"), (0.1, "b"), (0.15, "c")], [True, False, True]),
    "a sign of life": ([(0.0, "a"), (0.9, "a"), (0.2, "a")], [True, False, True]),
}


@pytest.mark.parametrize("name", PACE)
def test_pace(name):
    steps, expected = PACE[name]
    clock = Clock()
    pace = ProgressPace(clock)
    due = []
    for wait_s, news in steps:
        clock.now_s += wait_s
        due.append(pace.is_due(1, lambda: news))  # noqa: B023 -- called at once
    assert due == expected


def test_who_has_just_come_is_told_at_once():
    clock = Clock()
    pace = ProgressPace(clock)
    assert pace.is_due(1, lambda: "a")
    pace.hurry()
    assert pace.is_due(2, lambda: "a")


def looks(owner, clock, *waits_s):
    states = []
    for wait_s in waits_s:
        clock.now_s += wait_s
        states.append(owner.look())
    return states


def test_no_owner_never_ends():
    clock = Clock()
    assert looks(Owner(None, clock), clock, 1, 100) == [OwnerState.THERE] * 2


def test_living_owner_is_there():
    clock = Clock()
    assert looks(Owner(os.getpid(), clock), clock, 0.3, 0.3) == [OwnerState.THERE] * 2


def test_owner_that_ended_is_said_once_and_then_it_is_overdue():
    clock = Clock()
    owner = Owner(2**22 + 1, clock)  # above the largest process id
    assert looks(owner, clock, 0.1, 0.2, 0.3, 1.0, 0.3) == [
        OwnerState.THERE,
        OwnerState.ENDED,
        OwnerState.THERE,
        OwnerState.OVERDUE,
        OwnerState.OVERDUE,
    ]


def test_process_whose_window_does_not_close_ends_without_it(free_port):
    ended = []
    with viewer_on(free_port, owner_pid=2**22 + 1, takes=False) as viewer:
        viewer.receiver.end_now = lambda: ended.append(True)
        wait_until(lambda: ended, "its patience ends")
        assert [command.name for command in viewer.commands] == []
        viewer.take_all()
        assert [command.name for command in viewer.commands] == ["quit"]
