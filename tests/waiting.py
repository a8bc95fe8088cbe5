"""Waiting for something to become true, with an end."""

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")

_LOOK_INTERVAL_S = 0.005


def wait_until(condition: Callable[[], T], what: str, timeout_s: float = 10.0) -> T:
    """Return the first true value of `condition`; fail the test when there is none in time."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {timeout_s:g} s: {what}")
        time.sleep(_LOOK_INTERVAL_S)
    return value
