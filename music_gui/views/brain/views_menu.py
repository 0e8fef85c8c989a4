"""The menu of saved views: save, show again, delete, and copy as a script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu, QMessageBox, QWidget

from music_gui.core.errors import MusicError
from music_gui.state.session import Session
from music_gui.views.brain.view_drawing import view_drawing
from music_gui.views.widgets.follow import follow


class ViewsMenu(QMenu):
    """What can be done with views; the saved ones are listed.

    Parameters
    ----------
    session : Session
        Its views are listed, shown and changed.
    size : callable
        Returns width and height of the 3D view in pixels.
    parent : QWidget
        Of the dialogs.
    """

    def __init__(
        self, session: Session, size: Callable[[], tuple[int, int]], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._session, self._views, self._size = session, session.saved_views, size
        self.save = self._add("&Save view…", self._ask_name)
        self.addSeparator()
        self._place_of_names = self.addSeparator()
        self._named: list[QAction] = []
        self.delete_menu = self.addMenu("&Delete")
        self.addSeparator()
        self.copy_script = self._add("&Copy view as Python script", self._copy_script)
        self.save_script = self._add("Save view as &Python script…", self._ask_where)
        follow(self, self._views.changed, self._list)
        self.aboutToShow.connect(self._enable)
        self._list(self._views.names)

    def _add(self, text: str, call: Callable[[], object]) -> QAction:
        action = self.addAction(text)
        action.triggered.connect(lambda _=False: call())
        return action

    def _list(self, names: tuple[str, ...]) -> None:
        for action in self._named:
            self.removeAction(action)
            action.deleteLater()
        self.delete_menu.clear()
        self._named = []
        for name in names:
            action = QAction(name.replace("&", "&&"), self)
            action.setToolTip(f"Show the view {name} again")
            action.triggered.connect(lambda _=False, name=name: self._views.restore(name))
            self.insertAction(self._place_of_names, action)
            self._named.append(action)
            away = self.delete_menu.addAction(f"{name}…".replace("&", "&&"))
            away.triggered.connect(lambda _=False, name=name: self._ask_delete(name))

    def _enable(self) -> None:
        """Offer what there is something to do with."""
        has_atlas = self._session.study is not None and self._session.scene.atlas is not None
        for action in (self.save, self.copy_script, self.save_script):
            action.setEnabled(has_atlas)
        self.delete_menu.setEnabled(bool(self._views.names))

    # -- saving and deleting ---------------------------------------------------------------

    def _ask_name(self) -> None:
        dialog = QInputDialog(self.parentWidget())
        dialog.setWindowTitle("Save view")
        dialog.setLabelText("Name of the view:")
        dialog.setTextValue(self._free_name())
        dialog.textValueSelected.connect(self.save_as)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _free_name(self) -> str:
        number = 1
        while f"view-{number}" in self._views.names:
            number += 1
        return f"view-{number}"

    def save_as(self, name: str) -> None:
        """Save the view; one of the same name is replaced if the user wants that."""
        name = "-".join(name.split())
        if name in self._views.names:
            self._ask(f"Replace the view {name}?", lambda: self._views.save(name))
        else:
            self._views.save(name)

    def _ask_delete(self, name: str) -> None:
        self._ask(f"Delete the view {name}?", lambda: self._views.delete(name))

    def _ask(self, question: str, act: Callable[[], object]) -> None:
        buttons = QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.Cancel
        icon = QMessageBox.Icon.Question
        box = QMessageBox(icon, "Saved views", question, buttons, self.parentWidget())
        yes = QMessageBox.StandardButton.Yes
        box.finished.connect(lambda answer: act() if answer == yes.value else None)
        box.finished.connect(box.deleteLater)
        box.open()

    # -- scripts ---------------------------------------------------------------------------

    def script(self) -> str | None:
        """Return the view as a script; None, and `Session.failed`, if there is no view."""
        from music_gui.io.view_script import view_script

        try:
            return view_script(view_drawing(self._session, self._size()))
        except MusicError as error:
            self._session.failed.emit(error)
            return None

    def _copy_script(self) -> None:
        if (text := self.script()) is not None:
            QGuiApplication.clipboard().setText(text)

    def _ask_where(self) -> None:
        if (text := self.script()) is None:
            return
        settings = self._session.settings
        start = Path(settings.last_folder) / f"brain-C{self._session.scene.scale or 0}.py"
        chosen, _ = QFileDialog.getSaveFileName(
            self.parentWidget(), "Save view as Python script", str(start), "Python (*.py)"
        )
        if chosen:
            settings.last_folder = str(Path(chosen).parent)
            self.write_script(Path(chosen).with_suffix(".py"), text)

    def write_script(self, path: Path, text: str) -> None:
        """Write a script; `Session.failed` tells if that can't be done."""
        from music_gui.io.atomic import write_text

        self._session.background.request(
            lambda: write_text(path, text), lambda _: None, self._session.failed.emit
        )
