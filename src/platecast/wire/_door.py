"""The sockets at which a viewer lets in senders of other machines: the same two channels, under CURVE.

Everything is encrypted, the viewer proves who it is, and only keys that its user allowed are let in. There is
no way to bind them without: a socket gets its keys and the domain of the authenticator before its address.
"""

import contextlib
import ipaddress
import socket as sockets
from collections.abc import Iterator

import zmq

from platecast.config import CONTROL_PORT_OFFSET
from platecast.errors import PairingError, PortInUseError
from platecast.wire._admission import DOMAIN, Admission
from platecast.wire._keys import viewer_keys
from platecast.wire._messages import MAX_CONTROL_BYTES, MAX_PLANE_BYTES
from platecast.wire._pairing import check_host, tcp_address
from platecast.wire._ports import port_owner
from platecast.wire._strangers import HANDSHAKE_MS, Strangers, cut_connection

_KEEPALIVE_S = (30, 10, 3)
"""Idle time, interval and number of probes, after which a connection that fell silent is closed."""


class Door:
    """The encrypted channels of one viewer; for the thread that owns its sockets.

    Parameters
    ----------
    context
        The viewer's; it gets an authenticator.
    listen
        Name, IPv4 or IPv6 address of one interface of this machine.
    port
        Data port; the control port is 1000 above.
    instance
        The topic of the data channel.

    Raises
    ------
    PairingError
        The address is none of this machine, every interface at once, or loopback.
    PortInUseError
        A port is taken at that address.
    """

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], listen: str, port: int, instance: bytes
    ) -> None:
        address = listen_address(listen)
        keys = viewer_keys()
        # Before the others, and enforced: without an authenticator libzmq would let everybody in.
        self.admission = Admission(context)
        self._port = port
        self.data = _bound(context, zmq.SUB, (address, port), keys.secret, MAX_PLANE_BYTES)
        self.data.subscribe(instance)
        control_port = port + CONTROL_PORT_OFFSET
        self.control = _bound(context, zmq.ROUTER, (address, control_port), keys.secret, MAX_CONTROL_BYTES)
        self.strangers = Strangers({port: self.data, control_port: self.control})

    @property
    def sockets(self) -> tuple[zmq.Socket[bytes], ...]:
        """What has to be polled."""
        return self.admission.socket, self.control, self.data, *self.strangers.monitors.values()

    def read(self, socket: zmq.Socket[bytes], most: int) -> Iterator[tuple[str, list[zmq.Frame]]]:
        """Yield messages with the names of their keys; where a key was revoked, the connection ends."""
        port = self._port if socket is self.data else self._port + CONTROL_PORT_OFFSET
        for _ in range(most):
            try:
                frames = socket.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            origin = self.admission.name_of(str(frames[-1].get("User-Id")))
            if origin is None:
                cut_connection(port, int(frames[-1].get(zmq.SRCFD)))
            else:
                yield origin, frames

    def close(self, linger_s: float) -> None:
        """Close everything; answers may take `linger_s` to leave."""
        self.strangers.close()
        self.data.close(linger=0)
        self.control.close(linger=int(linger_s * 1000))
        self.admission.close()


def listen_address(listen: str) -> str:
    """Return the address of one interface, which is neither every interface nor loopback.

    Raises
    ------
    PairingError
        It is no such address.
    """
    host = check_host(listen) if listen else ""
    try:
        # As a number where it is one already; names stand for IPv4 addresses.
        address = host if ":" in host else sockets.gethostbyname(host)
    except (OSError, UnicodeError) as error:
        raise PairingError(f"listen at {listen!r}: {error}; name an address of this machine") from error
    if not listen or ipaddress.ip_address(address).is_unspecified:
        raise PairingError(
            f"listen at {listen!r}: name the one address at which other machines find this one"
        )
    if ipaddress.ip_address(address).is_loopback:
        raise PairingError(
            f"listen at {listen!r}: {address} is this machine's loopback, where viewers listen anyway;"
            " name the address at which other machines find this one"
        )
    return address


def _bound(
    context: zmq.Context[zmq.Socket[bytes]], kind: int, place: tuple[str, int], secret: str, limit_bytes: int
) -> zmq.Socket[bytes]:
    socket = context.socket(kind)
    socket.linger = 0
    socket.setsockopt(zmq.MAXMSGSIZE, limit_bytes)
    socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    socket.setsockopt(zmq.ZAP_DOMAIN, DOMAIN)
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
    socket.curve_server = True
    socket.curve_secretkey = secret.encode()
    idle_s, interval_s, probes = _KEEPALIVE_S
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    with contextlib.suppress(zmq.ZMQError):  # what a system lacks it has no name for
        socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, idle_s)
        socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, interval_s)
        socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, probes)
    address, port = place
    socket.ipv6 = ":" in address
    try:
        socket.bind(tcp_address(address, port))
    except zmq.ZMQError as error:
        socket.close()
        if error.errno == zmq.EADDRINUSE:
            message = f"port {port} at {address} is taken by {port_owner(port)}"
            raise PortInUseError(error.errno, message) from error
        raise PairingError(f"cannot listen at {address}: {error}; is it of this machine?") from error
    return socket
