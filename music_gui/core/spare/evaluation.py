"""How well scores tell patients from controls, with intervals over test folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from music_gui.core.errors import InputError


def sensitivity(scores: NDArray[np.float64], patients: NDArray[np.bool_]) -> float:
    """Share of patients with a positive score."""
    return float((scores[patients] > 0).mean())


def specificity(scores: NDArray[np.float64], patients: NDArray[np.bool_]) -> float:
    """Share of controls without a positive score."""
    return float((scores[~patients] <= 0).mean())


def balanced_accuracy(scores: NDArray[np.float64], patients: NDArray[np.bool_]) -> float:
    """Mean of sensitivity and specificity."""
    return (sensitivity(scores, patients) + specificity(scores, patients)) / 2


def area_under_curve(scores: NDArray[np.float64], patients: NDArray[np.bool_]) -> float:
    """Chance that a patient scores above a control, ties half (Mann-Whitney U)."""
    ranks = stats.rankdata(scores)
    n_patients, n_controls = int(patients.sum()), int((~patients).sum())
    u = ranks[patients].sum() - n_patients * (n_patients + 1) / 2
    return float(u / (n_patients * n_controls))


def cohens_d(scores: NDArray[np.float64], patients: NDArray[np.bool_]) -> float:
    """Difference of the groups' means in pooled standard deviations; NaN if they have none."""
    a, b = scores[patients], scores[~patients]
    if len(a) < 2 or len(b) < 2:
        return float("nan")
    pooled = ((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (len(a) + len(b) - 2)
    return float((a.mean() - b.mean()) / np.sqrt(pooled)) if pooled > 0 else float("nan")


#: Name -> function and the bounds it can't pass.
METRICS: dict[
    str,
    tuple[Callable[[NDArray[np.float64], NDArray[np.bool_]], float], tuple[float, float]],
] = {
    "balanced_accuracy": (balanced_accuracy, (0.0, 1.0)),
    "auc": (area_under_curve, (0.0, 1.0)),
    "sensitivity": (sensitivity, (0.0, 1.0)),
    "specificity": (specificity, (0.0, 1.0)),
    "cohens_d": (cohens_d, (-np.inf, np.inf)),
}


@dataclass(frozen=True)
class Estimate:
    """A metric over test folds.

    Parameters
    ----------
    mean : float
    sd : float
        Over folds and repeats.
    low, high : float or None
        95 % interval of the mean; None if there is one fold only.
    """

    mean: float
    sd: float
    low: float | None
    high: float | None


def corrected_interval(
    values: Sequence[float], test_share: float, bounds: tuple[float, float]
) -> Estimate:
    """Average a metric over folds that share training data.

    The corrected resampled t interval of Nadeau and Bengio (Machine Learning 52 (2003) 239): the
    variance over k folds is multiplied by ``1/k + n_test/n_train`` instead of ``1/k``.

    Parameters
    ----------
    values : sequence of float
        The metric in each test fold.
    test_share : float
        ``n_test / n_train``.
    bounds : tuple of float
        The interval is cut there.

    Raises
    ------
    InputError
        If there is no finite value.
    """
    finite = np.array([value for value in values if np.isfinite(value)])
    if len(finite) == 0:
        raise InputError("no fold gives a value for this metric")
    mean = float(finite.mean())
    if len(finite) == 1:
        return Estimate(mean, 0.0, None, None)
    sd = float(finite.std(ddof=1))
    variance = sd**2 * (1 / len(finite) + test_share)
    half = float(stats.t.ppf(0.975, len(finite) - 1) * np.sqrt(variance))
    return Estimate(mean, sd, max(bounds[0], mean - half), min(bounds[1], mean + half))
