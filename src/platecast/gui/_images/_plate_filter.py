"""The part of a plate that is wanted: its wells on a map, the other components in lists."""

from qtpy.QtCore import QSignalBlocker, QTimer
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from platecast.gui._images._image_choice import FILTERED, choose_images
from platecast.gui._images._value_list import ValueList
from platecast.gui._parts._well_grid import WellGrid, WellMark
from platecast.storage import Plate, PlateImage

_TITLES = {"site": "Sites", "channel": "Channels", "z_index": "Slices (z)", "timepoint": "Time points"}
_FULL, _PARTLY = "#56b4e9", "#e69f00"
_SETTLE_MS = 60


class PlateFilter(QWidget):
    """Narrows a plate's images down."""

    changed = QtSignal()
    """Other images are meant than before; not for every well that a drag goes over."""

    def __init__(self) -> None:
        super().__init__()
        self._plate = Plate("")
        self._choice: tuple[PlateImage, ...] | None = None
        self.plates = QComboBox()
        self.plates.setToolTip("Plate")
        self.plates.setAccessibleName("Plate")
        self.plates.currentIndexChanged.connect(lambda _index: self._show_wells())
        self.grid = WellGrid()
        self.grid.chosen_changed.connect(self._note)
        self.wells_text = QLabel()
        self.wells_text.setWordWrap(True)
        self.lists = {name: ValueList(title) for name, title in _TITLES.items()}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self._timer.timeout.connect(self.changed)
        row = QHBoxLayout()
        row.setSpacing(8)
        for each in self.lists.values():
            each.changed.connect(self._note)
            row.addWidget(each, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plates)
        layout.addWidget(self.grid)
        layout.addWidget(self.wells_text)
        layout.addLayout(row, 1)

    def set_plate(self, plate: Plate) -> None:
        """Offer the wells and values of another plate; all of them are meant."""
        self._plate = plate
        names = plate.channel_names
        values: dict[str, tuple[int | str, ...]] = {
            "site": plate.sites,
            "channel": plate.channels,
            "z_index": plate.z_indices,
            "timepoint": plate.timepoints,
        }
        for name in FILTERED:
            called = [
                names.get(value, str(value)) if name == "channel" else str(value) for value in values[name]
            ]
            self.lists[name].set_values(values[name], called)
            self.lists[name].setVisible(len(values[name]) > 1)
        plates = list(dict.fromkeys(image.components.plate for image in plate.images))
        with QSignalBlocker(self.plates):
            self.plates.clear()
            for each in plates:
                self.plates.addItem(each or "without a name", each)
        self.plates.setVisible(len(plates) > 1)
        self.grid.choose(())
        self._show_wells()

    @property
    def images(self) -> tuple[PlateImage, ...]:
        """The images that are meant."""
        if self._choice is None:
            chosen = {name: each.chosen for name, each in self.lists.items()}
            self._choice = choose_images(
                self._plate.images,
                plate=self.plates.currentData() if self.plates.count() > 1 else None,
                wells=self.grid.chosen,
                values={name: values for name, values in chosen.items() if values is not None},
            )
        return self._choice

    @property
    def differing(self) -> tuple[str, ...]:
        """The components, besides wells and channels, of which the plate has several values."""
        plate = self._plate
        counts = {"site": plate.sites, "z_index": plate.z_indices, "timepoint": plate.timepoints}
        return tuple(name for name, values in counts.items() if len(values) > 1)

    def _show_wells(self) -> None:
        several = self.plates.count() > 1
        wells: dict[str, int] = {}
        for image in choose_images(self._plate.images, plate=self.plates.currentData() if several else None):
            if image.components.well is not None:
                wells[image.components.well] = wells.get(image.components.well, 0) + 1
        most = max(wells.values(), default=0)
        self.grid.set_wells(
            {
                well: WellMark(
                    _FULL if count == most else _PARTLY,
                    f"{count} images" if count == most else f"{count} images of {most} that others have",
                )
                for well, count in wells.items()
            }
        )
        self.grid.setVisible(bool(wells))
        self._note()

    def _note(self) -> None:
        self._choice = None
        count = len(self.grid.chosen)
        self.wells_text.setText(
            f"{count} {'well' if count == 1 else 'wells'} chosen; Esc takes all again"
            if count
            else "All wells. Click, drag, or use Ctrl and Shift to choose some."
        )
        self._timer.start()
