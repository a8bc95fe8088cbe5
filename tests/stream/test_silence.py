"""A viewer that does not answer is spoken of once, then now and then, and once when it is back."""

from platecast.stream._silence import Silence


def test_silence_is_said_once_then_each_minute_and_its_end_once():
    silence = Silence("desk, port 5555,")
    said = []
    # Four planes a second come meanwhile; it answers again after 100 s.
    for tick in range(600):
        now_s = tick / 4
        silent_s = now_s if now_s < 100 else 0.1
        if news := silence.news(silent_s, waiting=tick, now_s=now_s):
            said.append((now_s, news.partition(":")[0]))
    assert said == [
        (10.25, "the viewer on desk, port 5555, has not answered for 10 s, and 41 planes wait"),
        (70.25, "the viewer on desk, port 5555, has not answered for 70 s, and 281 planes wait"),
        (100, "the viewer on desk, port 5555, answers again"),
    ]


def test_silence_in_which_nothing_waits_is_not_spoken_of():
    silence = Silence("desk")
    assert [silence.news(silent_s, 0, silent_s) for silent_s in (1.0, 20.0, 0.1)] == [None] * 3
