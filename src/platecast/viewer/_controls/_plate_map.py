"""Dock *Plate map*: what of each well is there, how bright it is, and the way to it."""

import enum
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QRectF, QSize, Qt, QTimer
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from platecast.components import Kind
from platecast.layers import Value
from platecast.viewer._controls._plate_grid import PlateGrid, paint_state
from platecast.viewer._plate._model import PlateModel, PlateView, Topic, WellState

_UPDATE_MS = 150
_MOST_WAIT_S = 1.0
"""An update that is due waits so long for sliders that are moved: it and the images would take turns."""
_MARK_PX = 10
_MOST_GAP_PX = 24.0
_QT_NO_LIMIT = 16777215
_ORDER = (WellState.ARRIVED, WellState.PARTLY, WellState.MISSING, WellState.FAILED)
EMPTY_TEXT = "No plate yet.\nWells appear here with their first image, or when a plate is announced."


@dataclass(frozen=True)
class Place:
    """The way around a window.

    Parameters
    ----------
    values
        Returns the values that a component may be set to.
    sites
        Returns the sites of the well on screen that have images.
    on_screen
        Returns the values on screen.
    go_to
        Shows the image of some values.
    plate
        Returns the plate on screen.
    """

    values: Callable[[str], Sequence[Value]]
    sites: Callable[[], Sequence[Value]]
    on_screen: Callable[[], Mapping[str, Value]]
    go_to: Callable[[Mapping[str, Value]], None]
    plate: Callable[[], str | None]


@dataclass(frozen=True)
class Numbers:
    """Numbers that tables bring for wells.

    Parameters
    ----------
    columns
        Returns the names of the columns that there are.
    by_well
        Returns the numbers of a column of a plate.
    """

    columns: Callable[[], Sequence[str]]
    by_well: Callable[[str, str | None], Mapping[str, float]]


class _Shows(enum.Enum):
    """What the map shows of each well."""

    STATE = "State"
    PICTURE = "Pictures of {}"
    MEAN = "Mean of {}"
    NUMBER = "{}"


_Choice = tuple[_Shows, Topic | str | None]


