"""Train a SPARE model on all rows, after it was tested by nested cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from music_gui.core.errors import InputError
from music_gui.core.harmonization.covariate_table import CovariateTable
from music_gui.core.progress import Progress
from music_gui.core.spare.calibration import PlattCalibration
from music_gui.core.spare.cross_validation import (
    CrossValidation,
    TrainingSet,
    ValidationPlan,
    choose_cost,
    cross_validate,
)
from music_gui.core.spare.evaluation import METRICS, Estimate, balanced_accuracy, corrected_interval
from music_gui.core.spare.linear_svm import fit_linear_svms
from music_gui.core.spare.model import SpareModel, haufe_pattern
from music_gui.core.spare.reference import ReferenceDistribution


@dataclass(frozen=True, eq=False)
class TrainedSpare:
    """A model and how it was tested.

    Parameters
    ----------
    model : SpareModel
        Trained on all rows.
    validation : CrossValidation
        Of the same plan.
    """

    model: SpareModel
    validation: CrossValidation


def train_spare(
    data: TrainingSet,
    features: Sequence[str],
    plan: ValidationPlan,
    *,
    n_bootstrap: int,
    progress: Progress,
    threads: int = 1,
) -> TrainedSpare:
    """Test a plan, then train it on everyone.

    Parameters
    ----------
    data : TrainingSet
    features : sequence of str
        Names of the columns of ``data.X``.
    plan : ValidationPlan
    n_bootstrap : int
        Models of bootstrap samples, at least 2, for the interval of a score.
    progress : Progress
    threads : int

    Raises
    ------
    InputError
        If the data do not allow the plan.
    """
    validation = cross_validate(data, plan, progress=progress.part(0.0, 0.8), threads=threads)
    progress.update(0.8, "training on everyone")
    cost = choose_cost(data, plan, _seed(plan, "final"))
    preparation = clone(plan.preparation).fit(data.X, data.people, ~data.patients)
    Z = preparation.transform(data.X, data.people)
    weights, intercepts = fit_linear_svms(Z, data.patients, (cost,), balanced=plan.balanced)
    bootstrap_weights, bootstrap_intercepts = _bootstrap(
        Z, data, cost, plan, n_bootstrap, progress.part(0.85, 1.0)
    )
    scores = validation.scores
    tested = np.isfinite(scores)
    ages = _numbers(data.people, "age")
    known = ages[np.isfinite(ages)]
    model = SpareModel(
        features=tuple(features),
        preparation=preparation,
        weights=weights[0],
        intercept=float(intercepts[0]),
        pattern=haufe_pattern(Z, weights[0]),
        cost=cost,
        bootstrap_weights=bootstrap_weights,
        bootstrap_intercepts=bootstrap_intercepts,
        calibration=PlattCalibration.fit(scores[tested], data.patients[tested]),
        reference=ReferenceDistribution(
            scores[tested],
            np.rint(ages[tested]),
            _texts(data.people.rows(tested), "sex"),
            data.patients[tested],
            (float(known.min()), float(known.max())) if len(known) else None,
        ),
        raw_mean=data.X.mean(axis=0),
        raw_sd=data.X.std(axis=0, ddof=1),
    )
    return TrainedSpare(model, validation)


def summarize(validation: CrossValidation, patients: NDArray[np.bool_]) -> dict[str, Estimate]:
    """Return every metric over the test folds with its interval."""
    share = float(np.mean([len(each.test) / each.n_train for each in validation.folds]))
    return {
        name: corrected_interval(
            [metric(each.scores, patients[each.test]) for each in validation.folds], share, bounds
        )
        for name, (metric, bounds) in METRICS.items()
    }


def permutation_p(
    data: TrainingSet,
    plan: ValidationPlan,
    observed: float,
    n_permutations: int,
    *,
    progress: Progress,
    threads: int = 1,
) -> float:
    """Return how often shuffled diagnoses do as well.

    Every permutation runs the whole nested cross-validation with one repeat; the sessions of a
    person keep a common diagnosis, a site its share of patients. ``(1 + as good) / (1 + n)``.

    Parameters
    ----------
    data : TrainingSet
    plan : ValidationPlan
    observed : float
        Balanced accuracy, mean over test folds.
    n_permutations : int
    progress : Progress
    threads : int
    """
    once = ValidationPlan(**{**plan.__dict__, "n_repeats": 1})
    as_good = 0
    for k in range(n_permutations):
        rng = np.random.default_rng([plan.seed, k])
        shuffled = TrainingSet(
            data.X, data.people, shuffled_labels(data, rng), data.groups, data.sites
        )
        part = progress.part(k / n_permutations, (k + 1) / n_permutations)
        validation = cross_validate(shuffled, once, progress=part, threads=threads)
        accuracy = [
            balanced_accuracy(each.scores, shuffled.patients[each.test])
            for each in validation.folds
        ]
        as_good += float(np.mean(accuracy)) >= observed
    return (1 + as_good) / (1 + n_permutations)


def shuffled_labels(data: TrainingSet, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Deal the diagnoses anew, one a person; a person with both counts as a patient.

    Within sites, where they are known: a site keeps its numbers of patients and controls, so
    that it can be harmonised as before and its share of patients does not count as signal
    (exchangeability blocks: Winkler et al. 2014, NeuroImage 92:381-397). A person who was seen at
    several sites belongs to the first.
    """
    names, first, person = np.unique(data.groups, return_index=True, return_inverse=True)
    label = np.zeros(len(names), dtype=bool)
    np.logical_or.at(label, person, data.patients)
    block = np.zeros(len(names), dtype=np.int64)
    if data.sites is not None:
        block = np.unique(data.sites, return_inverse=True)[1][first]
    dealt = label.copy()
    for each in np.unique(block):
        members = np.flatnonzero(block == each)
        dealt[members] = rng.permutation(label[members])
    spread: NDArray[np.bool_] = dealt[person]
    return spread


