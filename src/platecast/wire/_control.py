"""The asking end of the control channel: one JSON request, one JSON answer."""

import contextlib
import math
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import zmq

from platecast.config import CONTROL_PORT_OFFSET
from platecast.errors import ViewerCommandError, ViewerNotFoundError
from platecast.wire._endpoint import LOOPBACK, Endpoint


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
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.linger = 0
        socket.connect(f"tcp://{LOOPBACK}:{port + CONTROL_PORT_OFFSET}")
        socket.send(msgspec.json.encode({**args, "type": request, "token": token}))
        if not socket.poll(int(timeout_s * 1000)):
            raise ViewerNotFoundError(f"no viewer answered {request!r} on port {port} within {timeout_s:g} s")
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
