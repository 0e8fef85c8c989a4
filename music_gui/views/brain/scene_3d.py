"""The 3D panel: the scene's toolbar over the 3D view."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from music_gui.core.errors import MusicError
from music_gui.state.dropped_files import table_in
from music_gui.state.session import Session
from music_gui.views.brain.brain_view import BrainView
from music_gui.views.brain.cut_bar import CutBar
from music_gui.views.brain.paint_bar import PaintBar
from music_gui.views.brain.painting_drop import can_paint, dropped_paths
from music_gui.views.brain.scene_toolbar import SceneToolbar
from music_gui.views.brain.views_menu import ViewsMenu
from music_gui.views.painting.paint_chooser import PaintChooser


class Scene3D(QWidget):
    """The brain in three dimensions and what changes how it is shown.

    A table that is dropped here is painted.

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
        self.paint_bar = PaintBar(session)
        self.cut_bar = CutBar(session)
        self.cut_bar.setVisible(bool(session.view_3d.cuts))
        self.chooser: PaintChooser | None = None
        self.views_menu = ViewsMenu(session, self._view_size, self)
        self.toolbar.set_views_menu(self.views_menu)
        self.setAcceptDrops(True)
        self.toolbar.picture_wanted.connect(self._ask_where_to_save)
        self.toolbar.chooser_wanted.connect(self.open_chooser)
        self.toolbar.cuts_toggled.connect(self.cut_bar.setVisible)
        self.paint_bar.export_wanted.connect(self._ask_where_to_export)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.toolbar)
        layout.addWidget(self.paint_bar)
        layout.addWidget(self.cut_bar)
        layout.addWidget(self.view, 1)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close the view too: Qt tells only windows."""
        self.view.close()
        if self.chooser is not None:
            self.chooser.close()
        super().closeEvent(event)

    # -- painting --------------------------------------------------------------------------

    def open_chooser(self) -> PaintChooser:
        """Open the list of everything that can be painted, or bring it to the front."""
        if self.chooser is None:
            self.chooser = PaintChooser(self._session, self)
        self.chooser.show()
        self.chooser.raise_()
        return self.chooser

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept one table to paint; anything else is for the window."""
        if can_paint(self._session.scene, dropped_paths(event)):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Paint the table that was dropped."""
        if (table := table_in(dropped_paths(event))) is not None:
            event.acceptProposedAction()
            self._session.painting.open_table(table)

    def _view_size(self) -> tuple[int, int]:
        """Return the pixels of the 3D view."""
        ratio = self.view.devicePixelRatioF()
        return round(self.view.width() * ratio), round(self.view.height() * ratio)

    # -- pictures --------------------------------------------------------------------------

    def export(self, path: Path) -> None:
        """Save the view as PNG, and the painted values beside it as a table."""
        if self.save_picture(path):
            study = self._session.study
            simulated = study is not None and study.manifest.simulated
            self._session.painting.export(path, simulated=simulated)

    def save_picture(self, path: Path) -> bool:
        """Save the view as it is seen, without its buttons, as PNG; tell whether it was saved."""
        if self.view.picture().save(str(path), "PNG"):
            return True
        error = MusicError(
            "the picture could not be saved",
            where=str(path),
            remedy="Choose a folder that you may write to",
        )
        self._session.failed.emit(error)
        return False

    def _ask_where_to_save(self) -> None:
        name = f"brain-C{self._session.scene.scale or 0}.png"
        if (path := self._ask_for_png("Save picture", name)) is not None:
            self.save_picture(path)

    def _ask_where_to_export(self) -> None:
        column, scale = self._session.scene.painted, self._session.scene.scale
        words = re.sub(r"[^\w.-]+", "-", column.title).strip("-") if column is not None else "brain"
        title = "Export the figure: the values are written beside it as .tsv and .json"
        if (path := self._ask_for_png(title, f"{words}-C{scale or 0}.png")) is not None:
            self.export(path)

    def _ask_for_png(self, title: str, name: str) -> Path | None:
        settings = self._session.settings
        chosen, _ = QFileDialog.getSaveFileName(
            self, title, str(Path(settings.last_folder) / name), "PNG (*.png)"
        )
        if not chosen:
            return None
        settings.last_folder = str(Path(chosen).parent)
        return Path(chosen).with_suffix(".png")
