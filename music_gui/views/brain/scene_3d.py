"""The 3D panel: the scene's toolbar over the 3D view."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from music_gui.core.errors import MusicError
from music_gui.state.session import Session
from music_gui.views.brain.brain_view import BrainView
from music_gui.views.brain.scene_toolbar import SceneToolbar


class Scene3D(QWidget):
    """The brain in three dimensions and what changes how it is shown.

    Parameters
    ----------
    session : Session
        Its scene is shown.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.toolbar = SceneToolbar(session)
        self.view = BrainView(session)
        self.toolbar.picture_wanted.connect(self._ask_where_to_save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.toolbar)
        layout.addWidget(self.view, 1)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close the view too: Qt tells only windows."""
        self.view.close()
        super().closeEvent(event)

    def save_picture(self, path: Path) -> None:
        """Save the view as it is seen, without its buttons, as PNG."""
        if self.view.picture().save(str(path), "PNG"):
            return
        error = MusicError(
            "the picture could not be saved",
            where=str(path),
            remedy="Choose a folder that you may write to",
        )
        self._session.failed.emit(error)

    def _ask_where_to_save(self) -> None:
        settings = self._session.settings
        name = f"brain-C{self._session.scene.scale or 0}.png"
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Save picture", str(Path(settings.last_folder) / name), "PNG (*.png)"
        )
        if chosen:
            settings.last_folder = str(Path(chosen).parent)
            self.save_picture(Path(chosen).with_suffix(".png"))
