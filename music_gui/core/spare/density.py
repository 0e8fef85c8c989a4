"""How scores of patients and controls are distributed, smoothed for drawing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

_N_POINTS = 256


@dataclass(frozen=True, eq=False)
class ScoreDensity:
    """Densities of the out-of-fold scores (the paper's Fig. 5).

    Parameters
    ----------
    scores : ndarray, shape (n_points,)
        Where the densities are given.
    controls, patients : ndarray, shape (n_points,)
        Per unit of the score; zero for a group of fewer than two different scores.
    """

    scores: NDArray[np.float64]
    controls: NDArray[np.float64]
    patients: NDArray[np.float64]


def score_density(scores: NDArray[np.float64], patients: NDArray[np.bool_]) -> ScoreDensity:
    """Estimate the density of each group's scores with a Gaussian kernel (Scott's rule).

    Parameters
    ----------
    scores : ndarray, shape (n,)
    patients : ndarray, shape (n,), bool

    Returns
    -------
    ScoreDensity
        Over the range of all scores and three bandwidths beyond.
    """
    groups = [scores[~patients], scores[patients]]
    kernels = [
        stats.gaussian_kde(group) if np.ptp(group) > 0 else None for group in map(_safe, groups)
    ]
    widths = [float(np.sqrt(kernel.covariance[0, 0])) for kernel in kernels if kernel is not None]
    margin = 3 * max(widths, default=1.0)
    low, high = float(scores.min(initial=0.0)), float(scores.max(initial=0.0))
    x = np.linspace(low - margin, high + margin, _N_POINTS)
    controls, patient = (np.zeros_like(x) if kernel is None else kernel(x) for kernel in kernels)
    return ScoreDensity(x, controls, patient)


def _safe(group: NDArray[np.float64]) -> NDArray[np.float64]:
    return group if len(group) > 1 else np.zeros(2)
