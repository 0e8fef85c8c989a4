"""A trained SPARE model: what it needs to score one person."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError
from music_gui.core.harmonization.covariate_table import CovariateTable
from music_gui.core.spare.calibration import PlattCalibration
from music_gui.core.spare.preparation import FeaturePreparation
from music_gui.core.spare.reference import ReferenceDistribution

#: Two-sided 95 % of the normal distribution.
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class Score:
    """One person's score.

    Parameters
    ----------
    value : float
        ``intercept + contributions.sum()``; positive is patient-like.
    low, high : float
        95 % interval for the choice of the training sample: normal, with the standard error over
        models trained on bootstrap samples of the training people (C, harmonisation and
        adjustment as in the model). It tells nothing of the error of the image.
    probability : float
        Of being a patient, where patients are as common as in the training sample.
    contributions : ndarray, shape (n_features,)
        Weight times standardised value of each PSC.
    harmonized : bool
        Whether the site was known, so that its effect could be removed.
    """

    value: float
    low: float
    high: float
    probability: float
    contributions: NDArray[np.float64]
    harmonized: bool


@dataclass(frozen=True, eq=False)
class SpareModel:
    """Weights, and all that stands before and behind them.

    Parameters
    ----------
    features : tuple of str
        Names of the n_features PSCs, in order.
    preparation : FeaturePreparation
        Fitted on all training people.
    weights : ndarray, shape (n_features,)
        Of the standardised features.
    intercept : float
    pattern : ndarray, shape (n_features,)
        Haufe pattern of the weights: how each feature varies with the score.
    cost : float
        C of the machine.
    bootstrap_weights : ndarray, shape (n_bootstrap, n_features)
        Weights of models of bootstrap samples, for the same standardised features.
    bootstrap_intercepts : ndarray, shape (n_bootstrap,)
    calibration : PlattCalibration
    reference : ReferenceDistribution
    raw_mean, raw_sd : ndarray, shape (n_features,)
        Of the training people's volumes before any preparation, mm^3.
    """

    features: tuple[str, ...]
    preparation: FeaturePreparation
    weights: NDArray[np.float64]
    intercept: float
    pattern: NDArray[np.float64]
    cost: float
    bootstrap_weights: NDArray[np.float64]
    bootstrap_intercepts: NDArray[np.float64]
    calibration: PlattCalibration
    reference: ReferenceDistribution
    raw_mean: NDArray[np.float64]
    raw_sd: NDArray[np.float64]

    @property
    def needed_covariates(self) -> tuple[str, ...]:
        """Covariates that scoring can't do without, wherever the person comes from."""
        adjustment = self.preparation.adjustment_
        return () if adjustment is None else adjustment.design.needed

    @property
    def harmonization_covariates(self) -> tuple[str, ...]:
        """Covariates that harmonising a person of a known site needs besides."""
        harmonization = self.preparation.harmonization_
        return () if harmonization is None else harmonization.design_.needed

    @property
    def sites(self) -> tuple[str, ...]:
        """Sites whose effect the model can remove; empty without harmonisation."""
        harmonization = self.preparation.harmonization_
        return () if harmonization is None else harmonization.sites_

    @property
    def site_column(self) -> str:
        """Covariate that holds a person's site, as the training sample's table names it."""
        harmonization = self.preparation.harmonization_
        return "site" if harmonization is None else str(harmonization.site)

    def score(self, volumes: NDArray[np.float64], person: CovariateTable) -> Score:
        """Score one person.

        Parameters
        ----------
        volumes : ndarray, shape (n_features,)
            PSC volumes in mm^3 in the order of ``features``.
        person : CovariateTable, one row
            Covariates by name: those of `needed_covariates`; `site_column` and those of
            `harmonization_covariates` for the effect of the site to be removed.

        Raises
        ------
        InputError
            If a volume or a covariate that is needed is missing.
        """
        if not np.isfinite(volumes).all():
            missing = [
                name for name, v in zip(self.features, volumes, strict=True) if not np.isfinite(v)
            ]
            raise InputError(f"{len(missing)} PSCs have no volume: {', '.join(missing[:5])}")
        standard = self.preparation.transform(volumes[None, :], person)[0]
        contributions = self.weights * standard
        value = self.intercept + float(contributions.sum())
        resampled = self.bootstrap_weights @ standard + self.bootstrap_intercepts
        half = _NORMAL_95 * float(resampled.std(ddof=1)) if len(resampled) > 1 else float("nan")
        harmonization = self.preparation.harmonization_
        return Score(
            value=value,
            low=value - half,
            high=value + half,
            probability=self.calibration.probability(value),
            contributions=contributions,
            harmonized=harmonization is not None and bool(harmonization.is_harmonized(person)[0]),
        )


def haufe_pattern(Z: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn weights of a linear model into an activation pattern.

    ``cov(Z) w / var(Z w)`` (Haufe et al., NeuroImage 87 (2014) 96, eq. 6): a weight may be large
    because it cancels noise, the pattern says how a feature varies with the score.

    Parameters
    ----------
    Z : ndarray, shape (n, n_features)
        Standardised features of the training sample.
    weights : ndarray, shape (n_features,)
    """
    centered = Z - Z.mean(axis=0)
    scores = centered @ weights
    variance = float(scores @ scores)
    if variance == 0:
        return np.zeros_like(weights)
    pattern: NDArray[np.float64] = centered.T @ scores / variance
    return pattern


def fingerprint(features: Sequence[str], volumes: NDArray[np.float64]) -> str:
    """Return a digest by which a training person's own map is recognised, and nothing else.

    Volumes to six digits, so that the order of sums does not matter.
    """
    text = " ".join(f"{n}={v:.5e}" for n, v in zip(features, volumes, strict=True))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
