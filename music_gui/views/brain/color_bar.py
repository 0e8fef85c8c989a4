"""The colour bar of the painted column: colours, range, threshold, and how many PSCs pass."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from music_gui.state.brain_scene import BrainScene
from music_gui.state.painted_values import PaintedValues, painted_values
from music_gui.views.brain.psc_colors import is_painted
from music_gui.views.brain.psc_text import format_value
from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

_BAR_HEIGHT = 10
_MARGIN = 8

#: Over the brain the bar stays readable, and what lies behind it is seen.
_BACK_ALPHA = 190
_LEFT, _RIGHT = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight


class ColorBar(QWidget):
    """Shows title, unit, colours, range and threshold; without a column, takes no place.

    Parameters
    ----------
    scene : BrainScene
        Its `painted` column is shown as it colours the scene's scale.
    """

    def __init__(self, scene: BrainScene, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene = scene
        self._painted: PaintedValues | None = None
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        for changed in (scene.events.painted, scene.events.scale, scene.events.atlas):
            follow(self, changed, self._on_painted)
        follow(self, palette.theme_changed, self._on_theme)
        self._on_painted()

    def sizeHint(self) -> QSize:
        """Return room for three lines of text and the bar."""
        height = 3 * self.fontMetrics().height() + _BAR_HEIGHT + 2 * _MARGIN + 6
        return QSize(270, height)

    def _on_painted(self, *_: object) -> None:
        self._painted = painted_values(self._scene)
        self.setVisible(self._painted is not None)
        if self._painted is not None:
            self.setAccessibleName(describe_colors(self._scene, self._painted))
        self.update()

    def _on_theme(self, theme: palette.Theme) -> None:
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw title, bar, range, threshold and count."""
        painted = self._painted
        if painted is None:
            return
        theme, line = palette.current(), self.fontMetrics().height()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = self.width() - 2 * _MARGIN
        back = QColor(theme.panel)
        back.setAlpha(_BACK_ALPHA)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(back)
        painter.drawRoundedRect(self.rect(), 6, 6)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        self._write(painter, QRectF(_MARGIN, _MARGIN, width, line), painted.column.full_title,
                    theme.text)  # fmt: skip
        top = _MARGIN + line + 3
        if is_painted(self._scene):
            bar = QRectF(_MARGIN, top, width, _BAR_HEIGHT)
            _draw_bar(painter, bar, painted, theme)
            self._write_range(painter, bar, painted, theme)
            top = bar.bottom() + line + 3
        below = QRectF(_MARGIN, top, width, line)
        self._write(painter, below, status_text(self._scene, painted), theme.muted)

    def _write(self, painter: QPainter, room: QRectF, text: str, color: str) -> None:
        painter.setPen(QPen(QColor(color)))
        elided = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, _LEFT, elided)

    def _write_range(
        self, painter: QPainter, bar: QRectF, painted: PaintedValues, theme: palette.Theme
    ) -> None:
        """Write the ends of the range, and threshold and zero where there is place for them."""
        metrics = self.fontMetrics()
        below = QRectF(bar.left(), bar.bottom() + 1, bar.width(), metrics.height())
        ends = _range_texts(painted)
        painter.setPen(QPen(QColor(theme.muted)))
        painter.drawText(below, _LEFT, ends[0])
        painter.drawText(below, _RIGHT, ends[1])
        taken = [
            (bar.left(), bar.left() + metrics.horizontalAdvance(ends[0])),
            (bar.right() - metrics.horizontalAdvance(ends[1]), bar.right()),
        ]
        marks = [(line, theme.text) for line in threshold_lines(painted)]
        if painted.low < 0 < painted.high:
            marks.append((0.0, theme.muted))
        for value, color in marks:
            text, x = format_value(value), bar.left() + bar.width() * _place(painted, value)
            half = metrics.horizontalAdvance(text) / 2 + 3
            if all(x + half < left or x - half > right for left, right in taken):
                taken.append((x - half, x + half))
                painter.setPen(QPen(QColor(color)))
                painter.drawText(QRectF(x - half, below.top(), 2 * half, below.height()),
                                 Qt.AlignmentFlag.AlignHCenter, text)  # fmt: skip


