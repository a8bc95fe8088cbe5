"""Where to go so that there is something to see. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from platecast.layers import AXIS_NAMES, Index, LayerStore, StoredLayer, Value
from platecast.viewer._session._look import is_looked_at, place_of, topic


def like(layers: Iterable[StoredLayer], visible: Iterable[StoredLayer]) -> list[StoredLayer]:
    """Return the layers that show the same thing as visible ones, at any place; all if none is visible."""
    layers, topics = list(layers), {topic(layer.key) for layer in visible}
    return [layer for layer in layers if topic(layer.key) in topics] or layers


def nearest_place(
    store: LayerStore,
    layers: Sequence[StoredLayer],
    asked: Mapping[str, Value],
    here: Mapping[str, Value],
) -> dict[str, Value]:
    """Return what was asked for, with the rest as on screen or, where nothing is there, as near as it is.

    Parameters
    ----------
    store
        Whose layers these are.
    layers
        Where there should be something.
    asked
        The values to go to. Only components after the first of them, in the order of `AXIS_NAMES`, are
        changed besides: whoever asks for a site wants it of this well.
    here
        The values on screen.

    Notes
    -----
    A plane that failed or was dropped is something, too: it says why.
    """
    wanted = {**here, **asked}
    names = [name for name in AXIS_NAMES if name in asked]
    layers = [layer for layer in layers if asked.keys() & set(layer.key.present)]
    if not names or any(_is_something_at(store, layer, wanted) for layer in layers):
        return wanted
    kept = {name: wanted[name] for name in AXIS_NAMES[: AXIS_NAMES.index(names[0])] if name in wanted}
    ranks = {name: {value: rank for rank, value in enumerate(store.values(name))} for name in AXIS_NAMES}

    def farness(there: Mapping[str, Value]) -> tuple[int, int]:
        moved = [name for name, value in there.items() if wanted.get(name, value) != value]
        steps = (ranks[name].get(there[name], 0) - ranks[name].get(wanted[name], 0) for name in moved)
        return len(moved), sum(map(abs, steps))

    found = min(_places(layers, kept | dict(asked)), key=farness, default={})
    return wanted | found


def values_with_planes(
    layers: Iterable[StoredLayer], component: str, here: Mapping[str, Value]
) -> frozenset[Value]:
    """Return the values of a component that have planes at what is on screen of the components before it."""
    before = AXIS_NAMES[: AXIS_NAMES.index(component)]
    kept = {name: value for name, value in here.items() if name in before}
    return frozenset(there[component] for there in _places(layers, kept) if component in there)


def _is_something_at(store: LayerStore, layer: StoredLayer, wanted: Mapping[str, Value]) -> bool:
    key = layer.key
    if not is_looked_at(key, wanted) or not wanted.keys() >= set(key.stacked):
        return False
    index = tuple(wanted[name] for name in key.stacked)
    return layer.stack.plane(index) is not None or store.loss(layer, index) is not None


def _places(layers: Iterable[StoredLayer], kept: Mapping[str, Value]) -> Iterable[dict[str, Value]]:
    """Yield the places of all planes that agree with some values."""
    for layer in layers:
        if is_looked_at(layer.key, kept):
            is_wanted = _agreeing(layer.key.stacked, kept)
            own = place_of(layer.key)
            for index in filter(is_wanted, layer.stack.indices):
                yield own | dict(zip(layer.key.stacked, index, strict=True))


def _agreeing(stacked: Sequence[str], kept: Mapping[str, Value]) -> Callable[[Index], bool]:
    pairs = [(place, kept[name]) for place, name in enumerate(stacked) if name in kept]
    return lambda index: all(index[place] == value for place, value in pairs)
