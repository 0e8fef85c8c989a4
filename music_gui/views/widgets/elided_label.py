"""A label of one line that ends in dots where it is too long for its place."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow


class ElidedLabel(QLabel):
    """One line of text; the tooltip shows all of it.

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
        self._color, self._mode = color, mode
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setText(text)
        follow(self, palette.theme_changed, lambda _: self.update())

    def setText(self, text: str) -> None:
        """Say something else."""
        super().setText(text)
        self.setToolTip(text)

    def minimumSizeHint(self) -> QSize:
        """Return the size of a few letters."""
        return QSize(
            self.fontMetrics().horizontalAdvance("xxx…"), super().minimumSizeHint().height()
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw as much of the text as there is place for."""
        rect = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text(), self._mode, rect.width())
        painter = QPainter(self)
        painter.setPen(QColor(getattr(palette.current(), self._color)))
        painter.drawText(rect, int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), text)
