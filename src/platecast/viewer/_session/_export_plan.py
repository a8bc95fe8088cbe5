"""What an export writes where. Pure: no files are touched."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import msgspec

from platecast.components import Kind, PlateLayout, format_name
from platecast.layers import (
    AXIS_NAMES,
    Calibration,
    Index,
    LayerKey,
    PlaneStack,
    StoredLayer,
    Value,
    components_of,
    sort_values,
)
from platecast.viewer._session._look import newest_run
from platecast.viewer._session._steps import Step

_SUFFIX = ".zarr"
_SAFE = " +~"
_MOST_AT_ONCE = 16
"""Planes in memory besides those of the window: some may rest elsewhere."""
_TWICE = "a later plane of another size or data type has their name"
_NO_WELL = "they name no well, and an OME-Zarr plate has nothing outside its wells"


@dataclass(frozen=True, slots=True)
class PlannedPlane:
    """A plane that is to be written.

    Parameters
    ----------
    layer, index
        Where it is; it is fetched when its turn comes, so that a plan keeps no memory.
    path
        Its address in the store.
    """

    layer: StoredLayer
    index: Index
    path: str


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """An export before it begins.

    Parameters
    ----------
    target
        The store.
    layouts
        What each plate of the store will hold, by its folder.
    batches
        Planes of one well and layer, a few at a time; images come before labels.
    skipped
        How many planes are left out, by reason.
    """

    target: Path
    layouts: Mapping[Path, PlateLayout]
    batches: tuple[tuple[PlannedPlane, ...], ...]
    skipped: Mapping[str, int]

    @property
    def planes(self) -> int:
        """How many planes are to be written."""
        return sum(map(len, self.batches))


def plan_export(
    layers: Sequence[StoredLayer],
    target: Path,
    calibrations: Mapping[str | None, Calibration],
) -> ExportPlan:
    """Plan to write every plane of some layers into a new OME-Zarr store.

    Each step has a plate of its own, ``Step_01_blur``, and where there are several plates each has a folder
    in it; a store of one plate is that plate. Labels lie beside the images of the latest step before them
    that has every one of their sites; where there is none, they have a plate of their own. Planes that are
    missing are not written. Of two planes of one name, which differ in size or data type, the later one is.

    Parameters
    ----------
    layers
        Of one run; see `of_run`.
    target
        The store, a folder that ends in ``.zarr`` and is not there yet.
    calibrations
        Distances on the sample, by plate.

    Raises
    ------
    ValueError
        The name does not end in ``.zarr``, or there is nothing to write.
    """
    if target.suffix.lower() != _SUFFIX:
        raise ValueError(f"export: {target} must end in {_SUFFIX}")
    skipped: dict[str, int] = defaultdict(int)
    written = []
    for layer in layers:
        if layer.key.kind not in (Kind.IMAGE, Kind.LABELS):
            skipped[f"{layer.key.kind} are no planes"] += len(layer.stack.indices)
        elif "well" not in layer.key.present:
            skipped[_NO_WELL] += len(layer.stack.indices)
        else:
            written.append(layer)
    if not written:
        reasons = "; ".join(f"{count} planes left out: {reason}" for reason, count in skipped.items())
        raise ValueError(f"export: there is nothing to write{f' ({reasons})' if reasons else ''}")
    homes = _homes(written, target)
    batches: dict[tuple[StoredLayer, object], dict[str, PlannedPlane]] = defaultdict(dict)
    home_of: dict[str, tuple[StoredLayer, object]] = {}
    for layer in sorted(written, key=lambda layer: layer.key.kind is Kind.LABELS):
        for index in layer.stack.indices:
            components = components_of(layer.key, index)
            path = str(homes[layer] / format_name(components))
            if path in home_of:
                del batches[home_of[path]][path]
                skipped[_TWICE] += 1
            home_of[path] = layer, components.well
            batches[home_of[path]][path] = PlannedPlane(layer, index, path)
    planned = tuple(
        tuple(every[first : first + _MOST_AT_ONCE])
        for every in (list(batch.values()) for batch in batches.values())
        for first in range(0, len(every), _MOST_AT_ONCE)
    )
    return ExportPlan(target, _layouts(written, homes, calibrations), planned, dict(skipped))


def of_run(layers: Sequence[StoredLayer], run: str | None) -> tuple[StoredLayer, ...]:
    """Return the layers of a run, by default of the newest, and those that all runs share.

    Raises
    ------
    LookupError
        No layer is of that run.
    """
    wanted = newest_run(layer.key for layer in layers) if run is None else run
    known = tuple(dict.fromkeys(layer.key.run for layer in layers if layer.key.run))
    if run is not None and run not in known:
        raise LookupError(f"no layer is of run {run!r}; there are {', '.join(known) or 'none'}")
    return tuple(layer for layer in layers if layer.key.run in ("", wanted))


def _homes(layers: Sequence[StoredLayer], target: Path) -> dict[StoredLayer, Path]:
    """Return the folder of each layer's planes."""
    plates = {layer.key.plate for layer in layers}
    images = [layer for layer in layers if layer.key.kind is Kind.IMAGE]
    owners = {layer: _owner(layer, images) for layer in layers}
    folders = {layer: _folder(owners[layer].key, plates) for layer in layers}
    is_one = len(set(folders.values())) == 1
    homes = {}
    for layer, folder in folders.items():
        home = target if is_one else target / folder
        homes[layer] = home if owners[layer] is layer else home / "labels" / _step_name(layer.key.step)
    return homes


