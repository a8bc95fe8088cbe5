"""Pairing strings and the files of keys."""

import pytest

from platecast.errors import PairingError, PlatecastError
from platecast.wire import find_pairing, list_keys, pair_for, parse_pairing, revoke_key, store_pairing


@pytest.fixture(autouse=True)
def keys_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("PLATECAST_KEYS_DIR", str(tmp_path / "keys"))
    return tmp_path / "keys"


def test_string_holds_all_that_a_sender_needs_and_hides_it_when_printed():
    pairing = pair_for("cluster", "desk.lab", 5555)
    assert parse_pairing(pairing.to_text()) == pairing
    assert parse_pairing(f" {pairing.to_text()[:40]}\n{pairing.to_text()[40:]} ") == pairing
    assert pairing.secret_key not in repr(pairing)


def test_every_file_is_the_users_alone(keys_folder):
    store_pairing(pair_for("cluster", "desk.lab", 5555))
    paths = [keys_folder, *keys_folder.rglob("*")]
    assert {path.stat().st_mode & 0o077 for path in paths} == {0}
    assert len([path for path in paths if path.is_file()]) == 3


def test_keys_are_listed_and_revoked():
    pairings = [pair_for(name, "desk", 5555) for name in ("one", "two")]
    assert [key.public for key in list_keys()] == [each.public_key for each in pairings]
    revoke_key("one")
    assert [key.name for key in list_keys()] == ["two"]
    with pytest.raises(PairingError, match="no key 'one'; known are two"):
        revoke_key("one")
    with pytest.raises(PairingError, match="already"):
        pair_for("two", "desk", 5555)


def test_pairing_is_found_where_it_was_stored_or_in_the_environment(monkeypatch, tmp_path):
    with pytest.raises(PairingError, match="no pairing with a viewer at desk, port 5555"):
        find_pairing("desk", 5555)
    pairing = pair_for("cluster", "desk", 5555)
    path = store_pairing(pairing)
    assert find_pairing("desk", 5555) == pairing
    other = pair_for("other", "desk", 5555)
    monkeypatch.setenv("PLATECAST_PAIRING", other.to_text())
    assert find_pairing("desk", 5555) == other
    copy = tmp_path / "copy"
    copy.write_text(path.read_text())
    copy.chmod(0o644)
    with pytest.raises(PairingError, match="chmod 600"):
        find_pairing("desk", 5555, copy)
    copy.chmod(0o600)
    assert find_pairing("10.0.0.7", 5555, copy).host == "10.0.0.7"


def test_open_folder_is_refused(keys_folder):
    keys_folder.mkdir(mode=0o755)
    with pytest.raises(PlatecastError, match="open to other users"):
        list_keys()


DAMAGED = {
    "nothing": lambda text: "",
    "something else": lambda text: "ssh-ed25519 AAAA",
    "half of it": lambda text: text[:60],
    "a letter changed": lambda text: text[:30] + ("A" if text[30] != "A" else "B") + text[31:],
    "no base64": lambda text: text[:-3] + "$$$",
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_damaged_string_is_refused_without_repeating_it(damage):
    text = damage(pair_for("cluster", "desk", 5555).to_text())
    with pytest.raises(PairingError) as refused:
        parse_pairing(text)
    assert not text or text not in str(refused.value)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 65])
def test_name_of_a_key_is_no_path(name):
    with pytest.raises(PairingError, match="no name for a key"):
        pair_for(name, "desk", 5555)


@pytest.mark.parametrize("host", ["", "a b", "tcp://desk", "-desk", "desk:5555"])
def test_host_is_a_host(host):
    with pytest.raises(PairingError, match="neither the name nor"):
        pair_for("cluster", host, 5555)
