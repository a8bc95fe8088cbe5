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
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

_ROOT = Path(__file__).parents[2]
_BATCH = 200


def _memfd(nbytes: int, *, is_sealed: bool = False) -> tuple[int, ...]:
    import fcntl

    fd = os.memfd_create("strange", os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, nbytes)
    if is_sealed:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    return (fd,)


def _file() -> tuple[int, ...]:
    fd, name = tempfile.mkstemp()
    os.unlink(name)
    os.ftruncate(fd, 1 << 20)
    return (fd,)


STRANGE_DESCRIPTORS: dict[str, Callable[[], tuple[int, ...]]] = {
    "a pipe": os.pipe,
    "a folder": lambda: (os.open("/", os.O_RDONLY),),
    "a device": lambda: (os.open("/dev/zero", os.O_RDWR),),
    "a file": _file,
    "a socket": lambda: tuple(end.detach() for end in socket.socketpair()),
    "not sealed": lambda: _memfd(1 << 20),
    "smaller than was said": lambda: _memfd(4096, is_sealed=True),
    "empty": lambda: _memfd(0, is_sealed=True),
    "truncated after": lambda: _memfd(1 << 20),
}
"""What may come through the unix socket instead of plane memory."""


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
        self.buffers = 10**6
        from platecast.wire import Welcome

        self.nonce = next(said.nonce for said in self.member.heard if isinstance(said, Welcome))

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
            deeds = (self._noise, self._mutation, self._control, self._lie, self._request, self._names)
            self._random.choice(deeds)()
            self.sent += 1
        self._knock()
        for name in STRANGE_DESCRIPTORS:
            self._pass(name)

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

    def _request(self) -> None:
        """Send a request whose JSON is none, or whose fields are of other types."""
        token = self.endpoint.token
        odd = self._random.choice((None, [], {}, -1, 1e308, True, "\ud800", "x" * 5000, [[[[]]]]))
        body = self._random.choice(
            (
                {"type": odd},
                {"type": "status", "token": odd},
                {"type": odd, "token": odd, "well": odd},
                [token],
                token,
                odd,
            )
        )
        data = bytearray(json.dumps(body).encode())
        if self._random.random() < 0.5:
            del data[self._random.randrange(len(data) + 1) :]
        if self._random.random() < 0.2:
            data = bytearray(b'{"type":' * self._random.randrange(10_000))
        self.dealer.send_multipart([b"", bytes(data)])

    def _names(self) -> None:
        """Name blocks of shared memory that are not there, not ours to name, or in somebody else's name."""
        from platecast.wire import AttachBlocks, NamedBuffer, PassBlocks, encode

        odd = self._random.choice
        name = odd(("pc00000000_1", "../../etc/passwd", "", "psm_1", "pc00000000_1\0", "x" * 5000))
        sender = odd((self.member.sender, bytes(16), b""))
        nonce = odd((self.nonce, bytes(16), b""))
        number, size = odd((0, 1, -1, 2**63 - 1)), odd((0, 48, -1, 2**63 - 1))
        message = odd(
            (
                AttachBlocks(sender=sender, nonce=nonce, name=name, size=size),
                PassBlocks(sender=sender, nonce=nonce, buffers=(NamedBuffer(number, size, name),) * 3),
            )
        )
        self.dealer.send(encode(message))

    def _pass(self, name: str) -> None:
        """Pass, as somebody who is let in, a descriptor that is no plane memory, and name it in a batch."""
        from platecast.config import Display
        from platecast.wire import PROTOCOL_VERSION, Batch, encode
        from tests.plain_sender import item

        handover = self.member.sockets._handover
        if handover is None:
            return
        self.buffers += 1
        opened = STRANGE_DESCRIPTORS[name]()
        try:
            record = struct.pack("!cQQ", b"S", self.buffers, 1 << 20)
            socket.send_fds(handover._socket, [record], opened[:1])
            if name == "truncated after":
                os.ftruncate(opened[0], 0)
            lie = {"shape": (512, 1024), "nbytes": 1 << 20, "frame": None, "buffer": self.buffers}
            batch = Batch(
                version=PROTOCOL_VERSION,
                sender=self.member.sender,
                items=(item(10**8 + self.buffers, **lie),),
                displays=(Display(),),
            )
            self.data.send_multipart([self._topic, encode(batch)])
            self.sent += 1
        finally:
            for fd in opened:
                os.close(fd)

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
