"""The form for a new viewer."""

from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look
from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGroupBox,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from platecast.config import (
    MAX_PORT,
    Level,
    NapariDisplayConfig,
    NapariStreamingConfig,
    PipelineConfig,
    Resolved,
    resolve,
)
from platecast.errors import ConfigError
from platecast.gui._parts._notice import Notice
from platecast.gui._viewers._config_form import ConfigForm, title_of

_FORM = "this form"
_SECTION = "napari_streaming"
_BUDGET = "memory_budget_mb"
DISPLAY_FIELDS = (*(name for name in NapariDisplayConfig.model_fields if name != _BUDGET), "replace_layers")
"""What travels with images that this window sends; the memory budget is the viewer's own."""


@dataclass(frozen=True, slots=True)
class StartRequest:
    """A viewer that is wanted.

    Parameters
    ----------
    port
        Its data port, or where to begin to look for a free pair.
    or_next
        Whether the next free pair will do.
    title
        Of its window.
    persistent
        Whether it outlives this program.
    virtual_screen
        Whether nobody needs to see it; `None`: where there is no screen.
    config
        How images that are sent to it are shown, and its memory budget.
    """

    port: int
    or_next: bool
    title: str
    persistent: bool
    virtual_screen: bool | None
    config: NapariStreamingConfig


class StartDialog(QDialog):
    """Asks for a new viewer. What is left empty is inherited; the tooltips say from where.

    Parameters
    ----------
    parent
        Its window.
    """

    requested = QtSignal(object)
    """A `StartRequest`: the form was filled in and *Start* pressed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Start viewer")
        self._inherited: Resolved[PipelineConfig] = resolve(PipelineConfig, [])
        self._levels: tuple[Level, ...] = ()
        self.port = QLineEdit()
        self.title = QLineEdit()
        self.title.setPlaceholderText("platecast")
        self.title.setToolTip("Title of its window\nInherited: platecast, from default")
        self.stays = ConfigForm(NapariStreamingConfig, ["persistent", _BUDGET])
        self.hidden = QCheckBox("&Off screen, for pictures only")
        self.hidden.setToolTip("Run on a virtual screen (Xvfb), which nobody sees")
        self.display = ConfigForm(NapariStreamingConfig, DISPLAY_FIELDS)
        self.notice = Notice()
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.start = QPushButton("&Start")
        self.start.setDefault(True)
        self._buttons.addButton(self.start, QDialogButtonBox.ButtonRole.AcceptRole)
        cancel = self._buttons.button(QDialogButtonBox.StandardButton.Cancel)
        assert cancel is not None  # noqa: S101 -- it was asked for
        cancel.setAutoDefault(False)
        self._buttons.accepted.connect(self._accept)
        self._buttons.rejected.connect(self.reject)
        self._lay_out()
        self.set_levels(())
        self.port.setFocus()

    def set_levels(self, levels: tuple[Level, ...]) -> None:
        """Say what the user has set elsewhere, see `user_levels`."""
        self._levels = levels
        self._inherited = resolve(PipelineConfig, levels)
        streaming = self._inherited.value.napari_streaming
        values = {name: getattr(streaming, name) for name in NapariStreamingConfig.model_fields}
        origins = {name: self._inherited.origin(f"{_SECTION}.{name}") for name in values}
        for form in (self.stays, self.display):
            form.set_inherited(values, origins)
        self.port.setPlaceholderText(f"{streaming.napari_port}, or the next that is free")
        self.port.setToolTip(
            f"Data port; the control port is 1000 above. At most {MAX_PORT}\n"
            f"Inherited: {streaming.napari_port}, from {origins['napari_port']}"
        )

    def request(self) -> StartRequest:
        """Return what the form says.

        Raises
        ------
        ConfigError
            A field cannot be understood; the message says which.
        """
        fields: dict[str, Any] = {**self.stays.chosen(), **self.display.chosen()}
        port = self.port.text().strip()
        if port:
            fields["napari_port"] = port
        chosen = PipelineConfig.from_fields({_SECTION: fields}, source=_FORM)
        config = resolve(PipelineConfig, [*self._levels, Level(_FORM, chosen)]).value.napari_streaming
        return StartRequest(
            port=config.napari_port,
            or_next=not port,
            title=self.title.text().strip() or "platecast",
            persistent=config.persistent,
            virtual_screen=True if self.hidden.isChecked() else None,
            config=config,
        )

    def _accept(self) -> None:
        try:
            request = self.request()
        except ConfigError as error:
            self.notice.say(_in_words(error))
            return
        self.accept()
        self.requested.emit(request)

    def _lay_out(self) -> None:
        viewer = QGroupBox("Viewer")
        form = QFormLayout(viewer)
        form.addRow("&Port:", self.port)
        form.addRow("&Title:", self.title)
        form.addRow(self.stays)
        form.addRow("", self.hidden)
        display = QGroupBox("Images that this window sends to it")
        inner = QVBoxLayout(display)
        inner.addWidget(self.display)
        _align([form, self.stays.layout(), self.display.layout()])
        page = QWidget()
        pages = QVBoxLayout(page)
        pages.setContentsMargins(0, 0, 0, 0)
        pages.addWidget(viewer)
        pages.addWidget(display)
        pages.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(page)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.notice)
        layout.addWidget(self._buttons)
        self.resize(460, 700)


def _in_words(error: ConfigError) -> str:
    """Return what is wrong, with the fields called as the form calls them."""
    lines = []
    for line in str(error).splitlines():
        name, is_field, rest = line.removeprefix(f"{_FORM}: {_SECTION}.").partition("=")
        lines.append(f"{title_of(name)} {rest}" if is_field else line)
    return "\n".join(lines)


def _align(forms: list[Any]) -> None:
    """Give the labels of several forms one width, so that their fields stand in one column."""
    labels: list[QWidget] = []
    for form in forms:
        for row in range(form.rowCount()):
            item = form.itemAt(row, QFormLayout.ItemRole.LabelRole)
            if item is not None and item.widget() is not None:
                labels.append(item.widget())
    width = max(label.sizeHint().width() for label in labels)
    for label in labels:
        label.setMinimumWidth(width)
