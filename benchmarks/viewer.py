"""Large runs in a real viewer: one JSON line a case, named on the command line.

- ``plate``: 384 wells x 9 sites x 8 channels of 256², streamed; then the sliders are moved, with eight
  channels visible and with all but one hidden. Goals: a step, slice and paint, p95 at most 130 and 60 ms;
  peak memory at most the idle window and 1.15 x the pixels.
- ``budget-resting``: the same planes, which rest on disk, under a budget of 1 GB; then some are looked at.
- ``budget-scratch``: the same without a store.
- ``sustained``: 200/s of 1080² over 384 places for 30 s. Goal: all in, gaps of the window's loop p99 at most
  33 ms.
- ``follow``: the same, and the sliders follow the newest plane. Goal: never more than one paint behind, which
  is what ``step_ms_*`` tell here: each step goes to the newest plane there is, and ends when it is painted.
- ``burst``: 1,000/s of 512² for 10 s, over 384 places. Goal: all in, window alive.
- ``hour``: 100 runs of 200 planes that replace each other. Goal: memory does not grow.
- ``first``: an idle window gets an unbroken stream, 200/s; when its first plane is on screen, three times for
  each size: in a window without layers, goal 100 ms after it was sent, and in one that shows the layer
  already, goal 20 ms and one paint.
- ``regroup``: 4,992 planes of 8 sites and 2 channels, stacked, become 16 layers. Goal: all made in 2 s.

Fields: ``rss_*_mb`` resident memory of the viewer's process, ``planes_peak_mb`` what it says its planes take,
``pixels_mb`` what was sent, ``step_ms_*`` as the window measures it, from before napari hears of the move to
the end of the first composition of the window that shows every visible layer at the new place, ``asked_ms_*``
the same from here, from the request for the move to the answer to a second one, which waits for the paint,
``gap_ms_*`` of the window's loop.
"""

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

import platecast as pc
from platecast.components import PlateLayout
from platecast.manager import find_or_start, find_viewer, quit_viewer, set_sliced
from platecast.wire import Endpoint, ask

_ROWS = "ABCDEFGHIJKLMNOP"
WELLS = tuple(f"{row}{column:02d}" for row in _ROWS for column in range(1, 25))
SITES, CHANNELS = range(1, 10), range(1, 9)
_MOST_WAIT_S = 300
_STEPS = 60
_SAMPLE = 200

Image = np.ndarray[Any, np.dtype[np.uint16]]


