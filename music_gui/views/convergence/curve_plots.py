"""Loss, sparsity and vanished components against the epoch: three plots over one axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QTimer, Signal
from PySide6.QtGui import QColor, QPen, Qt
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

#: Each plot's title, and its share of the height.
QUANTITIES = {"loss": ("loss", 5), "sparsity": ("sparsity", 4), "n_vanished": ("vanished", 5)}

_REDRAW_MS = 150
#: Between the drawing of two plots: together they would be felt.
_BETWEEN_MS = 35
_HOVER_MS = 30
_AXIS_WIDTH = 72
_BOTTOM_HEIGHT = 36

#: Smooth lines take longer to draw.
_MOST_SMOOTH = 3000

#: Room at the ends of an axis, and the share of it that must be filled, of its length.
_PADDING, _LITTLE_PADDING, _LEAST_FILLED = 0.12, 0.03, 0.5


def curve_pen(color: QColor, *, dashed: bool) -> QPen:
    """Return how a curve is drawn."""
    style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
    return pg.mkPen(color, width=1.5, style=style)


@dataclass(frozen=True, eq=False)
class Curve:
    """A fit to draw.

    Parameters
    ----------
    color : QColor
        Of its lines.
    epoch : ndarray, shape (n,), float64
        Counted from 1.
    values : dict of str to ndarray, shape (n,), float64
        ``loss``, ``sparsity`` and ``n_vanished``; NaN where not known.
    dashed : bool
        Whether its lines are broken.
    best : int or None
        Index of the epoch that is marked in the plot of the loss.
    """

    color: QColor
    epoch: NDArray[np.float64]
    values: dict[str, NDArray[np.float64]]
    dashed: bool = False
    best: int | None = None

    @property
    def pen(self) -> QPen:
        """How its lines are drawn."""
        return curve_pen(self.color, dashed=self.dashed)

    def nearest(self, epoch: float) -> int | None:
        """Return the index of the epoch nearest to a place on the axis; None outside."""
        if not len(self.epoch) or not self.epoch[0] - 1 <= epoch <= self.epoch[-1] + 1:
            return None
        return int(np.abs(self.epoch - epoch).argmin())


class CurvePlots(QWidget):
    """Draws curves; knows no session.

    Signals
    -------
    hovered(epoch)
        The mouse is over an epoch, a float; None when it has left.
    """

    hovered = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Loss, sparsity and vanished components against the epoch")
        self._curves: list[Curve] = []
        self._log_epochs = self._log_loss = False
        self._is_zoomed = False
        self._ranges: dict[str, tuple[float, float]] = {}
        self._items: dict[str, list[pg.PlotDataItem]] = {name: [] for name in QUANTITIES}
        self._mouse: tuple[pg.PlotWidget, QPointF] | None = None
        self.widgets: dict[str, pg.PlotWidget] = {}
        self.plots: dict[str, pg.PlotItem] = {}
        self._lines: list[pg.InfiniteLine] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for name, (title, stretch) in QUANTITIES.items():
            layout.addWidget(self._make_plot(name, title), stretch)
        self._best = pg.ScatterPlotItem(size=9, pxMode=True)
        self.plots["loss"].vb.addItem(self._best, ignoreBounds=True)
        self.plots["n_vanished"].setLabel("bottom", "epoch")
        self._stale: list[str] = []
        self._redraw = QTimer(self, singleShot=True, interval=0)
        self._redraw.timeout.connect(self._draw_next)
        self._hover = QTimer(self, singleShot=True, interval=_HOVER_MS)
        self._hover.timeout.connect(self._tell_place)
        follow(self, palette.theme_changed, self._dress)
        self._dress(palette.current())

    def _make_plot(self, name: str, title: str) -> pg.PlotWidget:
        axes = {"left": _WholeNumbers("left")} if name == "n_vanished" else {}
        widget = pg.PlotWidget(enableMenu=False, axisItems=axes)
        widget.setFrameShape(QFrame.Shape.NoFrame)
        widget.setMinimumHeight(46)
        widget.setAcceptDrops(False)  # what is dropped is for the panel
        plot = widget.plotItem
        plot.setLabel("left", title)
        plot.hideButtons()
        left, bottom = plot.getAxis("left"), plot.getAxis("bottom")
        left.setWidth(_AXIS_WIDTH)
        left.enableAutoSIPrefix(False)
        bottom.enableAutoSIPrefix(False)
        if name == "n_vanished":
            bottom.setHeight(_BOTTOM_HEIGHT)
        else:  # the numbers stand under the last one
            bottom.setStyle(showValues=False)
            bottom.setHeight(8)
        plot.disableAutoRange()
        plot.vb.sigRangeChangedManually.connect(lambda _: self._on_zoomed(plot))
        line = pg.InfiniteLine(angle=90)
        line.hide()
        plot.addItem(line, ignoreBounds=True)
        self._lines.append(line)
        widget.scene().sigMouseMoved.connect(lambda place: self._on_mouse(widget, place))
        self.widgets[name], self.plots[name] = widget, plot
        return widget

    # -- what is drawn ---------------------------------------------------------------------

    def show_curves(self, curves: list[Curve], *, soon: bool = True) -> None:
        """Draw curves in place of those before.

        Parameters
        ----------
        curves : list of Curve
        soon : bool
            They grow while a fit runs: draw what has come in the meantime at once.
        """
        self._curves = curves
        self._stale += [name for name in self.plots if name not in self._stale]
        if not self._redraw.isActive():
            self._redraw.start(_REDRAW_MS if soon else 0)

    def set_log(self, *, epochs: bool, loss: bool) -> None:
        """Choose logarithmic axes."""
        if (epochs, loss) == (self._log_epochs, self._log_loss):
            return
        self._log_epochs, self._log_loss = epochs, loss
        for name, plot in self.plots.items():
            plot.setLogMode(x=epochs, y=loss and name == "loss")
        self.show_all()

    def show_all(self) -> None:
        """Zoom out to all epochs, and follow the curves as they grow."""
        self._is_zoomed = False
        self._ranges.clear()
        self.show_curves(self._curves, soon=False)

    def _on_zoomed(self, zoomed: pg.PlotItem) -> None:
        """Show the same epochs in all plots, and leave the axes as the user has set them."""
        self._is_zoomed = True
        for plot in self.plots.values():
            if plot is not zoomed:
                plot.setXRange(*zoomed.viewRange()[0], padding=0)

    def _draw_next(self) -> None:
        """Draw one plot and leave the others to later turns: together they would be felt."""
        self._draw(self._stale.pop(0))
        if self._stale:
            self._redraw.start(_BETWEEN_MS)

    def _draw(self, name: str) -> None:
        items, plot = self._items[name], self.plots[name]
        while len(items) < len(self._curves):
            items.append(plot.plot(skipFiniteCheck=False))
        for item in items[len(self._curves) :]:
            plot.removeItem(item)
        del items[len(self._curves) :]
        drawn = [self._drawable(name, curve) for curve in self._curves]
        for item, curve, (x, y) in zip(items, self._curves, drawn, strict=True):
            item.setData(x, y, antialias=len(x) < _MOST_SMOOTH)
            item.setPen(curve.pen)
        if name == "loss":
            self._draw_best()
            epochs = [curve.epoch[curve.epoch > 0] for curve in self._curves]
            self._fit("epoch", epochs, log=self._log_epochs, floor=0.0)
        floor = 0.0 if name == "n_vanished" else None
        log = self._log_loss and name == "loss"
        self._fit(name, [y for _, y in drawn], log=log, floor=floor)
        if not self._is_zoomed:
            # Not linked to one another, which would paint all plots in one go.
            for axis, key in ((pg.ViewBox.XAxis, "epoch"), (pg.ViewBox.YAxis, name)):
                shown = self._ranges.get(key)
                if shown is not None and tuple(plot.viewRange()[axis]) != shown:
                    plot.setRange(**{"xRange" if axis == 0 else "yRange": shown}, padding=0)

    def _fit(
        self, name: str, values: list[NDArray[np.float64]], *, log: bool, floor: float | None
    ) -> None:
        """Choose what an axis shows, so that it holds the values.

        It moves in few large steps: each one paints all numbers anew, and a plot whose axes
        move with each epoch is hard to follow.
        """
        known = np.concatenate([*values, np.zeros(0)])
        if not len(known):
            return
        known = np.log10(known) if log else known
        low, high = float(known.min()), float(known.max())
        if floor is not None and not log:
            low, high = floor, max(high, floor + 1)
        span = (high - low) or abs(high) * 0.1 or 1.0
        left, right = self._ranges.get(name, (high, low))
        if left <= low < high <= right and span > _LEAST_FILLED * (right - left):
            return
        below = _PADDING if floor is None else _LITTLE_PADDING
        self._ranges[name] = (low - below * span, high + _PADDING * span)

    def _drawable(self, name: str, curve: Curve) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Leave out what is not known, and what a logarithmic axis can't show."""
        x, y = curve.epoch, curve.values[name]
        known = np.isfinite(y)
        if self._log_epochs:
            known &= x > 0
        if self._log_loss and name == "loss":
            known &= y > 0
        return x[known], y[known]

    def _draw_best(self) -> None:
        spots = []
        for curve in self._curves:
            if curve.best is None:
                continue
            x, y = curve.epoch[curve.best], curve.values["loss"][curve.best]
            if (self._log_epochs and x <= 0) or (self._log_loss and y <= 0):
                continue
            spots.append(
                {
                    "pos": (
                        np.log10(x) if self._log_epochs else x,
                        np.log10(y) if self._log_loss else y,
                    ),
                    "pen": pg.mkPen(curve.color, width=1.5),
                    "brush": pg.mkBrush(palette.current().plot_background),
                }
            )
        self._best.setData(spots)

    def _dress(self, theme: palette.Theme) -> None:
        for name, plot in self.plots.items():
            self.widgets[name].setBackground(theme.plot_background)
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(theme.plot_grid)
                plot.getAxis(side).setTextPen(theme.plot_axis)
        for line in self._lines:
            line.setPen(pg.mkPen(theme.muted, width=1))
        self._draw_best()

    def set_export_mode(self, *, on: bool) -> None:
        """Draw the marks as lines instead of small pictures of them, for a drawing."""
        self._best.setExportMode(on, {"antialias": True})

    # -- mouse -----------------------------------------------------------------------------

    def _on_mouse(self, widget: pg.PlotWidget, place: QPointF) -> None:
        self._mouse = (widget, place)
        if not self._hover.isActive():
            self._hover.start()

    def _tell_place(self) -> None:
        if self._mouse is None:
            return
        widget, place = self._mouse
        box = widget.plotItem.vb
        if not box.sceneBoundingRect().contains(place):
            self.mark(None)
            self.hovered.emit(None)
            return
        x = box.mapSceneToView(place).x()
        self.hovered.emit(float(10**x) if self._log_epochs else float(x))

    def mark(self, epoch: float | None) -> None:
        """Draw a line through all plots at an epoch, or none."""
        visible = epoch is not None and not (self._log_epochs and epoch <= 0)
        for line in self._lines:
            line.setVisible(visible)
            if visible and epoch is not None:
                line.setValue(np.log10(epoch) if self._log_epochs else epoch)

    def leaveEvent(self, event: object) -> None:
        """Tell that the mouse is elsewhere."""
        self._mouse = None
        self.mark(None)
        self.hovered.emit(None)


class _WholeNumbers(pg.AxisItem):
    """An axis of counts: no ticks between whole numbers."""

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        spacings = super().tickSpacing(minVal, maxVal, size)
        return [(spacing, offset) for spacing, offset in spacings if spacing >= 1] or [(1.0, 0.0)]
