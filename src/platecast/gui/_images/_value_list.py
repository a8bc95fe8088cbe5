"""A short list of values to tick, as a filter."""

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look
from qtpy.QtWidgets import QCheckBox, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

Value = int | str
_VALUE = Qt.ItemDataRole.UserRole


class ValueList(QWidget):
    """Values with a box each, and one box for all of them.

    Parameters
    ----------
    title
        What they are values of.
    """

    changed = QtSignal()
    """Other values are ticked than before."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._all = QCheckBox(title)
        self._all.setTristate(True)
        self._all.setToolTip("All or none")
        self._all.clicked.connect(lambda: self._tick_all())
        self._list = QListWidget()
        self._list.setUniformItemSizes(True)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._list.setAccessibleName(title.replace("&", ""))
        self._list.itemChanged.connect(lambda _item: self._note())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self._all)
        layout.addWidget(self._list, 1)

    def set_values(self, values: Sequence[Value], names: Sequence[str]) -> None:
        """Offer other values, all of them ticked.

        Parameters
        ----------
        values
            The values.
        names
            What they are called.
        """
        self._list.blockSignals(True)
        self._list.clear()
        for value, name in zip(values, names, strict=True):
            item = QListWidgetItem(name)
            item.setData(_VALUE, value)
            item.setToolTip(name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked)
            self._list.addItem(item)
        self._list.blockSignals(False)
        self._note()

    @property
    def chosen(self) -> tuple[Value, ...] | None:
        """The values that are ticked; `None` where all are."""
        items = self._items()
        ticked = [item for item in items if item.checkState() is Qt.CheckState.Checked]
        return None if len(ticked) == len(items) else tuple(item.data(_VALUE) for item in ticked)

    def choose(self, values: Sequence[Value]) -> None:
        """Tick these values and no others."""
        self._list.blockSignals(True)
        for item in self._items():
            is_wanted = item.data(_VALUE) in values
            item.setCheckState(Qt.CheckState.Checked if is_wanted else Qt.CheckState.Unchecked)
        self._list.blockSignals(False)
        self._note()

    def _items(self) -> list[QListWidgetItem]:
        found = (self._list.item(place) for place in range(self._list.count()))
        return [item for item in found if item is not None]

    def _tick_all(self) -> None:
        # A click goes through the third state, too: it means all unless all are ticked already.
        self.choose([] if self.chosen is None else [item.data(_VALUE) for item in self._items()])

    def _note(self) -> None:
        chosen = self.chosen
        states = Qt.CheckState
        state = states.Checked if chosen is None else states.PartiallyChecked if chosen else states.Unchecked
        self._all.setCheckState(state)
        self.changed.emit()
