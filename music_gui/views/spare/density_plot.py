"""Scores of patients and controls as two densities, and where one person stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg

from music_gui.views.association.plot_style import bare_plot, pen, restyle
from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

if TYPE_CHECKING:
    from music_gui.core.spare.density import ScoreDensity


class DensityPlot(pg.PlotWidget):
    """Draws a `ScoreDensity` and, if there is one, a score with its interval."""

    def __init__(self) -> None:
        super().__init__()
        bare_plot(self, left="", bottom="SPARE score")
        self.setAccessibleName("Density of the scores of patients and controls")
        self.getAxis("left").hide()
        self.plotItem.vb.setMouseEnabled(x=False, y=False)
        self._curves = {name: pg.PlotCurveItem(fillLevel=0.0) for name in ("controls", "patients")}
        self._labels = {name: pg.TextItem(anchor=(0.5, 1.0)) for name in self._curves}
        self._interval = pg.LinearRegionItem(movable=False)
        self._score = pg.InfiniteLine(angle=90, movable=False)
        for item in (self._interval, *self._curves.values(), self._score, *self._labels.values()):
            self.addItem(item, ignoreBounds=True)
        self._boundary = pg.InfiniteLine(pos=0.0, angle=90, movable=False)
        self.addItem(self._boundary, ignoreBounds=True)
        self.show_score(None)
        follow(self, palette.theme_changed, self._on_theme)
        self._on_theme(palette.current())

    def show_density(self, density: ScoreDensity, *, controls: str, patients: str) -> None:
        """Draw the two groups under their names."""
        top = 0.0
        for name, title in (("controls", controls), ("patients", patients)):
            values = getattr(density, name)
            self._curves[name].setData(density.scores, values)
            peak = int(values.argmax())
            self._labels[name].setText(title)
            self._labels[name].setPos(float(density.scores[peak]), float(values[peak]))
            top = max(top, float(values[peak]))
        low, high = float(density.scores[0]), float(density.scores[-1])
        self.plotItem.vb.setRange(xRange=(low, high), yRange=(0, top * 1.25 or 1.0), padding=0)

    def show_score(self, value: float | None, interval: tuple[float, float] | None = None) -> None:
        """Mark one person's score and its interval; None marks nothing."""
        self._score.setVisible(value is not None)
        self._interval.setVisible(interval is not None)
        if value is not None:
            self._score.setValue(value)
        if interval is not None:
            self._interval.setRegion(interval)

    def _on_theme(self, theme: palette.Theme) -> None:
        restyle(self, theme)
        colors = {"controls": theme.plot_first, "patients": theme.highlight}
        for name, color in colors.items():
            fill = pg.mkColor(color)
            fill.setAlpha(70)
            self._curves[name].setPen(pen(color, width=2))
            self._curves[name].setBrush(fill)
            self._labels[name].setColor(color)
        self._score.setPen(pen(theme.text, width=2))
        self._boundary.setPen(pen(theme.plot_grid, dashed=True))
        band = pg.mkColor(theme.text)
        band.setAlpha(40)
        self._interval.setBrush(band)
        for line in self._interval.lines:
            line.setPen(pg.mkPen(None))