class Viewer:
    """A viewer process that is measured."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.process = psutil.Process(endpoint.pid)
        self.peak_mb = self.idle_mb = self.rss_mb()
        self.peak_planes_mb = 0.0
        self._stopping = threading.Event()
        self._sampler = threading.Thread(target=self._sample)

    def rss_mb(self) -> float:
        """Return the resident memory of its process."""
        return float(self.process.memory_info().rss) / 1e6

    def ask(self, name: str, **args: object) -> tuple[dict[str, Any], list[bytes]]:
        """Ask the window."""
        return ask(self.endpoint.port, name, token=self.endpoint.token, timeout_s=120, **args)

    def status(self) -> dict[str, Any]:
        """Return what the viewer says of itself."""
        return self.ask("status")[0]

    def watch(self) -> None:
        """Begin to note its memory."""
        self.peak_mb = self.idle_mb = self.rss_mb()
        self._sampler.start()

    def stop(self) -> None:
        """End that."""
        self._stopping.set()
        self._sampler.join()

    def _sample(self) -> None:
        while not self._stopping.wait(0.05):
            self.peak_mb = max(self.peak_mb, self.rss_mb())
            self.peak_planes_mb = max(self.peak_planes_mb, self.status()["planes"]["memory_mb"])

    def wait_settled(self, sent: int) -> None:
        """Wait until so many planes are settled."""
        deadline = time.monotonic() + _MOST_WAIT_S
        while time.monotonic() < deadline:
            ledger = self.status()["ledger"]
            if ledger["sent"] >= sent and not ledger["pending"]:
                return
            time.sleep(0.02)
        raise TimeoutError(f"not settled after {_MOST_WAIT_S} s: {self.status()['ledger']}")


@contextmanager
def viewer(port: int, budget_mb: float | None = None) -> Iterator[Viewer]:
    """Start a viewer, wait until it is idle, and quit it at the end."""
    endpoint = find_or_start(port, title="benchmark", memory_budget_mb=budget_mb)
    idle_since = None
    while idle_since is None or time.monotonic() - idle_since < 3.0:
        info = find_viewer(port)
        ready = info is not None and info.state == "ready"
        idle_since = (idle_since or time.monotonic()) if ready else None
        time.sleep(0.1)
    one = Viewer(endpoint)
    one.watch()
    try:
        yield one
    finally:
        one.stop()
        quit_viewer(endpoint, timeout_s=60)


def stream_to(port: int, **config: object) -> pc.Stream:
    settings: dict[str, Any] = {"napari_port": port, "budget_mb": 2000.0}
    settings |= {"when_full": "block", "block_timeout_s": 120.0, **config}
    return pc.Stream(config=pc.NapariStreamingConfig(**settings), start_viewer=False)


def numbered(image: Image, number: int) -> Image:
    """Write a number into an image, so that it can be told from every other one."""
    image[0, :2] = number & 0xFFFF, number >> 16
    return image


def number_in(pixels: bytes) -> int:
    low, high = np.frombuffer(pixels[:4], np.uint16)
    return int(low) | int(high) << 16


def places() -> Iterator[dict[str, Any]]:
    """Yield the planes of a plate, in the order in which a microscope makes them."""
    for well in WELLS:
        for site in SITES:
            for channel in CHANNELS:
                yield {"well": well, "site": site, "channel": channel}


def noise(size: int, count: int = 8) -> list[Image]:
    rng = np.random.default_rng(0)
    return [rng.poisson(400, (size, size)).astype(np.uint16) for _ in range(count)]


def steps_ms(one: Viewer, rng: np.random.Generator) -> dict[str, float]:
    """Move the sliders to random places; return what a step takes until it is painted."""
    asked = []
    one.ask("probe", action="start")
    for _ in range(_STEPS):
        start = time.perf_counter()
        one.ask("goto", well=str(rng.choice(WELLS)), site=int(rng.choice(SITES)))
        one.ask("goto")
        asked.append((time.perf_counter() - start) * 1e3)
    found = one.ask("probe", action="stop")[0]
    p50, p95 = np.percentile(asked, [50, 95])
    return {
        "steps": found["steps"],
        "step_ms_p50": round(found["step_p50_ms"], 1),
        "step_ms_p95": round(found["step_p95_ms"], 1),
        "asked_ms_p50": round(p50, 1),
        "asked_ms_p95": round(p95, 1),
    }


def send_plate(one: Viewer, addresses: Callable[[int], str | None]) -> dict[str, Any]:
    images = noise(256)
    with stream_to(one.endpoint.port) as stream:
        stream.announce(PlateLayout(well=WELLS, site=tuple(SITES), channel=tuple(CHANNELS)))
        start = time.perf_counter()
        for number, place in enumerate(places()):
            image = numbered(images[number % len(images)], number)
            stream.send_components(image, pc.Components(**place), address=addresses(number))
        sent = number + 1
        one.wait_settled(sent)
        seconds = time.perf_counter() - start
    pixels_mb = sent * images[0].nbytes / 1e6
    return {"planes": sent, "pixels_mb": round(pixels_mb), "all_in_layers_s": round(seconds, 1)}


def memory(one: Viewer) -> dict[str, Any]:
    planes = one.status()["planes"]
    return {
        "rss_idle_mb": round(one.idle_mb),
        "rss_peak_mb": round(one.peak_mb),
        "rss_end_mb": round(one.rss_mb()),
        "planes_peak_mb": round(one.peak_planes_mb),
        "held": planes,
    }


def plate(port: int) -> dict[str, Any]:
    with viewer(port) as one:
        found = send_plate(one, lambda _: None)
        rng = np.random.default_rng(1)
        eight = steps_ms(one, rng)
        allowed_mb = one.idle_mb + 1.15 * found["pixels_mb"]
        names = [layer["name"] for layer in one.ask("layers")[0]["layers"]]
        one.ask("display", visible=dict.fromkeys(names[1:], False))
        found |= {"eight_channels": eight, "one_channel": steps_ms(one, rng)}
        return found | {"memory_goal_mb": round(allowed_mb), **memory(one)}


def look_at_some(one: Viewer) -> dict[str, Any]:
    """Go to some planes and read them; return how many were right, and how long the window was deaf."""
    rng = np.random.default_rng(2)
    known = list(places())
    names = {entry["sliced"]["channel"]: entry["name"] for entry in one.ask("layers")[0]["layers"]}
    one.ask("probe", action="start")
    right, times = 0, []
    for number in rng.choice(len(known), _SAMPLE, replace=False):
        place = dict(known[number])
        channel = place.pop("channel")
        start = time.perf_counter()
        one.ask("goto", **place)
        _, (pixels,) = one.ask("read", layer=names[channel], **place)
        times.append((time.perf_counter() - start) * 1e3)
        right += int(number_in(pixels) == number)
    gaps = one.ask("probe", action="stop")[0]
    p50, p95 = np.percentile(times, [50, 95])
    return {
        "looked_at": _SAMPLE,
        "right": right,
        "look_ms_p50": round(p50, 1),
        "look_ms_p95": round(p95, 1),
        "gap_ms_p99": round(gaps["p99_ms"], 1),
    }


def budget_scratch(port: int) -> dict[str, Any]:
    with viewer(port, 1000) as one:
        found = send_plate(one, lambda _: None)
        return found | look_at_some(one) | memory(one)


def budget_resting(port: int) -> dict[str, Any]:
    import tifffile

    with tempfile.TemporaryDirectory() as folder:
        images = noise(256)
        for number, _ in enumerate(places()):
            tifffile.imwrite(Path(folder, f"{number}.tif"), numbered(images[number % 8], number))
        with viewer(port, 1000) as one:
            found = send_plate(one, lambda number: f"disk:{folder}/{number}.tif")
            return found | look_at_some(one) | memory(one)


def paced(one: Viewer, size: int, rate: int, seconds: int, **config: object) -> dict[str, Any]:
    """Send at a rate, to 384 places in turn."""
    images = noise(size)
    total = rate * seconds
    with stream_to(one.endpoint.port, when_full="drop_oldest", **config) as stream:
        stream.announce(PlateLayout(well=WELLS))
        stream.send(images[0], well="A01")
        one.wait_settled(1)
        one.ask("probe", action="start")
        start = time.perf_counter()
        for turn in range(total):
            while (early := start + turn / rate - time.perf_counter()) > 0:
                time.sleep(early)
            stream.send(images[turn % 8], well=WELLS[turn % len(WELLS)])
        sent_s = time.perf_counter() - start
        one.wait_settled(total + 1)
        all_s = time.perf_counter() - start
        gaps = one.ask("probe", action="stop")[0]
        ledger = one.status()["ledger"]
    followed = {}
    if config.get("follow_newest"):
        here = one.ask("goto")[0]["on_screen"]["well"]
        followed = {
            "steps": gaps["steps"],
            "step_ms_p50": round(gaps["step_p50_ms"], 1),
            "step_ms_p95": round(gaps["step_p95_ms"], 1),
            "step_ms_max": round(gaps["step_max_ms"], 1),
            "is_at_newest": here == WELLS[(total - 1) % len(WELLS)],
        }
    return {
        "sent": total + 1,
        "sent_s": round(sent_s, 2),
        "all_in_layers_s": round(all_s, 2),
        "shown_or_replaced": ledger["shown"] + ledger["superseded"],
        "dropped": ledger["dropped"],
        "gap_ms_p50": round(gaps["p50_ms"], 1),
        "gap_ms_p99": round(gaps["p99_ms"], 1),
        "gap_ms_max": round(gaps["max_ms"], 1),
        **followed,
    }


def sustained(port: int) -> dict[str, Any]:
    with viewer(port) as one:
        return paced(one, 1080, 200, 30) | memory(one)


def follow(port: int) -> dict[str, Any]:
    with viewer(port) as one:
        return paced(one, 1080, 200, 30, follow_newest=True) | memory(one)


def burst(port: int) -> dict[str, Any]:
    with viewer(port) as one:
        found = paced(one, 512, 1000, 10)
        return found | {"state": find_viewer(port).state} | memory(one)  # type: ignore[union-attr]


def hour(port: int) -> dict[str, Any]:
    images = noise(512)
    rss = {}
    with viewer(port) as one:
        for run in range(1, 101):
            with stream_to(port, replace_layers=True) as stream:
                for turn in range(200):
                    stream.send(images[(turn + run) % 8], well=WELLS[turn // 2], channel=turn % 2)
            one.wait_settled(run * 200)
            if run in (10, 50, 100):
                rss[f"rss_after_{run}_mb"] = round(one.rss_mb())
        return {"runs": 100, "planes_a_run": 200, **rss, **memory(one)}


def seen_after_ms(one: Viewer, stream: pc.Stream, images: list[Image], wells: tuple[str, ...]) -> float:
    """Begin to send and go on for a second; return when the first plane was on screen, after it was sent."""
    one.ask("probe", action="start")
    first_at = time.monotonic()
    for turn in range(200):
        while (early := first_at + turn / 200 - time.monotonic()) > 0:
            time.sleep(early)
        stream.send(images[turn % 8], well=wells[turn % len(wells)])
    painted_at: float = one.ask("probe", action="stop")[0]["first_painted_at"]
    return round((painted_at - first_at) * 1e3, 1)


def first(port: int) -> dict[str, Any]:
    found: dict[str, list[float]] = {}
    for size in (512, 1080):
        images = noise(size)
        for _ in range(3):
            with viewer(port) as one, stream_to(port) as stream:
                stream.announce(PlateLayout(well=WELLS))
                while not one.status()["senders"]:
                    time.sleep(0.01)
                found.setdefault(f"empty_{size}_ms", []).append(seen_after_ms(one, stream, images, WELLS))
                stream.flush(60)
                time.sleep(3)
                # All for the place on screen: the next picture is that of the first plane.
                here = (str(one.ask("layers")[0]["on_screen"]["well"]),)
                found.setdefault(f"layer_{size}_ms", []).append(seen_after_ms(one, stream, images, here))
                one.ask("probe", action="start")
                for well in WELLS[:20]:
                    one.ask("goto", well=well)
                    one.ask("goto")
                step = one.ask("probe", action="stop")[0]["step_p50_ms"]
                found.setdefault(f"step_{size}_ms", []).append(round(step, 1))
    return found


def regroup(port: int) -> dict[str, Any]:
    images = noise(64)
    with viewer(port) as one:
        with stream_to(port) as stream:
            for well in WELLS[:312]:
                for site in range(8):
                    for channel in range(2):
                        stream.send(images[site], well=well, site=site, channel=channel)
            one.wait_settled(312 * 16)
        found = {}
        for name, sliced in (("to_one", []), ("to_channels", ["channel"]), ("to_16", ["site", "channel"])):
            start = time.perf_counter()
            layers = set_sliced(one.endpoint, sliced)
            answered_s = time.perf_counter() - start
            while sum(entry["materialised"] for entry in one.ask("layers")[0]["layers"]) < layers:
                time.sleep(0.01)
            made_s = time.perf_counter() - start
            found[name] = {"layers": layers, "answered_s": round(answered_s, 2), "made_s": round(made_s, 2)}
        return {"planes": 312 * 16, **found}


CASES: dict[str, Callable[[int], dict[str, Any]]] = {
    "plate": plate,
    "budget-resting": budget_resting,
    "budget-scratch": budget_scratch,
    "sustained": sustained,
    "follow": follow,
    "burst": burst,
    "hour": hour,
    "first": first,
    "regroup": regroup,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("cases", nargs="+", choices=list(CASES), help="which ones")
    parser.add_argument("--port", type=int, default=5965)
    options = parser.parse_args()
    for name in options.cases:
        print(json.dumps({"case": name, **CASES[name](options.port)}), flush=True)


if __name__ == "__main__":
    main()
