"""The mark that data are made up, shown wherever they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

if TYPE_CHECKING:
    from music_gui.state.session import Session


class SimulatedBadge(QLabel):
    """Says ``simulated`` while the open study is; otherwise it takes no place.

    Parameters
    ----------
    session : Session
        The open study.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("simulated", parent)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setToolTip("The data of this study are made up by the program")
        follow(self, session.study_changed, self._on_study)
        follow(self, palette.theme_changed, self._on_theme)
        self._on_theme(palette.current())
        self._on_study(session.study)

    def _on_study(self, study: Any) -> None:
        self.setVisible(study is not None and study.manifest.simulated)

    def _on_theme(self, theme: palette.Theme) -> None:
        self.setStyleSheet(
            f"color: {theme.warning}; border: 1px solid {theme.warning}; border-radius: 6px;"
            "padding: 0 6px; margin: 2px 4px; font-size: 11px;"
        )
