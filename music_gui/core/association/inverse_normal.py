"""Rank-based inverse normal transform."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

#: Blom's constant.
_OFFSET = 3 / 8


def rank_inverse_normal(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace values by normal quantiles of their ranks: Phi^-1((r - 3/8) / (n + 1/4)).

    Parameters
    ----------
    values : ndarray, shape (n, n_phenotypes)
        NaN stays NaN and does not count; ties share their mean rank.

    Returns
    -------
    ndarray, shape (n, n_phenotypes), float64
    """
    ranks = stats.rankdata(values, axis=0, nan_policy="omit")
    counts = np.isfinite(values).sum(axis=0)
    quantiles: NDArray[np.float64] = special.ndtri((ranks - _OFFSET) / (counts + 1 - 2 * _OFFSET))
    return quantiles
