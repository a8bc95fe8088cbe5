"""The sequence numbers that will never come, as runs. Not thread-safe."""

import heapq

_MOST_TOLD = 4096
"""Most runs in one beat, the lowest first; the others are told once `base` has passed these."""


class Gaps:
    """Runs of numbers that were given up."""

    def __init__(self) -> None:
        self._runs: list[tuple[int, int]] = []

    def add(self, seq: int) -> None:
        """Add a number."""
        if self._runs and self._runs[-1][1] == seq - 1:
            self._runs[-1] = (self._runs[-1][0], seq)
        else:
            self._runs.append((seq, seq))

    def at_or_above(self, base: int) -> tuple[tuple[int, int], ...]:
        """Return the runs that end at or above `base`, and forget the others."""
        self._runs = [run for run in self._runs if run[1] >= base]
        return tuple(heapq.nsmallest(_MOST_TOLD, self._runs))
