"""The curves as a picture or a drawing that stands for itself, with a legend over the plots."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator

from music_gui.views.convergence.curve_plots import Curve, CurvePlots
from music_gui.views.widgets import palette

_PIXELS_A_POINT = 2
_LINE_HEIGHT, _MARGIN, _SAMPLE = 20, 12, 28


def picture_of(plots: CurvePlots, legend: Sequence[tuple[str, Curve]]) -> QImage:
    """Return the plots as a picture of twice the screen's resolution.

    Parameters
    ----------
    plots : CurvePlots
        As they are seen.
    legend : sequence of (str, Curve)
        What each curve is.
    """
    image = QImage(_size(plots, legend) * _PIXELS_A_POINT, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    painter.scale(_PIXELS_A_POINT, _PIXELS_A_POINT)
    _paint(painter, plots, legend)
    painter.end()
    return image


def drawing_of(plots: CurvePlots, legend: Sequence[tuple[str, Curve]]) -> bytes:
    """Return the plots as SVG; parameters as of `picture_of`."""
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    size = _size(plots, legend)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRect(0, 0, size.width(), size.height()))
    generator.setTitle("Convergence")
    plots.set_export_mode(on=True)
    painter = QPainter(generator)
    _paint(painter, plots, legend)
    painter.end()
    plots.set_export_mode(on=False)
    return bytes(content.data())


def _size(plots: CurvePlots, legend: Sequence[tuple[str, Curve]]) -> QSize:
    return QSize(plots.width(), plots.height() + _LINE_HEIGHT * len(legend) + 2 * _MARGIN)


def _paint(painter: QPainter, plots: CurvePlots, legend: Sequence[tuple[str, Curve]]) -> None:
    theme = palette.current()
    size = _size(plots, legend)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(QRect(0, 0, size.width(), size.height()), QColor(theme.plot_background))
    top = _MARGIN
    for title, curve in legend:
        middle = top + _LINE_HEIGHT // 2
        painter.setPen(curve.pen)
        painter.drawLine(_MARGIN, middle, _MARGIN + _SAMPLE, middle)
        painter.setPen(QColor(theme.text))
        left = 2 * _MARGIN + _SAMPLE
        line = QRect(left, top, size.width() - left - _MARGIN, _LINE_HEIGHT)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, title)
        top += _LINE_HEIGHT
    for widget in plots.widgets.values():
        area = QRectF(widget.geometry().translated(0, top + _MARGIN // 2))
        widget.render(painter, area, widget.viewport().rect())
