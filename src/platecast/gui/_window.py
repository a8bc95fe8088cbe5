"""The manager's window: its tabs, menus and layout, and what leads from one tab to another."""

import logging
from pathlib import Path
from typing import Any

from qtpy.QtCore import QByteArray, QSettings, Qt, QUrl
from qtpy.QtGui import (  # type: ignore[attr-defined]  # moved, where mypy does not look
    QAction,
    QCloseEvent,
    QDesktopServices,
    QKeySequence,
)
from qtpy.QtWidgets import QLabel, QMainWindow, QMenu, QTabWidget

from platecast.config import Level, NapariStreamingConfig, PipelineConfig, resolve, user_file, user_levels
from platecast.gui._about import show_about
from platecast.gui._images._closing import Closing
from platecast.gui._images._deliveries import Deliveries, Target
from platecast.gui._images._images_page import ImagesPage
from platecast.gui._images._starts import Starts
from platecast.gui._log._buffer import LogBuffer
from platecast.gui._log._page import LogPage
from platecast.gui._log._tail import LogTail
from platecast.gui._parts._background import Background
from platecast.gui._parts._icon import app_icon
from platecast.gui._parts._marks import Mark
from platecast.gui._runs._live_runs import LiveRuns
from platecast.gui._runs._runs_page import RunsPage
from platecast.gui._viewers._displays import Displays
from platecast.gui._viewers._live_viewers import LiveViewers
from platecast.gui._viewers._start_dialog import StartDialog, StartRequest
from platecast.gui._viewers._viewers_page import ViewersPage
from platecast.manager import ViewerInfo
from platecast.wire import Endpoint

_log = logging.getLogger(__name__)

_THREADS = 6
_LAYOUT_VERSION = 1
"""Another one when tabs or columns change, so that an old layout is not put on a new window."""


