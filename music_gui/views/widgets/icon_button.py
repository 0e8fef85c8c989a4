"""A flat button that is only an icon, in the colours of the theme."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QToolButton, QWidget

from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icons import icon


class IconButton(QToolButton):
    """A flat button that is only an icon.

    Parameters
    ----------
    icon_name : str
        Name of a qtawesome icon.
    tip : str
        What it does: tooltip and name for screen readers.
    on_click : callable
        Called without arguments.
    """

    def __init__(
        self,
        icon_name: str,
        tip: str,
        on_click: Callable[[], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setIconSize(QSize(16, 16))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.clicked.connect(lambda: on_click())
        follow(self, palette.theme_changed, self._on_theme)
        self._on_theme(palette.current())

    def _on_theme(self, theme: palette.Theme) -> None:
        self.setIcon(icon(self._icon_name, theme.muted, active=theme.text, disabled=theme.disabled))
