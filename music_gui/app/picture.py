"""Save a picture of the window when all of a study is drawn, and quit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from music_gui.core.errors import MusicError
from music_gui.views.widgets.follow import follow

if TYPE_CHECKING:
    from music_gui.state.session import Session
    from music_gui.views.main_window import MainWindow

_LOOK_MS = 200
_QUIET_LOOKS = 10
_PATIENCE_MS = 120_000
_SIZE = (1680, 1000)


class PictureTaker(QObject):
    """Waits until nothing more is read, saves the picture and quits.

    Parameters
    ----------
    window : MainWindow
        Is shown soon.
    session : Session
        Opens the study soon.
    path : Path
        A ``.png`` file.
    """

    def __init__(self, window: MainWindow, session: Session, path: Path) -> None:
        super().__init__()
        self._window = window
        self._session = session
        self._path = path
        self._ready = False
        self._quiet = 0
        window.resize(*_SIZE)
        window.panels_ready.connect(self._on_panels_ready)
        follow(self, session.failed, self._on_failed)
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._timer.start()
        QTimer.singleShot(_PATIENCE_MS, self, self._give_up)

    def _on_panels_ready(self) -> None:
        self._ready = True

    def _look(self) -> None:
        """Take the picture after two seconds in which nothing was left to read."""
        session = self._session
        waiting = (
            not self._ready
            or session.study is None
            or session.background.is_busy
            or session.scene.underlay is None
        )
        self._quiet = 0 if waiting else self._quiet + 1
        if self._quiet == _QUIET_LOOKS:
            self._save()

    def _save(self) -> None:
        self._timer.stop()
        if self._window.grab().save(str(self._path), "PNG"):
            QApplication.exit(0)
        else:
            self._end(MusicError("the picture can't be written", where=str(self._path)))

    def _on_failed(self, error: MusicError) -> None:
        self._end(error)

    def _give_up(self) -> None:
        self._end(MusicError("the study was not drawn within two minutes"))

    def _end(self, error: MusicError) -> None:
        print(f"music-gui: {error}", file=sys.stderr)  # noqa: T201 - asked for on the command line
        QApplication.exit(1)
