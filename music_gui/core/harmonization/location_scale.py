"""The two stages of ComBat: each feature's mean and variance, then each site's offset and scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError
from music_gui.core.harmonization.empirical_bayes import shrink_site
from music_gui.core.harmonization.penalized_spline import PenalizedLeastSquares
from music_gui.core.progress import Progress

#: Below this share of its size a feature's residual counts as rounding: the feature is constant.
_CONSTANT = 1e-10


@dataclass(frozen=True, eq=False)
class FeatureModel:
    """Mean, covariate effects and pooled variance of every feature.

    Parameters
    ----------
    mean, variance : ndarray, shape (n_features,)
        In the features' unit and its square; NaN for features that do not vary or have no value.
    coefficients : ndarray, shape (n_columns, n_features)
        Of the covariates' columns; 0 where the mean is NaN.
    penalties : ndarray, shape (n_features,)
        Penalty weight of the smooth term, NaN without one.
    n_constant : int
        Features that have values but do not vary.
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    penalties: NDArray[np.float64]
    n_constant: int

    def standardize(
        self, X: NDArray[np.float64], columns: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Split the usable features into expected and standardised values.

        Parameters
        ----------
        X : ndarray, shape (n, n_features)
        columns : ndarray, shape (n, n_columns)

        Returns
        -------
        standard, expected : ndarray, shape (n, n_usable)
            ``X = expected + spread * standard``.
        spread : ndarray, shape (n_usable,)
        """
        usable = self.usable
        expected = self.mean[usable] + columns @ self.coefficients[:, usable]
        spread = np.sqrt(self.variance[usable])
        return (X[:, usable] - expected) / spread, expected, spread

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Features that are harmonised, shape (n_features,); the others pass unchanged."""
        return np.isfinite(self.mean)


def fit_features(
    X: NDArray[np.float64],
    site_index: NDArray[np.int64],
    linear: NDArray[np.float64],
    smooth: NDArray[np.float64],
    penalty: NDArray[np.float64],
    *,
    reference: int | None,
    shared_folds: bool,
    rng: np.random.Generator,
    progress: Progress,
) -> FeatureModel:
    """Fit every feature by least squares on sites, covariates and the spline.

    The mean is the average of the site means weighted by their size, or that of the reference
    site; so is the variance, which divides by the number of values (Fortin et al. 2018, eq. 3).

    Parameters
    ----------
    X : ndarray, shape (n, n_features)
        NaN is missing.
    site_index : ndarray, shape (n,), int64
        0 to n_sites - 1.
    linear : ndarray, shape (n, n_sites + p)
        A column a site (1 everywhere for the reference site), then linear covariates.
    smooth : ndarray, shape (n, q)
        Spline basis; q may be 0.
    penalty : ndarray, shape (q, q)
        Of the spline.
    reference : int or None
        Index of the reference site.
    shared_folds, rng, progress
        See `PenalizedLeastSquares.select_weights`.

    Raises
    ------
    InputError
        If a feature has fewer than two values at a site.
    """
    n_features, n_sites = X.shape[1], int(site_index.max()) + 1
    finite = np.isfinite(X)
    counts = np.array([finite[site_index == k].sum(axis=0) for k in range(n_sites)])
    _check_counts(counts)
    coefficients = np.full((linear.shape[1] + smooth.shape[1], n_features), np.nan)
    penalties = np.full(n_features, np.nan)
    for features in _grouped_by_rows(finite):
        rows = finite[:, features[0]]
        model = PenalizedLeastSquares(linear[rows], smooth[rows], penalty)
        responses = X[np.ix_(rows, features)]
        weights = np.zeros(len(features))
        if smooth.shape[1]:
            weights = model.select_weights(
                responses, rng, shared_folds=shared_folds, progress=progress
            )
            penalties[features] = weights
        coefficients[:, features] = model.solve(responses, weights)
    if reference is None:
        share = counts / np.maximum(counts.sum(axis=0), 1)
        mean, counted = (share * coefficients[:n_sites]).sum(axis=0), np.ones(len(X), dtype=bool)
    else:
        mean, counted = coefficients[reference], site_index == reference
    residual = (X - np.hstack([linear, smooth]) @ coefficients)[counted]
    variance = np.nansum(residual**2, axis=0) / np.maximum(finite[counted].sum(axis=0), 1)
    size = np.abs(np.where(finite, X, 0.0)).max(axis=0, initial=0.0)
    unchanged = ~(variance > (_CONSTANT * size) ** 2)
    return FeatureModel(
        mean=np.where(unchanged, np.nan, mean),
        variance=np.where(unchanged, np.nan, variance),
        coefficients=np.where(unchanged, 0.0, coefficients[n_sites:]),
        penalties=penalties,
        n_constant=int((unchanged & finite.any(axis=0)).sum()),
    )


def fit_sites(
    standard: NDArray[np.float64],
    site_index: NDArray[np.int64],
    *,
    reference: int | None,
    empirical_bayes: bool,
    tolerance: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Estimate location and scale of every site from standardised values.

    Parameters
    ----------
    standard : ndarray, shape (n, n_usable)
        From `FeatureModel.standardize`.
    site_index : ndarray, shape (n,), int64
    reference : int or None
        This site gets location 0 and scale 1, the others are told from it.
    empirical_bayes : bool
        Shrink towards all features; needs at least two.
    tolerance : float
        See `shrink_site`.

    Returns
    -------
    location, scale : ndarray, shape (n_sites, n_usable)
        Without empirical Bayes the scale of a feature that does not vary at a site is 1.
    """
    n_sites = int(site_index.max()) + 1
    location = np.zeros((n_sites, standard.shape[1]))
    scale = np.ones_like(location)
    means = np.array([np.nanmean(standard[site_index == k], axis=0) for k in range(n_sites)])
    offset = means if reference is None else means - means[reference]
    for site in range(n_sites):
        if site == reference:
            continue
        values = standard[site_index == site]
        variance = np.nanvar(values, axis=0, ddof=1)
        if empirical_bayes:
            n = np.isfinite(values).sum(axis=0)
            location[site], scale[site] = shrink_site(
                offset[site], variance, means[site], n, tolerance
            )
        else:
            location[site], scale[site] = offset[site], np.where(variance > 0, variance, 1.0)
    return location, scale


def _check_counts(counts: NDArray[np.int64]) -> None:
    """Refuse features that some site has too few values of; those without any are fine."""
    few = (counts < 2).any(axis=0) & (counts > 0).any(axis=0)
    if few.any():
        raise InputError(
            f"fewer than two values at one of the sites in {few.sum()} of {few.size} features",
            why=f"the first is feature {few.argmax() + 1}",
            remedy="Leave these features or that site out",
        )


def _grouped_by_rows(finite: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Group features that have values in the same rows; those without any are left out."""
    if finite.all():
        return [np.arange(finite.shape[1])]
    patterns, group = np.unique(np.packbits(finite, axis=0), axis=1, return_inverse=True)
    groups = [np.flatnonzero(group == k) for k in range(patterns.shape[1])]
    groups = [features for features in groups if finite[:, features[0]].any()]
    return sorted(groups, key=lambda features: int(features[0]))
