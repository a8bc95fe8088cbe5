"""How a new layer looks beside those that are there: its colours, and which layers it hides. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence

from platecast.layers import LayerKey, Value

_BY_NAME: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"dapi|hoechst|draq|nucle|405", re.I), "bop blue"),
    (re.compile(r"gfp|fitc|488|green", re.I), "green"),
    (
        re.compile(r"cy3|tritc|rfp|cherry|tomato|phalloidin|actin|54[0-9]|5[56][0-9]|59[0-9]", re.I),
        "bop orange",
    ),
    (re.compile(r"cy5|64[0-9]|far.?red|mito", re.I), "magenta"),
    (re.compile(r"^(bf|tl)$|bright|phase|\bdic\b|transmi", re.I), "gray"),
)
_BY_ORDER = ("cyan", "magenta", "yellow", "green", "bop orange", "bop purple", "bop blue", "red")
SINGLE_COLORMAP = "gray"
"""The colormap of images that have no channel beside them."""


def channel_colormaps(channels: Sequence[Value]) -> dict[Value, str]:
    """Return a colormap for each channel, given in the order in which they came.

    Dyes whose names are known have their usual colour; the others get the first colour that is free. A
    channel keeps its colour whatever comes later.
    """
    chosen: dict[Value, str] = {}
    for rank, channel in enumerate(channels):
        usual = next((color for name, color in _BY_NAME if name.search(str(channel))), None)
        if isinstance(channel, int) or usual is None or usual in chosen.values():
            free = (color for color in _BY_ORDER if color not in chosen.values())
            usual = next(free, _BY_ORDER[rank % len(_BY_ORDER)])
        chosen[channel] = usual
    return chosen


def place_of(key: LayerKey) -> dict[str, Value]:
    """Return where a layer as a whole lies: the values that it was sliced by, without the channel."""
    return {name: value for name, value in key.sliced if name != "channel"}


def is_looked_at(key: LayerKey, place: Mapping[str, Value]) -> bool:
    """Say whether a layer lies where the window looks; a component that has no value there is no matter."""
    return all(place.get(name, value) == value for name, value in place_of(key).items())


def topic(key: LayerKey) -> tuple[object, ...]:
    """Return what layers have in common that show the same thing at different places."""
    return (key.run, key.plate, key.step, key.kind, key.channel, key.shape, key.dtype)


def hidden_layers(keys: Sequence[LayerKey], place: Mapping[str, Value]) -> set[LayerKey]:
    """Return the layers that would make the picture unreadable if they were visible.

    Parameters
    ----------
    keys
        All layers, in the order in which they were created.
    place
        Where the window looks, among components that have layers of their own.

    Notes
    -----
    Hidden are: layers of earlier runs; what a later step has made anew of the same kind and channel; and
    of components that were sliced into layers (wells, sites, ...) all but the value that is looked at.
    """
    newest = newest_run(keys)
    latest_step: dict[tuple[object, ...], int] = {}
    for key in keys:
        if key.step is not None:
            latest_step[_topic(key)] = max(key.step.index, latest_step.get(_topic(key), 0))
    hidden = set()
    for key in keys:
        is_outdated = key.step is not None and key.step.index < latest_step[_topic(key)]
        if (key.run and key.run != newest) or is_outdated or not is_looked_at(key, place):
            hidden.add(key)
    return hidden


def newest_run(keys: Iterable[LayerKey]) -> str:
    """Return the run that came last; empty where runs replace each other in place."""
    return next(reversed(dict.fromkeys(key.run for key in keys if key.run)), "")


def rank_of(key: LayerKey) -> int:
    """Return how high in the list layers of a sort lie: images, labels above them, records on top."""
    return 2 if key.is_records else int(key.is_labels)


def insert_place(rank: int, neighbours: Iterable[tuple[bool, int]]) -> int:
    """Return the place of a new layer in the list, counted from the bottom.

    Parameters
    ----------
    rank
        Its `rank_of`.
    neighbours
        For each layer of the list, whether it was streamed, and its rank.
    """
    listed = list(neighbours)
    below = [
        place for place, (is_streamed, other) in enumerate(listed, start=1) if is_streamed and other <= rank
    ]
    if below:
        return below[-1]
    above = (place for place, (is_streamed, _) in enumerate(listed) if is_streamed)
    return next(above, len(listed)) if rank else 0


def _topic(key: LayerKey) -> tuple[object, ...]:
    """Return what two steps must have in common for the later to take the place of the earlier on screen."""
    sliced = tuple(pair for pair in key.sliced if pair[0] != "z_index")
    return (key.run, key.plate, key.kind, sliced)
