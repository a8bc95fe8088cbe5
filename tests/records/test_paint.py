"""Polygons painted into labels, against a definition that looks at every pixel for itself."""

import numpy as np
import pytest

from platecast.components import Kind
from platecast.errors import InvalidRecordsError
from platecast.records import _paint as paint
from platecast.records import make_records, paint_polygons

SQUARE = [[1, 1], [1, 4], [4, 4], [4, 1]]


def painted(shapes, **options):
    size = options.pop("size", None)
    return paint_polygons(make_records(shapes, Kind.SHAPES, **options), size)


def area(plane):
    return {int(label): int((plane == label).sum()) for label in np.unique(plane) if label}


def crossings(ring, y, x):
    """Count the edges right of a point that cross its row."""
    ends = np.roll(ring, -1, axis=0)
    low, high = np.minimum(ring[:, 0], ends[:, 0]), np.maximum(ring[:, 0], ends[:, 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        at = ring[:, 1] + (y - ring[:, 0]) * (ends[:, 1] - ring[:, 1]) / (ends[:, 0] - ring[:, 0])
    return int(((low <= y) & (y < high) & (at > x)).sum())


def by_definition(shapes, size):
    plane = np.zeros(size, int)
    for number, rings in enumerate(shapes, start=1):
        for y in range(size[0]):
            for x in range(size[1]):
                if sum(crossings(np.asarray(ring, np.float32).astype(float), y, x) for ring in rings) % 2:
                    plane[y, x] = number
    return plane


@pytest.mark.parametrize("seed", range(6))
def test_every_pixel_is_that_of_the_definition(seed, monkeypatch):
    if seed % 2:
        # Small pieces: what is worked on at once must not matter.
        monkeypatch.setattr(paint, "_CROSSINGS_AT_ONCE", 7)
        monkeypatch.setattr(paint, "_PIXELS_AT_ONCE", 5)
    rng = np.random.default_rng(seed)
    shapes = [
        [rng.uniform(-4, 24, (rng.integers(3, 9), 2)) for _ in range(rng.integers(1, 4))] for _ in range(8)
    ]
    assert np.array_equal(painted(shapes, size=(20, 22)), by_definition(shapes, (20, 22)))


AREAS = {
    "whole pixels": ([SQUARE], {}, {1: 9}),
    "neighbours share no pixel": ([SQUARE, [[1, 4], [1, 6], [4, 6], [4, 4]]], {}, {1: 9, 2: 6}),
    "the later one wins": ([SQUARE, [[2, 2], [2, 4], [4, 4], [4, 2]]], {}, {1: 5, 2: 4}),
    "a hole": ([[SQUARE, [[2, 2], [2, 3], [3, 3], [3, 2]]]], {}, {1: 8}),
    "a closed ring": ([[*SQUARE, SQUARE[0]]], {}, {1: 9}),
    "the other way round": ([SQUARE[::-1]], {}, {1: 9}),
    "labels of their own": ([SQUARE], {"features": {"label": [70_000]}}, {70_000: 9}),
    "cut off": ([SQUARE], {"image_shape": (3, 3)}, {1: 4}),
    "outside": ([SQUARE, [[50, 50], [50, 60], [60, 60]]], {"image_shape": (9, 9)}, {1: 9}),
    "a rectangle": ([SQUARE], {"shape_type": "rectangle"}, {1: 9}),
    "nothing": ([], {"image_shape": (4, 4)}, {}),
}


@pytest.mark.parametrize(("shapes", "options", "expected"), AREAS.values(), ids=AREAS)
def test_areas(shapes, options, expected):
    assert area(painted(shapes, **options)) == expected


def test_an_ellipse_has_its_area():
    box = [[0, 0], [0, 60], [40, 60], [40, 0]]
    assert area(painted([box], shape_type="ellipse"))[1] == pytest.approx(np.pi * 20 * 30, rel=0.02)


def test_the_size_is_what_is_known():
    assert painted([SQUARE]).shape == (5, 5)
    assert painted([SQUARE], image_shape=(7, 8)).shape == (7, 8)
    assert painted([SQUARE], image_shape=(7, 8), size=(9, 9)).shape == (9, 9)
    assert painted([SQUARE]).dtype == np.uint16
    assert painted([SQUARE], features={"label": [70_000]}).dtype == np.uint32


REFUSED = {
    "a line": ([[[0, 0], [5, 5]]], {"shape_type": "line"}, "shape 0 is a line, which cannot be painted"),
    "label 0": ([SQUARE], {"features": {"label": [0]}}, "shape 0 has the label 0"),
    "far away": ([[[0, 0], [0, 1], [1e8, 1e8]]], {}, "say image_shape"),
}


@pytest.mark.parametrize(("shapes", "options", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_painted(shapes, options, words):
    with pytest.raises(InvalidRecordsError, match=words):
        painted(shapes, **options)
