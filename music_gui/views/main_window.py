"""The main window: puts the panels together and does nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QToolBar, QVBoxLayout, QWidget

from music_gui.core.errors import MusicError
from music_gui.views.dock_area import DockArea
from music_gui.views.panels import PANELS, Panel
from music_gui.views.status_bar import StatusBar
from music_gui.views.welcome import Welcome
from music_gui.views.widgets.empty_state import EmptyState
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.notice import Notice

if TYPE_CHECKING:
    from music_gui.state.session import Session


class MainWindow(QMainWindow):
    """Welcome page, or the docks of the open study.

    Menus and toolbar are filled from outside, by whoever holds the actions.

    Parameters
    ----------
    session : Session
        What all panels show.

    Signals
    -------
    panels_ready()
        The last panel has been made.
    files_dropped(paths)
        Files or folders were dropped on the window.
    """

    panels_ready = QtSignal()
    files_dropped = QtSignal(list)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._waiting = list(PANELS)
        self.setAcceptDrops(True)
        self.resize(1500, 920)
        self.toolbar = QToolBar("Toolbar", movable=False)
        self.toolbar.setObjectName("toolbar")
        self.toolbar.setIconSize(QSize(22, 22))
        self.toolbar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.toolbar.toggleViewAction().setVisible(False)
        self.addToolBar(self.toolbar)
        self.welcome = Welcome(session)
        self.docks = DockArea()
        self.notice = Notice()
        self._pages = QStackedWidget()
        self._pages.addWidget(self.welcome)
        self._pages.addWidget(self.docks)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.notice)
        layout.addWidget(self._pages, 1)
        self.setCentralWidget(content)
        self.setStatusBar(StatusBar(session, lambda: self.docks.raise_dock("jobs")))
        follow(self, session.study_changed, self._on_study)
        follow(self, session.failed, self.notice.show_error)
        self._restore()
        self._on_study(session.study)

    # -- pages -----------------------------------------------------------------------------

    def _on_study(self, study: Any) -> None:
        self.setWindowTitle(f"{study.manifest.name} — MuSIC GUI" if study else "MuSIC GUI")
        self.toolbar.setVisible(study is not None)
        self._remember_docks()
        self.docks.set_shown(study is not None)
        self._pages.setCurrentWidget(self.welcome if study is None else self.docks)
        self.notice.hide()

    # -- panels ----------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Start to make the panels, one at a time, after the window is on the screen."""
        super().showEvent(event)
        if self._waiting and not event.spontaneous():
            QTimer.singleShot(0, self._import_next)

    def _import_next(self) -> None:
        """Import a panel's libraries in a thread; the widget is made when they are there."""
        if not self._waiting:
            self.panels_ready.emit()
            return
        panel = self._waiting.pop(0)
        self._session.background.run(
            panel.load,
            lambda factory: self._make(panel, factory),
            lambda error: self._make(panel, lambda _: _missing(panel, error)),
            topic="panel",
        )

    def _make(self, panel: Panel, factory: Callable[[Session], QWidget]) -> None:
        QTimer.singleShot(0, self._import_next)
        self.docks.fill(panel, factory(self._session))

    # -- drag and drop ---------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Tell which files or folders were dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.files_dropped.emit(paths)

    # -- keys, geometry, end ---------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Dismiss the notice with Escape."""
        if event.key() == Qt.Key.Key_Escape and self.notice.isVisible():
            self.notice.hide()
        else:
            super().keyPressEvent(event)

    def _restore(self) -> None:
        settings = self._session.settings
        if settings.window_geometry:
            self.restoreGeometry(QByteArray.fromBase64(settings.window_geometry.encode()))
        if settings.dock_state:
            self.docks.restore(settings.dock_state)

    def _remember_docks(self) -> None:
        """Keep where the docks stand, as long as they are shown."""
        if self._pages.currentWidget() is self.docks:
            self._session.settings.dock_state = self.docks.save()

    def dock_actions(self) -> list[QAction]:
        """Return for each panel the action that shows or hides it."""
        return self.docks.toggle_actions()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember where everything stood; running jobs go on without the window."""
        settings = self._session.settings
        settings.window_geometry = bytes(self.saveGeometry().toBase64()).decode()
        self._remember_docks()
        self.docks.close_panels()
        super().closeEvent(event)


def _missing(panel: Panel, error: MusicError) -> QWidget:
    """Return what stands in the place of a panel whose libraries don't load on this machine."""
    return EmptyState(panel.icon, f"{panel.title} can't be shown on this machine", str(error))
