"""How the curves of compared scales look: a colour an algorithm, a mark and line a split."""

from __future__ import annotations

from dataclasses import dataclass

import pyqtgraph as pg
from PySide6.QtGui import QColor, QPen, Qt

from music_gui.state.scale_curves import ScaleCurve
from music_gui.views.widgets import palette


@dataclass(frozen=True)
class CurveStyle:
    """How a curve is drawn.

    Parameters
    ----------
    color : str
        ``#rrggbb``.
    symbol : str
        As pyqtgraph names marks.
    glyph : str
        The same mark as a letter.
    dashed : bool
        Whether its line is broken.
    """

    color: str
    symbol: str
    glyph: str
    dashed: bool

    def pen(self, *, main: bool) -> QPen:
        """Return the pen of the main figure, or the thinner, dotted one of the other."""
        if not main:
            return pg.mkPen(self._faded(), width=1.2, style=Qt.PenStyle.DotLine)
        style = Qt.PenStyle.DashLine if self.dashed else Qt.PenStyle.SolidLine
        return pg.mkPen(self.color, width=1.8, style=style)

    def marks(self, *, main: bool) -> dict[str, object]:
        """Return pyqtgraph's options of the marks: filled for the main figure, else hollow."""
        inside = self.color if main else palette.current().plot_background
        return {
            "symbol": self.symbol,
            "symbolSize": 8 if main else 6,
            "symbolBrush": pg.mkBrush(inside),
            "symbolPen": pg.mkPen(self.color, width=1.2),
        }

    def _faded(self) -> QColor:
        color = QColor(self.color)
        color.setAlpha(190)
        return color


def style_of(curve: ScaleCurve) -> CurveStyle:
    """Return a curve's style in the present theme.

    Blue and orange-red stay apart for every kind of colour-blindness; marks and lines tell the
    splits apart without colour.
    """
    theme = palette.current()
    color = theme.accent if curve.algorithm == "exact-onmf" else theme.highlight
    by_sex = curve.split == "sex"
    return CurveStyle(color, "s" if by_sex else "o", "■" if by_sex else "●", by_sex)