class ManagerWindow(QMainWindow):
    """Viewers, images, runs and log in one window.

    Parameters
    ----------
    settings
        Where the layout is kept.
    """

    def __init__(self, settings: QSettings) -> None:
        super().__init__()
        self._settings = settings
        self._levels: tuple[Level, ...] = ()
        self._dialog: StartDialog | None = None
        self._is_for_images = False
        self.setWindowTitle("platecast manager")
        self.setWindowIcon(app_icon())
        self.log_buffer = LogBuffer(self)
        logging.getLogger().addHandler(self.log_buffer)
        self._log_level = logging.getLogger("platecast").level
        logging.getLogger("platecast").setLevel(logging.INFO)
        self.background = Background(_THREADS, self)
        self.deliveries = Deliveries(self)
        self.closing = Closing(self.deliveries, self)
        self._is_closing = False
        self.displays = Displays(settings)
        self.starts = Starts(self.background, self.deliveries, self.displays, self)
        self.tail = LogTail(self.background, self.log_buffer, self)
        self.live_viewers = LiveViewers(self)
        self.live_runs = LiveRuns(self.background, self)
        self.viewers = ViewersPage(self.background)
        self.images = ImagesPage(self.background, self.deliveries, self.displays)
        self.runs = RunsPage(self.background, self.live_runs)
        self.log = LogPage(self.log_buffer)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        for title, page in (
            ("&Viewers", self.viewers),
            ("&Images", self.images),
            ("&Runs", self.runs),
            ("&Log", self.log),
        ):
            self.tabs.addTab(page, title)
        self.setCentralWidget(self.tabs)
        self._summary = QLabel()
        self._make_status_bar()
        self._make_menus()
        self._connect()
        self._restore()
        self._summarise()
        self._load_settings()

    def ask_for_viewer(self, *, is_for_images: bool = False) -> StartDialog:
        """Open the form for a new viewer, and return it.

        Parameters
        ----------
        is_for_images
            Whether images that were chosen go to it.
        """
        dialog = StartDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.set_levels(self._levels)
        self._is_for_images = is_for_images
        dialog.requested.connect(self.start_viewer)
        dialog.rejected.connect(self.images.forget_asked)
        dialog.open()
        self._dialog = dialog
        return dialog

    def start_viewer(self, request: StartRequest) -> Target:
        """Start a viewer; images that were chosen for it are sent."""
        self.viewers.notice.clear()
        target = self.starts.begin(request)
        if self._is_for_images:
            self.images.send_to(target)
        self._is_for_images = False
        return target

    def close_now(self) -> None:
        """Close, and drop images that are on their way."""
        self._is_closing = True
        self.close()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Keep the layout, and let everything end; ask first where that would drop images."""
        if not self._is_closing and self.closing.ask() is not None:
            if event is not None:
                event.ignore()
            return
        self._save()
        # What is waited for below may take a moment, in which nobody wants to look at a window that is stuck.
        self.hide()
        for each in (self.background, self.deliveries, self.images.thumbnails):
            each.stop()
        logging.getLogger().removeHandler(self.log_buffer)
        logging.getLogger("platecast").setLevel(self._log_level)
        self.log_buffer.close()
        self.live_viewers.close()
        self.live_runs.close()
        self.tail.close()
        self.deliveries.close()
        self.background.close()
        self.images.thumbnails.close()
        super().closeEvent(event)

    def _connect(self) -> None:
        self.live_viewers.changed.connect(self._take_viewers)
        self.live_runs.changed.connect(lambda _runs: self._summarise())
        self.viewers.start_asked.connect(lambda: self.ask_for_viewer())
        self.images.new_viewer_asked.connect(lambda: self.ask_for_viewer(is_for_images=True))
        self.images.retry_asked.connect(self.starts.try_again)
        self.closing.agreed.connect(self.close_now)
        self.closing.left.connect(self._say_closing)
        self.starts.started.connect(self._note_start)
        self.starts.failed.connect(self._say_start_failed)

    def _take_viewers(self, changes: tuple[ViewerInfo, ...]) -> None:
        self.viewers.apply(changes)
        self.images.set_viewers(self.live_viewers.viewers)
        self._summarise()

    def _note_start(self, endpoint: Endpoint, path: Path) -> None:
        self.tail.follow(path, f"viewer {endpoint.port}")
        _log.info("started the viewer on port %d, process %d", endpoint.port, endpoint.pid)

    def _say_start_failed(self, why: str) -> None:
        text = f"The viewer did not start: {why}"
        self.viewers.notice.say(text)
        self.images.notice.say(text)

    def _say_closing(self, count: int) -> None:
        if count:
            self.tabs.setCurrentWidget(self.images)
            images = _count(count, "image has", "images have")
            self.images.notice.say(f"This window closes when {images} arrived", Mark.WAIT)
        else:
            self.images.notice.clear()

    def _load_settings(self) -> None:
        self.background.run(lambda _stop: user_levels(), self._take_settings, self._say_settings_failed)

    def _take_settings(self, levels: tuple[Level, ...]) -> None:
        self._levels = levels
        self.images.config = resolve(PipelineConfig, levels).value.napari_streaming

    def _say_settings_failed(self, why: str) -> None:
        self.images.config = NapariStreamingConfig()
        self.viewers.notice.say(f"Your settings are left out until this is put right: {why}", Mark.WAIT)

    def _make_status_bar(self) -> None:
        bar = self.statusBar()
        assert bar is not None  # noqa: S101 -- it is made when it is asked for
        bar.addPermanentWidget(self._summary, 1)
        bar.setSizeGripEnabled(False)
        self._summary.setContentsMargins(8, 0, 8, 0)

    def _summarise(self) -> None:
        viewers = self.live_viewers.viewers
        odd = sum(viewer.state == "not responding" for viewer in viewers)
        running = sum(view.is_running for view in self.live_runs.runs.values())
        parts = [_count(len(viewers), "viewer"), *([f"{odd} not responding"] if odd else [])]
        pending = sum(viewer.ledger.pending for viewer in viewers if viewer.ledger is not None)
        parts += [f"{pending:,} images on their way"] if pending else []
        parts.append(f"{_count(running, 'run')} in progress")
        self._summary.setText("  ·  ".join(parts))

    def _make_menus(self) -> None:
        file = self._menu("&File")
        file.addAction(self.images.open_action)
        self.images.open_action.triggered.connect(lambda: self.tabs.setCurrentWidget(self.images))
        file.addAction(self.images.send_action)
        file.addSeparator()
        self._add(file, "Open &settings file", None, self._open_settings)
        file.addSeparator()
        self._add(file, "&Close window", QKeySequence.StandardKey.Quit, self.close)
        viewers = self._menu("&Viewer")
        viewers.addAction(self.viewers.start_action)
        viewers.addSeparator()
        viewers.addActions(self.viewers.actions_of_a_viewer)
        run = self._menu("R&un")
        run.addActions([self.runs.stop_action, self.runs.output_action, self.runs.forget_action])
        show = self._menu("&Go")
        for place in range(self.tabs.count()):
            title = self.tabs.tabText(place)
            shortcut = QKeySequence(f"Ctrl+{place + 1}")
            self._add(show, title, shortcut, lambda place=place: self.tabs.setCurrentIndex(place))
        about = self._menu("&Help")
        self._add(about, "&About platecast", QKeySequence.StandardKey.HelpContents, lambda: show_about(self))

    def _menu(self, title: str) -> QMenu:
        bar = self.menuBar()
        assert bar is not None  # noqa: S101 -- it is made when it is asked for
        menu = bar.addMenu(title)
        assert menu is not None  # noqa: S101 -- it was just added
        return menu

    def _add(self, menu: QMenu, text: str, shortcut: Any, callback: Any) -> None:  # noqa: ANN401 -- Qt's own
        action = QAction(text, self)
        if shortcut is not None:
            action.setShortcut(shortcut)
        action.triggered.connect(lambda _checked=False: callback())
        menu.addAction(action)

    def _open_settings(self) -> None:
        path = user_file()
        if not path.exists():
            self.viewers.notice.say(
                f"There is no {path} yet: write your settings there, and this window shows them", Mark.NONE
            )
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self.viewers.notice.say(f"No program opened {path}", Mark.WAIT)

    def _pages(self) -> dict[str, Any]:
        return {"viewers": self.viewers, "images": self.images, "runs": self.runs, "log": self.log}

    def _save(self) -> None:
        self._settings.setValue("layout", _LAYOUT_VERSION)
        self._settings.setValue("geometry", self.saveGeometry())
        self._settings.setValue("tab", self.tabs.currentIndex())
        self._settings.setValue("recent", self.images.recent)
        for name, page in self._pages().items():
            for part, state in page.save_state().items():
                self._settings.setValue(f"{name}/{part}", state)

    def _restore(self) -> None:
        self.resize(1080, 720)
        recent = self._settings.value("recent", [])
        self.images.set_recent([recent] if isinstance(recent, str) else list(recent or []))
        if str(self._settings.value("layout", "")) != str(_LAYOUT_VERSION):
            return
        geometry = self._settings.value("geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        self.tabs.setCurrentIndex(int(self._settings.value("tab", 0)))
        for name, page in self._pages().items():
            parts = {part: self._settings.value(f"{name}/{part}") for part in page.save_state()}
            if all(isinstance(state, QByteArray) for state in parts.values()):
                page.restore_state(parts)


def _count(count: int, noun: str, nouns: str = "") -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {nouns or noun + 's'}"
