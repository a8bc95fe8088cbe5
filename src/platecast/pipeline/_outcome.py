"""From what a function returned to the step's results: what each means and which plane it is. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from platecast.arrays import dtype_name
from platecast.components import Components, Kind
from platecast.errors import PipelineError
from platecast.pipeline._steps import Output, kind_of_dtype
from platecast.pipeline._tables import is_table, point_table_of, table_of


@dataclass(frozen=True, slots=True)
class Bundle:
    """The planes that a function gets in one call.

    Parameters
    ----------
    components
        What they have in common.
    members
        Each of them, in the order of the stack; a single one is no stack.
    over
        The components along the stack's axes; empty for a plane.
    lengths
        The stack's length along each.
    """

    components: Components
    members: tuple[Components, ...]
    over: tuple[str, ...] = ()
    lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One result.

    Parameters
    ----------
    output
        Which of the step's results it is.
    components
        Which plane.
    kind
        What it means.
    value
        The array where the function left it; columns for a table and for points.
    """

    output: Output
    components: Components
    kind: Kind
    value: object


def sort_out(outputs: Sequence[Output], result: object, bundle: Bundle) -> Iterator[Outcome]:
    """Yield the results in what a function returned.

    Parameters
    ----------
    outputs
        What the step says it returns.
    result
        What the function returned.
    bundle
        What it was given.

    Raises
    ------
    PipelineError
        It is not what the step says.
    InvalidRecordsError
        A table or points are not as they should be.
    """
    for output, value in _assign(outputs, result):
        kind = output.kind or (Kind.TABLE if is_table(value) else None)
        if kind is Kind.TABLE:
            yield Outcome(output, bundle.components, kind, table_of(value))
        elif kind is Kind.POINTS:
            yield Outcome(output, bundle.components, kind, point_table_of(value))
        else:
            kind = kind or kind_of_dtype(dtype_name(value))
            for components, plane in _planes(value, bundle):
                yield Outcome(output, components, kind, plane)


def without(components: Components, names: Sequence[str]) -> Components:
    """Return components without some of them."""
    return msgspec.structs.replace(components, **dict.fromkeys(names)) if names else components


def _assign(outputs: Sequence[Output], result: object) -> Iterator[tuple[Output, object]]:
    if not outputs[0].key:
        yield outputs[0], result
        return
    wanted = [output.key for output in outputs]
    if isinstance(result, Mapping):
        if set(result) != set(wanted):
            raise PipelineError(
                f"the function returned {', '.join(map(str, result))}, not {', '.join(wanted)}"
            )
        yield from ((output, result[output.key]) for output in outputs)
    elif isinstance(result, tuple) and len(result) == len(wanted):
        yield from zip(outputs, result, strict=True)
    else:
        what = f"a tuple of {len(result)}" if isinstance(result, tuple) else type(result).__name__
        raise PipelineError(f"the function returned {what}, not {len(wanted)} results: {', '.join(wanted)}")


def _planes(value: Any, bundle: Bundle) -> Iterator[tuple[Components, object]]:  # noqa: ANN401 (any array)
    shape = tuple(value.shape)
    axes = len(bundle.lengths)
    if axes and shape[:axes] == bundle.lengths and len(shape) in (axes + 2, axes + 3):
        # Indexed one axis after the other: every array library knows that.
        for number, components in enumerate(bundle.members):
            plane = value
            for index in _position(number, bundle.lengths):
                plane = plane[index]
            yield components, cast("object", plane)
    else:
        yield bundle.components, value


def _position(number: int, lengths: Sequence[int]) -> list[int]:
    position = []
    for length in reversed(lengths):
        number, index = divmod(number, length)
        position.append(index)
    return position[::-1]
