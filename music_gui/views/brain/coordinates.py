"""Coordinates as people write them."""

from __future__ import annotations

import math
import re

from music_gui.core.errors import ParameterError
from music_gui.state.brain_scene import Point


def parse_coordinates(text: str) -> Point:
    """Read a point in world mm: ``-50 -6 52``, ``(-50, -6, 52)``, ``x=-50; y=-6; z=52 mm``.

    Raises
    ------
    ParameterError
        If there are not exactly three numbers.
    """
    plain = text.replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "-")
    words = re.findall(r"[^\s,;()\[\]=:]+", plain)
    numbers = [word for word in words if word.lower() not in ("x", "y", "z", "mm", "mni")]
    try:
        x, y, z = (float(number) for number in numbers)
    except ValueError:
        raise ParameterError(
            f"{text.strip()!r} is no point", remedy="Write x, y and z in mm, such as -50 -6 52"
        ) from None
    if not all(map(math.isfinite, (x, y, z))):
        raise ParameterError(f"{text.strip()!r} is no point in space")
    return x, y, z


def format_coordinates(point: Point) -> str:
    """Write a point so that other programs can read it: ``-50.0 -6.0 52.0``."""
    return " ".join(f"{value + 0.0:.1f}" for value in point)
