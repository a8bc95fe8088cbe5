"""Every field has the value of the nearest level that sets it, and says which one that is."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platecast.config import (
    DEFAULT,
    Level,
    NapariColormap,
    NapariDimensionMode,
    NapariStreamingConfig,
    PipelineConfig,
    StepConfig,
    WhenFull,
    config_of,
    configure,
    resolve,
)
from platecast.errors import ConfigError

STREAMING = {
    "enabled": st.booleans(),
    "napari_port": st.integers(1, 64535),
    "budget_mb": st.none() | st.floats(1, 100),
    "when_full": st.sampled_from(WhenFull),
    "colormap": st.none() | st.sampled_from(NapariColormap),
    "well_mode": st.sampled_from(NapariDimensionMode),
    "replace_layers": st.booleans(),
}
OWN = {
    "stored": st.booleans(),
    "backend": st.sampled_from(["disk", "zarr", None]),
    "stream_wells": st.none() | st.lists(st.sampled_from(["A01", "B02"])).map(tuple),
    "stream_channels": st.none()
    | st.lists(st.integers(1, 3) | st.sampled_from(["DAPI", 'a "b"\\é'])).map(tuple),
}
STEP = {**OWN, "napari_streaming": st.fixed_dictionaries({}, optional=STREAMING)}
PIPELINE = {**STEP, "workers": st.none() | st.integers(1, 64), "stream_input": st.booleans()}


def configs(model, fields):
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: model(**values))


PIPELINES, STEPS = configs(PipelineConfig, PIPELINE), configs(StepConfig, STEP)
LEVELS = st.tuples(PIPELINES, PIPELINES, PIPELINES, STEPS, STEPS)
NAMES = ("user", "environment", "pipeline", "step", "function")


def reference(configs, section, name):
    """Return value and origin of a field, or nothing where nobody set it."""
    for origin, config in reversed(list(zip(NAMES, configs, strict=True))):
        if section and section not in config.model_fields_set:
            continue
        place = getattr(config, section) if section else config
        if name in place.model_fields_set:
            return getattr(place, name), origin
    return None


@given(LEVELS)
def test_nearest_level_wins_and_is_named(configs):
    levels = [Level(name, config) for name, config in zip(NAMES, configs, strict=True)]
    resolved = resolve(StepConfig, levels)
    for section, name in [("napari_streaming", name) for name in STREAMING] + [("", name) for name in OWN]:
        found = getattr(resolved.value, section) if section else resolved.value
        expected = reference(configs, section, name)
        assert resolved.origin(name) == (DEFAULT if expected is None else expected[1])
        if expected is not None:
            assert getattr(found, name) == expected[0]
            assert name in found.model_fields_set
        elif section in resolved.value.model_fields_set or not section:
            assert name not in found.model_fields_set


def set_tree(config):
    """Return what is set, and how deep."""
    return config.model_dump(exclude_unset=True)


@given(PIPELINES)
def test_what_is_set_survives_every_way_of_travelling(config):
    travelled = [
        pickle.loads(pickle.dumps(config)),  # noqa: S301 -- written in this line
        PipelineConfig.from_toml(config.to_toml()),
        PipelineConfig.from_json(config.to_json()),
    ]
    for other in travelled:
        assert other == config
        assert set_tree(other) == set_tree(config)


def test_what_is_set_survives_dask():
    protocol = pytest.importorskip("distributed.protocol", reason="needs the extra 'dask'")
    config = PipelineConfig(napari_streaming=NapariStreamingConfig(napari_port=5556))
    other = protocol.deserialize(*protocol.serialize(config))
    assert other == config
    assert set_tree(other) == {"napari_streaming": {"napari_port": 5556}}


def test_explain_is_a_table_of_all_fields():
    pipeline = PipelineConfig(workers=4, napari_streaming=NapariStreamingConfig(napari_port=5556))
    resolved = resolve(
        PipelineConfig, [Level("user", PipelineConfig(stored=False)), Level("pipeline", pipeline)]
    )
    lines = [line.split() for line in resolved.explain().splitlines()]
    assert ["napari_streaming.napari_port", "5556", "pipeline"] in lines
    assert ["napari_streaming.channel_mode", "slice", "default"] in lines
    assert ["stored", "False", "user"] in lines
    assert ["stream_wells", "-", "default"] in lines
    assert resolved.origin("napari_streaming.napari_port") == resolved.origin("napari_port") == "pipeline"


def test_origin_of_an_unknown_field():
    with pytest.raises(ConfigError, match=r"there is no field 'napari_prot': did you mean 'napari_port'\?"):
        resolve(PipelineConfig, []).origin("napari_prot")


def test_function_carries_its_own_choices():
    @configure(StepConfig(stored=False))
    def function(image):
        return image

    assert config_of(function).model_fields_set == {"stored"}
    assert config_of(len).model_fields_set == set()
    with pytest.raises(ConfigError, match="wrap it in a function of your own"):
        configure(StepConfig())(len)


def test_names_of_fields_are_unique_over_all_sections():
    own = [name for name in PipelineConfig.model_fields if name != "napari_streaming"]
    assert not set(own) & set(NapariStreamingConfig.model_fields)
