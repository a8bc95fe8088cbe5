"""Malformed messages by the hundred thousand: none may be accepted, and the viewer must go on answering.

``python tests/torture/malformed.py --count 100000`` starts a viewer in a process of its own, sends it random
bytes, mutated messages, lying items and garbage through the unix socket, pings it meanwhile, and prints one
JSON line: how many were sent, what the viewer's ledger says, and the slowest ping in ms.
"""

import argparse
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import zmq

_ROOT = Path(__file__).parents[2]
_BATCH = 200


class Attacker:
    """Everything that could be sent to a viewer by somebody who means ill, or knows no better."""

    def __init__(self, port: int, seed: int) -> None:
        sys.path.insert(0, str(_ROOT))
        from platecast.wire import read_endpoint
        from tests.plain_sender import PlainSender

        endpoint = read_endpoint(port)
        if endpoint is None:
            raise RuntimeError("there is no viewer")
        self._random = random.Random(seed)
        self.endpoint = endpoint
        # One that was let in: what it lies about later is told apart from what strangers send.
        viewer = type("Viewer", (), {"endpoint": endpoint})()
        self.member = PlainSender(viewer, token=endpoint.token).join()
        self._context = zmq.Context()
        self._topic = bytes.fromhex(endpoint.instance)
        self.data = self._socket(zmq.XPUB, endpoint.data_address)
        self.dealer = self._socket(zmq.DEALER, endpoint.control_address)
        self.data.recv()
        self.sent = 0

    def _socket(self, kind: int, address: str) -> Any:
        made = self._context.socket(kind)
        made.linger = 0
        made.sndtimeo = 5000
        if kind == zmq.XPUB:
            made.setsockopt(zmq.XPUB_NODROP, 1)
        made.connect(address)
        return made

    def close(self) -> None:
        """Go away."""
        self.member.close()
        self.data.close()
        self.dealer.close()
        self._context.term()

    def attack(self) -> None:
        """Send one batch of everything."""
        for _ in range(_BATCH):
            self._random.choice((self._noise, self._mutation, self._control, self._lie))()
            self.sent += 1
        self._knock()

    def _noise(self) -> None:
        self.data.send_multipart([self._topic, self._bytes(), *[self._bytes()] * self._random.randrange(3)])

    def _mutation(self) -> None:
        from platecast.wire import PROTOCOL_VERSION, Batch, encode
        from tests.plain_sender import FRAMES, item

        display = ()
        batch = Batch(
            version=PROTOCOL_VERSION, sender=self.member.sender, items=(item(10**9),), displays=display
        )
        data = bytearray(encode(batch))
        for _ in range(self._random.randrange(1, 6)):
            data[self._random.randrange(len(data))] = self._random.randrange(256)
        self.data.send_multipart([self._topic, bytes(data), *FRAMES])

    def _control(self) -> None:
        frames = self._random.choice(
            ([self._bytes()], [b"", self._bytes()], [b"", b'{"type":"quit","token":"x"}'], [b""] * 5)
        )
        self.dealer.send_multipart(frames)

    def _lie(self) -> None:
        """Send, as somebody who is let in, an item that does not hold together."""
        from platecast.config import Display
        from platecast.wire import PROTOCOL_VERSION, Batch, encode
        from tests.plain_sender import FRAMES, item

        lie = self._random.choice(
            (
                {"shape": (4, 7)},
                {"shape": (0, 6), "nbytes": 0},
                {"shape": (2**40, 2**40), "nbytes": 48},
                {"dtype": "|O"},
                {"dtype": "<u8"},
                {"nbytes": 2**62},
                {"frame": 7},
                {"frame": None},
                {"frame": None, "buffer": 99},
                {"offset": 24},
                {"offset": -2},
                {"codec": "zip"},
                {"display": 3},
            )
        )
        # Numbers that the sender's account never reaches, so that each is looked at.
        seq = 10**6 + self.sent
        batch = Batch(
            version=PROTOCOL_VERSION,
            sender=self.member.sender,
            items=(item(seq, **lie),),
            displays=(Display(),),
        )
        self.data.send_multipart([self._topic, encode(batch), *FRAMES])

    def _knock(self) -> None:
        """Send garbage through the unix socket."""
        if not self.endpoint.handover:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as knocking, contextlib.suppress(OSError):
            knocking.connect(self.endpoint.handover)
            knocking.send(self._bytes())
            socket.send_fds(knocking, [b"S" + self._bytes()[:16]], [0, 1, 2])

    def _bytes(self) -> bytes:
        return self._random.randbytes(self._random.choice((0, 1, 7, 64, 500, 5000)))


def ping_until(ended: threading.Event, port: int, times_s: list[float]) -> None:
    """Ping again and again, and note how long each answer took."""
    from platecast.wire import ask

    while not ended.wait(0.02):
        begin = time.perf_counter()
        ask(port, "ping", timeout_s=10)
        times_s.append(time.perf_counter() - begin)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--port", type=int, default=5980)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pc-") as folder:
        os.environ["PLATECAST_RUNTIME_DIR"] = folder
        viewer = subprocess.Popen(
            [sys.executable, str(_ROOT / "tests" / "viewer_process.py"), str(options.port)],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            report = _attack(options)
        finally:
            viewer.communicate()
    print(json.dumps(report), flush=True)
    accepted = report["ledger"]["shown"]
    return int(accepted > 0 or report["sent"] < options.count or report["alive"] != "pong")


def _attack(options: argparse.Namespace) -> dict[str, Any]:
    from platecast.wire import ask, read_endpoint

    while read_endpoint(options.port) is None:
        time.sleep(0.02)
    attacker = Attacker(options.port, options.seed)
    times_s: list[float] = []
    ended = threading.Event()
    pinging = threading.Thread(target=ping_until, args=(ended, options.port, times_s))
    pinging.start()
    try:
        while attacker.sent < options.count:
            attacker.attack()
        answer = _settled_status(attacker.endpoint)
    finally:
        ended.set()
        pinging.join()
        attacker.close()
    return {
        "sent": attacker.sent,
        "refused": answer["refused"],
        "ledger": answer["ledger"],
        "alive": ask(options.port, "ping")[0]["type"],
        "ping_ms_max": round(max(times_s) * 1e3, 1),
        "pings": len(times_s),
    }


def _settled_status(endpoint: Any) -> dict[str, Any]:
    """Return the viewer's account once nothing more comes out of the sockets."""
    from platecast.wire import ask

    refused = -1
    while True:
        answer, _ = ask(endpoint.port, "status", token=endpoint.token, timeout_s=30)
        if answer["refused"] == refused:
            return answer
        refused = answer["refused"]
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
