"""What is on screen, in words."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from platecast.layers import Value

_MOST_REASON = 100
_WORDS = {"well": "Well", "site": "Site", "channel": "Channel", "z_index": "Z", "timepoint": "T"}


def position_text(
    position: Mapping[str, Value],
    *,
    visible: int,
    missing: Sequence[str],
    failure: str | None = None,
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
    failure
        Why a plane of that place failed, if one did.
    reading
        How many visible layers still show another place, because their plane is being read.
    """
    parts = [f"{word} {position[name]}" for name, word in _WORDS.items() if name in position]
    if not visible:
        parts.append("every layer is hidden")
    elif len(missing) == visible:
        parts.append(_failed(failure) if failure is not None else "missing")
    elif missing:
        parts.append(f"{len(missing)} of {visible} layers missing")
        if failure is not None:
            parts.append(_failed(failure))
    if reading:
        parts.append("reading …" if reading == visible else f"reading {reading} of {visible} layers …")
    return " · ".join(parts)


def _failed(reason: str) -> str:
    # Its beginning says where the file is, its end which one and what is wrong.
    short = reason if len(reason) <= _MOST_REASON else f"{reason[:30]} … {reason[-(_MOST_REASON - 33) :]}"
    return f"failed: {short}"


def missing_text(missing: Sequence[str], reasons: Sequence[str] = ()) -> str:
    """Return what the status bar says of visible layers without a plane; empty where each has one.

    Parameters
    ----------
    missing
        Their names.
    reasons
        For each of them why its plane failed, empty where it has just not come.
    """
    if not missing:
        return ""
    told = [
        f"{name} ({_failed(reason)})" if reason else name
        for name, reason in zip_longest(missing, reasons, fillvalue="")
    ]
    return f"No image here: {', '.join(told)}"


def waiting_text(port: int) -> str:
    """Return what an empty window says."""
    return f"Waiting for images on port {port}"