class PlateMap(QWidget):
    """Shows a `PlateModel` and leads to its wells.

    Parameters
    ----------
    model
        What is shown; `refresh` is to be called when it has changed.
    place
        The way to a well.
    colormap
        ``(N, 3)`` uint8 colours of numbers, from dark to bright.
    numbers
        What tables bring, if there can be some.
    """

    def __init__(
        self,
        model: PlateModel,
        place: Place,
        colormap: npt.NDArray[np.uint8],
        numbers: Numbers | None = None,
    ) -> None:
        super().__init__()
        self._model = model
        self._place = place
        self._colormap = colormap
        self._numbers = numbers
        self._choices: tuple[_Choice, ...] = ((_Shows.STATE, None),)
        self._followed: str | None = None
        """The plate on screen to which the map went last; from then on the user chooses."""
        self._took_s = 0.0
        self._asked_s = 0.0
        self._view = PlateView(8, 12, {})
        self._plates = QComboBox()
        self._plates.setToolTip("Plate")
        self.views = QComboBox()
        """What the map shows of each well."""
        self.views.setToolTip("What the colours mean")
        self.views.addItem(_Shows.STATE.value)
        for box in (self._plates, self.views):
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            box.currentIndexChanged.connect(self._draw)
        self.grid = PlateGrid()
        self.grid.setAccessibleName("Plate map")
        self.grid.well_chosen.connect(self._go_to_well)
        self.grid.well_hovered.connect(self._tell)
        self.grid.site_stepped.connect(self._step_site)
        self._empty = QLabel(EMPTY_TEXT)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._legend = _Legend(colormap)
        self._text = QLabel()
        self._text.setStyleSheet("font-size: 11px; padding: 0")
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setWordWrap(True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_UPDATE_MS)
        self._timer.timeout.connect(self.redraw)
        self._lay_out()
        self.redraw()

    def refresh(self) -> None:
        """Show soon what the model holds now; many calls cause one update."""
        if not self._timer.isActive():
            self._asked_s = time.perf_counter()
            # An update takes milliseconds with many wells; the images come first.
            self._timer.start(max(_UPDATE_MS, round(10e3 * self._took_s)))

    def follow(self) -> None:
        """Mark the well that is on screen now, and show its plate if that is another one than before."""
        if self._follow_plate():
            self._draw()
            return
        self.grid.set_here(str(self._place.on_screen().get("well", "")))
        if self._timer.isActive() and time.perf_counter() - self._asked_s < _MOST_WAIT_S:
            self._timer.start()

    def sizeHint(self) -> QSize:
        """Return a size that leaves the images most of a window."""
        return QSize(310, 300)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Keep wells and words together."""
        super().resizeEvent(event)
        self._fit()

    @property
    def text(self) -> str:
        """What is said of the well under the mouse, or of the plate."""
        return self._text.text()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._plates, 1)
        head.addWidget(self.views, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.grid)
        self._stack.addWidget(self._empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self._stack, 100)
        layout.addWidget(self._legend)
        layout.addWidget(self._text)
        # The grid is no higher than its wells; what is left of a high dock is below the words.
        layout.addStretch(1)

    def _fit(self) -> None:
        height = self.grid.height_for(self.width() - 12) if self._view.wells else _QT_NO_LIMIT
        self._stack.setMaximumHeight(height)

    def redraw(self) -> None:
        """Show what the model holds now, at once."""
        began_s = time.perf_counter()
        self._update_now()
        self._took_s = time.perf_counter() - began_s

    def _update_now(self) -> None:
        names = [name or "Plate without a name" for name in self._model.plates]
        if names != [self._plates.itemText(place) for place in range(self._plates.count())]:
            _fill(self._plates, names, self._plates.currentIndex())
        self._plates.setVisible(len(names) > 1)
        self._follow_plate()
        chosen = self._chosen
        choices = self._list_choices()
        if choices != self._choices:
            self._choices = choices
            texts = [shows.value.format(of) for shows, of in choices]
            # By what it was, not by its place: topics come before columns.
            _fill(self.views, texts, choices.index(chosen) if chosen in choices else 0)
        self._draw()

    def _follow_plate(self) -> bool:
        """Choose the plate on screen if another one was there before; say whether the map has to be drawn."""
        plate, plates = self._place.plate(), self._model.plates
        if plate == self._followed or plate not in plates[: self._plates.count()]:
            return False
        self._followed = plate
        was, chosen = self._plates.currentIndex(), plates.index(plate)
        self._plates.blockSignals(True)
        self._plates.setCurrentIndex(chosen)
        self._plates.blockSignals(False)
        return was != chosen

    def _list_choices(self) -> tuple[_Choice, ...]:
        topics = self._model.topics(self._plate)
        columns = () if self._numbers is None else self._numbers.columns()
        return (
            (_Shows.STATE, None),
            *((_Shows.PICTURE, topic) for topic in topics if self._model.pictures(self._plate, topic)),
            *((_Shows.MEAN, topic) for topic in topics if topic.kind is Kind.IMAGE),
            *((_Shows.NUMBER, column) for column in columns),
        )

    @property
    def _chosen(self) -> _Choice:
        return self._choices[max(0, min(self.views.currentIndex(), len(self._choices) - 1))]

    @property
    def _plate(self) -> str | None:
        plates = self._model.plates
        return plates[max(0, self._plates.currentIndex())] if plates else None

    def _draw(self) -> None:
        shows, of = self._chosen
        topic = of if isinstance(of, Topic) else None
        numbers = None
        if self._numbers is not None and isinstance(of, str):
            numbers = self._numbers.by_well(of, self._plate)
        pictures = self._model.pictures(self._plate, topic) if shows is _Shows.PICTURE and topic else None
        self._view = self._model.view(self._plate, topic, numbers)
        has_colors = shows in (_Shows.MEAN, _Shows.NUMBER)
        self._stack.setCurrentWidget(self.grid if self._view.wells else self._empty)
        for widget in (self._legend, self._text, self.views):
            widget.setVisible(bool(self._view.wells))
        self.grid.set_view(self._view, self._colormap if has_colors else None, pictures)
        self._legend.set_range(self._view.value_range if has_colors else None)
        self._fit()
        self.follow()
        self._tell(self.grid.hovered)

    def _tell(self, well: str) -> None:
        found = next((view for view in self._view.wells.values() if view.name == well), None)
        if found is None:
            counts = [(self._view.count(state), state.value) for state in _ORDER]
            words = [f"{count} {word}" for count, word in counts if count]
            dropped = sum(view.dropped for view in self._view.wells.values())
            if dropped:
                words.append(f"{dropped} planes dropped")
            self._text.setText(" · ".join(words))
            return
        parts = [found.name, f"{found.arrived} of {found.expected} planes", found.state.value]
        if found.value is not None:
            of = self._chosen[1]
            parts.append(f"{of if isinstance(of, str) else 'mean'} {found.value:.4g}")
        parts += self._model.losses(self._plate, well)
        self._text.setText(" · ".join(parts))
        self._text.setToolTip(self._text.text())

    def _go_to_well(self, well: str) -> None:
        if well in self._place.values("well"):
            self._place.go_to({"well": well})
            self.follow()
        else:
            self._text.setText(f"{well} · no image to go to")

    def _step_site(self, step: int) -> None:
        sites = list(self._place.sites())
        here = self._place.on_screen().get("site")
        if here in sites and len(sites) > 1:
            self._place.go_to({"site": sites[(sites.index(here) + step) % len(sites)]})


class _Legend(QWidget):
    """Says what the colours mean."""

    def __init__(self, colormap: npt.NDArray[np.uint8]) -> None:
        super().__init__()
        self._colormap = colormap
        self._range: tuple[float, float] | None = None
        self.setFixedHeight(18)

    def set_range(self, limits: tuple[float, float] | None) -> None:
        """Explain intensities between limits, or the states."""
        self._range = limits
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw marks and words."""
        painter = QPainter(self)
        font = self.font()
        font.setPixelSize(11)
        painter.setFont(font)
        if self._range is None:
            self._paint_states(painter)
        else:
            self._paint_range(painter, *self._range)
        painter.end()

    def _paint_states(self, painter: QPainter) -> None:
        metrics = painter.fontMetrics()
        needed = sum(metrics.horizontalAdvance(state.value) + _MARK_PX + 4 for state in _ORDER)
        gap = min(_MOST_GAP_PX, max(2.0, (self.width() - needed) / len(_ORDER)))
        x = 0.0
        for state in _ORDER:
            mark = QRectF(x, (self.height() - _MARK_PX) / 2, _MARK_PX, _MARK_PX)
            paint_state(painter, mark, state)
            painter.setPen(self.palette().windowText().color())
            x += _MARK_PX + 4
            width = metrics.horizontalAdvance(state.value)
            box = QRectF(x, 0, width + 2, self.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, state.value)
            x += width + gap

    def _paint_range(self, painter: QPainter, lower: float, upper: float) -> None:
        metrics = painter.fontMetrics()
        texts = f"{lower:.4g}", f"{upper:.4g}"
        widths = [metrics.horizontalAdvance(text) + 6 for text in texts]
        length = self.width() - sum(widths)
        steps = len(self._colormap)
        for place, (red, green, blue) in enumerate(self._colormap):
            painter.fillRect(
                QRectF(widths[0] + place * length / steps, 4, length / steps + 1, self.height() - 8),
                QColor(int(red), int(green), int(blue)),
            )
        painter.setPen(self.palette().windowText().color())
        left = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(QRectF(0, 0, widths[0], self.height()), left, texts[0])
        painter.drawText(QRectF(self.width() - widths[1], 0, widths[1], self.height()), right, texts[1])


def _fill(box: QComboBox, texts: Sequence[str], chosen: int) -> None:
    box.blockSignals(True)
    box.clear()
    box.addItems(texts)
    box.setCurrentIndex(max(0, min(chosen, len(texts) - 1)))
    box.blockSignals(False)
