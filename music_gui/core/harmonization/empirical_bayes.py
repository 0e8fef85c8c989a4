"""Site parameters shrunk towards those of all features (ComBat; Johnson et al. 2007)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import MusicError

_MAX_ITERATIONS = 10_000


def shrink_site(
    location: NDArray[np.float64],
    scale: NDArray[np.float64],
    mean: NDArray[np.float64],
    n: NDArray[np.int64],
    tolerance: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Estimate one site's location and scale by parametric empirical Bayes.

    Johnson, Li and Rabinovic, Biostatistics 8 (2007) 118, section 3.2: normal prior on the
    location, inverse gamma prior on the scale, hyperparameters by moments over the features,
    conditional means in turn until the largest relative change is below ``tolerance``.

    Parameters
    ----------
    location, scale : ndarray, shape (n_features,)
        Least squares estimates: offset and variance of the standardised values of the site.
    mean : ndarray, shape (n_features,)
        Mean of the site's standardised values (the offset, unless there is a reference site).
    n : ndarray, shape (n_features,), int64
        Number of values.
    tolerance : float
        When to stop.

    Returns
    -------
    location, scale : ndarray, shape (n_features,)
        Posterior estimates.

    Raises
    ------
    MusicError
        If they do not settle.
    """
    location_mean, location_variance = location.mean(), location.var(ddof=1)
    scale_mean, scale_variance = scale.mean(), scale.var(ddof=1)
    if scale_variance <= np.finfo(float).eps * scale_mean**2:
        shape, rate = np.inf, np.inf  # all features agree: the prior is a point
    else:
        shape = (2 * scale_variance + scale_mean**2) / scale_variance
        rate = (scale_mean * scale_variance + scale_mean**3) / scale_variance
    old_location, old_scale = location, scale
    for _ in range(_MAX_ITERATIONS):
        weight = location_variance * n
        new_location = (weight * location + old_scale * location_mean) / (weight + old_scale)
        squares = (n - 1) * scale + n * (mean - new_location) ** 2
        if np.isinf(shape):
            new_scale = np.full_like(scale, scale_mean)
        else:
            new_scale = (0.5 * squares + rate) / (n / 2 + shape - 1)
        change = max(
            _relative_change(new_location, old_location), _relative_change(new_scale, old_scale)
        )
        old_location, old_scale = new_location, new_scale
        if change <= tolerance:
            return new_location, new_scale
    raise MusicError(
        "the site parameters do not settle",
        why=f"the last relative change was {change:.1e} after {_MAX_ITERATIONS} iterations",
        remedy="Harmonise without empirical Bayes",
    )


def _relative_change(new: NDArray[np.float64], old: NDArray[np.float64]) -> float:
    """Return the largest relative change; of a value at zero the absolute one."""
    size = np.abs(old)
    return float((np.abs(new - old) / np.where(size > 0, size, 1.0)).max())
