"""The figures of a scale in one line, each beside a piece of its curve."""

from __future__ import annotations

from collections.abc import Sequence

from music_gui.state.scale_curves import ScaleCurve, ScalePoint
from music_gui.views.scales.curve_style import style_of
from music_gui.views.widgets import palette

#: What the read-out says of each plot: words, figure, digits.
_FIGURES: dict[str, tuple[tuple[str, str, int], ...]] = {
    "ri": (("RI", "ri", 3), ("median", "ri_median", 3)),
    "ari": (("ARI", "ari", 3),),
    "loss": (("held-out error", "held_out_loss", 5), ("own", "own_loss", 5)),
    "sparsity": (("sparsity", "sparsity", 3),),
}


def read_out(curves: Sequence[ScaleCurve], scale: int | None, quantity: str) -> str:
    """Return all figures of a scale as rich text; of several curves those of one plot.

    Parameters
    ----------
    curves : sequence of ScaleCurve
    scale : int or None
        C.
    quantity : str
        Of the plot: a key of `music_gui.views.scales.scale_plots.QUANTITIES`.

    Returns
    -------
    str
        Empty if no curve has the scale.
    """
    points = [(curve, point) for curve in curves if (point := curve.point(scale or 0))]
    names = [quantity] if len(points) > 1 else list(_FIGURES)
    said = [
        f"{sample(curve)} {', '.join(text for name in names for text in _texts(name, point))}"
        for curve, point in points
    ]
    return f"<b>C{scale}</b> &nbsp; " + " &nbsp; ".join(said) if said else ""


def sample(curve: ScaleCurve) -> str:
    """Return a piece of a curve as rich text."""
    style = style_of(curve)
    line = "╌" if style.dashed else "─"
    return f'<span style="color:{style.color}">{line}{style.glyph}{line}</span>'


def muted(text: str) -> str:
    """Return words in the colour of secondary text."""
    return f'<span style="color:{palette.current().muted}">{text}</span>'


def _texts(quantity: str, point: ScalePoint) -> list[str]:
    """Return the figures of a plot that are known, as words."""
    texts = []
    for words, name, digits in _FIGURES[quantity]:
        figure = getattr(point, name)
        if name in ("ri_median", "own_loss"):
            figure = figure.mean  # its spread would take the place of what is more telling
        text = f"{figure:.{digits}f}" if isinstance(figure, float) else figure.text(digits)
        if text and text != "nan":
            texts.append(f"{words} {text}")
    return texts
