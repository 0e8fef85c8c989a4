"""What can be done with PSCs in the 3D view: the entries of its menu, and their keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from music_gui.state.brain_scene import BrainScene

#: So many PSCs are named at the top of the menu.
_NAMED = 3


@dataclass(frozen=True)
class _Entry:
    """An entry: what it says, its key, what it does with PSCs, and whether it needs any."""

    text: str
    keys: str
    act: Callable[[list[str]], object]
    needs_pscs: bool = True


class SceneActions:
    """Acts on the selected PSCs, or on the one that was asked about with the right button.

    Parameters
    ----------
    scene : BrainScene
        What is changed.
    widget : QWidget
        While it has the focus, the keys work.
    centre : callable
        Takes a PSC's name and brings it to the middle of the view.
    """

    def __init__(self, scene: BrainScene, widget: QWidget, centre: Callable[[str], object]) -> None:
        self._scene, self._widget = scene, widget
        self._groups = (
            (
                _Entry("&Centre", "C", lambda names: centre(names[0])),
                _Entry("&Hide", "H", lambda names: scene.hide(*names)),
                _Entry("Show &only", "O", lambda names: scene.show_only(*names)),
            ),
            (
                _Entry("&Undo hiding", "U", lambda _: scene.undo_hiding(), needs_pscs=False),
                _Entry("Show &all", "Shift+H", lambda _: scene.show_all(), needs_pscs=False),
                _Entry("&Fade the others", "G", self._toggle_ghost, needs_pscs=False),
            ),
            (_Entry("Copy &name", "Ctrl+C", self._copy),),
        )
        for entry in (each for group in self._groups for each in group):
            action = self._action(entry, widget, self._selected)
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            widget.addAction(action)

    def menu(self, asked: str | None) -> QMenu:
        """Make the menu for a PSC under the mouse; None is about the selected ones."""
        names = self._selected() if asked in (None, *self._selected()) else [str(asked)]
        menu = QMenu(self._widget)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if names:
            title = QAction(_titled(names), menu)
            title.setEnabled(False)
            menu.addAction(title)
        for group in self._groups:
            menu.addSeparator()
            for entry in group:
                action = self._action(entry, menu, lambda: names)
                action.setEnabled(self._is_of_use(entry, names))
                menu.addAction(action)
        return menu

    def _action(self, entry: _Entry, parent: QWidget, names: Callable[[], list[str]]) -> QAction:
        action = QAction(entry.text, parent)
        action.setShortcut(QKeySequence(entry.keys))

        def act() -> None:
            if names() or not entry.needs_pscs:
                entry.act(names())

        action.triggered.connect(lambda _=False: act())
        return action

    def _is_of_use(self, entry: _Entry, names: list[str]) -> bool:
        if entry.keys == "U":
            return self._scene.can_undo_hiding
        if entry.keys == "Shift+H":
            return bool(self._scene.hidden)
        return bool(names) or not entry.needs_pscs

    def _selected(self) -> list[str]:
        """Return the selected PSCs, the one that all panels tell about first."""
        others = sorted(self._scene.also_selected)
        return others if self._scene.selected is None else [self._scene.selected, *others]

    def _toggle_ghost(self, _: list[str]) -> None:
        self._scene.ghost = not self._scene.ghost

    def _copy(self, names: list[str]) -> None:
        QGuiApplication.clipboard().setText("\n".join(names))


def _titled(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
