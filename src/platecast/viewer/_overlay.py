"""What is on screen, in words."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from platecast.layers import Loss, Value

_MOST_REASON = 100
_WORDS = {"well": "Well", "site": "Site", "channel": "Channel", "z_index": "Z", "timepoint": "T"}


def position_text(
    position: Mapping[str, Value],
    *,
    visible: int,
    missing: Sequence[str],
    losses: Sequence[Loss | None] = (),
    reading: int = 0,
) -> str:
    """Return a line such as ``Well A01 · Site 1 · Z 3 · T 1``.

    Parameters
    ----------
    position
        The values on screen, of the components that have some.
    visible
        How many layers are visible.
    missing
        Names of the visible layers that have no plane there.
    losses
        Why they have none, where that is known.
    reading
        How many visible layers still show another place, because their plane is being read.
    """
    parts = [f"{word} {position[name]}" for name, word in _WORDS.items() if name in position]
    known = list(dict.fromkeys(_short(loss) for loss in losses if loss is not None))
    if not visible:
        parts.append("every layer is hidden")
    elif len(missing) == visible:
        parts += known or ["missing"]
    elif missing:
        parts.append(f"{len(missing)} of {visible} layers missing")
        parts += known
    if reading:
        parts.append("reading …" if reading == visible else f"reading {reading} of {visible} layers …")
    return " · ".join(parts)


def _short(loss: Loss) -> str:
    reason = loss.reason
    # Its beginning says where the file is, its end which one and what is wrong.
    short = reason if len(reason) <= _MOST_REASON else f"{reason[:30]} … {reason[-(_MOST_REASON - 33) :]}"
    return f"{loss.state}: {short}"


def missing_text(missing: Sequence[str], losses: Sequence[Loss | None] = ()) -> str:
    """Return what the status bar says of visible layers without a plane; empty where each has one."""
    words = [
        name if loss is None else f"{name} ({loss})" for name, loss in zip_longest(missing, losses) if name
    ]
    return f"No image here: {', '.join(words)}" if words else ""


def waiting_text(port: int) -> str:
    """Return what an empty window says."""
    return f"Waiting for images on port {port}"
