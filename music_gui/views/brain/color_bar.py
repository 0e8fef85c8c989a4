"""The colour bar of the painted column."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from music_gui.state.brain_scene import BrainScene, PscColumn
from music_gui.views.brain.psc_text import format_value
from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

_BAR_HEIGHT = 10
_MARGIN = 8


class ColorBar(QWidget):
    """Shows title, unit, colours and range of what is painted; without it, takes no place.

    Parameters
    ----------
    scene : BrainScene
        Its `painted` column is shown.
    """

    def __init__(self, scene: BrainScene, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column: PscColumn | None = None
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        follow(self, scene.events.painted, self._on_painted)
        follow(self, palette.theme_changed, self._on_theme)
        self._on_painted(scene.painted)

    def sizeHint(self) -> QSize:
        """Return room for two lines of text and the bar."""
        height = 2 * self.fontMetrics().height() + _BAR_HEIGHT + 2 * _MARGIN + 4
        return QSize(220, height)

    def _on_painted(self, column: PscColumn | None) -> None:
        self._column = column
        self.setVisible(column is not None)
        if column is not None:
            low, high = (format_value(limit) for limit in column.limits())
            self.setAccessibleName(f"Colours show {_title(column)} from {low} to {high}")
        self.update()

    def _on_theme(self, theme: palette.Theme) -> None:
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw title, bar, range and zero."""
        if self._column is None:
            return
        theme, line = palette.current(), self.fontMetrics().height()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = self.width() - 2 * _MARGIN
        title = self.fontMetrics().elidedText(
            _title(self._column), Qt.TextElideMode.ElideRight, width
        )
        painter.setPen(QPen(theme.text))
        painter.drawText(QRectF(_MARGIN, _MARGIN, width, line), Qt.AlignmentFlag.AlignLeft, title)
        bar = QRectF(_MARGIN, _MARGIN + line + 3, width, _BAR_HEIGHT)
        colors = np.ascontiguousarray(palette.color_map(self._column.kind)[None])
        image = QImage(colors.data, 256, 1, 768, QImage.Format.Format_RGB888)
        painter.drawImage(bar, image)
        below = QRectF(_MARGIN, bar.bottom() + 1, width, line)
        low, high = self._column.limits()
        painter.setPen(QPen(theme.muted))
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, format_value(low))
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, format_value(high))
        if self._column.kind == "diverging":
            painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, "0")


def _title(column: PscColumn) -> str:
    return f"{column.title} ({column.unit})" if column.unit else column.title
