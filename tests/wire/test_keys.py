"""Pairing strings and the files of keys."""

import os
import stat

import pytest

from platecast.config import NapariStreamingConfig
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


@pytest.mark.parametrize("host", ["", "a b", "tcp://desk", "-desk", "desk:5555", "[desk]", "[2001:db8::1"])
def test_host_is_a_host(host):
    with pytest.raises(PairingError, match="neither the name nor"):
        pair_for("cluster", host, 5555)


@pytest.mark.parametrize("host", ["2001:db8::1", "[2001:db8::1]", "2001:DB8:0:0::1"])
def test_address_may_be_ipv6_with_brackets_or_without(host):
    pairing = pair_for("cluster", host, 5555)
    assert pairing.host == "2001:db8::1"
    assert pairing.data_address == "tcp://[2001:db8::1]:5555"
    assert pairing.control_address == "tcp://[2001:db8::1]:6555"
    assert parse_pairing(pairing.to_text()) == pairing
    assert ":" not in store_pairing(pairing).name
    assert find_pairing(host, 5555) == pairing
    assert NapariStreamingConfig(napari_host=host).napari_host.strip("[]") == host.strip("[]")


def test_ipv6_address_that_stands_for_an_ipv4_one_is_that_one():
    assert pair_for("cluster", "::ffff:10.0.0.7", 5555).host == "10.0.0.7"


@pytest.mark.parametrize("host", ["fe80::1", "fe80::1%eth0", "[fe80::1%eth0]"])
def test_address_that_is_of_one_cable_only_is_refused(host):
    with pytest.raises(PairingError, match="on one cable only"):
        pair_for("cluster", host, 5555)


def test_file_of_the_viewers_keys_that_is_open_to_others_is_refused(keys_folder):
    pair_for("cluster", "desk", 5555)
    (keys_folder / "viewer.json").chmod(0o644)
    with pytest.raises(PairingError, match="open to other users: run chmod 600"):
        pair_for("other", "desk", 5555)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_files_are_closed_to_others_whatever_the_mask(keys_folder, mask):
    before = os.umask(mask)
    try:
        store_pairing(pair_for("cluster", "desk", 5555))
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(p.stat().st_mode) for p in keys_folder.rglob("*") if p.is_file()}
    assert modes == {0o600}
    assert {stat.S_IMODE(p.stat().st_mode) for p in keys_folder.rglob("*") if p.is_dir()} == {0o700}


def test_pairing_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PairingError, match=r"cannot read the pairing file .*/none: No such file"):
        find_pairing("desk", 5555, tmp_path / "none")
