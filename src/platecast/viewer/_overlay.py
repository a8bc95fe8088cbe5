"""What is on screen, in words."""

from collections.abc import Mapping

from platecast.layers import Value

_WORDS = {"well": "Well", "site": "Site", "channel": "Channel", "z_index": "Z", "timepoint": "T"}


def position_text(position: Mapping[str, Value], *, has_visible: bool, is_missing: bool) -> str:
    """Return a line such as ``Well A01 · Site 1 · Z 3 · T 1``.

    Parameters
    ----------
    position
        The values on screen, of the axes that have some.
    has_visible
        Whether any layer is visible.
    is_missing
        Whether no visible layer has a plane there.
    """
    parts = [f"{word} {position[name]}" for name, word in _WORDS.items() if name in position]
    if not has_visible:
        parts.append("every layer is hidden")
    elif is_missing:
        parts.append("missing")
    return " · ".join(parts)


def waiting_text(port: int) -> str:
    """Return what an empty window says."""
    return f"Waiting for images on port {port}"
