"""Contrast limits of first planes: robust, from a few rows, and none where there are none."""

import numpy as np
import pytest

from platecast.components import Components, Kind, PlaneId, StepId
from platecast.config import Display
from platecast.stream._contrast import ContrastSampler
from platecast.stream._staged import Staged
from platecast.wire import MemfdSegment, page_rounded

RAMP = np.linspace(0, 1000, 64 * 64).reshape(64, 64)


def stage(array, *, channel="DAPI", kind=Kind.IMAGE, step=None, run="r", in_segment=False):
    pixels = array.tobytes()
    if in_segment:
        pixels = MemfdSegment(page_rounded(array.nbytes))
        pixels.write(array)
    plane = PlaneId(components=Components(channel=channel), kind=kind, step=step, run=run)
    return Staged(1, plane, Display(), array.shape, array.dtype.str, array.nbytes, pixels)


@pytest.mark.parametrize("in_segment", [False, True])
@pytest.mark.parametrize("shape", [(64, 64), (3, 500), (1, 700), (64, 64, 3)])
def test_a_few_rows_are_as_good_as_the_plane(shape, in_segment):
    rng = np.random.default_rng(1)
    staged = stage(rng.integers(100, 200, shape, dtype=np.uint16), in_segment=in_segment)
    low, high = ContrastSampler().contrast(staged)
    assert (low, high) == (pytest.approx(101, abs=25), pytest.approx(199, abs=25))
    if in_segment:
        staged.pixels.close()


def test_labels_have_no_contrast():
    assert ContrastSampler().contrast(stage(RAMP.astype(np.uint16), kind=Kind.LABELS)) is None


def test_only_the_first_planes_of_each_layer_are_looked_at():
    sampler = ContrastSampler()
    plane = RAMP.astype(np.uint16)
    limits = [sampler.contrast(stage(plane)) for _ in range(20)]
    assert [each is not None for each in limits] == [True] * 16 + [False] * 4
    for other in ({"channel": "GFP"}, {"step": StepId(1, "blur")}, {"run": "later"}):
        assert sampler.contrast(stage(plane, **other)) is not None
