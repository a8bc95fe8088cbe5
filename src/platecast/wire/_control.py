"""The asking end of the control channel: one JSON request, one JSON answer."""

import contextlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import zmq

from platecast.config import CONTROL_PORT_OFFSET
from platecast.errors import ViewerCommandError, ViewerNotFoundError
from platecast.wire._endpoint import LOOPBACK, Endpoint

_LOOK_INTERVAL_S = 0.1


def ask(
    port: int,
    request: str,
    *,
    token: str = "",
    timeout_s: float = 5.0,
    **args: Any,  # noqa: ANN401 -- JSON values
) -> tuple[dict[str, Any], list[bytes]]:
    """Send a request to the viewer on `port` and wait for its answer.

    Parameters
    ----------
    port
        The viewer's data port.
    request
        Name of the command, see `docs/protocol.md`.
    token
        The token of the viewer's connection file; `ping` needs none.
    timeout_s
        How long to wait.
    **args
        Arguments of the command, as JSON values.

    Returns
    -------
    answer, blobs
        The JSON answer and its binary attachments.

    Raises
    ------
    ViewerNotFoundError
        No answer within `timeout_s`.
    ViewerCommandError
        The viewer refused the request or failed to carry it out.
    """
    return exchange(port, request, args, token=token, timeout_s=timeout_s)


def exchange(
    port: int,
    request: str,
    args: Mapping[str, Any],
    *,
    token: str,
    timeout_s: float,
    while_waiting: Callable[[], None] | None = None,
) -> tuple[dict[str, Any], list[bytes]]:
    """Do what `ask` does, and look around meanwhile.

    Parameters
    ----------
    port, request, args, token, timeout_s
        As for `ask`.
    while_waiting
        Called ten times a second until there is an answer; what it raises ends the waiting.
    """
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.linger = 0
        socket.connect(f"tcp://{LOOPBACK}:{port + CONTROL_PORT_OFFSET}")
        socket.send(msgspec.json.encode({**args, "type": request, "token": token}))
        deadline = time.monotonic() + timeout_s
        while not socket.poll(_left_ms(deadline, None if while_waiting is None else _LOOK_INTERVAL_S)):
            if time.monotonic() >= deadline:
                raise ViewerNotFoundError(
                    f"no viewer answered {request!r} on port {port} within {timeout_s:g} s"
                )
            if while_waiting is not None:
                while_waiting()
        body, *blobs = socket.recv_multipart()
    answer = msgspec.json.decode(body, type=dict[str, Any])
    if "error" in answer:
        raise ViewerCommandError(f"{request}: {answer['error']}")
    return answer, blobs


def ask_each(
    endpoints: Sequence[Endpoint], request: str, *, timeout_s: float = 1.0
) -> dict[str, dict[str, Any]]:
    """Ask several viewers the same at once and wait once for all of them.

    Parameters
    ----------
    endpoints
        The viewers, each asked with its own token.
    request
        Name of a command without arguments.
    timeout_s
        How long to wait.

    Returns
    -------
    dict
        The answers by instance; a viewer that did not answer, or with an error, is not in it.
    """
    answers: dict[str, dict[str, Any]] = {}
    waiting: dict[zmq.Socket[bytes], str] = {}
    poller = zmq.Poller()
    deadline = time.monotonic() + timeout_s
    context = zmq.Context()
    try:
        for endpoint in endpoints:
            socket = context.socket(zmq.REQ)
            socket.connect(endpoint.control_address)
            socket.send(msgspec.json.encode({"type": request, "token": endpoint.token}))
            poller.register(socket, zmq.POLLIN)
            waiting[socket] = endpoint.instance
        while waiting and (left_s := deadline - time.monotonic()) > 0:
            for socket, _ in poller.poll(math.ceil(left_s * 1000)):
                poller.unregister(socket)
                instance = waiting.pop(socket)
                body = socket.recv_multipart()[0]
                socket.close(linger=0)
                # Whoever holds the port now may say anything.
                with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                    answer = msgspec.json.decode(body, type=dict[str, Any])
                    if "error" not in answer:
                        answers[instance] = answer
    finally:
        context.destroy(linger=0)
    return answers


def _left_ms(deadline: float, most_s: float | None) -> int:
    left_s = max(0.0, deadline - time.monotonic())
    return math.ceil((left_s if most_s is None else min(left_s, most_s)) * 1000)
