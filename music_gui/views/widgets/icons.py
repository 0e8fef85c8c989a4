"""Icons drawn once in the colours that are asked for: painting them later runs no Python."""

from __future__ import annotations

from functools import lru_cache

import qtawesome
from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QPixmap

#: Twice and four times the usual size, for screens of high density.
_SIZES = (16, 24, 48)


@lru_cache(maxsize=512)
def icon(name: str, color: str, *, active: str = "", disabled: str = "") -> QIcon:
    """Return an icon of the qtawesome fonts.

    Parameters
    ----------
    name : str
        For example ``mdi6.brain``.
    color : str
        As ``#rrggbb``.
    active, disabled : str
        Colours under the mouse and while it can't be used; `color` by default.
    """
    made = QIcon()
    modes = {
        QIcon.Mode.Normal: color,
        QIcon.Mode.Active: active or color,
        QIcon.Mode.Selected: color,
        QIcon.Mode.Disabled: disabled or color,
    }
    for mode, mode_color in modes.items():
        for size in _SIZES:
            made.addPixmap(pixmap(name, mode_color, size), mode)
    return made


@lru_cache(maxsize=512)
def pixmap(name: str, color: str, size: int) -> QPixmap:
    """Return an icon as a picture of so many pixels a side."""
    drawn: QPixmap = qtawesome.icon(name, color=color).pixmap(QSize(size, size))
    return drawn
