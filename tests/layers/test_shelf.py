"""A budget for planes: what gives way, where it goes, and that all of it can still be looked at."""

import gc
import threading

import numpy as np
import pytest

from platecast.components import Components, Kind, PlaneId
from platecast.config import Display
from platecast.errors import MemoryBudgetError
from platecast.layers import LayerStore, Shelf, Stock
from platecast.records import make_records

SHAPE = (8, 8)
SIZE = 8 * 8 * 2


class ListScratch:
    """Scratch in a dictionary, with room for so many planes."""

    def __init__(self, room=1000):
        self.room = room
        self.slots = {}
        self.written = 0

    def write(self, data):
        if len(self.slots) >= self.room:
            return None
        self.written += 1
        slot = _Slot(self, self.written)
        self.slots[self.written] = bytes(data)
        return slot


class _Slot:
    def __init__(self, scratch, number):
        self.scratch, self.number = scratch, number

    def read(self, nbytes):
        return self.scratch.slots[self.number][:nbytes]

    def close(self):
        del self.scratch.slots[self.number]


def image(value):
    return np.full(SHAPE, value, np.uint16)


@pytest.fixture
def scratch():
    return ListScratch()


@pytest.fixture
def shelf(scratch):
    """A shelf with room for 16 planes, of which 14 may be filed: two are for looking, or kept free."""
    return Shelf(lambda address: image(int(address.removeprefix("disk:"))), 16 * SIZE, scratch)


def file(shelf, value, address=None):
    plane = shelf.hold(image(value), address)
    while not plane.admit():
        shelf.relieve()
    return plane


def values(planes):
    return [int(plane[0, 0]) for plane in planes]


@pytest.mark.parametrize("rests", [False, True])
def test_never_above_the_budget_and_each_can_be_looked_at(shelf, scratch, rests):
    planes = []
    for value in range(100):
        planes.append(file(shelf, value, f"disk:{value}" if rests else None))
        assert shelf.holdings().memory_bytes <= shelf.budget_bytes
    for _ in range(2):
        for value, plane in enumerate(planes):
            assert plane[0, 0] == value
            assert shelf.holdings().memory_bytes <= shelf.budget_bytes
    assert scratch.written == (0 if rests else pytest.approx(86, abs=14)), "each is written once at most"


def test_what_is_where_sums_up(shelf):
    planes = [file(shelf, value, f"disk:{value}" if value % 2 else None) for value in range(60)]
    held = shelf.holdings()
    assert held.in_memory.planes + held.in_scratch.planes + held.at_rest.planes == 60
    assert held.in_memory.nbytes == held.memory_bytes
    assert held.in_scratch.planes > 10
    assert held.at_rest.planes > 10
    del planes
    gone = shelf.holdings()
    assert (gone.in_memory, gone.in_scratch, gone.at_rest, gone.memory_bytes) == (
        Stock(),
        Stock(),
        Stock(),
        0,
    )


def test_scratch_is_given_back(shelf, scratch):
    planes = [file(shelf, value) for value in range(40)]
    assert scratch.slots
    planes.clear()
    shelf.holdings()
    assert not scratch.slots


def test_the_plane_not_looked_at_for_longest_gives_way(shelf):
    planes = [file(shelf, value) for value in range(10)]
    assert planes[0].nbytes
    planes[0].pixels()
    planes += [file(shelf, value) for value in range(10, 20)]
    assert planes[0].nbytes
    assert not planes[1].nbytes


def test_what_is_on_screen_stays(shelf):
    first = file(shelf, 1)
    shelf.pin([first])
    later = [file(shelf, value) for value in range(50)]
    assert first.nbytes
    assert values(later) == list(range(50))
    shelf.pin([])
    later += [file(shelf, value) for value in range(50)]
    assert not first.nbytes


def test_what_is_still_drawn_counts(shelf):
    planes = [file(shelf, 1)]
    drawn = planes[0].pixels()[2:4]
    planes += [file(shelf, value) for value in range(40)]
    assert not planes[0].nbytes
    held = shelf.holdings()
    assert held.memory_bytes == held.in_memory.nbytes + SIZE
    del drawn
    gc.collect()
    held = shelf.holdings()
    assert held.memory_bytes == held.in_memory.nbytes


def test_full_scratch_refuses_what_comes_and_keeps_what_is_there():
    shelf = Shelf(lambda address: image(7), 16 * SIZE, ListScratch(room=5))
    planes = []

    def fill():
        for value in range(100):
            planes.append(file(shelf, value))

    with pytest.raises(MemoryBudgetError, match="memory_budget_mb"):
        fill()
    assert len(planes) == 5 + 15
    assert values(planes) == list(range(20))
    assert shelf.holdings().refused == 1
    assert shelf.holdings().memory_bytes <= shelf.budget_bytes
    # What rests needs no scratch; and what goes makes room.
    resting = file(shelf, 7, "disk:7")
    assert resting[0, 0] == 7
    del planes[5:]
    assert file(shelf, 8)[0, 0] == 8


def test_a_write_that_fails_is_a_full_scratch(caplog):
    class Broken:
        def write(self, data):
            raise OSError("the disk has gone")

    shelf = Shelf(lambda address: image(7), 4 * SIZE, Broken())
    planes = [file(shelf, 1), file(shelf, 2)]
    with pytest.raises(MemoryBudgetError):
        [file(shelf, value) for value in range(10)]
    assert "the disk has gone" in caplog.text
    assert values(planes)[:2] == [1, 2]


def test_windows_are_part_of_the_budget():
    shelf = Shelf(lambda address: image(0), 64 << 20)
    granted = [shelf.grant(1 << 40) for _ in range(3)]
    assert granted == [16 << 20, 8 << 20, 4 << 20]
    shelf.ungrant(granted[0])
    assert shelf.grant(5 << 20) == 5 << 20


def test_a_plane_larger_than_the_budget_is_shown_alone():
    shelf = Shelf(lambda address: image(0), SIZE // 2, ListScratch())
    plane = file(shelf, 3)
    assert plane[0, 0] == 3


def test_replaced_planes_leave(shelf):
    store = LayerStore()
    for value in range(30):
        plane = file(shelf, value)
        store.put(PlaneId(components=Components(well="A01")), Display(), plane, None, value)
        del plane
    assert shelf.holdings().in_memory == Stock(1, SIZE)
    assert shelf.holdings().in_scratch == Stock()


def test_many_threads_look_while_planes_come(shelf):
    planes = [file(shelf, value) for value in range(30)]
    wrong = []

    def look(seed):
        rng = np.random.default_rng(seed)
        for number in rng.integers(0, 30, 300):
            pixels = planes[number].pixels()
            if not np.all(pixels == number):
                wrong.append(number)

    threads = [threading.Thread(target=look, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    more = [file(shelf, value) for value in range(30, 130)]
    for thread in threads:
        thread.join()
    assert not wrong
    assert values(more) == list(range(30, 130))
    held = shelf.holdings()
    assert held.in_memory.nbytes == held.memory_bytes <= shelf.budget_bytes


def test_records_are_counted_beside_the_planes(shelf):
    points = make_records(np.zeros((10, 2), np.float32), Kind.POINTS)
    shelf.count(points, 80)
    shelf.count(make_records(np.zeros((1, 2), np.float32), Kind.POINTS), 8)
    gc.collect()
    held = shelf.holdings()
    assert held.records == Stock(1, 80)
    assert held.memory_bytes == 0
