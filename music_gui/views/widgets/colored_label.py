"""A label in one of the theme's colours."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow


class ColoredLabel(QLabel):
    """Text in one of the theme's colours.

    Parameters
    ----------
    text : str
        What it says.
    color : str
        Name of one of the theme's colours, for example ``muted``.
    style : str
        More of its style sheet, for example ``font-weight: 600``.
    """

    def __init__(
        self, text: str = "", color: str = "muted", style: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(text, parent)
        # Names and reasons come from files: what looks like HTML in them is text too.
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._color, self._style = color, style
        follow(self, palette.theme_changed, self._dress)
        self._dress(palette.current())

    def _dress(self, theme: palette.Theme) -> None:
        self.setStyleSheet(f"color: {getattr(theme, self._color)}; {self._style}")
