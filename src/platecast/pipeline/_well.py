"""One well from its images to its results; the same in every executor."""

import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platecast.arrays import as_labels, describe, stack_planes, to_host
from platecast.components import Components, Kind, StepId
from platecast.errors import PipelineError
from platecast.pipeline._groups import bundles, counterparts, group_images
from platecast.pipeline._outcome import Bundle, Outcome, sort_out
from platecast.pipeline._plan import RunPlan, WellResult, WellTask
from platecast.pipeline._report import Failure
from platecast.pipeline._results import Layer, ResultStore, Stored, backend_of
from platecast.pipeline._steps import RAW, RAW_STEP, Output, Step
from platecast.pipeline._tables import records_of
from platecast.records import Columns
from platecast.storage import FileManager, PlateImage

if TYPE_CHECKING:  # a worker of a run that shows nothing need not import what sends
    from platecast.pipeline._screen import Screen
    from platecast.stream import Ledger

_RECORDS = (Kind.TABLE, Kind.POINTS)


class WellWorker:
    """Processes wells, one after the other; belongs to one thread.

    Parameters
    ----------
    plan
        The run.
    name
        Tells the workers of a run apart.
    """

    def __init__(self, plan: RunPlan, name: str) -> None:
        self._plan = plan
        self._name = name
        self._files = FileManager()
        self._results = ResultStore(plan.output, plan.pipeline, plan.layouts, self._files)
        self._screen = _screen_of(plan)

    def announce(self) -> None:
        """Tell the viewers what will come."""
        if self._screen is not None:
            self._screen.announce(self._plan.layouts)

    def process(self, task: WellTask) -> WellResult:
        """Put every image of a well through the steps; what fails is reported and the rest goes on."""
        well = _Well(self._plan, task, self._files, self._results, self._screen)
        for images in group_images(self._plan.pipeline, task.images):
            well.process(images)
        well.finish()
        return WellResult(
            task,
            tuple(well.stored),
            tuple(well.failures),
            self._name,
            None if self._screen is None else self._screen.ledger(),
            dict(well.seconds),
        )

    def close(self, on_wait: Callable[[], None] = lambda: None) -> "Ledger | None":
        """Wait, bounded, until what was sent is shown, and return the final account, where there is one."""
        self._files.close()
        return None if self._screen is None else self._screen.close(on_wait)


@dataclass(slots=True)
class _Item:
    """One plane, table or set of points inside a group; read when it is first used."""

    kind: Kind
    address: str
    value: object = None
    image_step: StepId | None = None
    """The step that made the image it comes from, where that rests; `None` for the raw image."""


