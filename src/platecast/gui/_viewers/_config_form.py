"""A form for fields of a configuration: what nobody fills in is inherited, and says from where."""

import enum
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Union, get_args, get_origin

from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QLineEdit, QWidget

from platecast.config import Config, describe_fields

_NONE = "none"
"""How a configuration's text says that there is no value."""
_YES_NO = {True: "yes", False: "no"}


class ConfigForm(QWidget):
    """One line a field; its value is text as a configuration file has it.

    Parameters
    ----------
    model
        The class whose fields they are.
    names
        Which fields, in their order.
    """

    changed = QtSignal()
    """Something was filled in, or taken back."""

    def __init__(self, model: type[Config], names: Sequence[str]) -> None:
        super().__init__()
        self._model = model
        self._inputs: dict[str, QComboBox | QLineEdit] = {}
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name in names:
            field = self._make(name)
            label = QLabel(f"{title_of(name)}:")
            label.setBuddy(field)
            layout.addRow(label, field)
            self._inputs[name] = field
        self.set_inherited({}, {})

    def set_inherited(self, values: Mapping[str, object], origins: Mapping[str, str]) -> None:
        """Say what counts where nothing is filled in.

        Parameters
        ----------
        values
            By name; a field that is not named has the default of its class.
        origins
            Where they come from, by name.
        """
        for name, field in self._inputs.items():
            default = self._model.model_fields[name].get_default(call_default_factory=True)
            text = _shown(values.get(name, default))
            origin = origins.get(name, "default")
            if isinstance(field, QComboBox):
                field.setItemText(0, f"{text}  (inherited)")
            else:
                field.setPlaceholderText(text)
            about = describe_fields(self._model).get(name, "").split("\n\n")[0].replace("\n", " ")
            field.setToolTip(f"{about}\nInherited: {text}, from {origin}".replace("`", "").lstrip())

    def chosen(self) -> dict[str, str]:
        """Return what was filled in, by name, as text."""
        found: dict[str, str] = {}
        for name, field in self._inputs.items():
            text = field.currentData() if isinstance(field, QComboBox) else field.text().strip()
            if text:
                found[name] = text
        return found

    def choose(self, name: str, text: str) -> None:
        """Fill a field in; an empty text takes it back."""
        field = self._inputs[name]
        if isinstance(field, QComboBox):
            field.setCurrentIndex(max(0, field.findData(text)))
        else:
            field.setText(text)

    def input_of(self, name: str) -> QWidget:
        """Return the widget of a field."""
        return self._inputs[name]

    def _make(self, name: str) -> QComboBox | QLineEdit:
        choices = list(_choices(self._model.model_fields[name].annotation))
        if not choices:
            line = QLineEdit()
            line.textChanged.connect(lambda _text: self.changed.emit())
            return line
        box = QComboBox()
        box.addItem("", "")
        for text in choices:
            box.addItem(_words(text), text)
        box.currentIndexChanged.connect(lambda _index: self.changed.emit())
        return box


def title_of(name: str) -> str:
    """Return what a field is called in a form."""
    words = name.removeprefix("napari_").removesuffix("_mb").replace("_", " ")
    words = words.replace("z index", "z")
    return words[0].upper() + words[1:] + (" (MB)" if name.endswith("_mb") else "")


def _choices(annotation: object) -> Iterator[str]:
    """Yield what a field may be, as text; nothing for a field that takes any text or number."""
    options = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    for option in options:
        if option is bool:
            yield from ("true", "false")
        elif isinstance(option, type) and issubclass(option, enum.Enum):
            yield from (str(member.value) for member in option)
            if type(None) in options:
                yield _NONE


def _words(text: str) -> str:
    return {"true": "yes", "false": "no"}.get(text, text.replace("_", " "))


def _shown(value: Any) -> str:  # noqa: ANN401 -- a field's value
    if isinstance(value, bool):
        return _YES_NO[value]
    return "automatic" if value is None else str(value).replace("_", " ")
