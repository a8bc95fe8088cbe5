"""Lets go of layers by run, by step, or all, and says how much memory that frees."""

from collections.abc import Sequence
from dataclasses import dataclass

from platecast.layers import LayerStore, StoredLayer
from platecast.viewer._plate._watch import Watch
from platecast.viewer._session._canvas import Canvas
from platecast.viewer._session._steps import StepName, is_step, sorted_steps, step_text


@dataclass(frozen=True, slots=True)
class Cleared:
    """What was let go.

    Parameters
    ----------
    layers, planes
        How many.
    nbytes
        Of the pixels that were in memory.
    """

    layers: int
    planes: int
    nbytes: int


def clear(
    store: LayerStore,
    canvas: Canvas,
    watch: Watch | None = None,
    *,
    run: str | None = None,
    step: StepName | None = None,
    earlier_runs: bool = False,
) -> Cleared:
    """Remove layers from the window and let their planes go.

    Parameters
    ----------
    store, canvas, watch
        Whose layers they are, what shows them, and what counts their planes.
    run, step
        Which; without them all layers. With both, that step of that run.
    earlier_runs
        All runs but the newest.

    Raises
    ------
    LookupError
        No layer is of that run or step; the message says which there are.
    ValueError
        A run is named, and earlier runs as well.
    """
    if earlier_runs and run is not None:
        raise ValueError(f"clear: earlier_runs and run={run!r} exclude each other")
    layers = select(store.layers, run=run, step=step)
    runs = {layer.key.run for layer in layers}
    if earlier_runs:
        newest = runs_of(store.layers)[-1:]
        layers = tuple(layer for layer in layers if layer.key.run and layer.key.run not in newest)
        runs = {layer.key.run for layer in layers}
    cleared = Cleared(
        len(layers),
        sum(len(layer.stack.indices) for layer in layers),
        sum(layer.stack.nbytes for layer in layers),
    )
    is_everything = len(layers) == len(store.layers)
    steps = {layer.key.step for layer in layers}
    canvas.remove(layers)
    if is_everything:
        store.clear()
        if watch is not None:
            watch.cleared()
        return cleared
    store.drop_tables(runs, steps)
    store.drop_unused_values()
    canvas.axes_changed()
    if watch is not None:
        watch.forgotten(runs, steps)
    return cleared


def runs_of(layers: Sequence[StoredLayer]) -> tuple[str, ...]:
    """Return the runs that have layers of their own, the newest last."""
    return tuple(dict.fromkeys(layer.key.run for layer in layers if layer.key.run))


def select(
    layers: Sequence[StoredLayer], *, run: str | None = None, step: StepName | None = None
) -> tuple[StoredLayer, ...]:
    """Return the layers of a run, a step, or both; raises as `clear`."""
    chosen = tuple(
        layer
        for layer in layers
        if (run is None or layer.key.run == run) and (step is None or is_step(layer.key.step, step))
    )
    if not chosen and (run is not None or step is not None):
        asked = ", ".join(
            f"{word}={value!r}" for word, value in (("run", run), ("step", step)) if value is not None
        )
        steps = map(step_text, sorted_steps(layer.key for layer in layers))
        known = f"runs {', '.join(runs_of(layers)) or 'none'}; steps {', '.join(steps) or 'none'}"
        raise LookupError(f"no layer of {asked}; there are {known}")
    return chosen
