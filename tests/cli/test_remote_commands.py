"""`pair`, `keys` and what `start --listen` refuses, as a terminal sees them."""

import pytest
from typer.testing import CliRunner

from platecast.cli._app import app
from platecast.wire import find_pairing, pair_for


@pytest.fixture(autouse=True)
def keys_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("PLATECAST_KEYS_DIR", str(tmp_path / "keys"))


def test_string_is_stored_from_an_argument_or_a_pipe():
    for host, words, given in (("desk", None, ""), ("lab", "-", "{}\n")):
        pairing = pair_for(host, host, 5555)
        text = pairing.to_text()
        result = CliRunner().invoke(app, ["pair", words or text], input=given.format(text))
        assert result.exit_code == 0, result.output
        assert text not in result.output
        assert find_pairing(host, 5555) == pairing


def test_keys_are_listed_and_revoked():
    pair_for("cluster", "desk", 5555)
    assert "cluster" in CliRunner().invoke(app, ["keys", "list"]).output
    assert CliRunner().invoke(app, ["keys", "revoke", "cluster"]).exit_code == 0
    assert "no keys" in CliRunner().invoke(app, ["keys", "list"]).output


NO_ADDRESS = {
    "every interface": ("0.0.0.0", "the one address"),  # noqa: S104 -- refused
    "loopback": ("127.0.0.1", "loopback"),
    "no machine": ("no-such-host.invalid", "name an address of this machine"),
}


@pytest.mark.parametrize(("address", "reason"), NO_ADDRESS.values(), ids=NO_ADDRESS)
def test_address_to_listen_at_is_one_of_this_machine(address, reason):
    result = CliRunner().invoke(app, ["start", "--listen", address])
    assert result.exit_code == 1
    assert reason in str(result.exception)
