"""A cable that is worse than this kernel can make it: a rate, a delay and losses, packet by packet.

Two TUN devices, one in each namespace, and between them a process that forwards packets. So the kernel's own
TCP meets what it meets on a bad link: losses that it has to repeat, and a round trip that it has to wait for.
(netem would do the same, and is missing from many kernels.)
"""

import contextlib
import ctypes
import fcntl
import json
import os
import random
import select
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.system.two_machines import Machine

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000
_LONGEST_PACKET = 1 << 16
_AT_ONCE = 64
_QUEUE_S = 0.1
"""How long a packet waits for its turn on the line at most; what comes then is lost, as in any router."""


@dataclass
class Counts:
    """What became of the packets of one direction."""

    carried: int = 0
    lost: int = 0
    overflowed: int = 0


@dataclass
class Direction:
    """The packets from one device to the other."""

    source: int
    target: int
    rate_bps: float
    delay_s: float
    loss: float
    chance: random.Random
    counts: Counts = field(default_factory=Counts)
    free_at: float = 0.0
    """When the line has sent all that it was given."""
    flying: deque[tuple[float, bytes]] = field(default_factory=deque)

    def take(self, now: float) -> None:
        """Read what waits at the source."""
        for _ in range(_AT_ONCE):
            try:
                packet = os.read(self.source, _LONGEST_PACKET)
            except BlockingIOError:
                return
            if self.free_at - now > _QUEUE_S:
                self.counts.overflowed += 1
                continue
            self.free_at = max(self.free_at, now) + len(packet) / self.rate_bps
            if self.chance.random() < self.loss:
                self.counts.lost += 1
                continue
            self.flying.append((self.free_at + self.delay_s, packet))

    def deliver(self, now: float) -> None:
        """Write what has arrived."""
        while self.flying and self.flying[0][0] <= now:
            _, packet = self.flying.popleft()
            # A device that is down takes nothing: the cable is out.
            with contextlib.suppress(OSError):
                os.write(self.target, packet)
                self.counts.carried += 1


@contextlib.contextmanager
def bad_link(
    desk: "Machine",
    node: "Machine",
    *,
    rate_mbit: float = 100.0,
    delay_ms: float = 100.0,
    loss: float = 0.05,
    seed: int = 1,
    congestion: str = "cubic",
) -> Iterator[dict[str, Counts]]:
    """Give a machine a bad cable to another one, in place of its good one; yields what was counted.

    Parameters
    ----------
    desk, node
        The machines; only the way of `node` to `desk` and back is bad, and both keep their addresses.
    rate_mbit, delay_ms, loss
        Of each direction.
    seed
        Which packets are lost.
    congestion
        How TCP goes about losses: ``cubic`` is what most systems have, and gives way most.
    """
    values = [desk.pid, node.pid, rate_mbit * 1e6 / 8, delay_ms / 1e3, loss, seed]
    node.run("ip", "link", "set", "eth0", "down")
    node.run("ip", "link", "set", "eth0", "name", "good0")
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__)), *map(str, values)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    counted: dict[str, Counts] = {}
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        node.run("ip", "addr", "add", f"{node.address}/24", "dev", "eth0")
        node.run("ip", "link", "set", "eth0", "up")
        desk.run("ip", "link", "set", "bad0", "up")
        route = ["ip", "route", "replace", "dev"]
        node.run(*route, "eth0", f"{desk.address}/32", "congctl", congestion)
        desk.run(*route, "bad0", f"{node.address}/32", "congctl", congestion)
        yield counted
    finally:
        out, _ = process.communicate(timeout=10)
        node.run("ip", "link", "set", "good0", "name", "eth0")
        node.run("ip", "link", "set", "eth0", "up")
        for name, counts in json.loads(out).items():
            counted[name] = Counts(**counts)


def _device(pid: int, name: str) -> int:
    """Make a TUN device in the namespace of a process; it lives as long as its descriptor."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net") as here, open(f"/proc/{pid}/ns/net") as there:
        # The device belongs to the namespace that opens it.
        for namespace in (there, here):
            if libc.setns(namespace.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"no way into the network namespace of process {pid}")
            if namespace is there:
                device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
                fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return device


def _wait_s(directions: list[Direction]) -> float | None:
    heads = [each.flying[0][0] for each in directions if each.flying]
    return max(min(heads) - time.monotonic(), 0.0) if heads else None


def _forward(directions: list[Direction]) -> None:
    """Forward packets until standard input ends."""
    while True:
        ready, _, _ = select.select([0, *(d.source for d in directions)], [], [], _wait_s(directions))
        if 0 in ready:
            return
        for each in directions:
            if each.source in ready:
                each.take(time.monotonic())
            each.deliver(time.monotonic())


def _main() -> Iterator[str]:
    desk, node = (int(each) for each in sys.argv[1:3])
    rate_bps, delay_s, loss = (float(each) for each in sys.argv[3:6])
    chance = random.Random(int(sys.argv[6]))
    ends = _device(desk, "bad0"), _device(node, "eth0")
    directions = [Direction(*pair, rate_bps, delay_s, loss, chance) for pair in (ends, ends[::-1])]
    yield "ready"
    _forward(directions)
    down, up = (asdict(each.counts) for each in directions)
    yield json.dumps({"to_node": down, "to_desk": up})


if __name__ == "__main__":
    for line in _main():
        print(line, flush=True)
