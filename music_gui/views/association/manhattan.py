"""The Manhattan plot of the selected PSC: every variant's -log10 p along the genome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor

from music_gui.core.association.genome_axis import density_raster
from music_gui.core.association.significance import genome_wide
from music_gui.views.association.plot_style import bare_plot, pen, restyle
from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

if TYPE_CHECKING:
    from music_gui.state.association import AssociationResult

#: Up to so many variants each is a point; of more, those below `_DENSE_BELOW` become a picture.
_MOST_POINTS = 60_000
_DENSE_BELOW = 3.0
_RASTER = (2400, 120)
_PICK_PIXELS = 9.0
_HEADROOM = 1.08
_TICK_PIXELS = 20.0


class ManhattanPlot(pg.PlotWidget):
    """Draws one `AssociationResult`; knows no session.

    Signals
    -------
    variant_chosen(int)
        The user clicked a variant: its row.
    """

    variant_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._result: AssociationResult | None = None
        self._drawn = np.empty(0, dtype=np.int64)  # rows drawn as points, sorted by x
        self._tiny = np.empty(0)
        bare_plot(self, left="−log₁₀ p", bottom="chromosome")
        self.setAccessibleName("Manhattan plot")
        self.plotItem.vb.setMouseEnabled(x=True, y=False)
        self._raster = pg.ImageItem()
        self._points = pg.ScatterPlotItem(pen=None, pxMode=True)
        self._chosen = pg.ScatterPlotItem(size=11, brush=None, pxMode=True)
        self._genome_wide = pg.InfiniteLine(angle=0, movable=False)
        self._bonferroni = pg.InfiniteLine(angle=0, movable=False)
        self._label = pg.TextItem(anchor=(0, 1))
        self._label.setZValue(20)
        for item in (self._raster, self._points, self._genome_wide, self._bonferroni,
                     self._chosen, self._label):  # fmt: skip
            self.addItem(item, ignoreBounds=True)
        self._label.hide()
        self.plotItem.vb.sigResized.connect(self._label_chromosomes)
        self.plotItem.vb.sigXRangeChanged.connect(self._label_chromosomes)
        self.scene().sigMouseMoved.connect(self._on_hover)
        self.scene().sigMouseClicked.connect(self._on_click)
        follow(self, palette.theme_changed, self._on_theme)
        self._on_theme(palette.current())

    def show_result(self, result: AssociationResult | None) -> None:
        """Draw a result, or nothing."""
        self._result = result
        self._label.hide()
        self._chosen.clear()
        self._draw()

    def mark(self, variant: int | None) -> None:
        """Ring a variant and label it."""
        if variant is None or self._result is None:
            self._chosen.clear()
            self._label.hide()
            return
        x, y = self._place(variant)
        self._chosen.setData([x], [y])
        self._show_label(variant)

    def reset_view(self) -> None:
        """Show the whole genome."""
        result = self._result
        if result is None or len(result.axis.x) == 0:
            return
        width = float(result.axis.stops[-1]) or 1.0
        box = self.plotItem.vb
        box.setLimits(xMin=-0.02 * width, xMax=1.02 * width, yMin=0, minXRange=1000)
        box.setRange(
            xRange=(-0.01 * width, 1.01 * width), yRange=(0, self._top()), padding=0, update=True
        )

    def _top(self) -> float:
        values = self._result.neg_log_10_p_value if self._result is not None else self._tiny
        finite = values[np.isfinite(values)]
        strictest = genome_wide(self._result.n_tests if self._result else 1).neg_log_10_p
        return max(float(finite.max(initial=0.0)), strictest) * _HEADROOM

    def _place(self, variant: int) -> tuple[float, float]:
        result = self._result
        assert result is not None
        return float(result.axis.x[variant]), float(result.neg_log_10_p_value[variant])

    def _draw(self) -> None:
        result = self._result
        shown = result is not None and len(result.axis.x) > 0
        for item in (self._genome_wide, self._bonferroni):
            item.setVisible(shown)
        self._raster.setVisible(False)
        if result is None or not shown:
            self._points.clear()
            self._drawn = np.empty(0, dtype=np.int64)
            self.getAxis("bottom").setTicks([[]])
            return
        y = result.neg_log_10_p_value
        keep = np.isfinite(y)
        if np.count_nonzero(keep) > _MOST_POINTS:
            self._draw_raster(result)
            keep &= y >= _DENSE_BELOW
        rows = np.flatnonzero(keep)
        self._drawn = rows[np.argsort(result.axis.x[rows], kind="stable")]
        theme = palette.current()
        brushes = np.array([pg.mkBrush(theme.plot_first), pg.mkBrush(theme.plot_second)])
        self._points.setData(
            x=result.axis.x[self._drawn],
            y=y[self._drawn],
            size=4,
            brush=brushes[result.axis.chromosome_index[self._drawn] % 2],
        )
        self._genome_wide.setValue(genome_wide().neg_log_10_p)
        self._bonferroni.setValue(genome_wide(result.n_tests).neg_log_10_p)
        self._bonferroni.setVisible(result.n_tests > 1)
        self.reset_view()
        self._label_chromosomes()

    def _label_chromosomes(self, *_: object) -> None:
        """Name the chromosomes that have room for their name."""
        result = self._result
        if result is None or len(result.axis.x) == 0:
            return
        apart = _TICK_PIXELS * self.plotItem.vb.viewPixelSize()[0]
        ticks: list[tuple[float, str]] = []
        for centre, name in zip(result.axis.centres, result.axis.chromosomes, strict=True):
            if not ticks or centre - ticks[-1][0] >= apart:
                ticks.append((float(centre), name))
        self.getAxis("bottom").setTicks([ticks])

    def _draw_raster(self, result: AssociationResult) -> None:
        theme = palette.current()
        width = float(result.axis.stops[-1])
        limits = (0.0, width, 0.0, _DENSE_BELOW)
        rgba = np.zeros((*_RASTER, 4), dtype=np.uint8)
        odd = result.axis.chromosome_index % 2 == 1
        for which, color in ((~odd, theme.plot_first), (odd, theme.plot_second)):
            counts = density_raster(
                result.axis.x[which], result.neg_log_10_p_value[which], limits, _RASTER
            )
            rgba[counts > 0] = (*QColor(color).getRgb()[:3], 255)
        self._raster.setImage(rgba, levels=(0, 255))
        self._raster.setRect(0.0, 0.0, width, _DENSE_BELOW)
        self._raster.setVisible(True)

    def _nearest(self, scene_position: QPointF) -> int | None:
        """Return the drawn variant under the mouse."""
        result = self._result
        box = self.plotItem.vb
        if result is None or not len(self._drawn) or not box.sceneBoundingRect().contains(
            scene_position
        ):  # fmt: skip
            return None
        place = box.mapSceneToView(scene_position)
        pixel_x, pixel_y = box.viewPixelSize()
        x = result.axis.x[self._drawn]
        reach = _PICK_PIXELS * pixel_x
        first, last = np.searchsorted(x, [place.x() - reach, place.x() + reach])
        rows = self._drawn[first:last]
        if not len(rows):
            return None
        distance = np.hypot(
            (result.axis.x[rows] - place.x()) / pixel_x,
            (result.neg_log_10_p_value[rows] - place.y()) / pixel_y,
        )
        best = int(np.argmin(distance))
        return int(rows[best]) if distance[best] <= _PICK_PIXELS else None

    def _show_label(self, variant: int) -> None:
        result = self._result
        assert result is not None
        x, y = self._place(variant)
        (left, right), (_, top) = self.plotItem.vb.viewRange()
        self._label.setText(result.describe(variant))
        self._label.setAnchor((1 if x > (left + right) / 2 else 0, 0 if y > top * 0.7 else 1))
        self._label.setPos(x, y)
        self._label.show()

    def _on_hover(self, scene_position: QPointF) -> None:
        variant = self._nearest(scene_position)
        self.viewport().setCursor(
            Qt.CursorShape.ArrowCursor if variant is None else Qt.CursorShape.PointingHandCursor
        )
        if variant is not None:
            self._show_label(variant)
        elif len(self._chosen.points()) == 0:
            self._label.hide()

    def _on_click(self, event: object) -> None:
        variant = self._nearest(event.scenePos())  # type: ignore[attr-defined]
        if variant is not None:
            self.variant_chosen.emit(variant)

    def _on_theme(self, theme: palette.Theme) -> None:
        restyle(self, theme)
        self._genome_wide.setPen(pen(theme.threshold, dashed=True))
        self._bonferroni.setPen(pen(theme.warning, dashed=True))
        self._chosen.setPen(pen(theme.highlight, width=2))
        self._label.setColor(theme.text)
        self._label.fill = pg.mkBrush(theme.raised)
        self._label.border = pen(theme.border)
        self._draw()
