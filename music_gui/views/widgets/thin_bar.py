"""A thin progress bar that is painted with everything else, never in between."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

_HEIGHT = 6


class ThinBar(QWidget):
    """Shows a fraction from 0 to 1.

    `QProgressBar` repaints itself inside ``setValue``, and beside a 3D view each such repaint
    composes the whole window anew.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fraction = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        follow(self, palette.theme_changed, lambda _: self.update())

    @property
    def fraction(self) -> float:
        """What is shown."""
        return self._fraction

    def set_fraction(self, fraction: float) -> None:
        """Show another fraction."""
        if fraction != self._fraction:
            self._fraction = fraction
            self.setAccessibleName(f"{fraction:.0%} done")
            self.update()

    def sizeHint(self) -> QSize:
        """Return the bar's height and some width."""
        return QSize(120, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the groove and the part that is done."""
        theme = palette.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        groove = QRectF(0, (self.height() - _HEIGHT) / 2, self.width(), _HEIGHT)
        done = QRectF(groove)
        done.setWidth(max(groove.width() * self._fraction, _HEIGHT))
        for rect, color in ((groove, theme.field), (done, theme.accent)):
            painter.setBrush(QColor(color))
            painter.drawRoundedRect(rect, _HEIGHT / 2, _HEIGHT / 2)
