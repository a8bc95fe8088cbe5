"""Planes at rest are read before they are looked at, and never while that would be in somebody's way."""

import threading

import numpy as np
import pytest

from platecast.components import Components, PlaneId
from platecast.layers import Shelf
from platecast.viewer._session import _ahead
from platecast.viewer._session._ahead import ReadAhead

WELLS = [f"A{column:02d}" for column in range(1, 7)]


@pytest.fixture
def loads():
    return []


@pytest.fixture
def planes(loads):
    def load(address):
        loads.append(address)
        if address == "disk:A03":
            raise FileNotFoundError(address)
        return np.full((4, 6), int(address[-2:]), np.uint16)

    shelf = Shelf(load)
    return {well: shelf.plane(f"disk:{well}", (4, 6), "uint16") for well in WELLS}


@pytest.fixture
def here():
    return {"well": "A02", "site": 1}


@pytest.fixture
def ahead(qapp, planes, here):
    values = {"well": WELLS, "site": [1]}
    ahead = ReadAhead(values.__getitem__, lambda: here, lambda place: [planes[place["well"]]])
    yield ahead
    ahead.stop()


def identity(well, channel=1):
    return PlaneId(components=Components(well=well, channel=channel), run="r")


def test_neighbours_of_what_is_on_screen_are_read(qtbot, ahead, here, loads, planes):
    here["well"] = "A05"
    ahead.moved()
    qtbot.waitUntil(lambda: bool(planes["A04"].nbytes and planes["A06"].nbytes))
    assert loads == ["disk:A06", "disk:A04"]
    ahead.moved()
    here["site"] = 2
    qtbot.waitUntil(lambda: not ahead._settled.isActive())
    assert len(loads) == 2, "there is no other site"


def test_one_plane_of_each_well_and_channel_is_measured_and_not_kept(qtbot, ahead, planes, monkeypatch):
    monkeypatch.setattr(_ahead, "_QUIET_S", 0.0)
    means = {}
    ahead.measured.connect(lambda plane, mean, _: means.__setitem__(plane.components.well, mean))
    for _ in range(2):
        for well in WELLS:
            ahead.offer(identity(well), planes[well])
    expected = {well: float(well[-2:]) for well in WELLS if well != "A03"}
    qtbot.waitUntil(lambda: means == expected)
    assert not any(plane.nbytes for plane in planes.values())


def test_nothing_is_measured_while_somebody_works(qtbot, ahead, planes, loads, here, monkeypatch):
    monkeypatch.setattr(_ahead, "_QUIET_S", 3600.0)
    for well in WELLS:
        ahead.offer(identity(well), planes[well])
    here["well"] = "A01"
    ahead.moved()
    qtbot.waitUntil(lambda: planes["A02"].nbytes > 0)
    assert loads == ["disk:A02"]


def test_plane_that_has_gone_is_not_read(qtbot, ahead, planes, loads, monkeypatch):
    monkeypatch.setattr(_ahead, "_QUIET_S", 0.0)
    held = planes.pop("A01")
    with ahead._changed:
        ahead.offer(identity("A01"), held)
        ahead.offer(identity("A02"), planes["A02"])
        del held
    qtbot.waitUntil(lambda: bool(loads))
    assert loads == ["disk:A02"]


def test_map_takes_a_lower_resolution_where_the_plane_is_large(qtbot, qapp, monkeypatch):
    monkeypatch.setattr(_ahead, "_QUIET_S", 0.0)
    asked, whole = [], []

    def load_small(address, side_px):
        asked.append((address, side_px))
        if address == "gone:a.tif":
            raise LookupError("no such backend")
        return np.full((150, 150), 7, np.uint16)

    shelf = Shelf(lambda address: whole.append(address))
    held = [shelf.plane(address, (2160, 2160), "uint16") for address in ("gone:a.tif", "disk:b.tif")]
    ahead = ReadAhead(lambda name: [], dict, lambda place: [], load_small)
    measured = []
    ahead.measured.connect(lambda plane, mean, picture: measured.append((plane, mean, picture.shape)))
    for channel, plane in enumerate(held):
        ahead.offer(identity("A01", channel), plane)
    qtbot.waitUntil(lambda: bool(measured))
    ahead.stop()
    assert measured == [(identity("A01", 1), 7.0, (32, 32))]
    assert asked == [("gone:a.tif", 128), ("disk:b.tif", 128)]
    assert whole == []


def test_file_that_never_answers_keeps_no_window_from_closing(qtbot, qapp, monkeypatch):
    monkeypatch.setattr(_ahead, "_QUIET_S", 0.0)
    monkeypatch.setattr(_ahead, "CLOSE_S", 0.1)
    reading, answered = threading.Event(), threading.Event()

    def load_small(address, side_px):
        reading.set()
        answered.wait()
        return np.zeros((150, 150), np.uint16)

    plane = Shelf(lambda address: None).plane("share:a.tif", (2160, 2160), "uint16")
    ahead = ReadAhead(lambda name: [], dict, lambda place: [], load_small)
    ahead.offer(identity("A01"), plane)
    qtbot.waitUntil(reading.is_set)
    ahead.stop()  # would never come back
    answered.set()
