"""Where a score lies among people of the same age and sex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Standard deviation of the weights over age, in years, tried in turn until enough people count.
_BANDWIDTHS = (3.0, 5.0, 8.0)
_MIN_EFFECTIVE_N = 10.0


@dataclass(frozen=True)
class Percentile:
    """A score among similar people.

    Parameters
    ----------
    value : float or None
        0 to 100; None if it can't be told.
    effective_n : float
        How many people it rests on: ``(sum w)^2 / sum w^2``.
    bandwidth : float or None
        Standard deviation in years of the weights over age.
    reason : str
        Why there is no value.
    """

    value: float | None
    effective_n: float = 0.0
    bandwidth: float | None = None
    reason: str = ""


@dataclass(frozen=True, eq=False)
class ReferenceDistribution:
    """Out-of-fold scores of the training sample.

    Parameters
    ----------
    scores : ndarray, shape (n,)
    ages : ndarray, shape (n,)
        Whole years, so that a model file tells less about a person; NaN where unknown.
    sexes : tuple of str, length n
        F, M, or empty where unknown.
    patients : ndarray, shape (n,), bool
    age_range : tuple of float or None
        Youngest and oldest age in years, not rounded; None if none is known.
    """

    scores: NDArray[np.float64]
    ages: NDArray[np.float64]
    sexes: tuple[str, ...]
    patients: NDArray[np.bool_]
    age_range: tuple[float, float] | None

    def percentile(
        self, score: float, age: float | None, sex: str | None, *, patients: bool
    ) -> Percentile:
        """Place a score among controls or patients of the same sex and about the same age.

        The share of people below it, ties half, each person weighted by a Gaussian of the
        difference in age.

        Parameters
        ----------
        score : float
        age : float or None
            Years.
        sex : str or None
            F or M.
        patients : bool
            Compare with patients instead of controls.
        """
        if age is None or not sex:
            return Percentile(None, reason="age and sex are needed")
        limits = self.age_range
        if limits is None:
            return Percentile(None, reason="the ages of the training sample are not known")
        if not limits[0] <= age <= limits[1]:
            return Percentile(None, reason=f"outside {limits[0]:g}-{limits[1]:g} years")
        same = (self.patients == patients) & (np.array(self.sexes, dtype=str) == sex)
        same &= np.isfinite(self.ages)
        for bandwidth in _BANDWIDTHS:
            weights = np.exp(-0.5 * ((self.ages[same] - age) / bandwidth) ** 2)
            total, squares = float(weights.sum()), float((weights**2).sum())
            effective = total**2 / squares if squares > 0 else 0.0
            if effective >= _MIN_EFFECTIVE_N:
                others = self.scores[same]
                below = (others < score) + 0.5 * (others == score)
                share = float(weights @ below) / total
                return Percentile(100 * share, effective, bandwidth)
        return Percentile(None, effective, reason="too few people of this age and sex")
