"""PSCs and numbers in words: readouts, tables and colour bars write them alike."""

from __future__ import annotations

import math

from music_gui.core.atlas import parse_psc_name
from music_gui.state.association import p_value_text
from music_gui.state.brain_scene import BrainScene


def describe_psc(scene: BrainScene, name: str) -> str:
    """Return name, region and painted value: ``C32_4 · Thalamus L · Volume 12.3 ml``.

    The p-value of the painted value follows if it has one.
    """
    parts = [name]
    scale, label = parse_psc_name(name)
    if scene.atlas is not None and scale in scene.atlas.scales:
        regions = scene.atlas.scales[scale].regions
        if regions and regions[label - 1]:
            parts.append(regions[label - 1])
    if scene.anatomy is not None and (covered := scene.anatomy.texts.get(name)):
        parts.append(covered)
    if (column := scene.painted) is not None:
        value = format_value(column.values.get(name, math.nan))
        bound = "≥ " if name in column.at_least else ""
        parts.append(f"{column.title} {bound}{value} {column.unit}".rstrip())
        if column.neg_log_10_p is not None and not column.is_p_value:
            neg_log_10_p = column.neg_log_10_p.get(name, math.nan)
            parts += [] if math.isnan(neg_log_10_p) else [f"p {p_value_text(neg_log_10_p)}"]
    return "  ·  ".join(parts)


def format_value(value: float) -> str:
    """Write a number with three to four significant digits, as in tables and readouts."""
    if math.isnan(value):
        return "–"
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}".replace(",", "\u202f").replace("-", "\u2212")
    if 1e-3 <= abs(value) < 1e5:
        digits = max(0, 3 - math.floor(math.log10(abs(value))) - 1)
        return f"{value:.{digits}f}".replace("-", "\u2212")
    return f"{value:.2e}".replace("-", "\u2212")
