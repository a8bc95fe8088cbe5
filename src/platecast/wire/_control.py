"""The asking end of the control channel: one JSON request, one JSON answer."""

from typing import Any

import msgspec
import zmq

from platecast.config import CONTROL_PORT_OFFSET
from platecast.errors import ViewerCommandError, ViewerNotFoundError
from platecast.wire._endpoint import LOOPBACK


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
