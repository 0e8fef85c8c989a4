"""One value a PSC, and how it is painted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

Kind = Literal["sequential", "diverging"]
RangeMode = Literal["auto", "min-max", "robust", "symmetric", "own"]
ThresholdMode = Literal["none", "value", "nominal", "scale", "atlas", "genome-wide", "top"]

#: Thresholds that are levels of p.
P_THRESHOLDS: tuple[ThresholdMode, ...] = ("nominal", "scale", "atlas", "genome-wide")


@dataclass(frozen=True)
class PaintStyle:
    """How the values of a column become colours.

    Parameters
    ----------
    color_map : str or None
        Name of a colour map; None chooses one by the column's kind.
    range_mode : str
        Values of the first and the last colour: ``min-max`` of the scale's values, ``robust``
        (2nd to 98th percentile), ``symmetric`` around 0, ``own`` (`low` and `high`), or ``auto``:
        symmetric for a diverging column, else min-max.
    low, high : float
        The ``own`` range.
    threshold : str
        PSCs that do not pass it are greyed: ``none``, ``value`` (at least `threshold_value`, by
        size if the column is diverging), a level of p (``nominal``, ``scale``, ``atlas``,
        ``genome-wide``), or ``top`` (the largest tenth of the scale's values).
    threshold_value : float
        For ``value``.
    """

    color_map: str | None = None
    range_mode: RangeMode = "auto"
    low: float = 0.0
    high: float = 1.0
    threshold: ThresholdMode = "none"
    threshold_value: float = 0.0


@dataclass(frozen=True, eq=False)
class PscColumn:
    """One value a PSC, to list, sort by and paint.

    Parameters
    ----------
    title : str
        For example ``Loci (p < 5e-8)``.
    values : dict of str to float
        PSC name to value; a PSC without a value is left out.
    kind : str
        ``sequential`` from low to high, ``diverging`` around zero.
    unit : str
        For example ``mm³``; empty if it has none.
    neg_log_10_p : mapping of str to float, optional
        -log10 p of the values, for thresholds; the values themselves if they are that.
    at_least : frozenset of str
        PSCs whose true value is larger than could be printed.
    source : str
        Table or result that it comes from.
    notes : tuple of str
        What was decided or left out when it was read, in plain words.
    style : PaintStyle
        How it is painted.
    """

    title: str
    values: dict[str, float] = field(default_factory=dict)
    kind: Kind = "sequential"
    unit: str = ""
    neg_log_10_p: Mapping[str, float] | None = None
    at_least: frozenset[str] = frozenset()
    source: str = ""
    notes: tuple[str, ...] = ()
    style: PaintStyle = PaintStyle()

    @property
    def full_title(self) -> str:
        """The title with its unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def is_p_value(self) -> bool:
        """Whether the values themselves are -log10 p."""
        return self.neg_log_10_p is not None and self.neg_log_10_p is self.values

    def limits(self) -> tuple[float, float]:
        """Return the range of the values of all scales, symmetric if diverging."""
        return self._limits

    @cached_property
    def _limits(self) -> tuple[float, float]:
        values = np.fromiter(self.values.values(), dtype=np.float64, count=len(self.values))
        finite = values[np.isfinite(values)]
        if finite.size == 0:
            return 0.0, 1.0
        low, high = float(finite.min()), float(finite.max())
        if self.kind == "diverging":
            high = max(abs(low), abs(high)) or 1.0
            return -high, high
        return (low, high) if high > low else (low - 0.5, high + 0.5)


def kind_of(values: Mapping[str, float]) -> Kind:
    """Choose colours around zero for values on both sides of it, else from low to high."""
    array = np.fromiter(values.values(), dtype=np.float64, count=len(values))
    finite = array[np.isfinite(array)]
    return "diverging" if finite.size and finite.min() < 0 < finite.max() else "sequential"
