"""How a fit converges: loss, sparsity and vanished components after each epoch."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

#: Key of the published numbers and what the axis says.
_QUANTITIES = (
    ("loss", "loss"),
    ("sparsity", "sparsity"),
    ("n_vanished", "vanished"),
)

_REDRAW_MS = 150


class ConvergencePlot(QWidget):
    """Three plots above one another over the epochs, a line for each scale."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._points: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._curves: dict[tuple[str, str], pg.PlotDataItem] = {}
        self.setAccessibleName("Convergence of the fit")
        self._legend = QLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._legend)
        self._widgets: list[pg.PlotWidget] = []
        self.plots: dict[str, pg.PlotItem] = {}
        for row, (name, title) in enumerate(_QUANTITIES):
            widget = pg.PlotWidget(enableMenu=False)
            widget.setFrameShape(QFrame.Shape.NoFrame)
            layout.addWidget(widget, 1)
            self._widgets.append(widget)
            plot = widget.plotItem
            plot.setLabel("left", title)
            plot.hideButtons()
            plot.getAxis("left").setWidth(64)
            plot.getAxis("left").enableAutoSIPrefix(False)
            if row > 0:
                plot.setXLink(self.plots["loss"])
            self.plots[name] = plot
        plot.setLabel("bottom", "epoch")
        self._stale: list[str] = []
        self._redraw = QTimer(self, singleShot=True, interval=_REDRAW_MS)
        self._redraw.timeout.connect(self._draw_next)
        follow(self, palette.theme_changed, self._dress)
        self._dress(palette.current())

    def add(self, values: dict[str, Any]) -> None:
        """Take in one epoch: ``epoch``, ``loss``, ``sparsity``, ``n_vanished`` and ``scale``."""
        self._points[f"C{values['scale']}" if "scale" in values else "fit"].append(values)
        self._stale += [name for name in self.plots if name not in self._stale]
        if not self._redraw.isActive():
            self._redraw.start()

    def _draw_next(self) -> None:
        """Draw one plot and leave the others to later turns: together they would be felt."""
        self._draw(self._stale.pop(0))
        if self._stale:
            self._redraw.start()

    def _draw(self, name: str) -> None:
        for series, points in self._points.items():
            if (series, name) not in self._curves:
                self._curves[series, name] = self.plots[name].plot()
                self._dress(palette.current())
            known = [point for point in points if point.get(name) is not None]
            self._curves[series, name].setData(
                [point["epoch"] for point in known], [point[name] for point in known]
            )

    def _dress(self, theme: palette.Theme) -> None:
        for widget in self._widgets:
            widget.setBackground(theme.plot_background)
        for plot in self.plots.values():
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(theme.plot_axis)
                plot.getAxis(side).setTextPen(theme.plot_axis)
        colors = self._colors(theme)
        for (series, _), curve in self._curves.items():
            curve.setPen(pg.mkPen(colors[series], width=1.5))
        self._legend.setText(
            "   ".join(
                f'<span style="color:{color.name()}">━</span> {series}'
                for series, color in colors.items()
            )
        )

    def _colors(self, theme: palette.Theme) -> dict[str, QColor]:
        """Return a colour for each series: the accent for one, spread over a map for several."""
        if len(self._points) < 2:
            return dict.fromkeys(self._points, QColor(theme.accent))
        table = palette.color_map("sequential")
        low, high = (90, 245) if theme.is_dark else (20, 190)
        step = (high - low) / (len(self._points) - 1)
        return {
            series: QColor(*(int(part) for part in table[round(low + step * number)]))
            for number, series in enumerate(self._points)
        }
