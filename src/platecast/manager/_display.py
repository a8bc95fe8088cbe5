"""Change what the layers of a viewer are, while its images are there."""

from collections.abc import Sequence

from platecast.manager._asking import ask_viewer
from platecast.wire import Endpoint


def set_sliced(endpoint: Endpoint, sliced: Sequence[str] | None, timeout_s: float = 10.0) -> int:
    """Let other components have layers of their own; no image is sent again.

    Parameters
    ----------
    endpoint
        The viewer.
    sliced
        Names of components, such as ``["channel", "well"]``; the others become axes. `None` lets the senders
        choose again.
    timeout_s
        How long to wait.

    Returns
    -------
    int
        How many layers there are then.

    Raises
    ------
    ViewerNotFoundError
        The viewer does not answer.
    ViewerCommandError
        One of the names cannot be a layer.
    """
    chosen = None if sliced is None else list(sliced)
    answer, _ = ask_viewer(endpoint, "display", {"sliced": chosen}, timeout_s=timeout_s)
    return int(answer["layers"])
