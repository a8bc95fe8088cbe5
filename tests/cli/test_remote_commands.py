"""`pair`, `keys` and what `start --listen` refuses, as a terminal sees them."""

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from platecast.cli._app import app
from platecast.wire import find_pairing, pair_for


@pytest.fixture(autouse=True)
def keys_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("PLATECAST_KEYS_DIR", str(tmp_path / "keys"))


@pytest.mark.parametrize("words", [["{}"], ["-"], []], ids=["argument", "dash", "pipe"])
def test_string_is_stored_from_an_argument_or_a_pipe(words):
    pairing = pair_for("desk", "desk", 5555)
    text = pairing.to_text()
    call = ["pair", *(word.format(text) for word in words)]
    result = CliRunner().invoke(app, call, input=f"{text}\n")
    assert result.exit_code == 0, result.output
    assert text not in result.output
    assert find_pairing("desk", 5555) == pairing


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="terminals are made like this on POSIX only")
def test_string_is_asked_for_at_a_terminal_and_not_shown():
    pairing = pair_for("desk", "desk", 5555)
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "platecast", "pair"]
    # A session of its own, so that the question comes here and not to the terminal of the tests.
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=subprocess.STDOUT, start_new_session=True
    )
    os.close(theirs)
    try:
        shown = b""
        while b"not shown" not in shown:
            shown += os.read(ours, 4096)
        os.write(ours, f"{pairing.to_text()}\n".encode())
        while b"paired with desk" not in shown:
            shown += os.read(ours, 4096)
    finally:
        os.close(ours)
        assert process.wait(20) == 0
    assert pairing.to_text().encode() not in shown
    assert find_pairing("desk", 5555) == pairing


def test_keys_are_listed_and_revoked():
    pair_for("cluster", "desk", 5555)
    assert "cluster" in CliRunner().invoke(app, ["keys", "list"]).output
    assert CliRunner().invoke(app, ["keys", "revoke", "cluster"]).exit_code == 0
    assert "no keys" in CliRunner().invoke(app, ["keys", "list"]).output


NO_ADDRESS = {
    "every interface": ("0.0.0.0", "the one address"),  # noqa: S104 -- refused
    "loopback": ("127.0.0.1", "loopback"),
    "every interface, IPv6": ("::", "the one address"),
    "every interface, as IPv6": ("::ffff:0.0.0.0", "the one address"),
    "loopback, IPv6": ("[::1]", "loopback"),
    "loopback, as IPv6": ("::ffff:127.0.0.1", "loopback"),
    "one cable": ("fe80::1%eth0", "one cable only"),
    "no machine": ("no-such-host.invalid", "name an address of this machine"),
}


@pytest.mark.parametrize(("address", "reason"), NO_ADDRESS.values(), ids=NO_ADDRESS)
def test_address_to_listen_at_is_one_of_this_machine(address, reason):
    result = CliRunner().invoke(app, ["start", "--listen", address])
    assert result.exit_code == 1
    assert reason in str(result.exception)
