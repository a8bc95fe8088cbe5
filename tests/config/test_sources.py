"""The user's file, the environment and the file beside the plate."""

import pytest

from platecast.config import (
    NapariStreamingConfig,
    PipelineConfig,
    resolve,
    user_file,
    user_levels,
    with_place,
)
from platecast.errors import ConfigError


@pytest.fixture
def write_user_file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def write(text):
        user_file().parent.mkdir(parents=True)
        user_file().write_text(text)

    return write


def test_nothing_is_set_where_there_is_nothing(write_user_file, tmp_path):
    assert user_levels(tmp_path) == ()


def test_nearer_to_the_plate_is_stronger(write_user_file, tmp_path, monkeypatch):
    write_user_file("workers = 2\nstored = true\n[napari_streaming]\nnapari_port = 6000\nbudget_mb = 64\n")
    monkeypatch.setenv("PLATECAST_NAPARI_PORT", "6001")
    monkeypatch.setenv("PLATECAST_STORED", "no")
    monkeypatch.setenv("PLATECAST_STREAM_WELLS", "a1,B02")
    monkeypatch.setenv("PLATECAST_BUDGET_MB", "none")
    plate = tmp_path / "plate"
    plate.mkdir()
    (plate / "platecast.toml").write_text("stored = true\n")
    resolved = resolve(PipelineConfig, user_levels(plate))
    config = resolved.value
    assert (config.workers, resolved.origin("workers")) == (2, str(user_file()))
    assert (config.napari_streaming.napari_port, resolved.origin("napari_port")) == (6001, "environment")
    assert (config.stored, resolved.origin("stored")) == (True, str(plate / "platecast.toml"))
    assert config.stream_wells == ("A01", "B02")
    assert config.napari_streaming.budget_mb is None
    assert resolved.origin("budget_mb") == "environment"


def test_file_of_a_zarr_plate_lies_next_to_it(write_user_file, tmp_path):
    (tmp_path / "plate.zarr").mkdir()
    (tmp_path / "platecast.toml").write_text("workers = 3\n")
    (level,) = user_levels(tmp_path / "plate.zarr")
    assert level.config == PipelineConfig(workers=3)


def test_variables_of_other_parts_are_left_alone(write_user_file, tmp_path, monkeypatch):
    monkeypatch.setenv("PLATECAST_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("PLATECAST_SOMETHING", "else")
    assert user_levels() == ()


WRONG = {
    "unknown field": ("napari_prot = 1", "{file}: napari_prot: there is no such field: known are "),
    "misspelt": (
        "[napari_streaming]\nnapari_prot = 1",
        "napari_streaming.napari_prot: .*did you mean 'napari_port'?",
    ),
    "wrong value": ("workers = 0", "{file}: workers=0: Input should be greater than or equal to 1"),
    "no TOML": ("workers: 4", "{file} cannot be read: "),
}


@pytest.mark.parametrize(("text", "reason"), WRONG.values(), ids=WRONG)
def test_file_that_is_wrong_is_named(write_user_file, text, reason):
    write_user_file(text)
    with pytest.raises(ConfigError, match=reason.format(file=user_file())):
        user_levels()


WRONG_VARIABLES = {
    "misspelt": ("PLATECAST_NAPARI_PROT", "1", "PLATECAST_NAPARI_PROT is not known: did you mean"),
    "wrong value": ("PLATECAST_NAPARI_PORT", "x", "environment: napari_streaming.napari_port='x': .*integer"),
}


@pytest.mark.parametrize(("name", "value", "reason"), WRONG_VARIABLES.values(), ids=WRONG_VARIABLES)
def test_variable_that_is_wrong_is_named(write_user_file, monkeypatch, name, value, reason):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=reason):
        user_levels()


PLACES = {
    "a host": ({}, {"PLATECAST_NAPARI_HOST": "desk"}, ("desk", 5555)),
    "host and port": ({}, {"PLATECAST_NAPARI_HOST": "desk", "PLATECAST_NAPARI_PORT": "5557"}, ("desk", 5557)),
    "another choice": ({"colormap": "magma"}, {"PLATECAST_NAPARI_HOST": "desk"}, ("desk", 5555)),
    "a port that was chosen": ({"napari_port": 6000}, {"PLATECAST_NAPARI_HOST": "desk"}, ("localhost", 6000)),
    "nothing": ({}, {"PLATECAST_WORKERS": "4"}, ("localhost", 5555)),
}


@pytest.mark.parametrize(("fields", "environment", "place"), PLACES.values(), ids=PLACES)
def test_environment_places_the_viewer_of_a_script(fields, environment, place):
    config = with_place(NapariStreamingConfig(**fields), environment)
    assert (config.napari_host, config.napari_port) == place
    assert {name: getattr(config, name) for name in fields} == fields
