"""Choices are valid or not constructed, defaults are visible, and lists of names follow what they name."""

import pytest
from pydantic import ValidationError

from platecast.components import COMPONENT_NAMES
from platecast.config import (
    CONTROL_PORT_OFFSET,
    MAX_PORT,
    SLICEABLE_COMPONENTS,
    Display,
    NapariColormap,
    NapariDimensionMode,
    NapariDisplayConfig,
    NapariStreamingConfig,
    NapariVariableSizeHandling,
    PipelineConfig,
    StreamingConfig,
    WhenFull,
    describe_fields,
)

SLICE, STACK = NapariDimensionMode.SLICE, NapariDimensionMode.STACK

REFUSED = {
    "an unknown field": (NapariStreamingConfig, {"port": 5555}, "did you mean .napari_port"),
    "an unknown field of the display": (
        NapariDisplayConfig,
        {"well": SLICE},
        "there is no such field: did you mean .well_mode",
    ),
    "an unknown field of the pipeline": (PipelineConfig, {"wrokers": 2}, "did you mean .workers"),
    "a field of napari where nothing is known of it": (
        StreamingConfig,
        {"napari_port": 1},
        "there is no such field: known are .*",
    ),
    "port 0": (NapariStreamingConfig, {"napari_port": 0}, "greater than or equal to 1"),
    "no room for the control port": (
        NapariStreamingConfig,
        {"napari_port": MAX_PORT + 1},
        f"less than or equal to {MAX_PORT}",
    ),
    "an unknown handling": (NapariDisplayConfig, {"variable_size_handling": "crop"}, "or 'pad_to_max'"),
    "every interface": (NapariStreamingConfig, {"napari_host": "0.0.0.0"}, "use 'localhost'"),  # noqa: S104
    "an unknown colormap": (NapariDisplayConfig, {"colormap": "grey"}, "did you mean .gray"),
    "an unknown mode": (NapariDisplayConfig, {"well_mode": "layers"}, "'slice' or 'stack'"),
    "a negative wait": (StreamingConfig, {"block_timeout_s": -1}, "greater than or equal to 0"),
    "no budget": (StreamingConfig, {"budget_mb": 0}, "greater than 0"),
    "an unknown way out": (StreamingConfig, {"when_full": "drop_all"}, "'drop_oldest'"),
}


@pytest.mark.parametrize(("config", "fields", "reason"), REFUSED.values(), ids=REFUSED)
def test_invalid_choice_is_refused_with_its_reason(config, fields, reason):
    with pytest.raises(ValidationError, match=f"(?s){reason}"):
        config(**fields)


TAKEN = {
    "the last port with room for control": (NapariStreamingConfig, "napari_port", MAX_PORT),
    "the loopback's number": (NapariStreamingConfig, "napari_host", "127.0.0.1"),
    "another machine": (NapariStreamingConfig, "napari_host", "scope-pc"),
    "a colormap by napari's name": (NapariDisplayConfig, "colormap", "bop blue"),
    "a mode by its name": (NapariDisplayConfig, "site_mode", "slice"),
    "no wait": (StreamingConfig, "block_timeout_s", 0.0),
}


@pytest.mark.parametrize(("config", "field", "value"), TAKEN.values(), ids=TAKEN)
def test_valid_choice_is_taken(config, field, value):
    chosen = config(**{field: value})
    assert getattr(chosen, field) == value
    assert chosen.model_fields_set == {field}


@pytest.mark.parametrize("config", [NapariDisplayConfig, NapariStreamingConfig, PipelineConfig])
def test_choices_are_frozen(config):
    chosen = config()
    field = next(iter(config.model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(chosen, field, getattr(chosen, field))


def test_defaults_are_visible_in_the_classes():
    known = {
        "enabled": True,
        "persistent": True,
        "when_full": WhenFull.DROP_OLDEST,
        "block_timeout_s": 10.0,
        "budget_mb": None,
        "colormap": None,
        "variable_size_handling": NapariVariableSizeHandling.SEPARATE_LAYERS,
        "well_mode": STACK,
        "site_mode": STACK,
        "channel_mode": SLICE,
        "z_index_mode": STACK,
        "timepoint_mode": STACK,
        "napari_host": "localhost",
        "napari_port": 5555,
        "replace_layers": False,
    }
    fields = NapariStreamingConfig.model_fields
    assert {name: fields[name].default for name in known} == known
    assert not any(field.is_required() for field in fields.values())
    assert NapariStreamingConfig().model_fields_set == set()


def test_every_field_is_described():
    for config in (NapariStreamingConfig, PipelineConfig):
        assert config.model_fields.keys() <= describe_fields(config).keys()
    assert describe_fields(PipelineConfig)["workers"] == "Number of worker processes; `None`: one."


def test_pipeline_shows_nothing_unless_told():
    assert PipelineConfig().napari_streaming == NapariStreamingConfig(enabled=False)
    assert PipelineConfig().stream_input


RESOLVED = {
    "defaults": ({}, Display(sliced=("channel",))),
    "wells as layers too": ({"well_mode": SLICE}, Display(sliced=("well", "channel"))),
    "everything an axis": ({"channel_mode": STACK}, Display(sliced=())),
    "everything a layer": (
        {f"{name}_mode": SLICE for name in SLICEABLE_COMPONENTS},
        Display(sliced=("well", "site", "channel", "z_index", "timepoint")),
    ),
    "a colormap": ({"colormap": NapariColormap.BOP_BLUE}, Display(colormap="bop blue")),
    "sizes share a layer": ({"variable_size_handling": "pad_to_max"}, Display(pad_to_max=True)),
    "runs replace each other": ({"replace_layers": True}, Display(replace_layers=True)),
}


@pytest.mark.parametrize(("fields", "expected"), RESOLVED.values(), ids=RESOLVED)
def test_what_travels_with_the_planes(fields, expected):
    display = NapariStreamingConfig(**fields).display()
    assert display == expected
    assert type(display.colormap) in (str, type(None)), "an enumeration would not survive the wire"


def test_display_alone_resolves_to_the_same():
    assert NapariDisplayConfig().resolve() == NapariStreamingConfig().display()
    assert NapariDisplayConfig().resolve(replace_layers=True).replace_layers


def test_modes_follow_the_list_of_components():
    modes = [name for name in NapariDisplayConfig.model_fields if name.endswith("_mode")]
    assert modes == [f"{name}_mode" for name in COMPONENT_NAMES if name != "plate"]
    assert {NapariDisplayConfig.model_fields[name].annotation for name in modes} == {NapariDimensionMode}


def test_colormaps_are_those_that_napari_offers():
    colormaps = pytest.importorskip("napari.utils.colormaps", reason="needs the extra 'viewer'")
    assert sorted(NapariColormap) == sorted(colormaps.AVAILABLE_COLORMAPS)


def test_control_port_of_the_highest_data_port_is_a_port():
    assert MAX_PORT + CONTROL_PORT_OFFSET == 65535
