"""Machines on one machine: network namespaces of their own, joined by a shaped link."""

import contextlib
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_IP, _UNSHARE = (shutil.which(name) or name for name in ("ip", "unshare"))
needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("unshare"),
    reason="network namespaces are root's, and need iproute2",
)


@dataclass(frozen=True)
class Machine:
    """A network namespace, held by a process."""

    name: str
    pid: int
    address: str

    def command(self, *arguments: object) -> list[str]:
        """Return a command that runs on this machine."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *map(str, arguments)]

    def run(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        """Run a command on this machine and wait for it."""
        return subprocess.run(self.command(*arguments), check=True, capture_output=True, text=True)

    def shape(self, *netem_or_tbf: str) -> bool:
        """Shape what this machine sends: the words of ``tc qdisc``; False where the kernel cannot."""
        subprocess.run(self.command("tc", "qdisc", "del", "dev", "eth0", "root"), capture_output=True)
        if not netem_or_tbf:
            return True
        command = self.command("tc", "qdisc", "add", "dev", "eth0", "root", *netem_or_tbf)
        return subprocess.run(command, capture_output=True).returncode == 0

    def plug(self, is_in: bool) -> None:
        """Pull the cable, or put it in again."""
        self.run("ip", "link", "set", "eth0", "up" if is_in else "down")


@contextlib.contextmanager
def _namespace() -> Iterator[int]:
    holder = subprocess.Popen(
        [_UNSHARE, "--net", "sh", "-c", "ip link set lo up && echo up && exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        if not holder.stdout.readline():
            pytest.skip("this kernel lets us make no network namespace")
        yield holder.pid
    finally:
        holder.stdin.close()
        holder.stdout.close()
        holder.wait()


@contextlib.contextmanager
def machines(*names: str) -> Iterator[list[Machine]]:
    """Make machines, the first of which has a cable to each of the others: a bridge in its namespace."""
    with contextlib.ExitStack() as stack:
        pids = [stack.enter_context(_namespace()) for _ in names]
        made = [
            Machine(name, pid, f"10.77.0.{number}")
            for number, (name, pid) in enumerate(zip(names, pids, strict=True), 1)
        ]
        hub = stack.enter_context(_namespace())
        switch = Machine("switch", hub, "")
        switch.run("ip", "link", "add", "br0", "type", "bridge")
        switch.run("ip", "link", "set", "br0", "up")
        for machine in made:
            tag = uuid.uuid4().hex[:8]
            subprocess.run(
                [_IP, "link", "add", f"a{tag}", "type", "veth", "peer", "name", f"b{tag}"], check=True
            )
            subprocess.run([_IP, "link", "set", f"a{tag}", "netns", str(machine.pid)], check=True)
            subprocess.run([_IP, "link", "set", f"b{tag}", "netns", str(hub)], check=True)
            machine.run("ip", "link", "set", f"a{tag}", "name", "eth0")
            machine.run("ip", "addr", "add", f"{machine.address}/24", "dev", "eth0")
            machine.run("ip", "link", "set", "eth0", "up")
            switch.run("ip", "link", "set", f"b{tag}", "master", "br0", "up")
        yield made


def tree(folder: Path) -> dict[str, str]:
    """Return the environment of a user on one machine: a home and a runtime folder of its own."""
    environment = {}
    for name in ("HOME", "XDG_DATA_HOME", "PLATECAST_RUNTIME_DIR", "XDG_STATE_HOME"):
        path = folder / name.lower()
        path.mkdir(parents=True, mode=0o700, exist_ok=True)
        environment[name] = str(path)
    return environment