class _Well:
    """One well while it is processed."""

    def __init__(
        self,
        plan: RunPlan,
        task: WellTask,
        files: FileManager,
        results: ResultStore,
        screen: "Screen | None",
    ) -> None:
        self._plan, self._task, self._files, self._results = plan, task, files, results
        self._screen = screen
        self._outputs = plan.pipeline.outputs
        self._last_use = _last_uses(plan)
        self._records: dict[Output, list[tuple[Components, Columns]]] = defaultdict(list)
        self.stored: list[Stored] = []
        self.failures: list[Failure] = []
        self.seconds: dict[str, float] = defaultdict(float)
        self._items: dict[str, dict[Components, _Item]] = {}
        self._lost: dict[str, set[Components]] = {}

    def process(self, images: tuple[PlateImage, ...]) -> None:
        """Put one group of images through the steps."""
        self._items = {RAW: {}}
        self._lost = defaultdict(set)
        for image in images:
            self._items[RAW][image.components] = _Item(Kind.IMAGE, image.address)
        if self._plan.first == 1:
            for components, item in list(self._items[RAW].items()):
                self._take_raw(components, item)
        for number, step in enumerate(self._plan.pipeline.steps, start=1):
            if number >= self._plan.first or not self._recall(number, images):
                self._run_step(number, step)
            for ref in [ref for ref, last in self._last_use.items() if last == number]:
                self._items.pop(ref, None)
        self._items = {}

    def finish(self) -> None:
        """Write the tables and points of the whole well, and only then show them."""
        for output, members in self._records.items():
            step = self._named(output)
            kind = output.kind or Kind.TABLE
            settings = self._plan.settings[step.index]
            if settings.stored:
                try:
                    with self._timed("write"):
                        address = self._results.save_table(step, self._task.well, members)
                except Exception as error:  # as for a plane
                    self._fail(step, None, error)
                    continue
                self.stored += [Stored(output.ref, kind, components, address) for components, _ in members]
            for components, columns in members:
                if columns and settings.shows(components):
                    self._show_records(columns, components, kind, step)

    def _take_raw(self, components: Components, item: _Item) -> None:
        settings = self._plan.settings[0]
        try:
            image = self._value(item)
        except (Exception, SystemExit) as error:  # a file that somebody else wrote
            self._lose(RAW, components, RAW_STEP, error)
            return
        if settings.stream_input and settings.shows(components):
            self._show(image, components, Kind.IMAGE, RAW_STEP, item.address)

    def _recall(self, number: int, images: tuple[PlateImage, ...]) -> bool:
        """Take a step's results from an earlier run; say whether they are all there."""
        refs = {output.ref for output in self._outputs[number - 1]}
        mine = {image.components for image in images}
        found = [
            given
            for given in self._task.given
            if given.ref in refs and given.kind not in _RECORDS and _covers(given.components, mine)
        ]
        if {given.ref for given in found} != refs:
            return False
        for given in found:
            self._items.setdefault(given.ref, {})[given.components] = _Item(given.kind, given.address)
        self._alias(number)
        return True

    def _run_step(self, number: int, step: Step) -> None:
        inputs = self._plan.pipeline.inputs_of(number)
        lead = self._items.get(inputs[0][1], {})
        mine = [components for components in lead if step.applies_to(components)]
        lost = [each for each in self._lost[inputs[0][1]] if step.applies_to(each)]
        for bundle in bundles(step.over, mine):
            if isinstance(bundle, PipelineError):
                self._fail(self._plan.pipeline.step_ids[number - 1], None, bundle)
            elif any(_covers(bundle.components, [each]) for each in lost):
                # The failure of the missing plane is reported already.
                self._lose_all(number, bundle)
            else:
                self._call(number, step, bundle)
        self._alias(number)

    def _call(self, number: int, step: Step, bundle: Bundle) -> None:
        at = self._plan.pipeline.step_ids[number - 1]
        try:
            places, keywords = self._arguments(number, bundle)
            if places is None:
                self._lose_all(number, bundle)
                return
            with self._timed(step.name):
                result = step.func(*places, **keywords, **step.params)
            for outcome in sort_out(self._outputs[number - 1], result, bundle):
                self._keep(outcome, self._origin(number, bundle, outcome))
        # A step's own code, which may even call sys.exit(), or a file that somebody else wrote.
        except (Exception, SystemExit) as error:
            self._fail(at, bundle.components, error)
            self._lose_all(number, bundle)

    def _arguments(self, number: int, bundle: Bundle) -> tuple[list[object] | None, dict[str, object]]:
        """Return what a function is called with; no places where another input has failed before."""
        places: list[object] = []
        keywords: dict[str, object] = {}
        for place, (keyword, ref) in enumerate(self._plan.pipeline.inputs_of(number)):
            items = self._items.get(ref, {})
            if place and any(_covers(bundle.components, [each]) for each in self._lost[ref]):
                return None, {}
            members = bundle.members if place == 0 else counterparts(bundle, items)
            values = [self._value(items[each]) for each in members]
            value = (
                _stacked(values, bundle) if bundle.over and len(values) == len(bundle.members) else values[0]
            )
            if keyword:
                keywords[keyword] = value
            else:
                places.append(value)
        return places, keywords

    def _origin(self, number: int, bundle: Bundle, outcome: Outcome) -> StepId | None:
        """Return the step whose image a result belongs to in a store; `None` where that is none of ours."""
        lead = self._plan.pipeline.inputs_of(number)[0][1]
        source = self._items[lead].get(outcome.components)
        if source is None or lead == RAW:
            return None
        if source.kind is not Kind.IMAGE:
            return source.image_step
        output = next(
            o for outputs in self._outputs for o in outputs if lead in (o.ref, o.ref.partition(".")[0])
        )
        settings = self._plan.settings[output.step.index]
        in_store = settings.stored and backend_of(self._plan.output, settings.backend) == "zarr"
        return output.step if in_store and output.step.index >= self._plan.first else None

    def _keep(self, outcome: Outcome, image_step: StepId | None) -> None:
        """Write a result, and only then show it."""
        output, components, kind = outcome.output, outcome.components, outcome.kind
        item = _Item(kind, "", outcome.value, image_step)
        self._items.setdefault(output.ref, {})[components] = item
        if output.step.index < self._plan.first:
            return
        if isinstance(outcome.value, dict):
            self._records[output].append((components, outcome.value))
            return
        step = self._named(output)
        settings = self._plan.settings[step.index]
        shown = settings.shows(components)
        if not (settings.stored or shown):
            return
        # The next step gets what this one returned, wherever it is: planes that stay on a device between
        # steps are copied for each result that leaves it, never back. What is only shown goes from there
        # straight into the memory that travels.
        plane = as_labels(outcome.value) if kind is Kind.LABELS else outcome.value
        describe(plane)  # what is no plane is the step's failure, not the screen's
        if settings.stored:
            plane = host = to_host(plane)
            with self._timed("write"):
                item.address = self._results.save(
                    host, components, Layer(step, kind, image_step), settings.backend
                )
            self.stored.append(Stored(output.ref, kind, components, item.address))
        if shown:
            self._show(plane, components, kind, step, item.address)

    def _show(self, plane: object, components: Components, kind: Kind, step: StepId, address: str) -> None:
        config = self._plan.settings[step.index].napari_streaming
        if self._screen is None:
            return
        with self._timed("show"):
            self._screen.show(plane, components, kind=kind, step=step, address=address or None, config=config)

    def _show_records(self, columns: Columns, components: Components, kind: Kind, step: StepId) -> None:
        config = self._plan.settings[step.index].napari_streaming
        if self._screen is None:
            return
        with self._timed("show"):
            self._screen.show_records(lambda: records_of(columns, kind), components, step=step, config=config)

    def _value(self, item: _Item) -> object:
        if item.value is None:
            backend, _, path = item.address.partition(":")
            with self._timed("read"):
                item.value = self._files.load(path, backend)
        return item.value

    def _named(self, output: Output) -> StepId:
        return StepId(output.step.index, output.step.name + self._plan.suffix)

    def _alias(self, number: int) -> None:
        """Let the first of several outputs be taken by the step's own name, too."""
        first, name = self._outputs[number - 1][0].ref, self._plan.pipeline.steps[number - 1].name
        if first != name:
            self._items[name] = self._items.get(first, {})
            self._lost[name] = self._lost[first]

    def _lose_all(self, number: int, bundle: Bundle) -> None:
        for output in self._outputs[number - 1]:
            self._items.get(output.ref, {}).pop(bundle.components, None)
            self._lost[output.ref].add(bundle.components)

    def _lose(self, ref: str, components: Components, step: StepId, error: BaseException) -> None:
        self._items[ref].pop(components, None)
        self._lost[ref].add(components)
        self._fail(step, components, error)

    def _fail(self, step: StepId, components: Components | None, error: BaseException) -> None:
        cause = f"{type(error).__name__}: {error}"
        trace = "".join(traceback.format_exception(error))
        self.failures.append(Failure(self._task.well, step, components, cause, trace))

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        start_s = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[what] += time.perf_counter() - start_s


def _screen_of(plan: RunPlan) -> "Screen | None":
    if not plan.streaming:
        return None
    from platecast.pipeline._screen import Screen

    return Screen(plan.streaming, plan.run)


def _covers(common: Components, planes: "list[Components] | set[Components]") -> bool:
    """Say whether one of some planes has everything that `common` states."""
    return any(
        all(getattr(plane, name) in (None, getattr(common, name)) for name in common.present)
        for plane in planes
    )


def _stacked(values: list[object], bundle: Bundle) -> object:
    return stack_planes(values, bundle.lengths)


def _last_uses(plan: RunPlan) -> dict[str, int]:
    """Return after which step a result is not needed any more, by its name."""
    uses: dict[str, int] = {RAW: 0}
    for number, outputs in enumerate(plan.pipeline.outputs, start=1):
        for output in outputs:
            uses[output.ref] = number
        for _, ref in plan.pipeline.inputs_of(number):
            uses[ref] = number
            owner = next(
                (o for each in plan.pipeline.outputs for o in each if o.ref.partition(".")[0] == ref), None
            )
            if owner is not None:
                uses[owner.ref] = number
    return uses
