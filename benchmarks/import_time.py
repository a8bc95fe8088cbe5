"""What importing platecast costs over importing numpy, in fresh interpreters; prints one JSON line.

The goal: `import platecast` costs at most 150 ms over numpy. `sender` is what a worker that only sends loads.
"""

import json
import statistics
import subprocess
import sys

REPEATS = 15
STATEMENTS = {
    "numpy": "import numpy",
    "platecast": "import platecast",
    "sender": "from platecast import Stream, send",
}


def import_time_ms(statement: str) -> float:
    """Return how long `statement` takes in a fresh interpreter, without the interpreter's own start."""
    code = f"import time; start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"
    child = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    return float(child.stdout) * 1000


def main() -> None:
    """Measure in turns, so that a slow moment of the machine falls on all alike."""
    times_ms: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for name in STATEMENTS:
        import_time_ms(STATEMENTS[name])  # compiles the modules and warms the disk cache
    for _ in range(REPEATS):
        for name, statement in STATEMENTS.items():
            times_ms[name].append(import_time_ms(statement))
    median_ms = {name: statistics.median(values) for name, values in times_ms.items()}
    result = {
        "benchmark": "import_time",
        "repeats": REPEATS,
        "median_ms": {name: round(value, 1) for name, value in median_ms.items()},
        "over_numpy_ms": {
            name: round(value - median_ms["numpy"], 1) for name, value in median_ms.items() if name != "numpy"
        },
        "goal_over_numpy_ms": 150,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
