"""The QQ plot of the selected PSC: observed against expected -log10 p."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg

from music_gui.views.association.plot_style import bare_plot, pen, restyle
from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

if TYPE_CHECKING:
    from music_gui.state.association import AssociationResult


class QQPlot(pg.PlotWidget):
    """Draws one `AssociationResult` with the null's 95 % band; knows no session."""

    def __init__(self) -> None:
        super().__init__()
        bare_plot(self, left="observed −log₁₀ p", bottom="expected −log₁₀ p")
        self.setAccessibleName("QQ plot")
        self._low = pg.PlotCurveItem()
        self._high = pg.PlotCurveItem()
        self._band = pg.FillBetweenItem(self._low, self._high)
        self._diagonal = pg.InfiniteLine(pos=(0, 0), angle=45)
        self._points = pg.ScatterPlotItem(pen=None, size=4, pxMode=True)
        self._lambda = pg.TextItem(anchor=(0, 0))
        for item in (self._low, self._high, self._band, self._diagonal, self._points):
            self.addItem(item)
        self._lambda.setParentItem(self.plotItem.vb)
        self._lambda.setPos(8, 6)
        self._result: AssociationResult | None = None
        follow(self, palette.theme_changed, self._on_theme)
        self._on_theme(palette.current())

    def show_result(self, result: AssociationResult | None) -> None:
        """Draw a result, or nothing."""
        self._result = result
        if result is None or len(result.quantiles.observed) == 0:
            for item in (self._low, self._high, self._points):
                item.clear()
            self._lambda.setText("")
            return
        plot = result.quantiles
        self._low.setData(plot.band_expected, plot.band_low)
        self._high.setData(plot.band_expected, plot.band_high)
        self._points.setData(plot.expected, plot.observed)
        self._lambda.setText(f"λ = {result.lambda_gc:.3f}")
        top = max(float(plot.observed[-1]), float(plot.band_high[-1])) * 1.05
        box = self.plotItem.vb
        box.setLimits(xMin=0, yMin=0)
        box.setRange(xRange=(0, float(plot.expected[-1]) * 1.05), yRange=(0, top), padding=0)

    def _on_theme(self, theme: palette.Theme) -> None:
        restyle(self, theme)
        band = pg.mkColor(theme.plot_second)
        band.setAlpha(60)
        self._band.setBrush(band)
        nothing = pg.mkPen(None)
        self._low.setPen(nothing)
        self._high.setPen(nothing)
        self._diagonal.setPen(pen(theme.threshold, dashed=True))
        self._points.setBrush(pg.mkBrush(theme.plot_first))
        self._lambda.setColor(theme.text)
