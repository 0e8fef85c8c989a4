"""What a panel shows while it has nothing to show: why, and what to do about it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icons import pixmap

_ICON_SIZE = 44


class EmptyState(QWidget):
    """An icon, a title, a sentence and, where there is one, the button that helps.

    Parameters
    ----------
    icon : str
        Name of a qtawesome icon.
    title, text : str
        Why it is empty, and what to do.
    action : QAction, optional
        What the button does.
    """

    def __init__(
        self,
        icon: str,
        title: str,
        text: str,
        action: QAction | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon_name = icon
        self._icon = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._title = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._title.setObjectName("emptyTitle")
        self._text = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._text.setObjectName("emptyText")
        self._text.setWordWrap(True)
        self._button = QPushButton()
        self._action: QAction | None = None
        self._button.clicked.connect(self._on_clicked)
        layout = QVBoxLayout(self)
        layout.addStretch(1)
        for widget in (self._icon, self._title, self._text):
            layout.addWidget(widget)
        layout.addWidget(self._button, alignment=Qt.AlignmentFlag.AlignCenter)
        layout.addStretch(1)
        self.set_action(action)
        self.set_text(title, text)
        follow(self, palette.theme_changed, self._on_theme)
        self._on_theme(palette.current())

    def set_text(self, title: str, text: str) -> None:
        """Change what it says."""
        self._title.setText(title)
        self._text.setText(text)
        self.setAccessibleName(f"{title}. {text}")

    def set_action(self, action: QAction | None) -> None:
        """Change what the button does; without an action there is no button."""
        self._action = action
        self._button.setVisible(action is not None)
        if action is not None:
            self._button.setText(action.text().replace("&", ""))

    def _on_clicked(self) -> None:
        if self._action is not None:
            self._action.trigger()

    def _on_theme(self, theme: palette.Theme) -> None:
        self._icon.setPixmap(pixmap(self._icon_name, theme.disabled, _ICON_SIZE))
        self._title.setStyleSheet(f"color: {theme.text}; font-weight: 600")
        self._text.setStyleSheet(f"color: {theme.muted}")
