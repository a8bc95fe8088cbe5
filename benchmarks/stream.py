"""What streaming costs: one JSON line a case, with the limit (memcpy) beside ours.

Each case starts a real napari viewer (on a virtual screen where there is none), waits until it is idle,
sends `n` planes as fast as the caller can, and waits until all are in its layers. ``mode`` "keep" sends
every plane to a place of its own, so that the viewer keeps all; "replace" sends them to 16 places in turn,
so that memory comes back.

Fields: `size` (pixels a side, uint16), `n`, `batch` (planes a `save_batch` call; 1: `Stream.send`), `mode`,
`call_ms_p50` and `call_ms_p99` (caller's cost a plane), `call_cpu_ms_p99` (of that, what its thread ran:
the rest it waited for a core, which the viewer's window had), `memcpy_ms` (the same pixels into warm memory,
same process), `send_s` (first send to last return), `all_in_layers_s` (first send until the viewer has them
all in layers), `ms_a_plane`, `gui_gap_ms_p99` and `gui_gap_ms_max` (window's loop, meanwhile), `shown`,
`dropped`.

The case with `senders` compares processes that send at once with one that sends alone: `alone_ms_p50` and
`call_ms_p50` (of each), `alone_memcpy_ms` and `memcpy_ms` (of each, copying at the same time as the others:
what the memory's bandwidth explains), and the sums of `sent`, `shown` and `dropped`.
"""

import argparse
import itertools
import json
import multiprocessing
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

import platecast as pc
from platecast.components import PlateLayout, format_name
from platecast.manager import find_or_start, find_viewer, quit_viewer
from platecast.wire import Endpoint, ask

_SIZES = (512, 1080, 2160)
_COUNTS = (48, 384, 1536)
_MOST_BYTES = 4e9
_SOURCES = 8
_PLACES = 16
_SENDERS = 4
_ROWS = "ABCDEFGHIJKLMNOP"

Image = np.ndarray[Any, np.dtype[np.uint16]]


@dataclass(frozen=True)
class Case:
    """One measurement."""

    size: int
    n: int
    batch: int = 1
    mode: str = "keep"

    @property
    def kept_bytes(self) -> float:
        """Bytes that the viewer holds in the end."""
        return self.size**2 * 2 * (self.n if self.mode == "keep" else _PLACES)


_GROWTH = Case(512, 10_000)
"""Whether a plane costs more where there are many; holds 5.2 GB."""


def cases(quick: bool) -> Iterator[Case]:
    """Yield the cases, those that would hold too much left out."""
    if quick:
        yield from (Case(1080, 48), Case(1080, 384))
        return
    for size, n in itertools.product(_SIZES, _COUNTS):
        yield Case(size, n)
    yield from (Case(1080, 384, batch=12), _GROWTH)
    yield from (Case(size, 1536, mode="replace") for size in _SIZES)


def memcpy_ms(images: list[Image]) -> float:
    """Return the median time of a copy between as many images in turn, all of them resident."""
    targets = [image.copy() for image in images]
    times = []
    for turn in range(100):
        start = time.perf_counter()
        np.copyto(targets[(turn * 3) % _SOURCES], images[turn % _SOURCES])
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def idle_viewer(port: int) -> Endpoint:
    """Start a viewer and wait until its window is there and warm."""
    endpoint = find_or_start(port, title="benchmark")
    idle_since = None
    while idle_since is None or time.monotonic() - idle_since < 2.0:
        info = find_viewer(port)
        ready = info is not None and info.state == "ready"
        idle_since = (idle_since or time.monotonic()) if ready else None
        time.sleep(0.1)
    return endpoint


def place(turn: int, case: Case) -> dict[str, Any]:
    """Return the components of the plane sent in a turn."""
    number = turn if case.mode == "keep" else turn % _PLACES
    site, number = divmod(number, 384)
    return {"well": f"{_ROWS[number // 24]}{number % 24 + 1:02d}", "site": site + 1, "channel": 1}


def layout(case: Case) -> PlateLayout:
    """Return what is announced before the first plane, as a pipeline does."""
    places = [place(turn, case) for turn in range(case.n)]
    wells = tuple(dict.fromkeys(each["well"] for each in places))
    sites = tuple(dict.fromkeys(each["site"] for each in places))
    return PlateLayout(well=wells, site=sites, channel=(1,))


def send_all(case: Case, images: list[Image], port: int) -> tuple[list[float], list[float], float, float]:
    """Send a case's planes; return the caller's seconds a plane, those that it ran, and both durations."""
    config = pc.NapariStreamingConfig(napari_port=port, budget_mb=max(case.kept_bytes, _MOST_BYTES) / 1e6)
    components = [place(turn, case) for turn in range(case.n)]
    paths = [format_name(pc.Components(**each)) for each in components]
    files = pc.FileManager()
    calls: list[float] = []
    ran: list[float] = []
    with pc.Stream(config=config, start_viewer=False) as stream:
        stream.announce(layout(case))
        begin = time.perf_counter()
        for turn in range(0, case.n, case.batch):
            start, start_cpu = time.perf_counter(), time.thread_time()
            if case.batch == 1:
                stream.send(images[turn % _SOURCES], **components[turn])
            else:
                chosen = [images[k % _SOURCES] for k in range(turn, turn + case.batch)]
                files.save_batch(
                    chosen, paths[turn : turn + case.batch], backend="napari_stream", config=config
                )
            calls.append((time.perf_counter() - start) / case.batch)
            ran.append((time.thread_time() - start_cpu) / case.batch)
        sent = time.perf_counter() - begin
        wait_shown(case.n, port, begin + 60)
        return calls, ran, sent, time.perf_counter() - begin


