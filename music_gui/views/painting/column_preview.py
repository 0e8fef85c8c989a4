"""A column before it is painted: how its values are spread, and the facts."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from music_gui.core.atlas import Atlas
from music_gui.state.painted_values import PaintedValues, paint
from music_gui.state.psc_column import PscColumn
from music_gui.views.brain.psc_text import format_value
from music_gui.views.widgets import palette
from music_gui.views.widgets.colored_label import ColoredLabel
from music_gui.views.widgets.follow import follow

_BINS = 40
_N_EXAMPLES = 4


class ColumnPreview(QWidget):
    """Shows title, histogram and facts of a column at one scale."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = ColoredLabel(color="text", style="font-weight: 600")
        self._histogram = _Histogram()
        self._facts = ColoredLabel()
        self._notes = ColoredLabel(color="warning")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for label in (self._title, self._facts, self._notes):
            label.setWordWrap(True)
        for widget in (self._title, self._histogram, self._facts, self._notes):
            layout.addWidget(widget)
        layout.addStretch(1)

    @property
    def facts(self) -> QLabel:
        """The label with the facts."""
        return self._facts

    def show_column(self, column: PscColumn, atlas: Atlas, scale: int) -> None:
        """Show a column as it would colour a scale."""
        painted = paint(column, atlas, scale)
        self._histogram.show()
        self._title.setText(column.full_title)
        self._histogram.show_values(painted)
        self._facts.setText(_facts(painted, scale))
        self._notes.setText("\n".join(column.notes))
        self._notes.setVisible(bool(column.notes))

    def show_words(self, words: str) -> None:
        """Say what will be painted that is not read yet."""
        self._title.setText("")
        self._histogram.hide()
        self._facts.setText(words)
        self._notes.hide()


def _facts(painted: PaintedValues, scale: int) -> str:
    column = painted.column
    values = painted.values[np.isfinite(painted.values)]
    lines = [f"From {column.source}"] if column.source else []
    if values.size == 0:
        return "\n".join([*lines, f"No values at C = {scale}", f"{len(column.values)} at others"])
    low, middle, high = (format_value(float(each)) for each in np.percentile(values, [0, 50, 100]))
    lines.append(f"{values.size} values at C = {scale}, {len(column.values)} at all scales")
    if painted.n_missing:
        lines.append(f"{painted.n_missing} PSCs without a value")
    lines.append(f"Smallest {low}, median {middle}, largest {high}")
    order = np.argsort(-np.nan_to_num(np.abs(painted.values), nan=-np.inf), kind="stable")
    examples = [
        f"{painted.names[at]} {format_value(float(painted.values[at]))}"
        for at in order[: min(_N_EXAMPLES, values.size)]
    ]
    lines.append(f"Foremost: {', '.join(examples)}")
    lines.append("Has p-values for thresholds" if column.neg_log_10_p is not None
                 else "Has no p-values")  # fmt: skip
    return "\n".join(lines)


class _Histogram(QWidget):
    """Bars of the values in the colours that they would have."""

    def __init__(self) -> None:
        super().__init__()
        self._painted: PaintedValues | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Spread of the values")
        follow(self, palette.theme_changed, lambda _: self.update())

    def sizeHint(self) -> QSize:
        """Return room for bars."""
        return QSize(260, 96)

    def show_values(self, painted: PaintedValues) -> None:
        """Show other values."""
        self._painted = painted
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw a bar for each bin between the ends of the range."""
        painted, theme = self._painted, palette.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.plot_background))
        if painted is None or painted.n_values == 0:
            return
        values = np.clip(painted.values[np.isfinite(painted.values)], painted.low, painted.high)
        counts, _ = np.histogram(values, bins=_BINS, range=(painted.low, painted.high))
        table = palette.color_map(painted.column.style.color_map or painted.column.kind)
        width, height = self.width() / _BINS, self.height() - 4
        for at, count in enumerate(counts.tolist()):
            if count:
                tall = max(height * count / counts.max(), 2.0)
                bar = QRectF(at * width + 0.5, self.height() - tall, max(width - 1, 1), tall)
                painter.fillRect(bar, QColor(*table[round((at + 0.5) * 255 / _BINS)].tolist()))
