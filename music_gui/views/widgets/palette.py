"""The named colours of both themes and the colour tables of the PSCs.

Views read `current` and redraw on `theme_changed`; nothing else in the application names a colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from psygnal import SignalInstance


@dataclass(frozen=True)
class Theme:
    """Colours by what they are for, as ``#rrggbb``.

    Parameters
    ----------
    name : str
        ``dark`` or ``light``.
    window : str
        Behind everything: menus, toolbar, gaps between docks.
    panel : str
        Behind the content of a dock.
    raised : str
        Title bars, table headers, buttons.
    field : str
        Line edits, combo boxes, lists.
    border : str
        Hairlines.
    hover : str
        What the mouse is over.
    selection : str
        Behind a selected row; `text` stays readable on it.
    text, muted : str
        Main text and secondary text; both readable on window, panel, raised and field.
    disabled : str
        Text of what can't be used now.
    accent, accent_text : str
        What can be acted on, and text on it.
    good, warning, bad : str
        States; readable as text on panel. Never the only sign of a state.
    plot_background, plot_axis, plot_grid : str
        Of two-dimensional plots.
    plot_first, plot_second : str
        Two alternating series, such as odd and even chromosomes.
    threshold : str
        Lines of significance.
    slice_background : str
        Behind the slices.
    scene_top, scene_bottom : str
        Gradient behind the 3D scene.
    scene_edge : str
        Lines between PSCs in the 3D scene.
    glass : str
        The glass brain.
    highlight : str
        The selected PSC.
    crosshair : str
        Lines through the slices.
    no_value : str
        A PSC without a value while a column is painted.
    below_threshold : str
        A PSC whose value does not pass the threshold.
    """

    name: str
    window: str
    panel: str
    raised: str
    field: str
    border: str
    hover: str
    selection: str
    text: str
    muted: str
    disabled: str
    accent: str
    accent_text: str
    good: str
    warning: str
    bad: str
    plot_background: str
    plot_axis: str
    plot_grid: str
    plot_first: str
    plot_second: str
    threshold: str
    slice_background: str
    scene_top: str
    scene_bottom: str
    scene_edge: str
    glass: str
    highlight: str
    crosshair: str
    no_value: str
    below_threshold: str

    @property
    def is_dark(self) -> bool:
        """Whether text is brighter than what lies behind it."""
        return self.name == "dark"


DARK = Theme(
    name="dark",
    window="#12171e",
    panel="#161c24",
    raised="#1e2630",
    field="#10151b",
    border="#2b3541",
    hover="#26303c",
    selection="#1f4e7e",
    text="#e4e9f0",
    muted="#98a4b3",
    disabled="#5c6672",
    accent="#4aa8ff",
    accent_text="#07121d",
    good="#47c78a",
    warning="#f0b541",
    bad="#ff7261",
    plot_background="#161c24",
    plot_axis="#98a4b3",
    plot_grid="#2b3541",
    plot_first="#4aa8ff",
    plot_second="#8494a8",
    threshold="#ff7261",
    slice_background="#10151b",
    scene_top="#26323f",
    scene_bottom="#10151b",
    scene_edge="#1b232c",
    glass="#a9bccf",
    highlight="#ff6d4d",
    crosshair="#4aa8ff",
    no_value="#4b5663",
    below_threshold="#2b343e",
)

LIGHT = Theme(
    name="light",
    window="#eef1f5",
    panel="#fbfcfd",
    raised="#e4e9ef",
    field="#ffffff",
    border="#cbd3dc",
    hover="#dbe3ec",
    selection="#cfe4fb",
    text="#1a222c",
    muted="#52606f",
    disabled="#98a3af",
    accent="#0a66c2",
    accent_text="#ffffff",
    good="#17734a",
    warning="#8a5a00",
    bad="#b92a19",
    plot_background="#fbfcfd",
    plot_axis="#52606f",
    plot_grid="#dde3ea",
    plot_first="#0a66c2",
    plot_second="#7b8794",
    threshold="#b92a19",
    slice_background="#f3f5f8",
    scene_top="#ffffff",
    scene_bottom="#dde4ec",
    scene_edge="#55606c",
    glass="#7d8fa3",
    highlight="#d93a12",
    crosshair="#0a66c2",
    no_value="#c3cad3",
    below_threshold="#e2e7ed",
)

_current = DARK

#: Emitted with the new theme after it has become `current`.
theme_changed = SignalInstance((Theme,), name="theme_changed")


def current() -> Theme:
    """Return the theme in use."""
    return _current


def set_current(theme: Theme) -> None:
    """Put a theme in use and tell all views."""
    global _current
    if theme is not _current:
        _current = theme
        theme_changed.emit(theme)


def rgb(color: str) -> tuple[float, float, float]:
    """Split ``#rrggbb`` into red, green and blue from 0 to 1."""
    red, green, blue = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


