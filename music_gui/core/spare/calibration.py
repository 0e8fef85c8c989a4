"""From a score to the probability of being a patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit


@dataclass(frozen=True)
class PlattCalibration:
    """A logistic curve through scores.

    Parameters
    ----------
    slope, intercept : float
        The probability is ``1 / (1 + exp(-(slope * score + intercept)))``.
    prevalence : float
        Share of patients it was fitted with; the probability holds where patients are as common.
    """

    slope: float
    intercept: float
    prevalence: float

    @classmethod
    def fit(cls, scores: NDArray[np.float64], patients: NDArray[np.bool_]) -> Self:
        """Fit to out-of-fold scores.

        Maximum likelihood with the smoothed targets of Platt (Advances in Large Margin
        Classifiers, 2000, 61), which keep the curve finite where the groups do not overlap.

        Parameters
        ----------
        scores : ndarray, shape (n,)
            Scores of people the model had not seen.
        patients : ndarray, shape (n,), bool
        """
        n_patients, n_controls = int(patients.sum()), int((~patients).sum())
        target = np.where(patients, (n_patients + 1) / (n_patients + 2), 1 / (n_controls + 2))
        spread = float(scores.std()) or 1.0
        standard = (scores - scores.mean()) / spread

        def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            linear = parameters[0] * standard + parameters[1]
            value = float((np.logaddexp(0, linear) - target * linear).sum())
            error = expit(linear) - target
            return value, np.array([error @ standard, error.sum()])

        found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS", tol=1e-10).x
        slope = float(found[0]) / spread
        return cls(
            slope=slope,
            intercept=float(found[1]) - slope * float(scores.mean()),
            prevalence=n_patients / (n_patients + n_controls),
        )

    def probability(self, score: float) -> float:
        """Return the probability of being a patient, 0 to 1."""
        return float(expit(self.slope * score + self.intercept))
