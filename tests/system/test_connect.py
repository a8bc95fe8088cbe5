"""`platecast connect` through a real sshd, on a machine that can be reached at port 22 only."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.test_remote import PORT, Site, outcome
from tests.system.two_machines import machines, needs_root
from tests.waiting import wait_until

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = [
    needs_root,
    pytest.mark.skipif(not SSHD or not shutil.which("ssh-keygen"), reason="there is no sshd"),
]
TESTS = Path(__file__).parents[1]


def start_sshd(server, folder):
    """Start an sshd that knows one key, on a machine; return the process and the options of ssh."""
    for name in ("host", "user"):
        key = folder / name
        subprocess.run([shutil.which("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    (folder / "authorized").write_text((folder / "user.pub").read_text())
    (folder / "authorized").chmod(0o600)
    (folder / "config").write_text(
        f"Port 22\nListenAddress {server.address}\nHostKey {folder}/host\nPidFile none\nUsePAM no\n"
        f"StrictModes no\nAuthorizedKeysFile {folder}/authorized\nPermitRootLogin prohibit-password\n"
        "PasswordAuthentication no\n"
    )
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = subprocess.Popen(
        server.command(SSHD, "-D", "-e", "-f", folder / "config"), stderr=subprocess.DEVNULL
    )
    options = [f"IdentityFile={folder}/user", "IdentitiesOnly=yes", "StrictHostKeyChecking=no"]
    return process, [*options, f"UserKnownHostsFile={folder}/known", "LogLevel=ERROR"]


def open_ports(machine):
    """Return where a machine can be reached from others."""
    words = machine.run("ss", "-Hltn").stdout.split()
    return {word for word in words if word.count(":") == 1 and not word.startswith(("127.", "0.0.0.0:*"))}


def test_server_with_only_port_22_finds_the_viewer(tmp_path):
    processes = []
    with machines("desk", "server") as (desk, server):
        site = Site(desk, [server], tmp_path, processes)
        sshd, options = start_sshd(server, tmp_path)
        try:
            viewer = site.start(desk, TESTS / "viewer_process.py", PORT)
            wait_until(site.status, "the viewer listens", 30)
            home = site.homes["server"]
            names = ("HOME", "XDG_DATA_HOME", "PLATECAST_RUNTIME_DIR", "XDG_STATE_HOME")
            there = " ".join(["env", *(f"{name}={home[name]}" for name in names)])
            command = f"{there} {sys.executable} -m platecast"
            ssh = [word for each in options for word in ("-o", each)]
            destination = f"root@{server.address}"
            call = ["-m", "platecast", "connect", destination, "--port", PORT, "--command", command, *ssh]
            tunnel = site.start(desk, *call)
            assert "connected" in tunnel.stdout.readline()
            file = Path(home["PLATECAST_RUNTIME_DIR"], f"{PORT}.json")
            assert file.stat().st_mode & 0o077 == 0
            assert open_ports(desk) == set()
            assert open_ports(server) == {f"{server.address}:22"}
            told = outcome(site.sender(server, 10, 512, host="localhost"))
            assert (told["shown"], told["dropped"], told["pending"]) == (10, 0, 0)
            assert b'"handover": ""' in file.read_bytes()
            tunnel.send_signal(signal.SIGINT)
            assert tunnel.wait(20) == 0
            wait_until(lambda: not file.exists(), "the far end cleans up")
            viewer.communicate(timeout=10)
        finally:
            sshd.terminate()
            sshd.wait()
            for process in processes:
                process.kill()
                process.communicate()
