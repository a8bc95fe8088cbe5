"""What may be under way on a link, as it is measured. A link is simulated: no clock, no sockets."""

import pytest

from platecast.stream._flow import QUEUE_S, Flow

LINKS = {
    "1 Gbit/s": (125e6, 0.0005),
    "100 Mbit/s": (12.5e6, 0.001),
    "100 Mbit/s, far away": (12.5e6, 0.2),
    "1 Gbit/s, far away": (125e6, 0.2),
}


def run(flow, rate_bps, rtt_s, plane_bytes, planes):
    """Send planes as fast as the flow allows; return when each was settled, and the longest wait in front."""
    now, free_at, seq = 0.0, 0.0, 0
    settles, done, longest_s = [], [], 0.0
    while len(done) < planes:
        while flow.is_open and seq < planes:
            seq += 1
            longest_s = max(longest_s, free_at - now)
            free_at = max(free_at, now) + plane_bytes / rate_bps
            settles.append((free_at + rtt_s, seq))
            flow.sent(seq, plane_bytes, now)
        now, settled = settles.pop(0)
        flow.settled(settled, now)
        done.append(now)
    return done, longest_s


@pytest.mark.parametrize(("rate_bps", "rtt_s"), LINKS.values(), ids=LINKS)
@pytest.mark.parametrize("plane_bytes", [100_000, 3_300_000])
def test_link_is_full_and_its_queue_is_short(rate_bps, rtt_s, plane_bytes):
    flow = Flow()
    flow.rtt_s = rtt_s
    planes = int(10 * rate_bps / plane_bytes)
    done, longest_s = run(flow, rate_bps, rtt_s, plane_bytes, planes)
    half = planes // 2
    assert (planes - half) * plane_bytes / (done[-1] - done[half - 1]) > 0.9 * rate_bps
    assert longest_s <= QUEUE_S + rtt_s + plane_bytes / rate_bps + 0.01


def test_large_plane_on_a_slow_link_is_waited_for():
    flow = Flow(rate_bps=12.5e6)
    flow.sent(1, 100 << 20, 0.0)
    assert flow.patience_s > 3 * (100 << 20) / 12.5e6


def test_plane_that_is_sent_again_counts_once():
    flow = Flow()
    flow.sent(1, 1000, 0.0)
    flow.sent(1, 900, 1.0)
    assert flow.under_way_bytes == 900
    flow.settled(1, 2.0)
    assert flow.under_way_bytes == 0


def test_message_is_no_larger_than_what_the_link_carries_at_once():
    assert Flow().batch_bytes == 0
    assert Flow(rate_bps=32e3).batch_bytes < 2000
    assert Flow(rate_bps=12.5e6).batch_bytes < 1e6
    assert Flow(rate_bps=1e9).batch_bytes == 2 << 20
