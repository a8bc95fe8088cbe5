"""Planes to a viewer on another machine: images a second, the delay into an idle link, and a bad link.

Root's, on Linux: both machines are network namespaces, joined by veth and shaped by tc's token bucket. The
image is a nominal camera's: 2048 x 2048 uint16, cells of up to 900 photons over a background of 60, with
shot noise and a read noise of 2; the compression ratio is measured and printed. The bad link has 100 Mbit/s,
200 ms there and back and loses one packet of twenty each way; its cable is out for 30 s meanwhile::

    python benchmarks/remote.py [--seconds 8] [--case good] [--case bad]
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from platecast.wire import compress  # noqa: E402 -- tests' machines need the path
from tests.system.bad_link import bad_link  # noqa: E402
from tests.system.two_machines import Machine, machines, tree  # noqa: E402

PORT = 15555
LINKS_MBIT = (1000, 100)
SIDE = 2048
BAD_S, BAD_INTERVAL_S, BAD_SIDE = 60.0, 0.5, 160
PULLED_AT_S, PULLED_S = 15.0, 30.0
SLOWEST_CALL_MS = 10.0


def camera_image(seed: int = 0) -> npt.NDArray[np.uint16]:
    """Return an image as a nominal camera makes it."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    signal = np.full((SIDE, SIDE), 60.0)
    for _ in range(150):
        cy, cx = random.integers(0, SIDE, 2)
        radius, height = random.uniform(15, 40), random.uniform(100, 900)
        top, left = max(0, int(cy - 3 * radius)), max(0, int(cx - 3 * radius))
        part = np.s_[top : int(cy + 3 * radius), left : int(cx + 3 * radius)]
        signal[part] += height * np.exp(-((y[part] - cy) ** 2 + (x[part] - cx) ** 2) / (2 * radius**2))
    noisy = random.poisson(signal) + random.normal(0, 2, signal.shape)
    return np.clip(noisy, 0, 65535).round().astype(np.uint16)


def send(host: str, seconds: float) -> None:
    """Measure, in the sender's process; prints the figures as JSON."""
    from platecast.config import NapariStreamingConfig, WhenFull
    from platecast.stream import Stream

    images = [camera_image(seed) for seed in range(4)]
    config = NapariStreamingConfig(
        napari_host=host, napari_port=PORT, budget_mb=100, when_full=WhenFull.BLOCK
    )
    stream = Stream(config=config, start_viewer=False)
    stream.send(images[0], well="A01", site=0)
    stream.flush(20)
    delays, calls = [], []
    for number in range(1, 7):
        time.sleep(0.5)
        began = time.perf_counter()
        stream.send(images[number % 4], well="A01", site=number)
        calls.append(time.perf_counter() - began)
        stream.flush(20)
        delays.append(time.perf_counter() - began)
    number, began, shown, middle = 7, time.perf_counter(), 0, 0.0
    while (now := time.perf_counter()) < began + seconds:
        stream.send(images[number % 4], well="A01", site=number)
        number += 1
        if not middle and now > began + seconds / 4:
            # The flow has learned the link, and what waits is as much as later.
            middle, shown = now, stream.report().shown
    figures = {
        "images_per_s": (stream.report().shown - shown) / (time.perf_counter() - middle),
        "idle_delay_s": statistics.median(delays),
        "idle_call_ms": max(calls) * 1e3,
    }
    print(json.dumps(figures), flush=True)
    os._exit(0)


def send_badly(host: str) -> None:
    """Send for a minute, in which the cable is out for the most part; prints the account as JSON."""
    from platecast.config import NapariStreamingConfig
    from platecast.stream import Stream

    image = camera_image()
    stream = Stream(config=NapariStreamingConfig(napari_host=host, napari_port=PORT), start_viewer=False)
    print("ready", flush=True)
    began, calls, number = time.perf_counter(), [], 0
    while time.perf_counter() - began < BAD_S:
        top = number * 16 % (SIDE - BAD_SIDE)
        called = time.perf_counter()
        stream.send(image[top : top + BAD_SIDE, :BAD_SIDE], well="A01", site=number)
        calls.append(time.perf_counter() - called)
        time.sleep(BAD_INTERVAL_S)
        number += 1
    ledger = stream.flush(150)
    figures = {
        "sent": ledger.sent,
        "shown": ledger.shown,
        "pending": ledger.pending,
        "dropped": ledger.dropped,
        "repeated": ledger.superseded,
        "slowest_call_ms": max(calls) * 1e3,
        "settled_after_s": time.perf_counter() - began - BAD_S,
    }
    print(json.dumps(figures), flush=True)
    os._exit(0)


