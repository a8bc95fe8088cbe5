"""A sender: ``remote_sender.py HOST PORT COUNT SIDE [PAUSE_S [FLUSH_S]]``; prints its ledger."""

import json
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    import msgspec
    import numpy as np

    from platecast.config import NapariStreamingConfig
    from platecast.stream import Stream

    host, port, count, side = sys.argv[1], *map(int, sys.argv[2:5])
    pause_s = float(sys.argv[5]) if len(sys.argv) > 5 else 0.0
    flush_s = float(sys.argv[6]) if len(sys.argv) > 6 else 60.0
    config = NapariStreamingConfig(napari_host=host, napari_port=port, budget_mb=2000)
    image = np.random.default_rng(1).poisson(400, (side, side)).astype(np.uint16)
    slowest_s = calls_s = 0.0
    stream = Stream(config=config, start_viewer=False, plate="hidden-plate-name")
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    for number in range(count):
        image[0, 0] = number
        called = time.perf_counter()
        stream.send(image, well="A01", site=number, channel="SecretDye")
        took_s = time.perf_counter() - called
        slowest_s, calls_s = max(slowest_s, took_s), calls_s + took_s
        time.sleep(pause_s)
    ledger = stream.flush(flush_s)
    told = {"took_s": time.perf_counter() - began, "slowest_ms": slowest_s * 1e3, "calls_ms": calls_s * 1e3}
    print(json.dumps({**told, **msgspec.to_builtins(ledger)}), flush=True)
