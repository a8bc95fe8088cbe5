"""What may be asked of a window, and its answers."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from platecast.components import COMPONENT_NAMES, Kind, well_name
from platecast.errors import ViewerCommandError
from platecast.layers import AXIS_NAMES, Index, LayerStore, StoredLayer, Value, positions_of
from platecast.records import Records
from platecast.viewer._session._canvas import Canvas
from platecast.viewer._session._clearing import Cleared
from platecast.viewer._session._export import Exports
from platecast.viewer._session._following import Following
from platecast.viewer._session._probe import GapProbe
from platecast.viewer._session._steps import StepName, find_step
from platecast.wire import pack_records


class _Kept:
    """The value of an argument that was not given, and so stays as it is."""

    def __repr__(self) -> str:
        return "as it is"


_KEPT = _Kept()
Answer = tuple[dict[str, Any], Sequence[bytes]]
"""A JSON-able answer and binary attachments."""


class Commands:
    """The table of commands. For the window's thread.

    Parameters
    ----------
    store
        The layers.
    canvas
        What shows them.
    clear
        Lets go of the layers of a run, of a step, of earlier runs, or of all, and says what that was.
    regroup
        Lets other components be layers (`None`: those that senders choose).
    following
        Whether the sliders go to the newest plane.
    exports
        Write what is there into a store.
    """

    def __init__(
        self,
        store: LayerStore,
        canvas: Canvas,
        *,
        clear: Callable[[str | None, StepName | None, bool], Cleared],
        regroup: Callable[[Sequence[str] | None], None],
        following: Following,
        exports: Exports,
    ) -> None:
        self._store = store
        self._canvas = canvas
        self._clear_layers = clear
        self._regroup = regroup
        self._following = following
        self._exports = exports
        self._gaps = GapProbe()
        self._table: dict[str, Callable[..., Answer]] = {
            "clear": self._clear,
            "compare": self._compare,
            "display": self._display,
            "export": self._export,
            "features": self._features,
            "goto": self._goto,
            "layers": self._layers,
            "numbers": self._numbers,
            "probe": self._probe,
            "quit": self._quit,
            "raise": self._raise,
            "read": self._read,
            "screenshot": self._screenshot,
        }

    def answer(self, name: str, args: Mapping[str, Any]) -> Answer:
        """Carry a command out.

        Raises
        ------
        ViewerCommandError
            There is no such command, or it has other arguments; the message says which.
        LookupError, ValueError, TypeError
            What it names is not there, or is no such thing.
        """
        handler = self._table.get(name)
        if handler is None:
            raise ViewerCommandError(f"unknown command {name!r}; known are {', '.join(self._table)}")
        signature = inspect.signature(handler)
        try:
            signature.bind(**args)
        except TypeError as error:
            known = ", ".join(_arguments(signature)) or "none"
            raise ViewerCommandError(f"{name}: {error}; its arguments are: {known}") from error
        return handler(**args)

    def _layers(self) -> Answer:
        listed = []
        for name, layer in self._canvas.names().items():
            key = layer.key
            entry = {
                "name": name,
                "kind": str(key.kind),
                "shape": list(layer.stack.shape),
                "dtype": str(layer.stack.dtype),
                "planes": len(layer.stack.indices),
                "run": key.run,
                "plate": key.plate,
                "step": None if key.step is None else [key.step.index, key.step.name],
                "sliced": dict(key.sliced),
                "stacked": list(key.stacked),
            }
            listed.append(entry | self._canvas.state(layer))
        axes = {name: list(self._store.axes.values(name)) for name in AXIS_NAMES}
        return {"layers": listed, "axes": axes, "on_screen": self._canvas.values_on_screen()}, ()

    def _read(self, layer: str, **components: Value | None) -> Answer:
        stored, index = self._find(layer, components)
        plane = stored.stack.plane(index)
        if isinstance(plane, Records):
            return {"kind": str(plane.kind), "count": plane.count}, (pack_records(plane).tobytes(),)
        read = self._canvas.read(stored, positions_of(stored, index, self._store.axes))
        if plane is not None:
            # Padding is no data.
            read = read[: plane.shape[0], : plane.shape[1]]
        return {"shape": list(read.shape), "dtype": str(read.dtype)}, (np.asarray(read).tobytes("C"),)

    def _features(self, layer: str, **components: Value | None) -> Answer:
        stored, index = self._find(layer, components)
        features = self._store.features(stored, index)
        table = Records(Kind.TABLE, {}, features)
        return {"columns": list(features), "count": table.count}, (pack_records(table).tobytes(),)

    def _numbers(self, *, column: str | None = None, plate: str | None = None) -> Answer:
        columns = list(self._store.number_columns)
        if column is not None and column not in columns:
            raise LookupError(f"no table has a column of numbers {column!r}; there are: {', '.join(columns)}")
        numbers = {} if column is None else self._store.numbers_by_well(column, plate)
        return {"columns": columns, "numbers": numbers}, ()

    def _find(self, layer: str, components: Mapping[str, Value | None]) -> tuple[StoredLayer, Index]:
        """Return a layer by name, and the index of the one plane in it that the components name."""
        unknown = [name for name in components if name not in COMPONENT_NAMES]
        if unknown:
            raise ViewerCommandError(f"{', '.join(unknown)}: expected layer and {', '.join(COMPONENT_NAMES)}")
        names = self._canvas.names()
        if layer not in names:
            raise LookupError(f"there is no layer {layer!r}; there are: {', '.join(names) or 'none'}")
        stored = names[layer]
        return stored, stored.select({name: value for name, value in components.items() if value is not None})

    def _goto(
        self,
        *,
        well: str | None = None,
        site: int | None = None,
        channel: int | str | None = None,
        timepoint: int | None = None,
        z_index: int | None = None,
    ) -> Answer:
        given = {
            "well": None if well is None else well_name(well),
            "site": site,
            "channel": channel,
            "timepoint": timepoint,
            "z_index": z_index,
        }
        values = {name: value for name, value in given.items() if value is not None}
        for name, value in values.items():
            known = self._store.values(name)
            if not known:
                raise LookupError(f"{name}: no layer has such an axis")
            if value not in known:
                raise LookupError(
                    f"{name}={value!r} is not there: this window has {', '.join(map(str, known))}"
                )
        self._canvas.go_to(values)
        return {"on_screen": self._canvas.values_on_screen()}, ()

    def _display(
        self,
        *,
        sliced: Sequence[str] | _Kept | None = _KEPT,
        follow_newest: bool | _Kept | None = _KEPT,
        visible: Mapping[str, bool] | None = None,
    ) -> Answer:
        if isinstance(sliced, str):
            raise TypeError(f"sliced={sliced!r}: expected a list of components")
        if not isinstance(follow_newest, (bool, _Kept)) and follow_newest is not None:
            raise TypeError(f"follow_newest={follow_newest!r}: expected true, false or null")
        wanted = self._visibilities(visible or {})
        if not isinstance(sliced, _Kept):
            self._regroup(sliced)
        for layer, is_visible in wanted.items():
            self._canvas.set_visible(layer, is_visible=is_visible)
        if not isinstance(follow_newest, _Kept):
            self._following.chosen = follow_newest
        chosen = self._store.sliced
        return {
            "sliced": None if chosen is None else list(chosen),
            "layers": len(self._store.layers),
            "follow_newest": self._following.is_on,
        }, ()

    def _visibilities(self, visible: Mapping[str, bool]) -> dict[StoredLayer, bool]:
        names = self._canvas.names()
        for name, is_visible in visible.items():
            if name not in names:
                raise LookupError(f"there is no layer {name!r}; there are: {', '.join(names) or 'none'}")
            if not isinstance(is_visible, bool):
                raise TypeError(f"visible={visible!r}: expected true or false for each layer")
        return {names[name]: is_visible for name, is_visible in visible.items()}

    def _compare(
        self, *, steps: Sequence[StepName | None] | None = None, side_by_side: bool = True
    ) -> Answer:
        if isinstance(steps, str):
            raise TypeError(f"steps={steps!r}: expected a list of steps")
        chosen = [find_step(self._canvas.steps, step) for step in steps or ()]
        if len(chosen) == 1 or len(set(chosen)) < len(chosen):
            raise ValueError("compare: name two steps or more, each of them once")
        self._canvas.compare(chosen, side_by_side=side_by_side)
        compared = [None if step is None else [step.index, step.name] for step in self._canvas.compared]
        return {"compared": compared, "side_by_side": bool(compared) and side_by_side}, ()

    def _export(
        self,
        *,
        path: str | None = None,
        run: str | None = None,
        step: StepName | None = None,
        cancel: bool = False,
    ) -> Answer:
        export = self._exports.latest
        if path is not None:
            export = self._exports.begin(path, run=run, step=step)
        if export is None:
            raise LookupError("export: there is none; give the path of a new store, such as plate.zarr")
        if cancel:
            export.cancel()
        return asdict(export.progress), ()

    def _screenshot(self, *, canvas_only: bool = False) -> Answer:
        return {"format": "png"}, (self._canvas.screenshot(canvas_only=canvas_only),)

    def _probe(self, *, action: str) -> Answer:
        if action == "start":
            self._gaps.start()
            self._canvas.time_pictures(is_wanted=True)
            return {"probing": True}, ()
        if action == "stop":
            return self._gaps.stop() | self._canvas.time_pictures(is_wanted=False), ()
        raise ValueError(f"probe: action is 'start' or 'stop', not {action!r}")

    def _clear(
        self, *, run: str | None = None, step: StepName | None = None, earlier_runs: bool = False
    ) -> Answer:
        cleared = self._clear_layers(run, step, earlier_runs)
        return {"cleared": cleared.layers, "planes": cleared.planes, "freed_mb": cleared.nbytes / 1e6}, ()

    def _raise(self) -> Answer:
        self._canvas.bring_to_front()
        return {"raised": True}, ()

    def _quit(self) -> Answer:
        return {"quitting": True}, ()


def _arguments(signature: inspect.Signature) -> list[str]:
    """Return the names of a command's arguments; what takes any names takes components."""
    names: list[str] = []
    for name, parameter in signature.parameters.items():
        names += COMPONENT_NAMES if parameter.kind is parameter.VAR_KEYWORD else (name,)
    return names
