"""Where variants lie on one axis that runs through all chromosomes, and what to draw there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

#: Space between two chromosomes, as a share of the whole genome.
_GAP = 0.004
_ORDER = {str(number): number for number in range(1, 23)} | {
    "X": 23, "Y": 24, "XY": 25, "MT": 26, "M": 26,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class GenomeAxis:
    """One axis through all chromosomes that the variants lie on.

    Parameters
    ----------
    x : ndarray, shape (n_variants,), float64
        Position of each variant on the axis, in base pairs from its start.
    chromosomes : tuple of str
        In the order of the axis.
    starts, stops : ndarray, shape (n_chromosomes,), float64
        First and last variant of each chromosome on the axis.
    chromosome_index : ndarray, shape (n_variants,), int32
        Which of ``chromosomes`` each variant lies on.
    """

    x: NDArray[np.float64]
    chromosomes: tuple[str, ...]
    starts: NDArray[np.float64]
    stops: NDArray[np.float64]
    chromosome_index: NDArray[np.int32]

    @property
    def centres(self) -> NDArray[np.float64]:
        """Middle of each chromosome on the axis: where its name is written."""
        return (self.starts + self.stops) / 2


def chromosome_rank(name: str) -> tuple[int, str]:
    """Return a sort key: 1 to 22, X, Y, XY, MT, then others by name; ``chr`` is ignored."""
    bare = name.removeprefix("chr").upper()
    return _ORDER.get(bare, len(_ORDER) + 1), bare


def genome_axis(chromosome: NDArray[np.object_], position: NDArray[np.integer]) -> GenomeAxis:
    """Lay variants of several chromosomes on one axis.

    Parameters
    ----------
    chromosome : ndarray, shape (n_variants,), str
        In any order.
    position : ndarray, shape (n_variants,), int
        Base pair on the chromosome.

    Returns
    -------
    GenomeAxis
        Each chromosome spans its own variants; between two lies a gap of 0.4 % of the genome.
    """
    names, codes = np.unique(np.asarray(chromosome, dtype=str), return_inverse=True)
    order = sorted(range(len(names)), key=lambda code: chromosome_rank(str(names[code])))
    index = np.empty(len(names), dtype=np.int32)
    index[order] = np.arange(len(names), dtype=np.int32)
    chromosome_index = index[codes]
    place = np.asarray(position, dtype=np.float64)
    first = np.full(len(names), np.inf)
    last = np.full(len(names), -np.inf)
    np.minimum.at(first, chromosome_index, place)
    np.maximum.at(last, chromosome_index, place)
    lengths = last - first
    gap = max(float(lengths.sum()) * _GAP, 1.0)
    starts = np.concatenate([[0.0], np.cumsum(lengths + gap)[:-1]]) if len(names) else lengths
    return GenomeAxis(
        x=place - first[chromosome_index] + starts[chromosome_index],
        chromosomes=tuple(str(names[code]) for code in order),
        starts=starts,
        stops=starts + lengths,
        chromosome_index=chromosome_index,
    )


@dataclass(frozen=True, eq=False)
class QuantilePlot:
    """Observed against expected -log10 p, thinned where points would lie on each other.

    Parameters
    ----------
    expected, observed : ndarray, shape (n_points,), float64
        Both ascending.
    band_expected, band_low, band_high : ndarray, shape (n_band,), float64
        The 95 % band of the null, from the Beta distribution of order statistics.
    """

    expected: NDArray[np.float64]
    observed: NDArray[np.float64]
    band_expected: NDArray[np.float64]
    band_low: NDArray[np.float64]
    band_high: NDArray[np.float64]


def quantile_plot(
    neg_log_10_p_value: NDArray[np.floating], *, n_points: int = 20_000, n_band: int = 200
) -> QuantilePlot:
    """Compare p-values with the uniform distribution.

    The i-th smallest of n uniform p-values has mean i / (n + 1) and follows Beta(i, n + 1 - i).
    All of the ``n_points // 2`` smallest p-values are kept; of the rest, evenly spaced ones.

    Parameters
    ----------
    neg_log_10_p_value : ndarray, shape (n_variants,)
        NaN is left out.
    n_points, n_band : int
        Most points of the plot and of its band.

    Returns
    -------
    QuantilePlot
        Empty if there is no p-value.
    """
    observed = np.sort(neg_log_10_p_value[np.isfinite(neg_log_10_p_value)])[::-1]
    n = len(observed)
    ranks = np.arange(1, n + 1)
    if n > n_points:
        head = n_points // 2
        tail = np.geomspace(head + 1, n, n_points - head).round().astype(np.int64)
        ranks = np.concatenate([ranks[:head], np.unique(tail)])
    band = np.unique(np.geomspace(1, max(n, 1), n_band).round()) if n else np.empty(0)
    distribution = stats.beta(band, n + 1 - band)
    return QuantilePlot(
        expected=-np.log10(ranks / (n + 1))[::-1],
        observed=observed[ranks - 1][::-1].astype(np.float64),
        band_expected=-np.log10(band / (n + 1))[::-1],
        band_low=-np.log10(distribution.ppf(0.975))[::-1],
        band_high=-np.log10(distribution.ppf(0.025))[::-1],
    )


def density_raster(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    limits: tuple[float, float, float, float],
    shape: tuple[int, int],
) -> NDArray[np.int32]:
    """Count points in the cells of a picture: how a dense layer is drawn.

    Parameters
    ----------
    x, y : ndarray, shape (n_points,)
        Points; those outside the limits or with NaN are left out.
    limits : tuple of float
        Left, right, bottom and top edge of the picture.
    shape : tuple of int
        Columns and rows of the picture.

    Returns
    -------
    ndarray, shape ``shape``, int32
        Number of points in each cell, first column left, first row at the bottom.
    """
    left, right, bottom, top = limits
    column = np.floor((x - left) * (shape[0] / (right - left)))
    row = np.floor((y - bottom) * (shape[1] / (top - bottom)))
    inside = (column >= 0) & (column < shape[0]) & (row >= 0) & (row < shape[1])
    cell = column[inside].astype(np.int64) * shape[1] + row[inside].astype(np.int64)
    counts = np.bincount(cell, minlength=shape[0] * shape[1])
    return counts.reshape(shape).astype(np.int32)
