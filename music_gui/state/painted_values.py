"""What is painted on the PSCs of the scene's scale: values, range, and which pass the threshold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.association.significance import (
    SignificanceLevel,
    genome_wide,
    nominal,
    over_pscs_of_atlas,
    over_pscs_of_scale,
)
from music_gui.core.atlas import Atlas
from music_gui.state.brain_scene import BrainScene
from music_gui.state.psc_column import P_THRESHOLDS, PaintStyle, PscColumn, ThresholdMode

_ROBUST_PERCENT = (2.0, 98.0)
_TOP_QUANTILE = 0.9


@dataclass(frozen=True, eq=False)
class PaintedValues:
    """A column on the PSCs of one scale.

    Parameters
    ----------
    column : PscColumn
        What is painted.
    names : tuple of str
        All C components of the scale.
    values : ndarray, shape (C,), float64
        NaN where there is none.
    present : ndarray, shape (C,), bool
        Components that have not vanished.
    passes : ndarray, shape (C,), bool
        Those with a value that passes the threshold; all with a value if there is none.
    low, high : float
        Values of the first and the last colour.
    threshold : float or None
        Where the threshold lies among the values; None if there is none, or if it is one of p
        and the values are not.
    level : str
        What passing means, in words; empty without a threshold.
    """

    column: PscColumn
    names: tuple[str, ...]
    values: NDArray[np.float64]
    present: NDArray[np.bool_]
    passes: NDArray[np.bool_]
    low: float
    high: float
    threshold: float | None
    level: str

    @property
    def n_values(self) -> int:
        """PSCs with a value."""
        return int((self.present & np.isfinite(self.values)).sum())

    @property
    def n_missing(self) -> int:
        """PSCs without one; vanished components do not count."""
        return int((self.present & ~np.isfinite(self.values)).sum())

    @property
    def n_passed(self) -> int:
        """PSCs that pass the threshold."""
        return int((self.present & self.passes).sum())

    @property
    def missing(self) -> NDArray[np.bool_]:
        """PSCs that have not vanished and have no value, shape (C,)."""
        return self.present & ~np.isfinite(self.values)


def painted_values(scene: BrainScene) -> PaintedValues | None:
    """Return what is painted on the scene's scale; None if nothing is, or without an atlas."""
    if scene.painted is None or scene.atlas is None or scene.scale is None:
        return None
    return paint(scene.painted, scene.atlas, scene.scale)


def paint(column: PscColumn, atlas: Atlas, scale: int) -> PaintedValues:
    """Lay a column out on the PSCs of a scale and apply its style."""
    whole = atlas.scales[scale]
    values = _values(column.values, whole.names)
    present = whole.voxel_counts > 0
    values[~present] = np.nan
    low, high = value_range(column, values)
    level = p_level(column.style.threshold, atlas, scale)
    has_value = np.isfinite(values)
    line, words, passes = None, "", has_value
    if level is not None and column.neg_log_10_p is not None:
        passes = has_value & (_values(column.neg_log_10_p, whole.names) > level.neg_log_10_p)
        line = level.neg_log_10_p if column.is_p_value else None
        words = f"{level.title}: {level.describe()}"
    elif column.style.threshold in ("value", "top"):
        sizes = np.abs(values) if column.kind == "diverging" else values
        line = threshold_line(column.style, sizes[has_value])
        passes = has_value & (sizes >= line)
        words = "Top 10 %: at least" if column.style.threshold == "top" else "At least"
    return PaintedValues(column, whole.names, values, present, passes, low, high, line, words)


def p_level(threshold: ThresholdMode, atlas: Atlas, scale: int) -> SignificanceLevel | None:
    """Return the level of p that a threshold stands for at a scale; None if it is not one of p."""
    if threshold not in P_THRESHOLDS:
        return None
    if threshold == "nominal":
        return nominal()
    if threshold == "scale":
        return over_pscs_of_scale(atlas.scales[scale])
    return over_pscs_of_atlas(atlas) if threshold == "atlas" else genome_wide()


def threshold_line(style: PaintStyle, values: NDArray[np.float64]) -> float:
    """Return the value from which on values pass: the user's, or the 90th percentile."""
    if style.threshold == "value" or values.size == 0:
        return style.threshold_value
    return float(np.quantile(values, _TOP_QUANTILE))


def value_range(column: PscColumn, values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the values of the first and the last colour, the first below the last.

    Parameters
    ----------
    column : PscColumn
        Its style tells how.
    values : ndarray, shape (C,)
        Of the scale that is shown; NaN is left out.
    """
    style, finite = column.style, values[np.isfinite(values)]
    if style.range_mode == "own":
        return style.low, style.high
    if finite.size == 0:
        return column.limits()
    mode = style.range_mode
    if mode == "auto":
        mode = "symmetric" if column.kind == "diverging" else "min-max"
    if mode == "symmetric":
        high = float(np.abs(finite).max()) or 1.0
        return -high, high
    percents = _ROBUST_PERCENT if mode == "robust" else (0.0, 100.0)
    low, high = (float(limit) for limit in np.percentile(finite, percents))
    if mode == "robust" and column.kind == "diverging":
        high = max(abs(low), abs(high))
        low = -high
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _values(of: Mapping[str, float], names: tuple[str, ...]) -> NDArray[np.float64]:
    return np.array([of.get(name, math.nan) for name in names], dtype=np.float64)
