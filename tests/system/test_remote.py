"""Senders on other machines: network namespaces with cables that are slow, bad, or pulled."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from platecast.config import CONTROL_PORT_OFFSET
from tests.system.bad_link import bad_link
from tests.system.two_machines import machines, needs_root, tree
from tests.waiting import wait_until

pytestmark = needs_root

TESTS = Path(__file__).parents[1]
SENDER = Path(__file__).with_name("remote_sender.py")
PORT = 15555


class Site:
    """A desk with a viewer, and nodes with senders."""

    def __init__(self, desk, nodes, folder, processes):
        self.desk, self.nodes, self.processes = desk, nodes, processes
        self.homes = {m.name: {**os.environ, **tree(folder / m.name)} for m in (desk, *nodes)}

    def python(self, machine, *arguments):
        return subprocess.run(
            machine.command(sys.executable, *arguments),
            env=self.homes[machine.name],
            capture_output=True,
            text=True,
            timeout=60,
        )

    def cli(self, machine, *arguments):
        return self.python(machine, "-m", "platecast", *arguments)

    def start(self, machine, *arguments, errors=None):
        process = subprocess.Popen(
            machine.command(sys.executable, *arguments),
            env=self.homes[machine.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        self.processes.append(process)
        return process

    def start_viewer(self):
        self.viewer = self.start(self.desk, TESTS / "viewer_process.py", PORT, self.desk.address)
        wait_until(self.status, "the viewer listens", 30)

    def stop_viewer(self):
        if not self.viewer.stdin.closed:
            self.viewer.stdin.close()
            self.viewer.wait(10)

    def sender(self, machine, count, side, pause_s=0.0, host=None, flush_s=60, port=PORT):
        words = [SENDER, host or self.desk.address, port, count, side, pause_s, flush_s]
        process = self.start(machine, *words, errors=subprocess.PIPE)
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("\n")
        process.stdin.flush()
        return process

    def status(self):
        answer = self.cli(self.desk, "status", str(PORT), "--json")
        return json.loads(answer.stdout) if answer.returncode == 0 else {}

    def silent_s(self, sender):
        return next(each["silent_s"] for each in self.status()["senders"] if each["pid"] == sender.pid)


def outcome(process, timeout_s=90):
    """Return what a sender says when it has ended; what it logged is in `logged`."""
    out, process.logged = process.communicate(timeout=timeout_s)
    assert process.returncode == 0, process.logged
    return json.loads(out)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    processes = []
    with machines("desk", "node1", "node2") as (desk, *nodes):
        site = Site(desk, nodes, tmp_path_factory.mktemp("site"), processes)
        site.start_viewer()
        answer = site.cli(desk, "keys", "add", "cluster", "--port", PORT)
        assert answer.returncode == 0, answer.stderr
        site.string = answer.stdout.strip()
        for node in nodes:
            assert site.cli(node, "pair", site.string).returncode == 0
        yield site
        site.stop_viewer()
        for process in processes:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None and not pipe.closed:
                    pipe.close()


def test_nothing_is_readable_on_the_cable(site):
    node = site.nodes[0]
    code = (
        "import socket, sys\n"
        "s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))\n"
        "s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 26)\n"
        "s.bind(('eth0', 0)); s.settimeout(0.2); print('ready', flush=True); seen = b''\n"
        "import select\n"
        "while not select.select([sys.stdin], [], [], 0)[0]:\n"
        "    try: seen += s.recv(1 << 17)\n"
        "    except TimeoutError: pass\n"
        "row = bytes.fromhex(sys.argv[1])\n"
        "print(len(seen), b'SecretDye' in seen, b'hidden-plate' in seen, row in seen)\n"
    )
    # What `remote_sender.py` sends; pixels that are not compressed would be seen by their second row.
    image = np.random.default_rng(1).poisson(400, (256, 256)).astype(np.uint16)
    capture = site.start(node, "-c", code, image[1, :32].tobytes().hex())
    assert capture.stdout.readline() == "ready\n"
    told = outcome(site.sender(node, 3, 256))
    assert told["shown"] == 3
    out, _ = capture.communicate("\n", timeout=20)
    size, *found = out.split()
    assert int(size) > 100_000
    assert found == ["False", "False", "False"]


def test_wrong_keys_and_plain_peers_get_no_answer(site):
    code = (TESTS / "system" / "intruder.py").read_text()
    before = site.status()
    answer = site.python(site.nodes[1], "-c", code, site.string, site.desk.address, str(PORT))
    assert answer.stdout.strip() == "1300 tried, 0 answers", answer.stderr
    after = site.status()
    assert (after["ledger"], after["senders"]) == (before["ledger"], before["senders"])
    # From the same machine, while those are still trying: who has a key comes in.
    assert outcome(site.sender(site.nodes[1], 3, 64))["shown"] == 3


def test_scan_finds_two_ports_which_greet_and_say_no_more(site):
    before = site.status()
    answer = site.python(site.nodes[1], TESTS / "system" / "scanner.py", site.desk.address)
    assert answer.returncode == 0, answer.stderr
    said = json.loads(answer.stdout)
    assert set(said) == {str(PORT), str(PORT + CONTROL_PORT_OFFSET)}
    for answers in said.values():
        # ZeroMQ's signature, version 3.1 and the name of the mechanism, to those who greet; or a part of it.
        greeting = (b"\xff" + bytes(7) + b"\x01\x7f\x03\x01CURVE" + bytes(47)).hex()
        assert all(greeting.startswith(each) for each in answers), answers
        assert max(answers, key=len) == greeting
    after = site.status()
    assert (after["ledger"], after["senders"]) == (before["ledger"], before["senders"])
    assert outcome(site.sender(site.nodes[0], 3, 64))["shown"] == 3


def test_revoked_key_counts_no_more(site):
    answer = site.cli(site.desk, "keys", "add", "guest", "--port", PORT)
    assert "guest" in site.cli(site.desk, "keys", "list").stdout
    node = site.nodes[1]
    string = answer.stdout.strip()
    home = site.homes[node.name]
    home["PLATECAST_PAIRING"] = string
    try:
        sender = site.sender(node, 40, 256, 0.1, flush_s=1)
        wait_until(lambda: any(s["host"] for s in site.status()["senders"]), "it is let in")
        assert site.cli(site.desk, "keys", "revoke", "guest").returncode == 0
        told = outcome(sender)
        assert told["shown"] < 40
        assert told["pending"] > 0
    finally:
        del home["PLATECAST_PAIRING"]


def test_cable_is_pulled_and_put_in_again(site):
    node = site.nodes[0]
    before = site.status()["ledger"]["sent"]
    sender = site.sender(node, 60, 512, 0.05)
    wait_until(lambda: site.status()["ledger"]["sent"] > before, "it sends")
    node.plug(False)
    try:
        # Longer than a connection may be silent, so that it is made anew.
        wait_until(lambda: site.silent_s(sender) > 14, "it is missed", 30)
        page = site.cli(site.desk, "status", str(PORT)).stdout
        assert re.search(rf"process {sender.pid} on \S+ \(not heard for 1\d s\)", " ".join(page.split())), (
            page
        )
    finally:
        node.plug(True)
    told = outcome(sender)
    assert (told["sent"], told["shown"], told["superseded"]) == (60, 60, 0)
    # A caller that waited for the network would have waited for 14 s.
    assert told["calls_ms"] < 600
    assert f"{site.desk.address}, port {PORT}, has not answered for 10 s" in sender.logged


def test_lossy_link_loses_and_repeats_nothing(site):
    node = site.nodes[0]
    with bad_link(site.desk, node, rate_mbit=100, delay_ms=100, loss=0.05) as counted:
        told = outcome(site.sender(node, 5, 128))
    assert (told["sent"], told["shown"], told["superseded"]) == (5, 5, 0)
    assert told["calls_ms"] < 400
    assert counted["to_desk"].lost > 0


def test_addresses_may_be_ipv6(site):
    node, port = site.nodes[0], PORT + 1
    for number, machine in enumerate((site.desk, node), 1):
        machine.run("ip", "addr", "add", f"fd77::{number}/64", "dev", "eth0", "nodad")
    viewer = site.start(site.desk, TESTS / "viewer_process.py", port, "fd77::1")
    wait_until(lambda: site.cli(site.desk, "ls").stdout.count(str(port)), "it listens", 30)
    string = site.cli(site.desk, "keys", "add", "ipv6", "--port", port).stdout.strip()
    assert "paired with fd77::1" in site.cli(node, "pair", string).stdout
    told = outcome(site.sender(node, 5, 128, host="[fd77::1]", port=port))
    assert (told["shown"], told["pending"]) == (5, 0)
    listening = site.desk.run("ss", "-Hltn6").stdout.split()
    assert {each for each in listening if each.startswith("[fd77")} == {
        f"[fd77::1]:{each}" for each in (port, port + CONTROL_PORT_OFFSET)
    }
    viewer.stdin.close()
    viewer.wait(10)


def test_nothing_listens_in_clear(site):
    listening = site.desk.run("ss", "-Hltn").stdout.split()
    exposed = {a for a in listening if a.count(":") and not a.startswith(("127.", "0.0.0.0:*"))}
    allowed = {f"{site.desk.address}:{p}" for p in (PORT, PORT + CONTROL_PORT_OFFSET)}
    assert exposed == allowed


def test_next_viewer_takes_what_the_one_before_did_not(site):
    before = site.status()["ledger"]["shown"]
    sender = site.sender(site.nodes[0], 60, 256, 0.1)
    wait_until(lambda: site.status()["ledger"]["shown"] > before, "it sends")
    site.stop_viewer()
    site.start_viewer()
    told = outcome(sender)
    assert (told["sent"], told["shown"], told["dropped"], told["pending"]) == (60, 60, 0, 0)
    assert 0 < site.status()["ledger"]["shown"] < 60
    site.stop_viewer()
