"""A watch that is killed is followed by one that goes on: nothing is lost, nothing certain is repeated."""

from collections import Counter

import numpy as np
import pytest

from tests.receiving import viewer_on
from tests.waiting import wait_until

tifffile = pytest.importorskip("tifffile", reason="needs the extra 'io'")

FIRST, SECOND = 8, 14


def write(folder, number):
    image = np.full((30, 40), number, "uint16")
    tifffile.imwrite(folder / f"P1_A{number:02d}_s1_w1.TIF", image, photometric="minisblack")


@pytest.mark.parametrize("poll", ["--poll", "--no-poll"])
def test_killed_watch_is_gone_on_with(start, tmp_path, free_port, poll):
    folder = tmp_path / "plate"
    folder.mkdir()
    command = ("-m", "platecast", "watch", folder, "--port", free_port, poll)
    with viewer_on(free_port) as viewer:
        first = start(*command)
        for number in range(1, FIRST):
            write(folder, number)
            if number == FIRST // 2:
                wait_until(lambda: viewer.planes, "the first is shown", 20)
        wait_until(lambda: len(viewer.planes) >= FIRST // 2, "some are shown", 20)
        first.kill()
        first.wait()
        for number in range(FIRST, SECOND):
            write(folder, number)
        second = start(*command, "--idle-s", "0.5")
        assert second.wait(40) == 0
        assert f"{SECOND - 1} images of {folder} are shown" in second.stdout.read().replace("\n", " ")
        counts = Counter(arrival.plane for arrival in viewer.planes)
        values = {int(np.asarray(arrival.array).max()) for arrival in viewer.planes}
    assert values == set(range(1, SECOND))
    assert len(counts) == SECOND - 1, "the second run goes on with the first one's layers"
    repeated = sum(counts.values()) - len(counts)
    assert repeated <= FIRST - FIRST // 2, "only what was on its way when the first was killed"
