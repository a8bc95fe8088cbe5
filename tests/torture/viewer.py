"""A viewer that trusts nobody: it looks at every pixel, when a plane comes and again when it goes.

``python tests/torture/viewer.py PORT`` runs until its standard input ends, then prints one JSON line.
"""

import json
import sys
import threading
from collections import deque
from pathlib import Path

import numpy as np

_KEPT = 48
"""Planes that are kept, and looked at again before they are let go: their memory must not have changed."""


def main(port: int) -> None:
    """Receive until standard input ends."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from platecast.viewer._inbox._arrivals import Arrival
    from tests.receiving import LocalViewer

    torn = 0
    kept: deque[Arrival] = deque()

    class Suspicious(LocalViewer):
        def _pass(self, new: list[Arrival]) -> None:
            nonlocal torn
            for arrival in new:
                torn += not is_whole(arrival)
                kept.append(arrival)
            self.show(new)
            while len(kept) > _KEPT:
                torn += not is_whole(kept.popleft())

    def is_whole(arrival: Arrival) -> bool:
        return bool(np.all(arrival.array == arrival.plane.components.site))

    with Suspicious(port) as viewer:
        ended = threading.Event()

        def report() -> None:
            for line in sys.stdin:
                if line.strip() == "report":
                    print(json.dumps({"torn": torn, **viewer.ledger().counts()}), flush=True)
            ended.set()

        threading.Thread(target=report, daemon=True).start()
        ended.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))