def wait_shown(n: int, port: int, deadline: float) -> None:
    """Wait until the viewer's account says that all is settled."""
    while time.perf_counter() < deadline:
        info = find_viewer(port)
        if info is not None and info.ledger is not None and info.ledger.sent >= n and info.ledger.settled:
            return
        time.sleep(0.002)


def measure(case: Case, port: int) -> dict[str, Any]:
    """Run one case in a viewer of its own."""
    endpoint = idle_viewer(port)
    try:
        rng = np.random.default_rng(0)
        images = [rng.poisson(400, (case.size, case.size)).astype(np.uint16) for _ in range(_SOURCES)]
        copy_ms = memcpy_ms(images)
        ask(port, "probe", token=endpoint.token, action="start")
        calls, ran, send_s, all_s = send_all(case, images, port)
        gaps, _ = ask(port, "probe", token=endpoint.token, action="stop")
        info = find_viewer(port)
        ledger = info.ledger if info is not None else None
    finally:
        quit_viewer(endpoint, timeout_s=20)
    p50, p99 = (float(value) * 1e3 for value in np.percentile(calls, [50, 99]))
    return {
        **asdict(case),
        "call_ms_p50": round(p50, 3),
        "call_ms_p99": round(p99, 3),
        "call_cpu_ms_p99": round(float(np.percentile(ran, 99)) * 1e3, 3),
        "memcpy_ms": round(copy_ms, 3),
        "call_by_memcpy": round(p50 / copy_ms, 1),
        "send_s": round(send_s, 3),
        "all_in_layers_s": round(all_s, 3),
        "ms_a_plane": round(all_s / case.n * 1e3, 3),
        "gui_gap_ms_p99": round(gaps["p99_ms"], 1),
        "gui_gap_ms_max": round(gaps["max_ms"], 1),
        "shown": ledger.shown + ledger.superseded if ledger is not None else 0,
        "dropped": ledger.dropped if ledger is not None else 0,
    }


def send_beside_others(
    number: int,
    n: int,
    size: int,
    port: int,
    begin: threading.Barrier,
    answers: "multiprocessing.Queue[tuple[float, float, dict[str, int]]]",
) -> None:
    """Copy, then send, at the same time as others do; in a process of its own."""
    rng = np.random.default_rng(number)
    images = [rng.poisson(400, (size, size)).astype(np.uint16) for _ in range(_SOURCES)]
    config = pc.NapariStreamingConfig(napari_port=port, budget_mb=_MOST_BYTES / 1e6)
    with pc.Stream(config=config, start_viewer=False) as stream:
        stream.send(images[0], well="A01", site=0, timepoint=number)
        stream.flush(20)
        begin.wait()
        copy_ms = memcpy_ms(images)
        begin.wait()
        calls = []
        for turn in range(n - 1):
            start = time.perf_counter()
            stream.send(images[turn % _SOURCES], well="A01", site=turn + 1, timepoint=number)
            calls.append(time.perf_counter() - start)
        answers.put((statistics.median(calls) * 1e3, copy_ms, stream.flush(60).counts()))


def run_senders(senders: int, n: int, size: int, port: int) -> list[tuple[float, float, dict[str, int]]]:
    """Let so many processes send at once to a viewer of their own; return what each says."""
    endpoint = idle_viewer(port)
    context = multiprocessing.get_context("spawn")
    begin, answers = context.Barrier(senders), context.Queue()
    processes = [
        context.Process(target=send_beside_others, args=(number, n, size, port, begin, answers))
        for number in range(senders)
    ]
    try:
        for process in processes:
            process.start()
        told = [answers.get(timeout=120) for _ in processes]
        for process in processes:
            process.join(20)
    finally:
        quit_viewer(endpoint, timeout_s=20)
    return told


def measure_senders(senders: int, n: int, size: int, port: int) -> dict[str, Any]:
    """Compare processes that send at once with one that sends alone."""
    ((alone_ms, alone_copy_ms, alone),) = run_senders(1, n, size, port)
    told = run_senders(senders, n, size, port)
    totals = {name: sum(counts[name] for *_, counts in told) for name in ("sent", "shown", "dropped")}
    return {
        "size": size,
        "n": n,
        "senders": senders,
        "alone_ms_p50": round(alone_ms, 3),
        "call_ms_p50": [round(each[0], 3) for each in told],
        "alone_memcpy_ms": round(alone_copy_ms, 3),
        "memcpy_ms": [round(each[1], 3) for each in told],
        **totals,
        "lost": senders * n - totals["shown"] + n - alone["shown"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="48 and 384 planes of 1080 x 1080 only")
    parser.add_argument("--port", type=int, default=5955)
    options = parser.parse_args()
    for case in cases(options.quick):
        if case.kept_bytes > _MOST_BYTES and case != _GROWTH:
            print(json.dumps({**asdict(case), "skipped": "holds more than 4 GB"}), flush=True)
        else:
            print(json.dumps(measure(case, options.port)), flush=True)
    for size in (1080,) if options.quick else (512, 1080):
        print(json.dumps(measure_senders(_SENDERS, 96, size, options.port)), flush=True)


if __name__ == "__main__":
    main()
