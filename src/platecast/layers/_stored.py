"""A layer as the store keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from platecast.components import Components
from platecast.config import Display
from platecast.layers._held import Pixels
from platecast.layers._key import Index, LayerKey, Value
from platecast.layers._record_stack import RecordStack
from platecast.layers._stack import PlaneStack
from platecast.records import Records


@dataclass(eq=False, slots=True)
class StoredLayer:
    """A layer and its planes.

    Parameters
    ----------
    key
        What its planes have in common.
    display
        How the sender of its first plane wants it shown.
    contrast
        Limits for its first plane; `None` for labels, RGB and records.
    stack
        Its planes, the data that napari shows; or records, of which napari is given those on screen.
    name
        What it is called now; the store renames a layer that turns out to be a projection.
    tickets
        For every plane that is there, the ticket it came with.
    features
        What came with painted polygons: their columns, by index.
    """

    key: LayerKey
    display: Display
    contrast: tuple[float, float] | None
    stack: PlaneStack | RecordStack
    name: str
    tickets: dict[Index, object] = field(default_factory=dict)
    features: dict[Index, Records] = field(default_factory=dict)

    def put(self, index: Index, content: Pixels | Records) -> bool:
        """Take in a plane or records; say whether the planes that are read got larger by it."""
        if isinstance(self.stack, RecordStack):
            if not isinstance(content, Records):
                raise TypeError(f"layer {self.name!r} holds records, not {type(content).__name__}")
            self.stack.put(index, content)
            return False
        if isinstance(content, Records):
            raise TypeError(f"layer {self.name!r} holds planes, not records")
        return self.stack.put(index, content)

    def select(self, components: Mapping[str, Any]) -> Index:
        """Return the index of the one plane that the components name.

        Components along which the layer does not vary may be given; a sliced one must be the layer's own.

        Raises
        ------
        LookupError
            No plane is there, or more than one.
        InvalidComponentsError, InvalidWellError
            The components name no plane at all.
        """
        wanted: dict[str, Value] = {}
        if components:
            given = Components(**components)
            wanted = {name: getattr(given, name) for name in given.present}
        own = dict(self.key.sliced) | ({"plate": self.key.plate} if self.key.plate else {})
        for name, value in own.items():
            if name in wanted and wanted[name] != value:
                raise LookupError(f"layer {self.name!r} holds {name}={value!r}, not {wanted[name]!r}")
        found = [
            index
            for index in self.stack.indices
            if all(
                wanted.get(name, value) == value for name, value in zip(self.key.stacked, index, strict=True)
            )
        ]
        if not found:
            raise LookupError(f"layer {self.name!r} has no plane with {_text(wanted)}: it is missing")
        if len(found) > 1:
            open_names = [name for name in self.key.stacked if name not in wanted]
            raise LookupError(
                f"layer {self.name!r} has {len(found)} planes with {_text(wanted)}: "
                f"say {', '.join(open_names)} too"
            )
        return found[0]


def _text(components: Mapping[str, Value]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in components.items()) or "no component given"
