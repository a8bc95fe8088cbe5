"""What is on screen, in words."""

from collections.abc import Mapping, Sequence

from platecast.layers import Value

_WORDS = {"well": "Well", "site": "Site", "channel": "Channel", "z_index": "Z", "timepoint": "T"}


def position_text(
    position: Mapping[str, Value], *, visible: int, missing: Sequence[str], is_failed: bool = False
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
    is_failed
        Whether a plane of that place was refused.
    """
    parts = [f"{word} {position[name]}" for name, word in _WORDS.items() if name in position]
    if not visible:
        parts.append("every layer is hidden")
    elif len(missing) == visible:
        parts.append("failed" if is_failed else "missing")
    elif missing:
        parts.append(f"{len(missing)} of {visible} layers missing")
    return " · ".join(parts)


def missing_text(missing: Sequence[str]) -> str:
    """Return what the status bar says of visible layers without a plane; empty where each has one."""
    return f"No image here: {', '.join(missing)}" if missing else ""


def waiting_text(port: int) -> str:
    """Return what an empty window says."""
    return f"Waiting for images on port {port}"
