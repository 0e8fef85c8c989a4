"""The figures of compared scales as curves against C, and what they say in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from music_gui.io.scale_choice import SplitComparison, WholeFit

_SPLITS = {"halves": "halves", "sex": "women and men", "": ""}

#: What to hold against `statement`.
CAUTION = (
    "The reproducibility index rewards agreement alone: few components may agree well and say "
    "little. The error always falls on the maps that were fitted, and on held-out maps as long as "
    "more components describe the brain and not these people."
)


@dataclass(frozen=True)
class Spread:
    """A figure over the repeats of a split.

    Parameters
    ----------
    mean : float
        NaN if there is none.
    deviation : float
        Standard deviation over repeats; NaN for a single one.
    """

    mean: float = math.nan
    deviation: float = math.nan

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Return mean and deviation of values."""
        known = list(values)
        if not known:
            return cls()
        return cls(fmean(known), stdev(known) if len(known) > 1 else math.nan)

    def text(self, digits: int) -> str:
        """Write ``0.93 ± 0.01``; empty if there is no value."""
        if math.isnan(self.mean):
            return ""
        written = f"{self.mean:.{digits}f}"
        if math.isnan(self.deviation):
            return written
        return f"{written} ± {self.deviation:.{digits}f}"


@dataclass(frozen=True)
class ScalePoint:
    """All figures of one scale.

    Parameters
    ----------
    scale : int
        C.
    n_repeats : int
        Splits that were compared so far.
    whole : WholeFit or None
        The fit of all maps.
    own_loss, held_out_loss : Spread
        Relative error of the parts on their own maps, and on each other's.
    ri, ri_median : Spread
        Reproducibility index: mean and median over components.
    ari : Spread
        Adjusted Rand index.
    """

    scale: int
    n_repeats: int
    whole: WholeFit | None
    own_loss: Spread
    held_out_loss: Spread
    ri: Spread
    ri_median: Spread
    ari: Spread

    @property
    def sparsity(self) -> float:
        """Hoyer sparsity of the fit of all maps; NaN if not known."""
        return math.nan if self.whole is None else self.whole.sparsity

    @classmethod
    def of(cls, scale: int, whole: WholeFit | None, rows: list[SplitComparison]) -> ScalePoint:
        """Take together the repeats of a scale."""
        return cls(
            scale,
            len(rows),
            whole,
            own_loss=Spread.of(row.own_loss for row in rows),
            held_out_loss=Spread.of(row.held_out_loss for row in rows),
            ri=Spread.of(row.ri_mean for row in rows),
            ri_median=Spread.of(row.ri_median for row in rows),
            ari=Spread.of(row.ari for row in rows),
        )


@dataclass(frozen=True)
class ScaleCurve:
    """The scales of one algorithm and one kind of split, by C.

    Parameters
    ----------
    algorithm, split : str
        As in the table; no split is known before the first comparison is done.
    title : str
        What the window calls it.
    points : tuple of ScalePoint
        Ascending.
    n_stopped : int
        Comparisons with a fit that was stopped before its loss had settled.
    """

    algorithm: str
    split: str
    title: str
    points: tuple[ScalePoint, ...]
    n_stopped: int = 0

    def point(self, scale: int) -> ScalePoint | None:
        """Return the figures of a scale."""
        return next((each for each in self.points if each.scale == scale), None)

    @property
    def best(self) -> ScalePoint | None:
        """The scale with the highest mean reproducibility index; None before the first."""
        compared = [each for each in self.points if each.n_repeats]
        return max(compared, key=lambda each: each.ri.mean, default=None)

    @property
    def largest_as_good(self) -> ScalePoint | None:
        """The largest scale within one standard error of the best; None without a spread."""
        best = self.best
        if best is None or best.n_repeats < 2:
            return None
        limit = best.ri.mean - best.ri.deviation / math.sqrt(best.n_repeats)
        return max(
            (each for each in self.points if each.n_repeats and each.ri.mean >= limit),
            key=lambda each: each.scale,
        )

    def as_sentence(self) -> str:
        """Say what the figures show; empty before two scales are compared."""
        compared = [each for each in self.points if each.n_repeats]
        best, largest = self.best, self.largest_as_good
        if best is None or len(compared) < 2:
            return ""
        said = f"{self.title}: agree best at C{best.scale} (RI {best.ri.text(3)})"
        if largest is not None:
            as_good = "no larger C as good" if largest is best else f"C{largest.scale} as good"
            said += f", {as_good}"
        lowest = min(compared, key=lambda each: each.held_out_loss.mean)
        how = "still falls" if lowest is compared[-1] else "is lowest"
        return f"{said}; the error on held-out maps {how} at C{lowest.scale}."


def statement(curves: Sequence[ScaleCurve]) -> list[str]:
    """Say in lines what curves show, what to mind, and by which rule a scale is as good.

    Parameters
    ----------
    curves : sequence of ScaleCurve

    Returns
    -------
    list of str
        Empty before two scales of a curve are compared.
    """
    lines = [sentence for curve in curves if (sentence := curve.as_sentence())]
    if not lines:
        return []
    for algorithm in dict.fromkeys(curve.algorithm for curve in curves if curve.n_stopped):
        mine = [curve for curve in curves if curve.algorithm == algorithm]
        n_all = sum(point.n_repeats for curve in mine for point in curve.points)
        lines.append(
            f"{mine[0].title.rpartition(', ')[0]}: fits of "
            f"{sum(curve.n_stopped for curve in mine)} of {n_all} comparisons were stopped by the "
            "limit of epochs before they settled, and may agree less than they could."
        )
    if any(curve.largest_as_good for curve in curves):
        lines.append(
            "As good: the largest C whose mean RI lies within one standard error, over splits, of "
            "the highest. The choice is yours."
        )
    else:
        lines.append("One split has no spread by which another C could be called as good.")
    return lines


def scale_curves(
    rows: Iterable[SplitComparison],
    wholes: Iterable[WholeFit],
    titles: Mapping[str, str],
    max_epochs: float = math.inf,
) -> tuple[ScaleCurve, ...]:
    """Return a curve for each algorithm and kind of split.

    Parameters
    ----------
    rows : iterable of SplitComparison
    wholes : iterable of WholeFit
        Fits of all maps, also those whose parts are not compared yet.
    titles : mapping of str to str
        What algorithms are called.
    max_epochs : float
        At which fits were stopped.
    """
    found: dict[tuple[str, str], dict[int, list[SplitComparison]]] = {}
    whole_of: dict[tuple[str, int], WholeFit] = {}
    for row in rows:
        found.setdefault((row.algorithm, row.split), {}).setdefault(row.scale, []).append(row)
        whole_of[row.algorithm, row.scale] = row.whole
    for whole in wholes:
        whole_of[whole.algorithm, whole.scale] = whole
    for algorithm, _ in whole_of:
        if not any(algorithm == known for known, _ in found):
            found[algorithm, ""] = {}
    curves = []
    for (algorithm, split), by_scale in found.items():
        scales = sorted({C for known, C in whole_of if known == algorithm})
        points = [
            ScalePoint.of(C, whole_of.get((algorithm, C)), by_scale.get(C, [])) for C in scales
        ]
        title = ", ".join(
            part for part in (titles.get(algorithm, algorithm), _SPLITS.get(split, split)) if part
        )
        n_stopped = sum(
            row.longest >= max_epochs for compared in by_scale.values() for row in compared
        )
        curves.append(ScaleCurve(algorithm, split, title, tuple(points), n_stopped))
    return tuple(curves)
