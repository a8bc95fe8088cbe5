"""What the viewer is told of planes that were dropped."""

import numpy as np

from platecast.components import Components, PlaneId
from platecast.config import Display
from platecast.stream._lost import Lost, LostPlanes
from platecast.wire import DropReason
from tests.receiving import viewer_on
from tests.sending import LARGE, open_stream
from tests.waiting import wait_until


def lost(site):
    plane = PlaneId(components=Components(well="A01", site=site))
    return Lost(plane, Display(), DropReason.NO_ROOM)


def test_the_latest_are_named_and_the_others_counted():
    planes = LostPlanes()
    for site in range(5000):
        planes.add(lost(site))
    taken, unnamed = planes.take(10)
    assert unnamed == 5000 - 4096
    assert [each.plane.components.site for each in taken] == list(range(904, 914))
    planes.put_back(taken, unnamed)
    again, still = planes.take(4097)
    assert (again[:10], len(again), still) == (taken, 4096, unnamed)
    assert not planes


def test_a_dropped_plane_has_a_name_in_the_viewer(free_port):
    # No viewer yet, and room for two planes: the others are dropped while they wait.
    stream = open_stream(free_port, config={"budget_mb": 1.1})
    for site in range(10):
        stream.send(np.full(LARGE, site, np.uint16), well="A01", site=site)
    assert stream.report().dropped == 8
    with viewer_on(free_port) as viewer:
        wait_until(lambda: len(viewer.dropped) == 8, "the viewer is told")
        wait_until(lambda: stream.report().settled, "the others are shown")
        assert sorted(each.plane.components.site for each in viewer.dropped) == list(range(8))
        assert {each.reason for each in viewer.dropped} == {"no room"}
        assert viewer.status()["dropped_unnamed"] == 0
        wait_until(lambda: viewer.ledger() == stream.report(), "the accounts agree: names count nothing")
