"""Who gets in from another machine: an own handler of ZAP, ZeroMQ's authentication (RFC 27).

A connection whose key is not allowed is closed without a word: status 300 sends nothing, 400 would send an
error. Keys are looked up anew with each question, so that a revoked one counts no more.
"""

import contextlib
import logging
import os
import time
from pathlib import Path

import zmq
from zmq.utils import z85

from platecast.errors import PlatecastError
from platecast.wire._keys import keys_dir, list_keys

_log = logging.getLogger(__name__)

DOMAIN = b"platecast"
_ADDRESS = "inproc://zeromq.zap.01"
_MOST_REQUESTS_A_ROUND = 64
_REPORT_INTERVAL_S = 60.0
_REREAD_S = 1.0


class Admission:
    """The authenticator of one ZeroMQ context. For the thread that owns the viewer's sockets.

    Parameters
    ----------
    context
        The context whose sockets ask.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self.socket = context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.bind(_ADDRESS)
        self.turned_away = 0
        """Connections that were closed because their keys are not allowed."""
        self._folder: Path = keys_dir() / "allowed"
        self._changed_at = -1
        self._read_at = float("-inf")
        self._allowed: dict[str, str] = {}
        """Names by public keys. By their keys: a name may be given again when its first key was revoked."""
        self._reported_at = float("-inf")

    def answer(self) -> None:
        """Answer the questions that wait."""
        with contextlib.suppress(zmq.Again):
            for _ in range(_MOST_REQUESTS_A_ROUND):
                self._answer(self.socket.recv_multipart(zmq.DONTWAIT))

    def name_of(self, public: str) -> str | None:
        """Return the name of a public key, `None` where it is not allowed (any more)."""
        self._refresh()
        return self._allowed.get(public)

    def close(self) -> None:
        """Close the handler; the sockets that ask it must be closed before."""
        self.socket.close(linger=0)

    def _answer(self, frames: list[bytes]) -> None:
        client, empty, version, request, domain, address, _, mechanism, *credentials = frames
        self._refresh()
        is_asked = version == b"1.0" and domain == DOMAIN and mechanism == b"CURVE" and len(credentials) == 1
        public = z85.encode(credentials[0]).decode() if is_asked else ""
        is_allowed = public in self._allowed
        if not is_allowed:
            self._turn_away(address.decode(errors="replace"))
        status, user = (b"200", public.encode()) if is_allowed else (b"300", b"")
        self.socket.send_multipart([client, empty, b"1.0", request, status, b"", user, b""])

    def _turn_away(self, address: str) -> None:
        self.turned_away += 1
        now = time.monotonic()
        if now - self._reported_at > _REPORT_INTERVAL_S:
            self._reported_at = now
            _log.warning(
                "a connection from %s was turned away: its key is not allowed (%d so far)",
                address,
                self.turned_away,
            )

    def _refresh(self) -> None:
        """Read the keys again where the folder has changed; without a folder nobody gets in."""
        try:
            changed_at = os.stat(self._folder).st_mtime_ns
        except OSError:
            changed_at = -1
        now = time.monotonic()
        # Two changes within a tick of the file system's clock look like one.
        if changed_at == self._changed_at and now - self._read_at < _REREAD_S:
            return
        self._changed_at, self._read_at = changed_at, now
        try:
            self._allowed = {key.public: key.name for key in list_keys()}
        except PlatecastError as error:
            self._allowed = {}
            _log.warning("nobody gets in from other machines: %s", error)
