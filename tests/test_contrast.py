"""Robust limits of values, and none where there are none."""

import subprocess
import sys

import numpy as np
import pytest

from platecast.contrast import robust_limits

RAMP = np.linspace(0, 1000, 64 * 64).reshape(64, 64)
LIMITS = {
    "a ramp": (RAMP.astype(np.uint16), (5, 998)),
    "one hot pixel does not matter": (np.where(RAMP == 1000, 60_000, RAMP).astype(np.uint16), (5, 998)),
    "not-a-numbers are left out": (np.where(RAMP < 500, np.nan, RAMP), (502.5, 999)),
    "infinities are left out": (np.where(RAMP < 500, -np.inf, RAMP), (502.5, 999)),
    "one value": (np.full((8, 8), 5, np.uint8), None),
    "no number at all": (np.full((8, 8), np.nan, np.float32), None),
}


@pytest.mark.parametrize("name", LIMITS)
def test_robust_limits(name):
    values, expected = LIMITS[name]
    limits = robust_limits(values)
    assert limits == (None if expected is None else pytest.approx(expected, abs=3))


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_limits_are_numpys_percentiles(size):
    values = np.random.default_rng(size).integers(0, 4096, size, dtype=np.uint16)
    low, high = np.percentile(values, (0.5, 99.8))
    assert robust_limits(values) == (pytest.approx((low, high)) if low < high else None)


def test_a_worker_imports_no_masked_arrays_for_them():
    code = (
        "import sys, numpy as np\nfrom platecast.contrast import robust_limits\n"
        "print(robust_limits(np.arange(9)) is not None, 'numpy.ma' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