def _bootstrap(
    Z: NDArray[np.float64],
    data: TrainingSet,
    cost: float,
    plan: ValidationPlan,
    n_bootstrap: int,
    progress: Progress,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit machines to resampled people; weights and intercepts for Z as it is.

    Patients and controls are drawn apart, so that both are there in every sample.
    """
    names, person = np.unique(data.groups, return_inverse=True)
    rows_of = [np.flatnonzero(person == k) for k in range(len(names))]
    is_patient = np.array([data.patients[rows].any() for rows in rows_of])
    pools = [np.flatnonzero(is_patient), np.flatnonzero(~is_patient)]
    if any(len(pool) == 0 for pool in pools):
        raise InputError("there must be patients and controls")
    weights = np.empty((n_bootstrap, Z.shape[1]))
    intercepts = np.empty(n_bootstrap)
    for k in range(n_bootstrap):
        progress.update(k / n_bootstrap, f"bootstrap sample {k + 1} of {n_bootstrap}")
        rng = np.random.default_rng([_seed(plan, "bootstrap"), k])
        drawn = np.concatenate([rng.choice(pool, len(pool)) for pool in pools])
        rows = np.concatenate([rows_of[each] for each in drawn])
        mean, spread = Z[rows].mean(axis=0), Z[rows].std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        fitted, offset = fit_linear_svms(
            (Z[rows] - mean) / spread, data.patients[rows], (cost,), balanced=plan.balanced
        )
        weights[k] = fitted[0] / spread
        intercepts[k] = offset[0] - float(weights[k] @ mean)
    return weights, intercepts


def _seed(plan: ValidationPlan, purpose: str) -> int:
    """Return a seed of its own for each use of randomness, derived from the plan's."""
    return int(np.random.SeedSequence([plan.seed, *purpose.encode()]).generate_state(1)[0])


def _numbers(people: CovariateTable, name: str) -> NDArray[np.float64]:
    if name not in people or not people.is_number(name):
        return np.full(len(people), np.nan)
    return people.numbers(name)


def _texts(people: CovariateTable, name: str) -> tuple[str, ...]:
    if name not in people:
        return ("",) * len(people)
    return tuple(label or "" for label in people.labels(name))
