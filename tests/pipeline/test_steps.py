"""What a step and a pipeline are."""

import pickle

import numpy as np
import pytest

from platecast.components import Components, Kind, StepId
from platecast.config import NapariStreamingConfig, StepConfig
from platecast.errors import InvalidWellError, PipelineError
from platecast.pipeline import Pipeline, Step


def blur(image, sigma=1.0):
    return image


def test_step_is_named_after_its_function():
    assert Step(blur).name == "blur"
    assert Step(blur, name="soft").name == "soft"


def test_step_keeps_its_parameters_and_cannot_be_changed():
    step = Step(blur, sigma=3)
    assert dict(step.params) == {"sigma": 3}
    with pytest.raises(AttributeError):
        step.name = "other"


def test_step_survives_the_way_to_a_worker():
    parcel = pickle.dumps(Step(np.add, name="add", only={"well": "a1"}, x2=3))
    step = pickle.loads(parcel)  # noqa: S301 -- written in the line above
    assert (step.name, dict(step.params), step.func) == ("add", {"x2": 3}, np.add)
    assert step.applies_to(Components(well="A01"))


REFUSED = {
    "not callable": (lambda: Step("blur"), "needs a function"),
    "no name": (lambda: Step(object.__new__(type("F", (), {"__call__": blur}))), "needs a name"),
    "kind that no step makes": (lambda: Step(blur, kind="tracks"), "kind=.tracks."),
    "unknown kind": (lambda: Step(blur, kind="picture"), "kind='picture'"),
    "no steps": (lambda: Pipeline([]), "at least one step"),
    "one function": (lambda: Pipeline(blur), r"a pipeline needs a list of steps, not <function blur.*>: "),
    "a channel alone": (
        lambda: Step(blur, only="DAPI"),
        r"step 'blur': only='DAPI' names no component: write only=\{'channel': 'DAPI'\} or the like",
    ),
    "over a number": (lambda: Step(blur, over=3), "step 'blur': over=3: give a name, or a sequence of names"),
    "an input that is no name": (lambda: Step(blur, inputs=["raw", 3]), r"inputs=\['raw', 3\]: give a name"),
    "choices of no class": (
        lambda: Step(blur, config={"stored": False}),
        r"step 'blur': config=\{'stored': False\} is no StepConfig: write config=StepConfig\(...\), or",
    ),
    "a step's choices": (
        lambda: Pipeline([blur], config=StepConfig(stored=False)),
        r"the pipeline: config=StepConfig\(.*\) is no PipelineConfig: write config=PipelineConfig",
    ),
}


@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_a_step_is_refused(make, reason):
    with pytest.raises(PipelineError, match=reason):
        make()


def test_what_shows_planes_stands_for_choices_with_only_that():
    streaming = NapariStreamingConfig(napari_port=5600)
    for owner in (Step(blur, config=streaming), Pipeline([blur], streaming)):
        assert owner.config.model_dump(exclude_unset=True) == {"napari_streaming": {"napari_port": 5600}}


def test_label_that_names_no_well_is_refused():
    with pytest.raises(InvalidWellError):
        Step(blur, only={"well": "first"})


ONLY = {
    "everything": (None, True),
    "one value": ({"channel": "DAPI"}, True),
    "another value": ({"channel": "GFP"}, False),
    "one of several": ({"channel": ["GFP", "DAPI"]}, True),
    "well in any spelling": ({"well": "a1"}, True),
    "both": ({"channel": "DAPI", "site": 2}, False),
    "absent component": ({"z_index": 1}, False),
    "planes without it": ({"z_index": None}, True),
}


@pytest.mark.parametrize(("only", "applies"), ONLY.values(), ids=ONLY)
def test_only_chooses_planes(only, applies):
    plane = Components(well="A01", site=1, channel="DAPI")
    assert Step(blur, only=only).applies_to(plane) is applies


KINDS = {
    "signed 32 bit": (None, "int32", Kind.LABELS),
    "signed 64 bit": (None, "int64", Kind.LABELS),
    "mask": (None, "bool", Kind.LABELS),
    "camera": (None, "uint16", Kind.IMAGE),
    "float": (None, "float32", Kind.IMAGE),
    "short": (None, "int16", Kind.IMAGE),
    "said to be labels": ("labels", "uint16", Kind.LABELS),
    "said to be an image": (Kind.IMAGE, "int32", Kind.IMAGE),
}


@pytest.mark.parametrize(("kind", "dtype", "expected"), KINDS.values(), ids=KINDS)
def test_kind_follows_from_the_result(kind, dtype, expected):
    assert Step(blur, kind=kind).kind_of(dtype) is expected


def test_pipeline_numbers_its_steps_from_one_and_takes_functions():
    pipeline = Pipeline([Step(blur), np.negative])
    assert pipeline.step_ids == (StepId(1, "blur"), StepId(2, "negative"))
    assert not pipeline.config.napari_streaming.enabled
