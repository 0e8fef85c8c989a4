"""Error, sparsity and agreement against C: four plots over one axis of powers of two."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from music_gui.state.scale_curves import ScaleCurve, ScalePoint, Spread
from music_gui.views.association.plot_style import bare_plot, restyle
from music_gui.views.scales.curve_style import style_of
from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

#: Plots are best this many times wider than high.
_SHAPE = 1.6
#: Below this height the axis goes without its title.
_LOW = 130

_AXIS_WIDTH, _AXIS_HEIGHT, _BARE_AXIS_HEIGHT = 60, 34, 20

_HOVER_MS = 30
#: How far, in octaves, the mouse may be from a scale.
_REACH = 0.4
#: Curves stand this far beside each other, in octaves, so that their bars can be told apart.
_ASIDE = 0.05


@dataclass(frozen=True)
class Quantity:
    """What a plot shows.

    Parameters
    ----------
    title : str
        On its axis.
    name : str
        In full.
    main : callable
        The figure drawn with filled marks, a line and bars.
    other : callable or None
        The one drawn hollow and dotted.
    words : str
        What the marks are.
    """

    title: str
    name: str
    main: Callable[[ScalePoint], Spread]
    other: Callable[[ScalePoint], Spread] | None = None
    words: str = ""


QUANTITIES = {
    "loss": Quantity(
        "error",
        "Relative reconstruction error",
        lambda point: point.held_out_loss,
        lambda point: point.own_loss,
        "Filled: on held-out maps. Hollow: on their own maps.",
    ),
    "ri": Quantity(
        "RI",
        "Reproducibility index of the two parts",
        lambda point: point.ri,
        lambda point: point.ri_median,
        "Filled: mean over components. Hollow: median.",
    ),
    "ari": Quantity(
        "ARI", "Adjusted Rand index of the two parts' atlases", lambda point: point.ari
    ),
    "sparsity": Quantity(
        "sparsity",
        "Hoyer sparsity of the fit of all maps",
        lambda point: Spread(point.sparsity),
    ),
}


class ScalePlots(QWidget):
    """Draws curves; knows no session.

    Signals
    -------
    hovered(scale, quantity)
        The mouse is near a scale, an int, in the plot of a quantity; None when it has left.
    chosen(scale)
        A scale was clicked.
    """

    hovered = Signal(object, str)
    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(
            "Error, reproducibility index, adjusted Rand index and sparsity against C"
        )
        self._curves: tuple[ScaleCurve, ...] = ()
        self._marked: int | None = None
        self._mouse: tuple[str, QPointF] | None = None
        self._n_columns = 0
        self.widgets: dict[str, pg.PlotWidget] = {}
        self._lines: dict[str, pg.InfiniteLine] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(0)
        for name, quantity in QUANTITIES.items():
            self._make_plot(name, quantity)
        self._hover = QTimer(self, singleShot=True, interval=_HOVER_MS)
        self._hover.timeout.connect(self._tell_place)
        self._arrange(2)
        follow(self, palette.theme_changed, lambda _: self._dress())
        self._dress()

    def _make_plot(self, name: str, quantity: Quantity) -> None:
        widget = pg.PlotWidget(enableMenu=False, axisItems={"bottom": _PowersOfTwo("bottom")})
        bare_plot(widget, left=quantity.title, bottom="C")
        widget.setToolTip(f"{quantity.name} against C. {quantity.words}".strip())
        widget.setMinimumSize(120, 90)
        widget.setAccessibleName(widget.toolTip())
        plot = widget.plotItem
        plot.vb.setDefaultPadding(0.08)
        plot.layout.setContentsMargins(0, 8, 6, 0)
        plot.getAxis("left").setWidth(_AXIS_WIDTH)
        plot.getAxis("bottom").setHeight(_AXIS_HEIGHT)
        if self.widgets:
            plot.setXLink(next(iter(self.widgets.values())).plotItem)
        line = pg.InfiniteLine(angle=90)
        line.hide()
        self._lines[name] = line
        scene = widget.scene()
        scene.sigMouseMoved.connect(lambda place: self._on_mouse(name, place))
        scene.sigMouseClicked.connect(lambda event: self._on_click(name, event))
        self.widgets[name] = widget

    # -- what is drawn ---------------------------------------------------------------------

    def show_curves(self, curves: Sequence[ScaleCurve]) -> None:
        """Draw curves in place of those before."""
        self._curves = tuple(curves)
        for name, quantity in QUANTITIES.items():
            plot = self.widgets[name].plotItem
            plot.clear()
            for place, curve in enumerate(self._curves):
                self._draw(plot, quantity, curve, place)
            plot.addItem(self._lines[name], ignoreBounds=True)

    def _draw(self, plot: pg.PlotItem, quantity: Quantity, curve: ScaleCurve, place: int) -> None:
        style = style_of(curve)
        aside = _ASIDE * (place - (len(self._curves) - 1) / 2)
        x = np.log2([point.scale for point in curve.points]) + aside
        figures = [(quantity.other, False), (quantity.main, True)]
        for figure, is_main in figures:
            if figure is None:
                continue
            spreads = [figure(point) for point in curve.points]
            y = np.array([spread.mean for spread in spreads])
            known = np.isfinite(y)
            if not known.any():
                continue
            if is_main:
                bars = np.nan_to_num([spread.deviation for spread in spreads])
                if bars.any():
                    plot.addItem(
                        pg.ErrorBarItem(
                            x=x[known], y=y[known], height=2 * bars[known], beam=0.06,
                            pen=pg.mkPen(style.color, width=1.2),
                        )
                    )  # fmt: skip
            plot.plot(
                x[known], y[known], pen=style.pen(main=is_main), antialias=True,
                **style.marks(main=is_main),
            )  # fmt: skip

    def show_all(self) -> None:
        """Zoom out to all scales."""
        for widget in self.widgets.values():
            widget.plotItem.enableAutoRange()

    def mark(self, scale: int | None) -> None:
        """Draw a line through all plots at a scale, or none."""
        self._marked = scale
        for line in self._lines.values():
            line.setVisible(scale is not None)
            if scale is not None:
                line.setValue(math.log2(scale))

    def _dress(self) -> None:
        theme = palette.current()
        for name, widget in self.widgets.items():
            restyle(widget, theme)
            self._lines[name].setPen(pg.mkPen(theme.muted, width=1))
        self.show_curves(self._curves)

    # -- layout ----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the plots in as many columns as suit their shape."""
        super().resizeEvent(event)
        size = {
            n: min(self.width() / n, _SHAPE * self.height() * n / len(QUANTITIES))
            for n in (1, 2, 4)
        }
        n_columns = max(size, key=lambda n: size[n])
        self._arrange(n_columns)
        has_title = self.height() * n_columns / len(QUANTITIES) >= _LOW
        for widget in self.widgets.values():
            axis = widget.plotItem.getAxis("bottom")
            axis.showLabel(has_title)
            axis.setHeight(_AXIS_HEIGHT if has_title else _BARE_AXIS_HEIGHT)

    def _arrange(self, n_columns: int) -> None:
        if n_columns == self._n_columns:
            return
        self._n_columns = n_columns
        for place, widget in enumerate(self.widgets.values()):
            self._grid.addWidget(widget, place // n_columns, place % n_columns)

    # -- mouse -----------------------------------------------------------------------------

    def _on_mouse(self, name: str, place: QPointF) -> None:
        self._mouse = (name, place)
        if not self._hover.isActive():
            self._hover.start()

    def _tell_place(self) -> None:
        if self._mouse is not None:
            self.hovered.emit(self._scale_at(*self._mouse), self._mouse[0])

    def _on_click(self, name: str, event: object) -> None:
        button, place = event.button(), event.scenePos()  # type: ignore[attr-defined]
        if button == Qt.MouseButton.LeftButton and (scale := self._scale_at(name, place)):
            self.chosen.emit(scale)

    def _scale_at(self, name: str, place: QPointF) -> int | None:
        """Return the scale nearest to a place in a plot; None if none is near."""
        box = self.widgets[name].plotItem.vb
        scales = sorted({point.scale for curve in self._curves for point in curve.points})
        if not scales or not box.sceneBoundingRect().contains(place):
            return None
        distances = np.abs(np.log2(scales) - box.mapSceneToView(place).x())
        nearest = int(distances.argmin())
        return scales[nearest] if distances[nearest] <= _REACH else None

    def leaveEvent(self, event: object) -> None:
        """Tell that the mouse is elsewhere."""
        self._mouse = None
        self.hovered.emit(None, "")


class _PowersOfTwo(pg.AxisItem):
    """An axis of log2 C that names the powers of two."""

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        n_octaves = max(maxVal - minVal, 1e-6)
        return [(max(1.0, math.ceil(n_octaves / max(size / 34, 1))), 0.0)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [f"{2**value:.0f}" if value >= 0 else "" for value in values]
