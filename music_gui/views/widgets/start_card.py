"""A large button with an icon, a title and a sentence."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from music_gui.views.widgets.colored_label import ColoredLabel
from music_gui.views.widgets.icon_label import IconLabel


class StartCard(QPushButton):
    """A large button.

    Parameters
    ----------
    icon : str
        Name of a qtawesome icon.
    title, text : str
        What it does.
    """

    def __init__(self, icon: str, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("startCard")
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        body = ColoredLabel(text)
        body.setWordWrap(True)
        body.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        parts = (
            IconLabel(icon, "accent", 40),
            ColoredLabel(title, "text", "font-size: 13pt; font-weight: 600"),
            body,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(22, 22, 22, 20)
        layout.setSpacing(10)
        for part in parts:
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            layout.addWidget(part)
        layout.setStretch(2, 1)

    def sizeHint(self) -> QSize:
        """Return a size that suits three cards beside one another."""
        return QSize(300, 196)
