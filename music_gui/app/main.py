"""Put the application together and run it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["QT_API"] = "pyside6"  # read by qtpy when qtawesome is imported

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon, QSurfaceFormat
from PySide6.QtWidgets import QApplication

from music_gui import __version__
from music_gui.app.actions import Actions
from music_gui.app.commands import Commands
from music_gui.app.crash import CrashHook
from music_gui.app.picture import PictureTaker
from music_gui.app.qt_bridge import UiThread
from music_gui.app.theme import ThemeSwitch
from music_gui.core.errors import MusicError
from music_gui.io.resources import resource
from music_gui.state.background import Background
from music_gui.state.session import Session
from music_gui.state.settings import load_settings, save_settings
from music_gui.views.brain.gl_format import vtk_surface_format
from music_gui.views.main_window import MainWindow
from music_gui.views.widgets.crash_dialog import CrashDialog
from music_gui.views.widgets.follow import follow

_SAVE_AFTER_MS = 500


def main(study: Path | None, screenshot: Path | None = None) -> int:
    """Open the window, and a study in it.

    Parameters
    ----------
    study : Path or None
        The study to open; None shows the welcome page.
    screenshot : Path, optional
        Save a picture of the window there as soon as the study is drawn, and quit.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    MusicError
        If there is no screen to open the window on.
    """
    check_screen()
    qt = make_qt_application()
    application = Application(qt)
    picture = (
        None
        if screenshot is None
        else PictureTaker(application.window, application.session, screenshot)
    )
    application.window.show()
    if study is not None:
        application.session.open_study(study)
    status = qt.exec()
    del picture
    application.stop()
    return status


def check_screen() -> None:
    """Look for a screen first, since Qt ends the process with a core dump if there is none.

    Raises
    ------
    MusicError
        If neither X11 nor Wayland is there, on a system whose windows need one of them.
    """
    named = ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in named):
        raise MusicError(
            "there is no screen to open the window on",
            why="neither DISPLAY nor WAYLAND_DISPLAY is set",
            remedy="Use `music-gui run` for analyses without a window, or `xvfb-run -a music-gui` "
            "for one that nobody sees",
        )


def make_qt_application() -> QApplication:
    """Return the one Qt application of this process, named."""
    QSurfaceFormat.setDefaultFormat(vtk_surface_format())
    existing = QApplication.instance()
    qt = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    qt.setApplicationName("music-gui")
    qt.setApplicationDisplayName("MuSIC GUI")
    qt.setApplicationVersion(__version__)
    qt.setDesktopFileName("music-gui")
    qt.setWindowIcon(QIcon(str(resource("icons/music-gui.svg"))))
    return qt


class Application:
    """Settings, threads, session, window and actions, each knowing only what it needs.

    Parameters
    ----------
    qt : QApplication
        Is dressed in the theme of the settings.
    """

    def __init__(self, qt: QApplication) -> None:
        self.settings = load_settings()
        self.ui_thread = UiThread()
        self.background = Background(self.ui_thread.post)
        self.session = Session(self.background, self.settings)
        self.theme = ThemeSwitch(qt)
        self.theme.use(self.settings.theme)
        self.window = MainWindow(self.session)
        self.window.setWindowIcon(qt.windowIcon())
        self.commands = Commands(self.window, self.session)
        self.actions = Actions(self.window, self.session, self.commands)
        self.crash_hook = CrashHook(self._show_crash, self.ui_thread.post)
        self.crash_hook.install()
        self._save_later = QTimer(self.ui_thread, singleShot=True, interval=_SAVE_AFTER_MS)
        self._save_later.timeout.connect(self._save_settings)
        follow(self.ui_thread, self.settings.events.theme, self.theme.use)
        self.settings.events.connect(self._on_setting)
        self.window.panels_ready.connect(self.session.load_template)

    def stop(self) -> None:
        """End the threads and save the settings; running jobs go on."""
        self._save_later.stop()
        self.settings.events.disconnect(self._on_setting)
        self.session.close_study()
        self.background.stop()
        save_settings(self.settings)
        self.crash_hook.remove()

    def _on_setting(self, *_: object) -> None:
        self._save_later.start()

    def _save_settings(self) -> None:
        copy = self.settings.model_copy(deep=True)
        self.background.request(
            lambda: save_settings(copy), lambda _: None, self.session.failed.emit
        )

    def _show_crash(self, report: str) -> None:
        CrashDialog(report, self.window).open()
