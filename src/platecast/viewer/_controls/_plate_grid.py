"""The wells of a plate as a grid of squares. Knows nothing of where they come from."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look
from qtpy.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPixmap,
    QResizeEvent,
)
from qtpy.QtWidgets import QWidget

from platecast.viewer._plate._model import PlateView, WellState, WellView
from platecast.viewer._plate._mosaic import plate_mosaic
from platecast.widgets import WellSquares, height_px, label_font

COLORS: dict[WellState, str] = {
    WellState.ARRIVED: "#56b4e9",
    WellState.PARTLY: "#e69f00",
    WellState.MISSING: "#7f8794",
    WellState.FAILED: "#d55e00",
    WellState.EMPTY: "#464a54",
}
"""Told apart by people of every colour vision, and each but the first two by its form as well."""
_HERE = "#ffffff"
_MARK_PX = 4
"""How far the mark of a well reaches beyond it."""
_MOST_CELL_PX = 48
_KEYS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


class PlateGrid(QWidget):
    """Draws a `PlateView`; mouse and keys name wells."""

    well_chosen = QtSignal(str)
    """A well was clicked, or reached with an arrow key."""
    well_hovered = QtSignal(str)
    """The mouse is over another well; empty where it is over none."""
    site_stepped = QtSignal(int)
    """The next (1) or previous (-1) site was asked for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = PlateView(8, 12, {})
        self._colors: Callable[[float], QColor] | None = None
        self._fitted: WellSquares | None = None
        self._mosaic: QImage | None = None
        self._pictured: frozenset[tuple[int, int]] = frozenset()
        self._here = ""
        self._drawn: QPixmap | None = None
        """Everything but the marks of the wells on screen and under the mouse."""
        self.hovered = ""
        """The well under the mouse; empty where it is over none."""
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(220, 150)

    def set_view(
        self,
        view: PlateView,
        colormap: npt.NDArray[np.uint8] | None,
        pictures: Mapping[tuple[int, int], npt.NDArray[np.float32]] | None = None,
    ) -> None:
        """Show a plate.

        Parameters
        ----------
        view
            The plate.
        colormap
            ``(N, 3)`` colours of the numbers, from the least to the greatest; `None` for the states.
        pictures
            Small pictures of wells, all ``(side, side)``, by row and column; they lie over everything else.
        """
        self._mosaic = None
        self._pictured = frozenset(pictures or ())
        if pictures:
            pixels = plate_mosaic(pictures, view.rows, view.columns)
            height, width = pixels.shape[:2]
            image = QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888)
            # A copy of its own: the bytes above go.
            self._mosaic = image.copy()
        self._view = view
        self._colors = None if colormap is None else _scale(view, colormap)
        self._draw_anew()

    def set_here(self, well: str) -> None:
        """Mark the well that is on screen; empty for none."""
        if well != self._here:
            before, self._here = self._here, well
            self._mark(before, well)

    def sizeHint(self) -> QSize:
        """Return the size at which 384 wells can be told apart."""
        return QSize(300, 200)

    def well_at(self, x: float, y: float) -> WellView | None:
        """Return the well under a point of the widget."""
        return self._view.wells.get((self.squares.row_at(y), self.squares.column_at(x)))

    def height_for(self, width: int) -> int:
        """Return the height at which the wells fill a width."""
        font = label_font(self.font())
        height = height_px(self._view.rows, self._view.columns, font, width, _MOST_CELL_PX)
        return max(self.minimumHeight(), height)

    def rect_of(self, row: int, column: int) -> QRectF:
        """Return where a well is drawn."""
        return self.squares.square(row, column)

    @property
    def squares(self) -> WellSquares:
        """Where the wells lie."""
        if self._fitted is None:
            font, size = label_font(self.font()), self.size()
            rows, columns = self._view.rows, self._view.columns
            self._fitted = WellSquares.in_widget(rows, columns, font, size, _MOST_CELL_PX, centred=True)
        return self._fitted

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw labels and wells, and mark some."""
        ratio = self.devicePixelRatioF()
        if self._drawn is None or self._drawn.devicePixelRatio() != ratio:
            self._drawn = QPixmap(self.size() * ratio)
            self._drawn.setDevicePixelRatio(ratio)
            self._drawn.fill(Qt.GlobalColor.transparent)
            self._paint_plate(self._drawn)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._drawn)
        for name in dict.fromkeys((self.hovered, self._here)):
            well = self._named(name)
            if well is None:
                continue
            frame = self.rect_of(well.row, well.column).adjusted(-1, -1, 1, 1)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            is_here = well.name == self._here
            painter.setPen(QPen(QColor("#000000"), 4 if is_here else 2))
            painter.drawRect(frame)
            painter.setPen(QPen(QColor(_HERE), 2 if is_here else 1))
            painter.drawRect(frame)
        painter.end()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Draw everything anew, in its new size."""
        super().resizeEvent(event)
        self._fitted = self._drawn = None

    def changeEvent(self, event: QEvent | None) -> None:
        """Draw everything anew, in other colours or another font."""
        super().changeEvent(event)
        self._fitted = self._drawn = None

    def _draw_anew(self) -> None:
        self._fitted = self._drawn = None
        self.update()

    def _mark(self, *names: str) -> None:
        """Draw a few wells again; all of them would take 10 ms at every step of a slider."""
        for name in names:
            well = self._named(name)
            if well is not None:
                frame = self.rect_of(well.row, well.column)
                self.update(frame.adjusted(-_MARK_PX, -_MARK_PX, _MARK_PX, _MARK_PX).toAlignedRect())

    def _named(self, name: str) -> WellView | None:
        return next((well for well in self._view.wells.values() if well.name == name), None) if name else None

    def _paint_plate(self, drawn: QPixmap) -> None:
        painter = QPainter(drawn)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        self.squares.paint_labels(painter)
        self._paint_unused(painter)
        self._paint_wells(painter)
        if self._mosaic is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(self.squares.area, self._mosaic)
        if self._mosaic is not None or self._colors is not None:
            self._paint_failed(painter)
        painter.end()

    def _paint_unused(self, painter: QPainter) -> None:
        """Mark the places of wells that are not used, so that the plate's format is seen."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(COLORS[WellState.EMPTY]))
        squares, wells = self.squares, self._view.wells
        places = ((row, column) for row in range(squares.rows) for column in range(squares.columns))
        _draw_rects(painter, [squares.unused_dot(*place) for place in places if place not in wells])

    def _paint_wells(self, painter: QPainter) -> None:
        """Draw all wells; those of one colour together, ten times faster than one by one."""
        by_color: dict[int, list[QRectF]] = {}
        others: list[tuple[WellView, QRectF]] = []
        arrived = QColor(COLORS[WellState.ARRIVED])
        for place, well in self._view.wells.items():
            if place in self._pictured:
                continue
            rect = self.rect_of(*place)
            if self._colors is not None and well.value is not None:
                by_color.setdefault(self._colors(well.value).rgb(), []).append(rect)
            elif well.state is WellState.ARRIVED and self._colors is None:
                by_color.setdefault(arrived.rgb(), []).append(rect)
            else:
                others.append((well, rect))
        painter.setPen(Qt.PenStyle.NoPen)
        for color, rects in by_color.items():
            painter.setBrush(QColor.fromRgb(color))
            _draw_rects(painter, rects)
        missing = [rect for well, rect in others if well.state is WellState.MISSING]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(COLORS[WellState.MISSING]), 1))
        _draw_rects(painter, [rect.adjusted(0.5, 0.5, -0.5, -0.5) for rect in missing])
        strength = 1.0 if self._colors is None else 0.4
        for well, rect in others:
            if well.state is not WellState.MISSING:
                paint_state(painter, rect, well.state, strength, well.share)

    def _paint_failed(self, painter: QPainter) -> None:
        """Frame the wells that failed, over whatever else is known of them."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(COLORS[WellState.FAILED]), 2))
        for place, well in self._view.wells.items():
            if well.state is WellState.FAILED:
                rect = self.rect_of(*place)
                painter.drawRect(rect)
                painter.drawLine(rect.topLeft(), rect.bottomRight())
                painter.drawLine(rect.topRight(), rect.bottomLeft())

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Name the well under the mouse."""
        if event is not None:
            self._hover(self.well_at(event.position().x(), event.position().y()))

    def leaveEvent(self, event: QEvent | None) -> None:
        """Name no well any more."""
        self._hover(None)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Choose the well under the mouse."""
        if event is None:
            return
        well = self.well_at(event.position().x(), event.position().y())
        if well is not None:
            self.well_chosen.emit(well.name)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Go to the next well in the direction of an arrow, or to the next site."""
        if event is None:
            return
        key = Qt.Key(event.key())
        if key in _KEYS:
            well = self._next(*_KEYS[key])
            if well is not None:
                self.well_chosen.emit(well.name)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.well_chosen.emit(self.hovered or self._here)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self.site_stepped.emit(1 if key == Qt.Key.Key_PageDown else -1)
        else:
            super().keyPressEvent(event)

    def _hover(self, well: WellView | None) -> None:
        name = "" if well is None else well.name
        if name != self.hovered:
            before, self.hovered = self.hovered, name
            self.well_hovered.emit(name)
            self._mark(before, name)

    def _next(self, down: int, across: int) -> WellView | None:
        """Return the next well that has images, in a straight line."""
        wells = self._view.wells
        here = next((place for place, well in wells.items() if well.name == self._here), None)
        if here is None:
            return next((well for _, well in sorted(wells.items()) if well.arrived), None)
        row, column = here[0] + down, here[1] + across
        while 0 <= row < self._view.rows and 0 <= column < self._view.columns:
            if (row, column) in wells and wells[row, column].arrived:
                return wells[row, column]
            row, column = row + down, column + across
        return None


def paint_state(
    painter: QPainter, rect: QRectF, state: WellState, strength: float = 1.0, share: float = 0.5
) -> None:
    """Draw a state as the grid and its legend do."""
    color = QColor(COLORS[state])
    color.setAlphaF(strength)
    if state is WellState.ARRIVED:
        painter.fillRect(rect, color)
    elif state is WellState.PARTLY:
        _outline(painter, rect, color)
        filled = rect.height() * max(0.2, share)
        painter.fillRect(QRectF(rect.left(), rect.bottom() - filled, rect.width(), filled), color)
    elif state is WellState.FAILED:
        painter.fillRect(rect, color)
        painter.setPen(QPen(QColor("#ffffff"), max(1.0, rect.width() / 10)))
        inner = rect.adjusted(rect.width() / 4, rect.height() / 4, -rect.width() / 4, -rect.height() / 4)
        painter.drawLine(inner.topLeft(), inner.bottomRight())
        painter.drawLine(inner.topRight(), inner.bottomLeft())
    elif state is WellState.MISSING:
        _outline(painter, rect, color)
    else:
        side = max(1.0, rect.width() * 0.25)
        middle: QPointF = rect.center()
        painter.fillRect(QRectF(middle.x() - side / 2, middle.y() - side / 2, side, side), color)


def _outline(painter: QPainter, rect: QRectF, color: QColor) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, 1))
    painter.drawRect(rect.adjusted(0.5, 0.5, -0.5, -0.5))
    painter.setPen(Qt.PenStyle.NoPen)


def _scale(view: PlateView, colormap: npt.NDArray[np.uint8]) -> Callable[[float], QColor]:
    lower, upper = view.value_range or (0.0, 1.0)
    colors: Sequence[QColor] = [QColor(*map(int, color[:3])) for color in colormap]

    def color_of(value: float) -> QColor:
        part = (value - lower) / (upper - lower) if upper > lower else 0.5
        return colors[round(part * (len(colors) - 1))]

    return color_of


def _draw_rects(painter: QPainter, rects: Sequence[QRectF]) -> None:
    if rects:
        painter.drawRects(*rects)
