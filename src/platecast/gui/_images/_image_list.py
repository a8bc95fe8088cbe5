"""Images as a sheet of thumbnails that reads only what is looked at."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, QPoint, QRect, QSize, Qt, QTimer
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look
from qtpy.QtGui import QPainter, QPalette, QPixmap, QResizeEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from platecast.gui._images._image_choice import describe_image
from platecast.gui._images._thumbnails import SIDE_PX, Failed, Thumbnails
from platecast.gui._parts._marks import Mark, paint_mark
from platecast.storage import PlateImage

_MARGIN_PX = 6
_SETTLE_MS = 80
_BATCH = 2000


class ImageModel(QAbstractListModel):
    """The images that a filter lets through, with their thumbnails.

    Parameters
    ----------
    thumbnails
        Makes them.
    parent
        Its owner.
    """

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._images: tuple[PlateImage, ...] = ()
        self._rows: dict[PlateImage, int] = {}
        self._names: Mapping[int | str, str] = {}
        self._told: Collection[str] = ()
        self.thumbnails = thumbnails
        thumbnails.arrived.connect(self._show)

    def set_images(
        self, images: Sequence[PlateImage], channel_names: Mapping[int | str, str], told: Collection[str]
    ) -> None:
        """Hold other images.

        Parameters
        ----------
        images
            The images.
        channel_names
            What channels are called.
        told
            The components by which they differ.
        """
        self.beginResetModel()
        self._images = tuple(images)
        self._rows = {image: row for row, image in enumerate(self._images)}
        self._names = channel_names
        self._told = told
        self.endResetModel()

    @property
    def images(self) -> tuple[PlateImage, ...]:
        """All of them."""
        return self._images

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of images."""
        return 0 if parent is not None and parent.isValid() else len(self._images)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401 -- a QVariant
        """Return what an image is called, and its thumbnail as far as it is there."""
        image = self._images[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return describe_image(image, self._names, self._told)
        if role == Qt.ItemDataRole.DecorationRole:
            return self.thumbnails.get(image)
        if role == Qt.ItemDataRole.ToolTipRole:
            found = self.thumbnails.get(image)
            return f"{image.path}\n{found.reason}" if isinstance(found, Failed) else image.path
        return None

    def _show(self, images: Sequence[PlateImage]) -> None:
        for image in images:
            row = self._rows.get(image)
            if row is not None:
                index = self.index(row)
                self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])


class ImageSheet(QListView):
    """Shows an `ImageModel`; asks for the thumbnails of what is in sight, and gives up those that are not.

    Parameters
    ----------
    model
        What is shown.
    """

    selected = QtSignal()
    """Other images are selected than before."""

    def __init__(self, model: ImageModel) -> None:
        super().__init__()
        self._images = model
        self._delegate = _Delegate(self)
        self.setModel(model)
        self.setItemDelegate(self._delegate)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        # A grid of equal cells and batches: the places of 27,000 images are found without asking for each.
        self.setUniformItemSizes(True)
        self.setGridSize(self._delegate.size)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(_BATCH)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName("Images")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self._timer.timeout.connect(self._ask)
        bar = self.verticalScrollBar()
        assert bar is not None  # noqa: S101 -- a scroll area has one
        bar.valueChanged.connect(lambda _value: self._timer.start())
        bar.rangeChanged.connect(lambda _low, _high: self._timer.start())
        model.modelReset.connect(self._timer.start)
        chosen = self.selectionModel()
        assert chosen is not None  # noqa: S101 -- it has a model
        chosen.selectionChanged.connect(lambda *_: self.selected.emit())
        model.modelReset.connect(self.selected)

    @property
    def selected_images(self) -> tuple[PlateImage, ...]:
        """The images that are selected, in their order."""
        images = self._images.images
        return tuple(images[row] for row in sorted(index.row() for index in self.selectedIndexes()))

    @property
    def images_in_sight(self) -> tuple[PlateImage, ...]:
        """The images whose cells are in sight, at least in part."""
        count = self._images.rowCount()
        viewport = self.viewport()
        if not count or viewport is None or not self.isVisible():
            return ()
        cell = self.gridSize()
        first = self._row_near(QPoint(cell.width() // 2, cell.height() // 2), 0)
        end = QPoint(viewport.width() - cell.width() // 2, viewport.height() - 1)
        last = self._row_near(end, min(count - 1, first + self._most_in_sight()))
        return self._images.images[first : last + 1]

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Look again what is in sight."""
        super().resizeEvent(event)
        self._timer.start()

    def _most_in_sight(self) -> int:
        viewport, cell = self.viewport(), self.gridSize()
        assert viewport is not None  # noqa: S101 -- asked by the caller
        across = max(1, viewport.width() // cell.width())
        return int(across * (viewport.height() // cell.height() + 2))

    def _row_near(self, point: QPoint, otherwise: int) -> int:
        index = self.indexAt(point)
        return index.row() if index.isValid() else otherwise

    def _ask(self) -> None:
        wanted = self.images_in_sight
        self._images.thumbnails.keep_only(wanted)
        # The last wish is granted first, so that the sheet fills from above.
        for image in reversed(wanted):
            if self._images.thumbnails.get(image) is None:
                self._images.thumbnails.want(image)


class _Delegate(QStyledItemDelegate):
    """Draws a thumbnail and the words below it."""

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        line = view.fontMetrics().height()
        self.size = QSize(SIDE_PX + 4 * _MARGIN_PX, SIDE_PX + line + 3 * _MARGIN_PX)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return the size of every cell."""
        return self.size

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw one image."""
        if painter is None:
            return
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        palette = option.palette
        cell = option.rect.adjusted(2, 2, -2, -2)
        if is_selected:
            painter.fillRect(cell, palette.color(QPalette.ColorRole.Highlight))
        box = QRect(cell.left() + (cell.width() - SIDE_PX) // 2, cell.top() + _MARGIN_PX, SIDE_PX, SIDE_PX)
        found = index.data(Qt.ItemDataRole.DecorationRole)
        if isinstance(found, QPixmap):
            size = found.size()
            size.scale(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
            at = QRect(QPoint(0, 0), size)
            at.moveCenter(box.center())
            painter.drawPixmap(at, found)
        else:
            painter.fillRect(box, palette.color(QPalette.ColorRole.AlternateBase))
            if isinstance(found, Failed):
                side = 24
                mark = QRect(0, 0, side, side)
                mark.moveCenter(box.center())
                paint_mark(painter, mark.toRectF(), Mark.BAD)
        role = QPalette.ColorRole.HighlightedText if is_selected else QPalette.ColorRole.Text
        painter.setPen(palette.color(role))
        words = QRect(cell.left() + 2, box.bottom() + 3, cell.width() - 4, cell.bottom() - box.bottom() - 3)
        text = option.fontMetrics.elidedText(str(index.data()), Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter, text)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(palette.color(QPalette.ColorRole.WindowText))
            painter.drawRect(cell.adjusted(0, 0, -1, -1))
