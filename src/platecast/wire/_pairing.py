"""What a sender on another machine needs to know of a viewer, as one string that can be pasted.

The string is a secret: who has it may send. It holds the viewer's address and public key, and the secret key
of this one pairing, which the viewer's user can revoke by its name.
"""

import base64
import binascii
import hashlib
import ipaddress
import re

import msgspec
import zmq
from zmq.utils import z85

from platecast.config import CONTROL_PORT_OFFSET, MAX_PORT
from platecast.errors import PairingError

_PREFIX = "platecast1-"
_CHECK_BYTES = 4
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?")


class Pairing(msgspec.Struct, frozen=True, kw_only=True):
    """A viewer on another machine, and the keys to it.

    Keys are CurveZMQ's, in the Z85 notation of ZeroMQ RFC 32: 40 characters for 32 bytes.
    """

    host: str
    """Name or address under which senders reach the viewer; an IPv6 address stands without brackets."""
    port: int
    """Data port; the control port is 1000 above."""
    viewer_key: str
    """The viewer's public key: nobody else can pass for it."""
    secret_key: str
    """The sender's secret key."""

    def __repr__(self) -> str:
        """Return everything but the secret."""
        return f"Pairing(host={self.host!r}, port={self.port})"

    @property
    def public_key(self) -> str:
        """The key by which the viewer knows this sender."""
        return zmq.curve_public(self.secret_key.encode()).decode()

    @property
    def control_address(self) -> str:
        """ZeroMQ address of the control channel."""
        return tcp_address(self.host, self.port + CONTROL_PORT_OFFSET)

    @property
    def data_address(self) -> str:
        """ZeroMQ address of the data channel."""
        return tcp_address(self.host, self.port)

    def to_text(self) -> str:
        """Return the pairing string; it ends with a checksum, so that half a copy is noticed."""
        keys = [z85.decode(key.encode()) for key in (self.viewer_key, self.secret_key)]
        content = msgspec.msgpack.encode((self.host, self.port, *keys))
        sealed = content + hashlib.sha256(content).digest()[:_CHECK_BYTES]
        return _PREFIX + base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def check_host(host: str) -> str:
    """Return a host's name or address, IPv6 without brackets and in the short form.

    Raises
    ------
    PairingError
        It is neither, or an address that means another machine elsewhere.
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        address = ipaddress.IPv6Address(bare)
    except ValueError:
        if not _HOST.fullmatch(host):
            raise PairingError(f"{host!r} is neither the name nor the address of a machine") from None
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    if address.is_link_local:
        raise PairingError(
            f"{host!r} is an address on one cable only: name one that other machines can reach,"
            " such as a global one (on Linux `ip -6 addr show scope global`)"
        )
    return address.compressed


def tcp_address(host: str, port: int) -> str:
    """Return a host and port as ZeroMQ writes them."""
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def parse_pairing(text: str) -> Pairing:
    """Read a pairing string.

    Raises
    ------
    PairingError
        It is none, or only a part of one. The message does not repeat it, for it may hold a secret.
    """
    whole = "".join(text.split())
    if not whole.startswith(_PREFIX):
        raise PairingError(f"this is no pairing string: one begins with {_PREFIX!r}")
    coded = whole.removeprefix(_PREFIX)
    try:
        sealed = base64.b64decode(coded + "=" * (-len(coded) % 4), altchars=b"-_", validate=True)
        content, check = sealed[:-_CHECK_BYTES], sealed[-_CHECK_BYTES:]
        if hashlib.sha256(content).digest()[:_CHECK_BYTES] != check:
            raise ValueError("its checksum does not fit")
        host, port, viewer_key, secret_key = msgspec.msgpack.decode(
            content, type=tuple[str, int, bytes, bytes]
        )
        if not 1 <= port <= MAX_PORT or len(viewer_key) != 32 or len(secret_key) != 32:
            raise ValueError("its port or its keys cannot be")
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise PairingError(f"the pairing string is damaged ({error}): copy the whole of it") from error
    return Pairing(
        host=check_host(host),
        port=port,
        viewer_key=z85.encode(viewer_key).decode(),
        secret_key=z85.encode(secret_key).decode(),
    )
