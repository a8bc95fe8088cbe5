"""The thread that keeps planes within their budget, and what the process really takes."""

import subprocess
import sys

import pytest

from platecast.layers import Shelf
from platecast.viewer._inbox._budget import Relief

PASSING_THROUGH = """
import threading
import numpy as np, psutil
from platecast.layers import Shelf
from platecast.viewer._inbox._budget import Relief

MB = 1 << 20
shelf = Shelf(lambda address: np.zeros((256, 256), np.uint16), 100 * MB)
process = psutil.Process()
idle, peak, planes = process.memory_info().rss, 0, []

def take(numbers):
    global peak
    for number in numbers:
        planes.append(shelf.hold(np.full((256, 256), number, np.uint16), f"disk:{number}"))
        assert planes[-1].admit()
    peak = max(peak, process.memory_info().rss)

with Relief(shelf, lambda: None):
    # Each thread that lives has a heap of its own, which the others cannot use; they begin one by one.
    threads = [threading.Thread(target=take, args=(range(first, 8000, 8),)) for first in range(8)]
    for thread in threads:
        thread.start()
        thread.join(0.3)
    for thread in threads:
        thread.join()
print((peak - idle) // MB)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be asked for what it keeps")
def test_memory_of_planes_at_rest_leaves_the_process():
    taken = subprocess.run(
        [sys.executable, "-c", PASSING_THROUGH], capture_output=True, text=True, check=True, timeout=120
    )
    assert int(taken.stdout) <= 130, "500 MB passed through a budget of 100 MB"


def test_relief_ends_while_nothing_is_to_be_done():
    shelf = Shelf(lambda address: None, 1000)
    with Relief(shelf, lambda: None):
        pass
    shelf.on_pressure()
