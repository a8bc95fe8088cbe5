"""Machines that are not as one would wish: little shared memory, containers, limits, other users."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from platecast.errors import ViewerCommandError
from platecast.wire import Ledger, ask, memory_limit_bytes
from tests.receiving import viewer_on
from tests.waiting import wait_until

NOBODY = 65534
MEMORY_GROUPS = Path("/sys/fs/cgroup/memory")

SENDER = """
import json, sys, numpy
from platecast.config import NapariStreamingConfig
from platecast.stream import Stream
port, count, side = map(int, sys.argv[1:4])
stream = Stream(config=NapariStreamingConfig(napari_port=port, when_full="block"), start_viewer=False)
plane = numpy.zeros((side, side), numpy.uint16)
for n in range(count):
    plane[:] = n
    stream.send(plane, well="A01", site=n)
ledger = stream.flush(60)
print(json.dumps(ledger.counts()))
"""

root_on_linux = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="needs root on Linux to make such a machine"
)


def in_private_mounts(script, *arguments):
    """Run a shell script where mounts are its own; skip where the system does not allow that."""
    command = ["unshare", "--mount", "sh", "-c", script, "sh", *map(str, arguments)]
    probe = subprocess.run([*command[:2], "true"], capture_output=True)
    if probe.returncode:
        pytest.skip(f"no private mounts here: {probe.stderr.decode().strip()}")
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=90)


def ledger_of(finished):
    assert finished.returncode == 0
    return Ledger(**json.loads(finished.stdout.splitlines()[-1]))


@root_on_linux
def test_64_mb_of_dev_shm_are_enough(free_port):
    script = 'mount -t tmpfs -o size=64m tmpfs /dev/shm && exec "$@"'
    with viewer_on(free_port) as viewer:
        sent = in_private_mounts(script, sys.executable, "-c", SENDER, free_port, 100, 1080)
        assert ledger_of(sent) == viewer.ledger() == Ledger(sent=100, shown=100)
        assert viewer.planes[-1].array[0, 0] == 99


@root_on_linux
def test_where_the_unix_socket_cannot_be_seen_pixels_travel_inline(free_port, runtime_dir):
    """As in a container that shares the network and the connection file, and nothing else."""
    with viewer_on(free_port) as viewer, tempfile.TemporaryDirectory(prefix="pc-") as copy:
        shutil.copy(runtime_dir / f"{free_port}.json", copy)
        os.chmod(copy, 0o700)
        script = 'mount -t tmpfs tmpfs "$1" && export PLATECAST_RUNTIME_DIR="$2" && shift 2 && exec "$@"'
        command = [sys.executable, "-c", SENDER, free_port, 60, 600]
        sent = in_private_mounts(script, runtime_dir, copy, *command)
        assert ledger_of(sent) == viewer.ledger() == Ledger(sent=60, shown=60)
        assert not any(arrival.array.base is None for arrival in viewer.planes)


@pytest.fixture
def memory_group():
    """A memory cgroup of 400 MB, in the form of either version."""
    if sys.platform != "linux" or os.geteuid() != 0 or not MEMORY_GROUPS.is_dir():
        pytest.skip("needs root and version 1 of memory cgroups")
    group = MEMORY_GROUPS / f"platecast-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(400 << 20))
    except OSError as error:
        pytest.skip(f"memory cgroups cannot be made here: {error}")
    yield group
    wait_until(lambda: not (group / "cgroup.procs").read_text(), "the group is empty")
    group.rmdir()


def test_sender_in_400_mb_is_not_killed_and_everything_is_shown(free_port, memory_group):
    script = 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"'
    with viewer_on(free_port) as viewer:
        command = ["sh", "-c", script, "sh", memory_group, sys.executable, "-c", SENDER, free_port, 120, 2160]
        sent = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, timeout=100)
        assert ledger_of(sent) == viewer.ledger() == Ledger(sent=120, shown=120)


def test_limit_of_a_group_is_what_counts(memory_group):
    script = "from platecast.wire import memory_limit_bytes; print(memory_limit_bytes())"
    shell = f'echo $$ > "{memory_group}/cgroup.procs" && exec "{sys.executable}" -c "{script}"'
    found = subprocess.run(shell, shell=True, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S602
    assert int(found.stdout) == 400 << 20 < memory_limit_bytes()


AS_A_STRANGER = """
import json, os, sys, time
from pathlib import Path
from platecast.config import NapariStreamingConfig
from platecast.errors import ViewerCommandError
from platecast.stream import Stream
from platecast.stream._links import links
from platecast.wire import ask
import numpy
port, victim, uid = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
# Only now: the interpreter itself may lie where this user cannot read.
os.setgroups([])
os.setresgid(uid, uid, uid)
os.setresuid(uid, uid, uid)
found = {}
try:
    list(Path(victim).iterdir())
    found["runtime"] = "readable"
except PermissionError:
    found["runtime"] = "closed"
found["pong"] = ask(port, "ping")[0]["type"]
try:
    ask(port, "status", token="guessed")
    found["status"] = "answered"
except ViewerCommandError as error:
    found["status"] = str(error)
own = Path(os.environ["PLATECAST_RUNTIME_DIR"])
mine = json.loads(sys.stdin.read())
mine["token"] = "guessed"
(own / f"{port}.json").write_text(json.dumps(mine))
stream = Stream(config=NapariStreamingConfig(napari_port=port), start_viewer=False)
for n in range(10):
    stream.send(numpy.zeros((600, 600), "uint16"), well="A01", site=n)
found["ledger"] = {n: getattr(stream.flush(1.0), n) for n in ("sent", "shown", "pending")}
print(json.dumps(found))
"""


@root_on_linux
def test_another_user_gets_a_pong_and_nothing_else(free_port, runtime_dir):
    with viewer_on(free_port) as viewer, tempfile.TemporaryDirectory(prefix="pc-", dir="/var/tmp") as home:
        own = Path(home, "run")
        own.mkdir(mode=0o700)
        os.chown(home, NOBODY, NOBODY)
        os.chown(own, NOBODY, NOBODY)
        connection_file = (runtime_dir / f"{free_port}.json").read_text()
        finished = subprocess.run(
            [sys.executable, "-c", AS_A_STRANGER, str(free_port), str(runtime_dir), str(NOBODY)],
            input=connection_file,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "HOME": home, "PLATECAST_RUNTIME_DIR": str(own)},
            timeout=60,
        )
        found = json.loads(finished.stdout)
        assert found["runtime"] == "closed"
        assert found["pong"] == "pong"
        assert "wrong token" in found["status"]
        assert found["ledger"] == {"sent": 10, "shown": 0, "pending": 10}
        assert viewer.ledger() == Ledger()
        assert viewer.planes == []
        assert viewer.status()["refused"] >= 2
        with pytest.raises(ViewerCommandError, match="wrong token"):
            ask(free_port, "layers", token="")
