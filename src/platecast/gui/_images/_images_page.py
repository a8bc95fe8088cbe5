"""Tab *Images*: a plate on disk, a part of it, and the way of that into a viewer."""

import functools

from qtpy.QtCore import QByteArray, QSignalBlocker, Qt
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look
from qtpy.QtGui import (  # type: ignore[attr-defined]  # moved, where mypy does not look
    QAction,
    QDragEnterEvent,
    QDropEvent,
    QKeySequence,
)
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from platecast.config import NapariStreamingConfig
from platecast.gui._images._deliveries import Deliveries, Target
from platecast.gui._images._delivery_list import DeliveryList
from platecast.gui._images._image_list import ImageModel, ImageSheet
from platecast.gui._images._plate_filter import PlateFilter
from platecast.gui._images._plate_opening import OpenedPlate, open_for_looking
from platecast.gui._images._thumbnails import Thumbnails
from platecast.gui._parts._background import Background, Task
from platecast.gui._parts._empty import EmptyState
from platecast.gui._parts._marks import Mark, mark_icon
from platecast.gui._parts._notice import Notice
from platecast.gui._viewers._displays import Displays
from platecast.gui._viewers._viewer_table import mark_of
from platecast.manager import ViewerInfo
from platecast.storage import Plate, PlateImage

_MOST_RECENT = 10
_NEW = "A new viewer…"
_EMPTY = (
    "No plate is open",
    "Open the folder of a plate of any instrument we know, a folder of images, or an OME-Zarr plate."
    " A folder can also be dropped here.",
)


