import pytest

from platecast.viewer._session._frame_pace import FRAME_S, MOST_REST_S, REST_BY_WORK, FramePace


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> FramePace:
    return FramePace(clock)


def draw(pace: FramePace, clock: Clock, took_s: float) -> float:
    """Draw a picture; return how long the next one has to wait."""
    pace.begin()
    clock.now_s += took_s
    pace.done()
    return pace.wait_s(is_followed=False)


def test_the_first_picture_is_due_at_once(pace: FramePace) -> None:
    assert pace.wait_s(is_followed=False) <= 0


def test_quick_pictures_come_as_often_as_the_screen_shows_them(pace: FramePace, clock: Clock) -> None:
    assert draw(pace, clock, 0.001) == pytest.approx(FRAME_S - 0.001)


def test_slow_pictures_leave_most_of_the_time_to_others(pace: FramePace, clock: Clock) -> None:
    assert draw(pace, clock, 0.050) == pytest.approx(REST_BY_WORK * 0.050)


def test_even_the_slowest_pictures_follow_each_other(pace: FramePace, clock: Clock) -> None:
    assert draw(pace, clock, 2.0) == pytest.approx(MOST_REST_S)


def test_a_window_that_is_not_painted_waits_for_no_picture(pace: FramePace, clock: Clock) -> None:
    pace.begin()
    clock.now_s += 1.0

    assert pace.wait_s(is_followed=False) <= 0


def test_pictures_that_others_cause_are_no_matter(pace: FramePace, clock: Clock) -> None:
    draw(pace, clock, 0.001)
    clock.now_s += 1.0

    pace.done()

    assert pace.wait_s(is_followed=False) <= 0


def test_who_follows_the_newest_plane_sees_every_picture(pace: FramePace, clock: Clock) -> None:
    draw(pace, clock, 0.050)

    assert pace.wait_s(is_followed=True) <= 0