def start(machine: Machine, folder: Path, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        machine.command(sys.executable, *arguments),
        env={**os.environ, **tree(folder / machine.name)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(machine: Machine, folder: Path, *arguments: object) -> str:
    process = start(machine, folder, *arguments)
    out, _ = process.communicate()
    return out


def measure(desk: Machine, node: Machine, folder: Path, seconds: float) -> None:
    """Measure every link between two machines that are paired."""
    ratio = statistics.mean(_ratio(camera_image(seed)) for seed in range(4))
    nbytes = SIDE * SIDE * 2
    print(f"compression ratio {ratio:.2f}")
    for mbit in LINKS_MBIT:
        node.shape("tbf", "rate", f"{mbit}mbit", "burst", f"{mbit * 1000}", "latency", "50ms")
        told: dict[str, Any] = json.loads(
            run(node, folder, __file__, "--send", desk.address, "--seconds", seconds)
        )
        line = mbit * 1e6 / 8 * ratio / nbytes
        own_s = nbytes / ratio / (mbit * 1e6 / 8)
        print(
            f"{mbit} Mbit/s: {told['images_per_s']:.2f} images/s,"
            f" {told['images_per_s'] / line:.2f} of the line times the ratio;"
            f" into the idle link {told['idle_delay_s'] * 1e3:.0f} ms,"
            f" of which the line takes {own_s * 1e3:.0f}; slowest call {told['idle_call_ms']:.1f} ms",
            flush=True,
        )


def measure_bad(desk: Machine, node: Machine, folder: Path, congestion: str) -> bool:
    """Send over a bad link whose cable is pulled; say whether all arrived once and no caller waited."""
    with bad_link(desk, node, rate_mbit=100, delay_ms=100, loss=0.05, congestion=congestion) as counted:
        sender = start(node, folder, __file__, "--send-badly", desk.address)
        assert sender.stdout is not None
        sender.stdout.readline()
        time.sleep(PULLED_AT_S)
        node.plug(False)
        time.sleep(PULLED_S)
        words = run(desk, folder, "-m", "platecast", "status", PORT).split()
        node.plug(True)
        told: dict[str, Any] = json.loads(sender.communicate()[0])
    waited_for = " ".join(words[words.index("senders") : words.index("senders") + 11])
    print(
        f"bad link ({congestion}): {told}\n  status while the cable was out: {waited_for}\n  {counted}",
        flush=True,
    )
    is_whole = told["sent"] == told["shown"] > 0 and told["repeated"] == 0
    return bool(is_whole) and bool(told["slowest_call_ms"] <= SLOWEST_CALL_MS)


def _ratio(image: npt.NDArray[np.uint16]) -> float:
    packed = compress(image.tobytes(), 2)
    return 1.0 if packed is None else image.nbytes / len(packed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each link is measured")
    parser.add_argument("--send", help=argparse.SUPPRESS)
    parser.add_argument("--send-badly", help=argparse.SUPPRESS)
    parser.add_argument("--case", action="append", choices=["good", "bad"], help="default: both")
    parser.add_argument("--congestion", default="cubic", help="how TCP goes about losses on the bad link")
    options = parser.parse_args()
    if options.send:
        send(options.send, options.seconds)
    if options.send_badly:
        send_badly(options.send_badly)
    cases, is_well = options.case or ["good", "bad"], True
    with machines("desk", "node") as (desk, node), tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        viewer = start(desk, folder, ROOT / "tests" / "viewer_process.py", PORT, desk.address)
        try:
            string = ""
            while not string:
                time.sleep(0.2)
                string = run(desk, folder, "-m", "platecast", "keys", "add", "node", "--port", PORT).strip()
            run(node, folder, "-m", "platecast", "pair", string)
            if "good" in cases:
                measure(desk, node, folder, options.seconds)
            if "bad" in cases:
                is_well = measure_bad(desk, node, folder, options.congestion)
        finally:
            with contextlib.suppress(BrokenPipeError):
                viewer.communicate(timeout=20)
    sys.exit(not is_well)


if __name__ == "__main__":
    main()