def _folder(key: LayerKey, plates: Collection[str | None]) -> Path:
    folder = Path(_step_name(key.step))
    return folder if len(plates) < 2 else folder / f"plate-{quote(key.plate or '', safe='')}"


def _step_name(step: Step) -> str:
    return "images" if step is None else quote(f"Step_{step.index:02d}_{step.name}", safe=_SAFE)


def _owner(layer: StoredLayer, images: Sequence[StoredLayer]) -> StoredLayer:
    """Return the images beside which labels lie; a layer that lies by itself owns itself."""
    if layer.key.kind is not Kind.LABELS or not isinstance(layer.stack, PlaneStack):
        return layer
    sites = _sites(layer)
    # Of several channels of a step any will do: they share a folder.
    fitting = [
        image
        for image in images
        if image.key.plate == layer.key.plate
        and _order(image.key.step) <= _order(layer.key.step)
        and isinstance(image.stack, PlaneStack)
        and image.stack.plane_shape[:2] == layer.stack.plane_shape[:2]
        and sites <= _sites(image)
    ]
    return max(fitting, key=lambda image: _order(image.key.step), default=layer)


def _order(step: Step) -> int:
    return -1 if step is None else step.index


def _sites(layer: StoredLayer) -> set[tuple[object, object]]:
    found = (components_of(layer.key, index) for index in layer.stack.indices)
    return {(components.well, components.site) for components in found}


def _layouts(
    layers: Sequence[StoredLayer],
    homes: Mapping[StoredLayer, Path],
    calibrations: Mapping[str | None, Calibration],
) -> dict[Path, PlateLayout]:
    """Return what each plate will hold, so that its arrays have their shape from the start."""
    values: dict[Path, dict[str, dict[Value, None]]] = {}
    plates: dict[Path, str | None] = {}
    for layer in layers:
        folder = homes[layer]
        if folder.parent.name == "labels":
            continue
        plates[folder] = layer.key.plate
        held = values.setdefault(folder, {name: {} for name in AXIS_NAMES})
        for index in layer.stack.indices:
            components = components_of(layer.key, index)
            for name in layer.key.present:
                held[name][getattr(components, name)] = None
    layouts = {}
    for folder, held in values.items():
        known = calibrations.get(plates[folder], Calibration())
        layouts[folder] = msgspec.convert(
            {
                "plate": plates[folder],
                "pixel_size_um": known.pixel_size_um,
                "z_step_um": known.z_step_um,
                **{name: tuple(sort_values(name, held[name])) for name in AXIS_NAMES},
            },
            PlateLayout,
        )
    return layouts
