"""What layers are called."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from platecast.components import Kind
from platecast.layers._key import LayerKey, Value

_WORDS: tuple[tuple[str, str], ...] = (
    ("well", "Well"),
    ("channel", "Channel"),
    ("site", "Site"),
    ("z_index", "Z"),
    ("timepoint", "T"),
)


@dataclass(frozen=True, slots=True)
class _Name:
    """A name in the making; `used` are the distinctions that were already made."""

    base: str
    is_projection: bool = False
    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    used: frozenset[str] = frozenset()

    def __str__(self) -> str:
        projection = ("projection",) if self.is_projection else ()
        return "_".join((*self.prefixes, self.base, *projection, *self.suffixes))


class LayerNames:
    """Gives each layer a name that no other one bears.

    A layer's name says its step and the components it was sliced by. A layer without z is called a
    projection if there is one that differs from it in z alone; since that one may come later, this is the
    one case in which the name of an earlier layer changes. Where two would still bear one name the first
    keeps it, and later ones say in what they differ: plate, run, size, data type, axes.
    """

    def __init__(self) -> None:
        self._keys: list[LayerKey] = []
        self._names: list[_Name] = []
        self._holders: dict[str, int] = {}
        self._twins: dict[LayerKey, list[int]] = {}
        self._text_of: dict[LayerKey, str] = {}

    def name(self, key: LayerKey) -> str:
        """Return the present name of a key that was added.

        Raises
        ------
        KeyError
            It was not.
        """
        return self._text_of[key]

    def add(self, key: LayerKey) -> tuple[LayerKey, ...]:
        """Name a key, unless it has a name; return the earlier ones that got another name by that."""
        if key in self._text_of:
            return ()
        family = self._twins.setdefault(_without_z(key), [])
        has_z = "z_index" in key.present
        renamed = [
            there
            for there in family
            if has_z and "z_index" not in self._keys[there].present and not self._names[there].is_projection
        ]
        for there in renamed:
            del self._holders[str(self._names[there])]
            self._take(there, replace(self._names[there], is_projection=True))
        is_projection = not has_z and any("z_index" in self._keys[there].present for there in family)
        self._keys.append(key)
        self._names.append(_Name(""))
        self._take(len(self._keys) - 1, _Name(_base_name(key), is_projection))
        family.append(len(self._keys) - 1)
        return tuple(self._keys[there] for there in renamed)

    def clear(self) -> None:
        """Forget every key."""
        for each in (self._keys, self._names, self._holders, self._twins, self._text_of):
            each.clear()

    def _take(self, here: int, name: _Name) -> None:
        """Let a key bear a name, with as many distinctions as it takes to be the only one."""
        key = self._keys[here]
        while (there := self._holders.get(str(name))) is not None:
            name = _one_more_distinction(name, key, self._keys[there])
        self._names[here] = name
        self._holders[str(name)] = here
        self._text_of[key] = str(name)


def layer_names(keys: Sequence[LayerKey]) -> list[str]:
    """Return one name for each key, no two alike; see `LayerNames`.

    Parameters
    ----------
    keys
        Different keys, in the order in which their layers were created.
    """
    names = LayerNames()
    for key in keys:
        names.add(key)
    return [names.name(key) for key in keys]


def _base_name(key: LayerKey) -> str:
    sliced = dict(key.sliced)
    parts = [] if key.step is None else [f"Step_{key.step.index:02d}_{key.step.name}"]
    parts += [f"{word}_{_value_text(name, sliced[name])}" for name, word in _WORDS if name in sliced]
    if not parts:
        parts = ["Image"]
    if key.kind is not Kind.IMAGE:
        parts.append(str(key.kind))
    return "_".join(parts)


def _value_text(component: str, value: Value) -> str:
    if component == "channel" or not isinstance(value, int):
        return str(value)
    return f"{value:03d}"


def _without_z(key: LayerKey) -> LayerKey:
    return replace(
        key,
        present=tuple(name for name in key.present if name != "z_index"),
        sliced=tuple(pair for pair in key.sliced if pair[0] != "z_index"),
    )


def _one_more_distinction(name: _Name, key: LayerKey, holder: LayerKey) -> _Name:
    for word, text_of, is_prefix in _DISTINCTIONS:
        text = text_of(key)
        if word in name.used or text == text_of(holder):
            continue
        used = name.used | {word}
        if is_prefix:
            return replace(name, prefixes=(text, *name.prefixes), used=used)
        return replace(name, suffixes=(*name.suffixes, text), used=used)
    # Two keys can differ in ways that no word above tells, such as two kinds of slicing: number them.
    count = 1 + sum(word.startswith("number") for word in name.used)
    suffixes = name.suffixes if count == 1 else name.suffixes[:-1]
    return replace(name, suffixes=(*suffixes, str(count + 1)), used=name.used | {f"number {count}"})


_DISTINCTIONS: tuple[tuple[str, Callable[[LayerKey], str], bool], ...] = (
    ("plate", lambda key: key.plate or "unknown_plate", True),
    ("run", lambda key: key.run or "any_run", True),
    ("size", lambda key: _size_text(key), False),
    ("dtype", lambda key: key.dtype, False),
    ("axes", lambda key: "by_" + "_".join(key.stacked or ("nothing",)), False),
)


def _size_text(key: LayerKey) -> str:
    return "x".join(str(length) for length in key.shape if length) + ("padded" if key.is_padded else "")
