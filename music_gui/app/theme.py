"""Dress the application: Fusion, a palette and one style sheet, from the named colours."""

from __future__ import annotations

from string import Template

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from music_gui.io.resources import resource
from music_gui.views.widgets import palette
from music_gui.views.widgets.palette import Theme

_ROLES = {
    QPalette.ColorRole.Window: "window",
    QPalette.ColorRole.WindowText: "text",
    QPalette.ColorRole.Base: "field",
    QPalette.ColorRole.AlternateBase: "window",
    QPalette.ColorRole.Text: "text",
    QPalette.ColorRole.PlaceholderText: "muted",
    QPalette.ColorRole.Button: "raised",
    QPalette.ColorRole.ButtonText: "text",
    QPalette.ColorRole.BrightText: "bad",
    QPalette.ColorRole.ToolTipBase: "raised",
    QPalette.ColorRole.ToolTipText: "text",
    QPalette.ColorRole.Highlight: "selection",
    QPalette.ColorRole.HighlightedText: "text",
    QPalette.ColorRole.Link: "accent",
    QPalette.ColorRole.LinkVisited: "accent",
    QPalette.ColorRole.Accent: "accent",
    QPalette.ColorRole.Light: "hover",
    QPalette.ColorRole.Midlight: "hover",
    QPalette.ColorRole.Mid: "border",
    QPalette.ColorRole.Dark: "border",
    QPalette.ColorRole.Shadow: "border",
}

_MUTED_WHEN_DISABLED = (
    QPalette.ColorRole.WindowText,
    QPalette.ColorRole.Text,
    QPalette.ColorRole.ButtonText,
)


class ThemeSwitch:
    """Puts a theme in use, and follows the desktop's where the user wants that.

    Parameters
    ----------
    application : QApplication
        What is dressed.
    """

    def __init__(self, application: QApplication) -> None:
        self._application = application
        self._name = "dark"
        application.setStyle("Fusion")
        application.styleHints().colorSchemeChanged.connect(self._on_desktop_changed)

    def use(self, name: str) -> None:
        """Put a theme in use: ``dark``, ``light`` or ``system``."""
        self._name = name
        theme = self._chosen(name)
        self._application.setPalette(_qt_palette(theme))
        self._application.setStyleSheet(style_sheet(theme))
        palette.set_current(theme)

    def _chosen(self, name: str) -> Theme:
        if name == "system":
            scheme = self._application.styleHints().colorScheme()
            return palette.LIGHT if scheme == Qt.ColorScheme.Light else palette.DARK
        return palette.LIGHT if name == "light" else palette.DARK

    def _on_desktop_changed(self, scheme: Qt.ColorScheme) -> None:
        if self._name == "system":
            self.use("system")


def style_sheet(theme: Theme) -> str:
    """Fill the style sheet's template with a theme's colours."""
    template = Template(resource("style/window.qss").read_text(encoding="utf-8"))
    return template.substitute(vars(theme), icons=resource("icons").as_posix())


def _qt_palette(theme: Theme) -> QPalette:
    filled = QPalette()
    for role, color in _ROLES.items():
        filled.setColor(role, QColor(getattr(theme, color)))
    for role in _MUTED_WHEN_DISABLED:
        filled.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.disabled))
    return filled
