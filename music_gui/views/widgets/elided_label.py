"""One line of text that ends in dots where it is too long for its place."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow


class ElidedLabel(QWidget):
    """One line of text; the tooltip shows all of it.

    Unlike a `QLabel` it never asks for another size, so that text which changes ten times a
    second lays nothing out anew.

    Parameters
    ----------
    text : str
        What it says.
    color : str
        Name of one of the theme's colours.
    mode : Qt.TextElideMode
        Which part gives way.
    """

    def __init__(
        self,
        text: str = "",
        color: str = "text",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._text, self._color, self._mode = "", color, mode
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setText(text)
        follow(self, palette.theme_changed, lambda _: self.update())

    def text(self) -> str:
        """Return all of the text."""
        return self._text

    def setText(self, text: str) -> None:
        """Say something else."""
        if text != self._text:
            self._text = text
            self.setToolTip(text)
            self.setAccessibleName(text)
            self.update()

    def sizeHint(self) -> QSize:
        """Return the height of a line and the width of some words."""
        return QSize(self.fontMetrics().horizontalAdvance("x" * 24), self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        """Return the size of a few letters."""
        return QSize(self.fontMetrics().horizontalAdvance("xxx…"), self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw as much of the text as there is place for."""
        painter = QPainter(self)
        painter.setPen(QColor(getattr(palette.current(), self._color)))
        text = self.fontMetrics().elidedText(self._text, self._mode, self.width())
        painter.drawText(
            self.rect(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text
        )