def threshold_lines(painted: PaintedValues) -> list[float]:
    """Return where ticks of the threshold lie within the range: on both sides if diverging."""
    if painted.threshold is None:
        return []
    line = painted.threshold
    lines = [-line, line] if painted.column.kind == "diverging" else [line]
    return [each for each in lines if painted.low <= each <= painted.high]


def status_text(scene: BrainScene, painted: PaintedValues) -> str:
    """Say how many PSCs have a value and pass, and what passing means."""
    if not is_painted(scene):
        return f"No values at C = {scene.scale}: each PSC has its own colour"
    parts = []
    if painted.level:
        parts.append(f"{painted.n_passed} of {painted.n_values} pass")
        line = painted.threshold
        shows_line = line is not None and painted.column.style.threshold in ("value", "top")
        if shows_line and line is not None:
            parts.append(f"{painted.level.lower()} {format_value(line)}")
        else:
            parts.append(painted.level.partition(": ")[2])
    else:
        parts.append(f"{painted.n_values} PSCs")
    if painted.n_missing:
        parts.append(f"{painted.n_missing} without a value")
    return "  ·  ".join(parts)


def describe_colors(scene: BrainScene, painted: PaintedValues) -> str:
    """Say all of a colour bar in words."""
    low, high = _range_texts(painted)
    title = painted.column.full_title
    return f"Colours show {title} from {low} to {high}. {status_text(scene, painted)}"


def _range_texts(painted: PaintedValues) -> tuple[str, str]:
    """Write the ends of the range; the upper one says if a value was too large to be printed."""
    bounds = painted.column.at_least
    is_bound = any(
        value >= painted.high and name in bounds
        for name, value in zip(painted.names, painted.values, strict=True)
    )
    high = format_value(painted.high)
    return format_value(painted.low), f"≥ {high}" if is_bound else high


def _place(painted: PaintedValues, value: float) -> float:
    return (value - painted.low) / (painted.high - painted.low)


def _draw_bar(painter: QPainter, bar: QRectF, painted: PaintedValues, theme: palette.Theme) -> None:
    """Draw colours, grey where values do not pass, ticks, and arrows where values lie beyond."""
    table = palette.color_map(painted.column.style.color_map or painted.column.kind)
    colors = np.ascontiguousarray(table[None])
    painter.drawImage(bar, QImage(colors.data, 256, 1, 768, QImage.Format.Format_RGB888))
    if painted.threshold is not None:
        _grey_below(painter, bar, painted, QColor(theme.below_threshold))
    painter.setPen(QPen(QColor(theme.text), 1.5))
    for line in threshold_lines(painted):
        x = bar.left() + bar.width() * _place(painted, line)
        painter.drawLine(QPointF(x, bar.top() - 2), QPointF(x, bar.bottom() + 2))
    values = painted.values[np.isfinite(painted.values)]
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.text))
    middle, reach = bar.center().y(), _BAR_HEIGHT / 2
    for beyond, x, tip in (
        ((values < painted.low).any(), bar.left(), -_MARGIN / 2 - 1),
        ((values > painted.high).any(), bar.right(), _MARGIN / 2 + 1),
    ):
        if beyond:
            corners = [
                QPointF(x, middle - reach),
                QPointF(x + tip, middle),
                QPointF(x, middle + reach),
            ]
            painter.drawPolygon(QPolygonF(corners))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _grey_below(painter: QPainter, bar: QRectF, painted: PaintedValues, grey: QColor) -> None:
    line = painted.threshold or 0.0
    ends = (-line, line) if painted.column.kind == "diverging" else (painted.low, line)
    left, right = (float(np.clip(_place(painted, end), 0, 1)) for end in ends)
    if right > left:
        part = QRectF(bar.left() + left * bar.width(), bar.top(), (right - left) * bar.width(),
                      bar.height())  # fmt: skip
        painter.fillRect(part, grey)
