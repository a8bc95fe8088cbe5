"""What is on screen, in words."""

import itertools
import re
import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from platecast.layers import Loss, Value

_LINE = 56
"""Characters of a line that fit over the images beside both docks."""
_MOST_LINES = 4
_FOLDERS = re.compile(r"(?<![^\s'\"])(?:[A-Za-z]:)?[^\s'\"]*[\\/](?=[^\s\\/])")
_WORDS = {"well": "Well", "site": "Site", "channel": "Channel", "z_index": "Z", "timepoint": "T"}


def position_text(
    position: Mapping[str, Value],
    *,
    visible: int,
    missing: Sequence[str],
    losses: Sequence[Loss | None] = (),
    reading: int = 0,
) -> str:
    """Return a line such as ``Well A01 · Site 1 · Z 3 · T 1``, with more lines for long reasons.

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
        known = []
    elif missing and len(missing) < visible:
        parts.append(f"{len(missing)} of {visible} layers missing")
    elif missing and not known:
        parts.append("missing")
    if reading:
        parts.append("reading …" if reading == visible else f"reading {reading} of {visible} layers …")
    line = " · ".join([*parts, *known])
    if len(line) <= _LINE:
        return line
    lines = (
        part for loss in known for part in textwrap.wrap(loss, _LINE, max_lines=_MOST_LINES, placeholder=" …")
    )
    return "\n".join([" · ".join(parts), *itertools.islice(lines, _MOST_LINES)])


def _short(loss: Loss) -> str:
    # Which file it is matters here; the folders around it are the same for all, and in the log.
    return f"{loss.state}: {_FOLDERS.sub('', loss.reason)}"


def missing_text(missing: Sequence[str], losses: Sequence[Loss | None] = ()) -> str:
    """Return what the status bar says of visible layers without a plane; empty where each has one."""
    words = [
        name if loss is None else f"{name} ({loss})" for name, loss in zip_longest(missing, losses) if name
    ]
    return f"No image here: {', '.join(words)}" if words else ""


def waiting_text(port: int) -> str:
    """Return what an empty window says."""
    return f"Waiting for images on port {port}"
