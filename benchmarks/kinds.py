"""What is no image: one JSON line a case, from the call of `send` to what can be looked at.

Each case is sent to a viewer that shows an image of the same well already. Fields: `case`, `n` (records),
`call_ms` (the caller's cost), `usable_ms` (send until the viewer has it in the layer that is on screen, many
shapes a part of them), `all_ms` (until all of them are drawn), `again_ms` (the same for a resend), `step_ms`
(to another well with as many records and back, one way), `gui_gap_ms_max` (the window's loop, while the first
was sent).

``python benchmarks/kinds.py [--quick]``; starts a viewer of its own, on a virtual screen where there is none.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import platecast as pc
from platecast.manager import find_or_start, find_viewer, quit_viewer
from platecast.wire import Endpoint, ask

_SIZE = 2160
_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Case:
    """One measurement: a kind, how it is shown, and how many."""

    name: str
    kind: str
    count: int
    polygons: str = "labels"


def cases(quick: bool) -> Iterator[Case]:
    """Yield the cases."""
    few = 10 if quick else 1
    yield Case("points", "points", 100_000 // few)
    yield Case("polygons as labels", "shapes", 20_000 // few)
    yield Case("polygons as shapes", "shapes", 1_000 // few, "shapes")
    yield Case("polygons as shapes", "shapes", 20_000 // few, "shapes")
    yield Case("vectors", "vectors", 100_000 // few)
    yield Case("tracks", "tracks", 100_000 // few)


def data_of(case: Case, seed: int) -> Any:  # noqa: ANN401 -- whatever the kind takes
    """Return as much of a kind as a case wants."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(20, _SIZE - 20, (case.count, 2)).astype(np.float32)
    if case.kind == "points":
        return places
    if case.kind == "vectors":
        return np.stack((places, rng.normal(0, 5, places.shape)), axis=1)
    if case.kind == "tracks":
        ids = np.arange(case.count) // 10
        return np.column_stack(
            (ids, np.arange(case.count) % 10, places[ids * 10] + rng.normal(0, 5, places.shape))
        )
    angles = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    outline = np.column_stack((np.sin(angles), np.cos(angles))).astype(np.float32)
    return [
        place + outline * radius for place, radius in zip(places, rng.uniform(4, 9, case.count), strict=True)
    ]


class Viewer:
    """A viewer, asked over its control channel."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def ask(self, command: str, **arguments: object) -> dict[str, Any]:
        """Return the answer to a command."""
        port, token = self._endpoint.port, self._endpoint.token
        return ask(port, command, token=token, timeout_s=_TIMEOUT_S, **arguments)[0]

    def go_to(self, well: str) -> float:
        """Go to a well; return how long that takes until the next command is answered, in ms."""
        start = time.perf_counter()
        self.ask("goto", well=well)
        return (time.perf_counter() - start) * 1e3


def measure(case: Case, viewer: Viewer, port: int) -> dict[str, object]:
    """Send a case twice and look at another well meanwhile."""
    config = pc.NapariStreamingConfig(
        napari_port=port, polygons=pc.NapariPolygons(case.polygons), budget_mb=512
    )
    viewer.ask("clear")
    image = np.random.default_rng(0).integers(90, 400, (_SIZE, _SIZE), np.uint16)
    with pc.Stream(config=config, start_viewer=False) as stream:
        for well in ("A01", "A02"):
            stream.send(image, well=well)
        stream.flush(_TIMEOUT_S)
        viewer.go_to("A01")
        data, other = data_of(case, 1), data_of(case, 2)
        # The first layer of a kind in a process takes a second more, and is no matter of the number.
        stream.send(data[: len(data) // 50], kind=case.kind, well="A01")
        stream.flush(_TIMEOUT_S)
        viewer.ask("probe", action="start")
        first = send(stream, data, case.kind, viewer)
        gaps = viewer.ask("probe", action="stop")
        again = send(stream, other, case.kind, viewer)
        stream.send(other, kind=case.kind, well="A02")
        stream.flush(_TIMEOUT_S)
        steps = [viewer.go_to(well) for well in ("A02", "A01", "A02", "A01")]
        assert stream.report().failed == stream.report().dropped == 0
    return {
        "case": case.name,
        "n": case.count,
        "call_ms": round(first[0], 1),
        "usable_ms": round(first[1], 1),
        "all_ms": round(first[2], 1),
        "again_ms": round(again[2], 1),
        "step_ms": round(sorted(steps)[1], 1),
        "gui_gap_ms_max": gaps.get("max_ms"),
    }


def send(stream: pc.Stream, data: object, kind: str, viewer: Viewer) -> tuple[float, float, float]:
    """Send something; return when the call came back, when the window had it, and when it drew all, in ms."""
    start = time.perf_counter()
    stream.send(data, kind=kind, well="A01")
    call = time.perf_counter()
    stream.flush(_TIMEOUT_S)
    # In order with the planes, and after what they have to refresh.
    layers = viewer.ask("layers")["layers"]
    usable = time.perf_counter()
    while any(layer.get("filling") for layer in layers):
        time.sleep(0.02)
        layers = viewer.ask("layers")["layers"]
    return (call - start) * 1e3, (usable - start) * 1e3, (time.perf_counter() - start) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the records")
    parser.add_argument("--port", type=int, default=5755)
    options = parser.parse_args()
    endpoint = find_or_start(options.port, title="benchmark")
    while (info := find_viewer(options.port)) is None or info.state != "ready":
        time.sleep(0.1)
    try:
        for case in cases(options.quick):
            print(json.dumps(measure(case, Viewer(endpoint), options.port)), flush=True)
    finally:
        quit_viewer(endpoint, timeout_s=_TIMEOUT_S)


if __name__ == "__main__":
    main()
