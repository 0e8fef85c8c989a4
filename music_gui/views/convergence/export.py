"""Save the curves: a picture or drawing with a legend over the plots, or a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator

from music_gui.core.errors import MusicError
from music_gui.io.atomic import replacing, write_text
from music_gui.state.fit_run import FitRun
from music_gui.state.run_table import curves_table
from music_gui.views.convergence.curve_plots import Curve, CurvePlots
from music_gui.views.widgets import palette

_PIXELS_A_POINT = 2
_LINE_HEIGHT, _MARGIN, _SAMPLE = 20, 12, 28


def prepare_writing(
    path: Path, plots: CurvePlots, legend: Sequence[tuple[str, Curve]], runs: Sequence[FitRun]
) -> Callable[[], None]:
    """Draw what is to be saved and return what writes it, which may run in a thread.

    Parameters
    ----------
    path : Path
        ``.png``, ``.svg`` or ``.tsv``.
    plots : CurvePlots
        As they are seen.
    legend : sequence of (str, Curve)
        What each curve is.
    runs : sequence of FitRun
        The rows of a table.
    """
    match path.suffix.lower():
        case ".svg":
            return partial(write_text, path, drawing_of(plots, legend).decode())
        case ".tsv":
            return lambda: write_text(path, curves_table(runs))
        case _:
            return partial(_write_picture, path, picture_of(plots, legend))


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


def _write_picture(path: Path, picture: QImage) -> None:
    with replacing(path) as temporary:
        if not picture.save(str(temporary)):
            raise MusicError(
                "the picture could not be saved",
                where=str(path),
                remedy="Choose a folder that you may write to",
            )
