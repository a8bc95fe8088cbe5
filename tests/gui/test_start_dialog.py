"""The form for a new viewer: what is inherited, from where, and what cannot be understood."""

import pytest
from qtpy.QtCore import Qt

from platecast.config import user_file, user_levels
from platecast.gui._viewers._start_dialog import DISPLAY_FIELDS, StartDialog


@pytest.fixture
def dialog(qtbot):
    dialog = StartDialog()
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


@pytest.fixture
def levels(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    user_file().parent.mkdir(parents=True)
    user_file().write_text('[napari_streaming]\ncolormap = "magma"\nnapari_port = 5700\npersistent = false\n')
    monkeypatch.setenv("PLATECAST_MEMORY_BUDGET_MB", "1500")
    return user_levels()


def shown(dialog, name):
    form = dialog.display if name in DISPLAY_FIELDS else dialog.stays
    field = form.input_of(name)
    return field.itemText(0) if hasattr(field, "itemText") else field.placeholderText(), field.toolTip()


@pytest.mark.parametrize(
    ("name", "text", "origin"),
    [
        ("colormap", "magma  (inherited)", "{file}"),
        ("persistent", "no  (inherited)", "{file}"),
        ("memory_budget_mb", "1500.0", "environment"),
        ("well_mode", "stack  (inherited)", "default"),
        ("color_by", "automatic", "default"),
    ],
)
def test_field_shows_what_is_inherited_and_tells_from_where(dialog, levels, name, text, origin):
    dialog.set_levels(levels)
    said, tip = shown(dialog, name)
    assert said == text
    assert tip.splitlines()[-1].endswith(f"from {origin.format(file=user_file())}")


def test_port_is_inherited(dialog, levels):
    dialog.set_levels(levels)
    assert dialog.port.placeholderText() == "5700, or the next that is free"
    assert dialog.port.toolTip().endswith(f"from {user_file()}")


def test_what_is_chosen_goes_before_what_is_inherited(dialog, levels):
    dialog.set_levels(levels)
    dialog.display.choose("colormap", "viridis")
    dialog.display.choose("well_mode", "slice")
    request = dialog.request()
    assert (request.config.colormap, request.config.memory_budget_mb) == ("viridis", 1500.0)
    assert (request.port, request.or_next, request.persistent) == (5700, True, False)
    assert request.config.display().sliced == ("well", "channel")
    dialog.display.choose("colormap", "")
    assert dialog.request().config.colormap == "magma"


@pytest.mark.parametrize(
    ("port", "memory", "said"),
    [
        ("99999", "", "Port '99999': Input should be less than or equal to 64535"),
        ("soon", "", "Port 'soon'"),
        ("", "-1", "Memory budget (MB)"),
    ],
)
def test_what_cannot_be_understood_is_said_and_the_form_stays(qtbot, dialog, port, memory, said):
    dialog.port.setText(port)
    dialog.stays.choose("memory_budget_mb", memory)
    with qtbot.assertNotEmitted(dialog.requested):
        dialog.start.click()
    assert said in dialog.notice.text
    assert dialog.isVisible()


def test_form_by_keyboard(qtbot, dialog):
    dialog.port.setFocus()
    qtbot.keyClicks(dialog.port, "5800")
    with qtbot.waitSignal(dialog.requested) as told:
        qtbot.keyClick(dialog.port, Qt.Key.Key_Return)
    assert (told.args[0].port, told.args[0].or_next) == (5800, False)


def test_escape_leaves_the_form(qtbot, dialog):
    with qtbot.waitSignal(dialog.rejected):
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)
