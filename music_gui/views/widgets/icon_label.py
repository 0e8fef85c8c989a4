"""A label that shows an icon in one of the theme's colours."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QWidget

from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icons import pixmap


class IconLabel(QLabel):
    """An icon.

    Parameters
    ----------
    icon : str
        Name of a qtawesome icon.
    color : str
        Name of one of the theme's colours, for example ``accent``.
    size : int
        Edge length in pixels.
    """

    def __init__(
        self, icon: str, color: str = "muted", size: int = 18, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._icon, self._color, self._size = icon, color, size
        self.setFixedSize(size, size)
        follow(self, palette.theme_changed, self._draw)
        self._draw(palette.current())

    def show_icon(self, icon: str, color: str) -> None:
        """Show another icon or colour."""
        if (icon, color) != (self._icon, self._color):
            self._icon, self._color = icon, color
            self._draw(palette.current())

    def _draw(self, theme: palette.Theme) -> None:
        self.setPixmap(pixmap(self._icon, getattr(theme, self._color), self._size))
