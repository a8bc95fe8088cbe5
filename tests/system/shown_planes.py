"""What a window shows: ``shown_planes.py PORT``; prints rows of layer, well, site, sum."""

import json
import sys

import numpy as np

from platecast.errors import PlatecastError
from platecast.wire import ask, read_endpoint

if __name__ == "__main__":
    port = int(sys.argv[1])
    token = read_endpoint(port).token
    told = ask(port, "layers", token=token, timeout_s=20)[0]
    rows = []
    for layer in told["layers"]:
        for well in told["axes"]["well"]:
            for site in told["axes"]["site"]:
                place = {"layer": layer["name"], "well": well, "site": site}
                try:
                    answer, (pixels,) = ask(port, "read", token=token, timeout_s=20, **place)
                except PlatecastError:
                    continue
                total = int(np.frombuffer(pixels, answer["dtype"]).astype(np.int64).sum())
                rows.append((layer["name"], well, site, total))
    print(json.dumps(rows))
