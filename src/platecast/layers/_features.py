"""Which features belong to what is at a place of a layer, and which numbers to a well."""

from collections.abc import Iterable, Iterator

import numpy as np

from platecast.components import Components, StepId
from platecast.layers._key import Index, components_of
from platecast.layers._stored import StoredLayer
from platecast.layers._tables import (
    Features,
    Tables,
    WellSums,
    label_features,
    number_columns_of,
    record_features,
)
from platecast.records import LABEL_NAMES, Records, row_labels


def features_at(layer: StoredLayer, index: Index, layers: Iterable[StoredLayer], tables: Tables) -> Features:
    """Return the features of the labels or records at an index.

    A table belongs to the labels and records of its own step; where that made none at the place, to those of
    the last step before it.

    Parameters
    ----------
    layer, index
        What the features are of; nothing where there is no plane, or one of an image.
    layers
        All layers, for the steps that made labels or records there.
    tables
        All tables.
    """
    plane = layer.stack.plane(index)
    if plane is None or not (layer.key.is_labels or layer.key.is_records):
        return {}
    components = components_of(layer.key, index)
    steps = None
    found: list[Records] = []
    for table in tables.beside(layer.key.run, components):
        if table.step != layer.key.step:
            if steps is None:
                steps = {_number(each.key.step) for each in _beside(layer, components, layers)}
            before = [step for step in steps if step <= _number(table.step)]
            if _number(table.step) in steps or not before or max(before) != _number(layer.key.step):
                continue
        found.append(table.records)
    if isinstance(plane, Records):
        return record_features(plane, found)
    return label_features(_painted_features(layer.features.get(index)), found)


def _painted_features(painted: Records | None) -> Features | None:
    """Return the columns that came with painted polygons, with the labels that these were given."""
    if painted is None or not painted.features:
        return None
    labels = row_labels(painted)
    own = {"label": np.arange(1, painted.count + 1) if labels is None else labels}
    return own | {name: column for name, column in painted.features.items() if name not in LABEL_NAMES}


def _number(step: StepId | None) -> int:
    return -1 if step is None else step.index


def _beside(
    layer: StoredLayer, components: Components, layers: Iterable[StoredLayer]
) -> Iterator[StoredLayer]:
    """Yield the layers that have labels or records at a place, in any channel and slice."""
    place = ("well", "site", "timepoint")
    for other in layers:
        key = other.key
        if (key.run, key.plate) != (layer.key.run, layer.key.plate) or not (key.is_labels or key.is_records):
            continue
        fixed = dict(key.sliced)
        if any(name in fixed and fixed[name] != getattr(components, name) for name in place):
            continue
        if all(name in key.present or getattr(components, name) is None for name in place) and any(
            all(
                name not in place or getattr(components, name) == value
                for name, value in zip(key.stacked, index, strict=True)
            )
            for index in other.stack.indices
        ):
            yield other


def all_features(
    layers: Iterable[StoredLayer], tables: Tables
) -> Iterator[tuple[str, str | None, str | None, Features]]:
    """Yield run, plate, well and columns of everything that has some."""
    for run, table in tables.all():
        named = table.components
        yield run, named.plate, named.well, dict(table.records.features)
    for layer in layers:
        # Not the indices of images: there are tens of thousands of them, and nothing to be found.
        for index in layer.stack.indices if layer.key.is_records else tuple(layer.features):
            plane = layer.stack.plane(index)
            records = plane if isinstance(plane, Records) else layer.features.get(index)
            if records is not None and records.features:
                well = components_of(layer.key, index).well
                yield layer.key.run, layer.key.plate, well, dict(records.features)


def numbers_by_well(
    column: str, every: Iterable[tuple[str, str | None, str | None, Features]], plate: str | None
) -> dict[str, float]:
    """Return the mean of a column in each well, of the newest run that has it."""
    by_run: dict[str, WellSums] = {}
    for run, of_plate, well, features in every:
        if column in features and plate in (None, of_plate):
            by_run.setdefault(run, WellSums()).add(well, column, features)
    return by_run[max(by_run)].means() if by_run else {}


def number_columns(every: Iterable[tuple[str, str | None, str | None, Features]]) -> tuple[str, ...]:
    """Return the names of all columns of numbers, in the order in which they came."""
    names: dict[str, None] = {}
    for *_, features in every:
        names.update(dict.fromkeys(number_columns_of(features)))
    return tuple(names)
