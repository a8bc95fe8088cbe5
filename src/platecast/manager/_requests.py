"""What may be asked of a viewer's window: where to look, what to let go, how it looks."""

import threading
from collections.abc import Mapping, Sequence

import msgspec

from platecast.manager._asking import ask_viewer
from platecast.wire import Endpoint

_TIMEOUT_S = 10.0

Value = int | str


class Cleared(msgspec.Struct, frozen=True):
    """What a window let go."""

    cleared: int
    """Layers."""
    planes: int = 0
    freed_mb: float = 0.0
    """Pixels that were in memory."""


def go_to(endpoint: Endpoint, values: Mapping[str, Value], timeout_s: float = _TIMEOUT_S) -> dict[str, Value]:
    """Move a window's sliders, and return what is on screen then.

    Parameters
    ----------
    endpoint
        The viewer.
    values
        By name, any of ``well``, ``site``, ``channel``, ``timepoint``, ``z_index``.
    timeout_s
        How long to wait.

    Raises
    ------
    ViewerNotFoundError
        The viewer does not answer.
    ViewerCommandError
        There is no such place; the message says which there are.
    """
    answer, _ = ask_viewer(endpoint, "goto", values, timeout_s=timeout_s)
    return dict(answer["on_screen"])


def values_on_screen(endpoint: Endpoint, timeout_s: float = _TIMEOUT_S) -> dict[str, Value]:
    """Return where a window looks, by name; of an empty one nothing.

    Raises
    ------
    ViewerNotFoundError
        The viewer has ended, or it does not answer.
    """
    answer, _ = ask_viewer(endpoint, "layers", timeout_s=timeout_s)
    return dict(answer["on_screen"])


def clear_layers(
    endpoint: Endpoint,
    *,
    run: str | None = None,
    step: Value | Sequence[Value] | None = None,
    earlier_runs: bool = False,
    timeout_s: float = _TIMEOUT_S,
) -> Cleared:
    """Let layers go, with their planes; without a choice, all of them.

    Parameters
    ----------
    endpoint
        The viewer.
    run, step
        Which; a step by its index, its name, or both.
    earlier_runs
        Of all runs but the newest.
    timeout_s
        How long to wait.

    Raises
    ------
    ViewerNotFoundError
        The viewer does not answer.
    ViewerCommandError
        There is no such run or step; the message says which there are.
    """
    chosen: dict[str, object] = {"run": run, "step": step, "earlier_runs": earlier_runs or None}
    given = {name: value for name, value in chosen.items() if value is not None}
    answer, _ = ask_viewer(endpoint, "clear", given, timeout_s=timeout_s)
    return msgspec.convert(answer, Cleared)


def raise_viewer(
    endpoint: Endpoint, timeout_s: float = _TIMEOUT_S, *, stop: threading.Event | None = None
) -> None:
    """Bring a viewer's window to the front, also where it was minimised.

    Parameters
    ----------
    endpoint
        The viewer.
    timeout_s
        How long to wait.
    stop
        Ends the waiting when it is set.

    Raises
    ------
    ViewerNotFoundError
        The viewer does not answer.
    CancelledError
        `stop` was set.
    """
    ask_viewer(endpoint, "raise", timeout_s=timeout_s, stop=stop)


def take_screenshot(
    endpoint: Endpoint,
    *,
    canvas_only: bool = False,
    timeout_s: float = _TIMEOUT_S,
    stop: threading.Event | None = None,
) -> bytes:
    """Return a picture of a window, or of its images alone, as PNG.

    Parameters
    ----------
    endpoint
        The viewer.
    canvas_only
        Whether the images alone are pictured.
    timeout_s
        How long to wait.
    stop
        Ends the waiting when it is set.

    Raises
    ------
    ViewerNotFoundError
        The viewer does not answer.
    CancelledError
        `stop` was set.
    """
    _, (picture,) = ask_viewer(
        endpoint, "screenshot", {"canvas_only": canvas_only}, timeout_s=timeout_s, stop=stop
    )
    return picture