class ImagesPage(QWidget):
    """Browses a plate and sends images of it.

    Parameters
    ----------
    background
        Where plates are opened.
    deliveries
        Where images are sent.
    displays
        How they are shown in viewers that were started here.
    """

    new_viewer_asked = QtSignal()
    """Images are to go to a viewer that is still to be started; see `send_to`."""
    retry_asked = QtSignal(object)
    """The `Target` whose viewer is to be started again."""

    def __init__(self, background: Background, deliveries: Deliveries, displays: Displays) -> None:
        super().__init__()
        self._background = background
        self._deliveries = deliveries
        self._displays = displays
        self._opening: Task | None = None
        self._plate = Plate("")
        self._viewers: tuple[ViewerInfo, ...] = ()
        self._asked: tuple[PlateImage, ...] = ()
        self._awaited: set[Target] = set()
        self.config = NapariStreamingConfig()
        """How images are shown in viewers that this window did not start."""
        self.thumbnails = Thumbnails(self)
        self.model = ImageModel(self.thumbnails, self)
        self.sheet = ImageSheet(self.model)
        self.sheet.selected.connect(self._tell_selected)
        self.filter = PlateFilter()
        self.filter.changed.connect(self._show_images)
        self.place = QComboBox()
        self.place.setEditable(True)
        self.place.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.place.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.place.setAccessibleName("Plate")
        self.place.activated.connect(lambda _index: self.open(self.place.currentText()))
        line = self.place.lineEdit()
        assert line is not None  # noqa: S101 -- it is editable
        line.setPlaceholderText("Folder, OME-Zarr plate, or URL")
        line.returnPressed.connect(lambda: self.open(self.place.currentText()))
        self.notice = Notice()
        self.empty = EmptyState(*_EMPTY, "Open folder…")
        self.count_text = QLabel()
        self.target = QComboBox()
        self.target.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.target.setMinimumWidth(260)
        self.send_button = QPushButton()
        self.deliveries = DeliveryList()
        self.deliveries.retry_asked.connect(self.retry_asked)
        self.deliveries.discard_asked.connect(deliveries.discard)
        deliveries.changed.connect(self._show_deliveries)
        self._make_actions()
        self._lay_out()
        self.setAcceptDrops(True)
        self._show_targets()
        self._tell_selected()

    def open(self, place: str) -> None:
        """Open a plate's folder, store or URL; in the background."""
        if not place.strip():
            return
        if self._opening is not None:
            self._opening.cancel()
        self.place.setEditText(place)
        self.notice.clear()
        self.empty.say("Opening …", place)
        self.empty.button.hide()
        self._stack.setCurrentWidget(self.empty)
        self._opening = self._background.run(
            lambda _stop: open_for_looking(place),
            self._show_plate,
            functools.partial(self._say_not_opened, place),
        )

    def set_viewers(self, viewers: tuple[ViewerInfo, ...]) -> None:
        """Offer these viewers as targets."""
        if [(each.endpoint.instance, each.state) for each in viewers] != [
            (each.endpoint.instance, each.state) for each in self._viewers
        ]:
            self._viewers = viewers
            self._show_targets()

    @property
    def images(self) -> tuple[PlateImage, ...]:
        """The images that would be sent: the selected ones, or all in the sheet where none is."""
        return self.sheet.selected_images or self.model.images

    def send(self) -> None:
        """Send the images to the target that is chosen."""
        images = self.images
        if not images:
            return
        chosen = self.target.currentData()
        if chosen is None:
            self._asked = images
            self.new_viewer_asked.emit()
        elif isinstance(chosen, Target):
            self._deliveries.send(chosen, self._plate, images)
        else:
            viewer = next(each.endpoint for each in self._viewers if each.endpoint.port == chosen)
            config = self._displays.config_of(viewer.instance) or self.config
            self._deliveries.send(
                self._deliveries.target_on(viewer.port, viewer.title, config), self._plate, images
            )

    def send_to(self, target: Target) -> None:
        """Send the images for which a new viewer was asked."""
        if self._asked:
            self._deliveries.send(target, self._plate, self._asked)
            self._asked = ()
        self._show_targets(target)

    def forget_asked(self) -> None:
        """Take back that a new viewer was asked for."""
        self._asked = ()

    @property
    def recent(self) -> list[str]:
        """The places that were opened, the newest first."""
        return [self.place.itemText(row) for row in range(self.place.count())]

    def set_recent(self, places: list[str]) -> None:
        """Offer places that were opened before."""
        self.place.clear()
        self.place.addItems(places[:_MOST_RECENT])
        self.place.setEditText("")

    def save_state(self) -> dict[str, QByteArray]:
        """Return how it is laid out."""
        return {"splitter": self._splitter.saveState()}

    def restore_state(self, state: dict[str, QByteArray]) -> None:
        """Lay out as it was."""
        self._splitter.restoreState(state["splitter"])

    def _make_actions(self) -> None:
        self.open_action = QAction("&Open folder…", self)
        self.open_action.setShortcut(QKeySequence.StandardKey.Open)
        self.open_action.triggered.connect(lambda _checked=False: self.ask_for_folder())
        self.send_action = QAction("&Send images", self)
        self.send_action.setShortcut(QKeySequence("Ctrl+Shift+Return"))
        self.send_action.triggered.connect(lambda _checked=False: self.send())

    def ask_for_folder(self) -> None:
        """Let the user choose a folder, and open it."""
        dialog = QFileDialog(self, "Open a plate", self.place.currentText())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.open)
        dialog.open()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Take a folder."""
        if event is not None and _local_paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Open a folder that was dropped."""
        if event is not None and _local_paths(event):
            self.open(_local_paths(event)[0])

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        label = QLabel("&Plate:")
        label.setBuddy(self.place)
        button = QPushButton("Open folder…")
        button.setToolTip("Open folder  (Ctrl+O)")
        button.clicked.connect(self.ask_for_folder)
        self.empty.asked.connect(self.ask_for_folder)
        head.addWidget(label)
        head.addWidget(self.place, 1)
        head.addWidget(button)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.count_text)
        column.addWidget(self.sheet, 1)
        self._splitter = QSplitter()
        self._splitter.addWidget(self.filter)
        self._splitter.addWidget(right)
        self._splitter.setStretchFactor(1, 1)
        self._splitter.setSizes([360, 800])
        self._splitter.setChildrenCollapsible(False)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self._splitter)
        self.send_button.setDefault(True)
        self.send_button.setToolTip("Send images  (Ctrl+Shift+Return)")
        self.send_button.clicked.connect(self.send)
        foot = QHBoxLayout()
        to = QLabel("Send &to:")
        to.setBuddy(self.target)
        foot.addWidget(to)
        foot.addWidget(self.target)
        foot.addWidget(self.send_button)
        foot.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 8)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self.notice)
        layout.addWidget(self._stack, 1)
        layout.addLayout(foot)
        layout.addWidget(self.deliveries)

    def _show_plate(self, opened: OpenedPlate) -> None:
        self._opening = None
        self._plate = opened.plate
        self.thumbnails.open(opened.plate.read, opened.limits)
        self.filter.set_plate(opened.plate)
        self._show_images()
        self._stack.setCurrentWidget(self._splitter)
        if opened.remarks:
            self.notice.say(opened.remarks, Mark.WAIT)
        places = [opened.place, *(place for place in self.recent if place != opened.place)]
        self.set_recent(places)
        self.place.setCurrentIndex(0)

    def _say_not_opened(self, place: str, why: str) -> None:
        self._opening = None
        self._plate = Plate("")
        self.filter.set_plate(self._plate)
        self._show_images()
        self.empty.say("This plate could not be opened", why)
        self.empty.button.show()
        self._stack.setCurrentWidget(self.empty)
        self.place.setEditText(place)

    def _show_images(self) -> None:
        images = self.filter.images
        self.model.set_images(images, self._plate.channel_names, self.filter.differing)
        self._tell_selected()

    def _tell_selected(self) -> None:
        selected = len(self.sheet.selectedIndexes())
        shown, there = len(self.model.images), len(self._plate.images)
        text = f"{shown:,} of {there:,} images" if shown < there else _images(there)
        self.count_text.setText(f"{text} · {selected:,} selected" if selected else text)
        if selected:
            self.send_button.setText(f"&Send {selected:,} selected")
        else:
            self.send_button.setText(f"&Send all {shown:,}" if shown else "&Send")
        for each in (self.send_button, self.send_action):
            each.setEnabled(bool(shown))

    def _show_targets(self, chosen: Target | None = None) -> None:
        """Offer viewers, those that are being started, and a new one; keep what was chosen."""
        before: object = self.target.currentData() if chosen is None else chosen
        was_choice = self.target.count() > 1
        starting = self._starting()
        if isinstance(before, Target) and before not in starting:
            before = before.port
        with QSignalBlocker(self.target):
            self.target.clear()
            for viewer in self._viewers:
                endpoint = viewer.endpoint
                text = f"Port {endpoint.port} · {endpoint.title} · {viewer.state}"
                self.target.addItem(mark_icon(mark_of(viewer.state)), text, endpoint.port)
            for target in starting:
                self.target.addItem(mark_icon(Mark.WAIT), _starting_text(target), target)
            self.target.addItem(_NEW, None)
            places = [self.target.itemData(row) for row in range(self.target.count())]
            is_kept = before in places and (before is not None or was_choice)
            self.target.setCurrentIndex(places.index(before) if is_kept else 0)

    def _starting(self) -> list[Target]:
        """Return the targets that come up: also those that listen already, until we hear of their viewer."""
        heard = {viewer.endpoint.port for viewer in self._viewers}
        targets = self._deliveries.targets
        self._awaited |= {target for target in targets if target.port is None}
        self._awaited = {target for target in self._awaited & {*targets} if target.port not in heard}
        return [target for target in targets if target in self._awaited and not target.error]

    def _show_deliveries(self) -> None:
        self.deliveries.show_targets(self._deliveries.targets)
        rows = range(self.target.count())
        offered = [self.target.itemText(row) for row in rows if isinstance(self.target.itemData(row), Target)]
        if [_starting_text(target) for target in self._starting()] != offered:
            self._show_targets()


def _starting_text(target: Target) -> str:
    return f"{target.name} · starting"


def _local_paths(event: QDropEvent) -> list[str]:
    data = event.mimeData()
    return [] if data is None else [url.toLocalFile() for url in data.urls() if url.isLocalFile()]


def _images(count: int) -> str:
    return f"{count:,} image" if count == 1 else f"{count:,} images"
