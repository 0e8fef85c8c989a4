"""How the association plots look: the same axes, fonts and lines for all of them."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QPen

from music_gui.views.widgets.palette import Theme


def bare_plot(plot: pg.PlotWidget, *, left: str, bottom: str) -> None:
    """Label a plot's axes and take away what it does not need."""
    plot.setMenuEnabled(False)
    plot.hideButtons()
    plot.setLabel("left", left)
    plot.setLabel("bottom", bottom)
    plot.setFrameShape(pg.QtWidgets.QFrame.Shape.NoFrame)
    for name in ("left", "bottom"):
        plot.getAxis(name).setStyle(tickLength=-4, autoExpandTextSpace=True)
        plot.getAxis(name).enableAutoSIPrefix(False)


def restyle(plot: pg.PlotWidget, theme: Theme) -> None:
    """Give a plot the colours of a theme."""
    plot.setBackground(theme.plot_background)
    for name in ("left", "bottom"):
        axis = plot.getAxis(name)
        axis.setPen(theme.plot_grid)
        axis.setTextPen(theme.plot_axis)


def pen(color: str, *, dashed: bool = False, width: float = 1.0) -> QPen:
    """Return a cosmetic pen."""
    style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
    return pg.mkPen(color, width=width, style=style)
