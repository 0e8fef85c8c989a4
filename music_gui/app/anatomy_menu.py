"""The menu in which one chooses by which anatomical atlas the PSCs are described."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from music_gui.views.widgets.follow import follow

if TYPE_CHECKING:
    from music_gui.state.session import Session


class AnatomyMenu(QMenu):
    """The built-in atlas, the study's, the user's own, and the way to import another.

    Parameters
    ----------
    session : Session
        Its anatomical atlas is chosen.
    """

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__("Anatomical &atlas", parent)
        self._anatomy = session.anatomy
        self._import: QAction | None = None
        follow(self, session.anatomy.choices_changed, self._fill)
        follow(self, session.settings.events.anatomical_atlas, self._fill)
        self._fill()

    def offer_import(self, action: QAction) -> None:
        """Put the action that imports another atlas last."""
        self._import = action
        self._fill()

    def _fill(self, *_: Any) -> None:
        self.clear()
        group = QActionGroup(self)
        built_in, *others = self._anatomy.choices or ("Built-in",)
        chosen = self._anatomy.chosen if self._anatomy.chosen in others else ""
        for text, name in ((built_in, ""), *((each, each) for each in others)):
            action = self.addAction(text.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(name == chosen)
            action.triggered.connect(lambda _=False, name=name: self._anatomy.choose(name))
            group.addAction(action)
        if self._import is not None:
            self.addSeparator()
            self.addAction(self._import)
