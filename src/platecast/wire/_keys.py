"""The keys of this user: the viewer's own pair, the senders that it lets in, and viewers elsewhere.

All of them are files of one folder, 0700, each 0600 from its first byte::

    viewer.json             the pair of this user's viewers, made when the first one listens for others
    allowed/NAME.json       the public key of a sender that may connect; removing it revokes the key
    pairings/HOST-PORT      the pairing string of a viewer on another machine

A folder in the home directory, not in the runtime directory: a pairing outlives a restart, and on a cluster
one `platecast pair` serves all nodes.
"""

import contextlib
import datetime
import os
import re
import stat
import tempfile
from pathlib import Path

import msgspec
import platformdirs
import zmq

from platecast.errors import PairingError
from platecast.wire._endpoint import private_folder, write_whole
from platecast.wire._pairing import Pairing, check_host, parse_pairing

KEYS_DIR_VARIABLE = "PLATECAST_KEYS_DIR"
PAIRING_VARIABLE = "PLATECAST_PAIRING"
"""A pairing string in the environment; it wins over what is stored."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class KeyPair(msgspec.Struct, frozen=True):
    """A pair of CurveZMQ keys, in Z85."""

    public: str
    secret: str

    def __repr__(self) -> str:
        """Return everything but the secret."""
        return f"KeyPair(public={self.public!r})"


class AllowedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A sender that may connect to this user's viewers."""

    name: str
    public: str
    made_at: datetime.datetime


def keys_dir() -> Path:
    """Return the folder of keys, made where it is missing.

    Raises
    ------
    PlatecastError
        The folder is open to others or belongs to somebody else.
    """
    chosen = os.environ.get(KEYS_DIR_VARIABLE)
    folder = Path(chosen) if chosen else platformdirs.user_data_path("platecast", appauthor=False) / "keys"
    return private_folder(folder, KEYS_DIR_VARIABLE)


def viewer_keys() -> KeyPair:
    """Return the pair of this user's viewers, made where there is none."""
    path = keys_dir() / "viewer.json"
    for _ in range(2):
        try:
            return msgspec.json.decode(_read_private(path), type=KeyPair)
        except FileNotFoundError:
            _write_new(path, msgspec.json.encode(_new_pair()))
        except (OSError, msgspec.DecodeError) as error:
            raise PairingError(
                f"cannot read {path}: {error}; remove it, and pair all senders anew"
            ) from error
    raise PairingError(f"{path} vanishes while it is being made")


def allow_new_key(name: str) -> KeyPair:
    """Make a pair of keys for senders that this user's viewers let in from now on.

    Only the public one stays here.

    Raises
    ------
    PairingError
        The name is taken, or no name for a file.
    """
    path = _allowed_path(name)
    pair = _new_pair()
    key = AllowedKey(name=name, public=pair.public, made_at=datetime.datetime.now(tz=datetime.UTC))
    if not _write_new(path, msgspec.json.encode(key)):
        raise PairingError(f"there is a key {name!r} already: choose another name, or revoke that one")
    return pair


def list_keys() -> list[AllowedKey]:
    """Return the senders that may connect, by name.

    Raises
    ------
    PairingError
        One of their files cannot be read.
    """
    keys = []
    for path in sorted(_folder("allowed").glob("*.json")):
        try:
            keys.append(msgspec.json.decode(path.read_bytes(), type=AllowedKey))
        except FileNotFoundError:
            continue
        except (OSError, msgspec.DecodeError) as error:
            raise PairingError(f"cannot read the key {path}: {error}; remove it") from error
    return keys


def revoke_key(name: str) -> None:
    """Let a sender in no more; viewers that run ignore it from its next message on.

    Raises
    ------
    PairingError
        There is no such key.
    """
    try:
        _allowed_path(name).unlink()
    except FileNotFoundError:
        known = ", ".join(key.name for key in list_keys()) or "none"
        raise PairingError(f"there is no key {name!r}; known are {known}") from None


def pair_for(name: str, host: str, port: int) -> Pairing:
    """Make a key and return it as a pairing with this user's viewer at `host` and `port`."""
    host = check_host(host)
    pair = allow_new_key(name)
    return Pairing(host=host, port=port, viewer_key=viewer_keys().public, secret_key=pair.secret)


def store_pairing(pairing: Pairing) -> Path:
    """Keep a pairing for the senders of this user; return the file."""
    path = _pairing_path(pairing.host, pairing.port)
    write_whole(path, pairing.to_text().encode() + b"\n")
    return path


def find_pairing(host: str, port: int, file: str | os.PathLike[str] | None = None) -> Pairing:
    """Return how to reach the viewer of another machine.

    Parameters
    ----------
    host, port
        Where it is; the pairing string itself may name the machine otherwise.
    file
        A file of mode 0600 with the pairing string; default: the environment variable
        ``PLATECAST_PAIRING``, else what `store_pairing` stored.

    Raises
    ------
    PairingError
        There is no pairing with that viewer, or its file is open to others.
    """
    host = check_host(host)
    if file is not None:
        try:
            found = parse_pairing(_read_private(Path(file).expanduser()))
        except OSError as error:
            raise PairingError(f"cannot read the pairing file {file}: {error.strerror}") from error
        return msgspec.structs.replace(found, host=host)
    if text := os.environ.get(PAIRING_VARIABLE):
        found = parse_pairing(text)
        return msgspec.structs.replace(found, host=host)
    path = _pairing_path(host, port)
    try:
        return parse_pairing(_read_private(path))
    except FileNotFoundError:
        raise PairingError(
            f"no pairing with a viewer at {host}, port {port}: there, run"
            " `platecast start --listen ADDRESS`; here, `platecast pair` with the string that it prints"
        ) from None


def _new_pair() -> KeyPair:
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret.decode())


def _folder(name: str) -> Path:
    return private_folder(keys_dir() / name, KEYS_DIR_VARIABLE)


def _allowed_path(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise PairingError(f"{name!r} is no name for a key: letters, digits and . _ @ - only, at most 64")
    return _folder("allowed") / f"{name}.json"


def _pairing_path(host: str, port: int) -> Path:
    # No file of Windows has a colon in its name.
    return _folder("pairings") / f"{host.replace(':', '_')}-{port}"


def _read_private(path: Path) -> str:
    with path.open(encoding="ascii", errors="replace") as file:
        mode = os.fstat(file.fileno()).st_mode
        if hasattr(os, "geteuid") and stat.S_IMODE(mode) & 0o077:
            raise PairingError(f"{path} holds a secret and is open to other users: run chmod 600 {path}")
        return file.read(4096)


def _write_new(path: Path, content: bytes) -> bool:
    """Write a file that is not there yet, whole, 0600; say whether it was not there."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
            return True
        return False
    finally:
        Path(temporary).unlink(missing_ok=True)
