"""How images are shown in viewers that were started here: kept, also for a later window."""

import pytest

from platecast.config import NapariStreamingConfig
from platecast.gui._viewers._displays import Displays

MAGMA = NapariStreamingConfig(colormap="magma", napari_port=5600)


def test_choice_is_kept_for_a_later_window(qapp, settings):
    Displays(settings).remember("abc", MAGMA)
    later = Displays(settings)
    assert later.config_of("abc") == MAGMA
    assert later.config_of("abc").model_fields_set == {"colormap", "napari_port"}
    assert later.config_of("another life") is None


def test_oldest_choice_is_forgotten_first(qapp, settings):
    displays = Displays(settings)
    for number in range(60):
        displays.remember(f"{number}", MAGMA)
    later = Displays(settings)
    assert (later.config_of("9"), later.config_of("10")) == (None, MAGMA)


@pytest.mark.parametrize("text", ["{", "[]", '{"abc": {"colormap": "no such"}}', '{"abc": {"of": "later"}}'])
def test_what_cannot_be_understood_is_left_out_and_said(qapp, settings, caplog, text):
    settings.setValue("displays", text)
    assert Displays(settings).config_of("abc") is None
    assert "left out" in caplog.text