#: Hues that stay apart with protanopia, deuteranopia and tritanopia: the "muted" scheme of
#: P. Tol, "Colour Schemes", SRON/EPS/TN/09-002, issue 3.2 (2021), with a lighter indigo. Ordered
#: so that consecutive ones differ most for those eyes too.
_HUES = (
    "#cc6677", "#882255", "#44aa99", "#999933", "#5566aa",
    "#88ccee", "#117733", "#ddcc77", "#aa4499",
)  # fmt: skip

#: How far each turn through the hues is mixed with white (> 0) or black (< 0).
_TURNS = (0.0, 0.35, -0.22)

#: A thousand patches of full colour side by side hide the shape: all are mixed with some grey.
_GREY, _GREY_SHARE = 0.66, 0.25


@cache
def psc_colors(n: int) -> NDArray[np.uint8]:
    """Return a colour for each of n PSCs, shape (n, 3).

    27 colours, repeated: more can't be told apart. PSCs with neighbouring numbers differ in hue
    and lightness.
    """
    hues = np.array([rgb(color) for color in _HUES])
    table = np.concatenate(
        [hues + (1 - hues) * mix if mix >= 0 else hues * (1 + mix) for mix in _TURNS]
    )
    table = table * (1 - _GREY_SHARE) + _GREY * _GREY_SHARE
    colors = np.round(table[np.arange(n) % len(table)] * 255).astype(np.uint8)
    colors.flags.writeable = False
    return colors


@cache
def label_colors(n: int) -> NDArray[np.uint8]:
    """Return red, green, blue and alpha of labels 0 to n, shape (n + 1, 4); 0 is transparent."""
    colors = np.zeros((n + 1, 4), dtype=np.uint8)
    colors[1:, :3] = psc_colors(n)
    colors[1:, 3] = 255
    colors.flags.writeable = False
    return colors


#: Perceptually even maps: viridis, blue-white-red of P. Kovesi, arXiv:1509.03700, and plasma,
#: which has no grey or green and so stands out on the template and from painted PSCs.
_MAPS = {"sequential": "viridis", "diverging": "CET-D1", "image": "plasma"}

#: Maps to choose from, by kind: all perceptually even; those called safe by their authors for
#: the colour-blind say for whom.
COLOR_MAPS = {
    "sequential": {
        "viridis": "Viridis",
        "cividis": "Cividis: red-green blind",
        "CET-CBL1": "Blue to yellow: red-green blind",
        "inferno": "Inferno",
        "magma": "Magma",
        "CET-L1": "Black to white",
    },
    "diverging": {
        "CET-D1": "Blue, white, red",
        "CET-CBD1": "Blue, white, yellow: red-green blind",
        "CET-CBTD1": "Cyan, white, red: blue-yellow blind",
    },
}


@cache
def color_map(kind: str) -> NDArray[np.uint8]:
    """Return 256 colours from low to high, shape (256, 3).

    Parameters
    ----------
    kind : str
        ``sequential``, ``diverging``, ``image`` (a map over the template), or one of the names in
        `COLOR_MAPS`.
    """
    import pyqtgraph as pg

    table: NDArray[np.uint8] = pg.colormap.get(_MAPS.get(kind, kind)).getLookupTable(
        nPts=256, alpha=False, mode="byte"
    )[:, :3]
    colors = np.ascontiguousarray(table)
    colors.flags.writeable = False
    return colors
