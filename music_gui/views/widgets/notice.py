"""A strip across the window that says what went wrong and what to do about it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from music_gui.core.errors import MusicError
from music_gui.views.widgets import palette
from music_gui.views.widgets.colored_label import ColoredLabel
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icon_button import IconButton
from music_gui.views.widgets.icon_label import IconLabel

_SELECT = Qt.TextInteractionFlag.TextSelectableByMouse


class Notice(QFrame):
    """Shows the newest error until it is dismissed; hidden otherwise."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self._what = ColoredLabel(color="text", style="font-weight: 600")
        self._more = ColoredLabel()
        for label in (self._what, self._more):
            label.setWordWrap(True)
            label.setTextInteractionFlags(label.textInteractionFlags() | _SELECT)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self._what)
        texts.addWidget(self._more)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 8, 8, 8)
        layout.setSpacing(10)
        layout.addWidget(IconLabel("mdi6.alert-circle", "bad", 20))
        layout.addLayout(texts, 1)
        layout.addWidget(IconButton("mdi6.close", "Dismiss this message (Esc)", self.hide))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        follow(self, palette.theme_changed, self._dress)
        self._dress(palette.current())
        self.hide()

    def show_error(self, error: MusicError) -> None:
        """Show an error in place of the one before."""
        self._what.setText(error.what[:1].upper() + error.what[1:])
        parts = [part.rstrip(".") for part in (error.where, error.why, error.remedy) if part]
        self._more.setText(". ".join(parts) + "." if parts else "")
        self._more.setVisible(bool(parts))
        self.setAccessibleName(str(error))
        self.show()

    def _dress(self, theme: palette.Theme) -> None:
        self.setStyleSheet(
            f"#notice {{ background: {theme.raised}; border-left: 4px solid {theme.bad}; }}"
        )
