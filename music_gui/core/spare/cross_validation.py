"""Nested cross-validation: choose C inside, measure outside, learn everything in the folds."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from threading import Event
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from music_gui.core.harmonization.covariate_table import CovariateTable
from music_gui.core.progress import Progress
from music_gui.core.spare.evaluation import balanced_accuracy
from music_gui.core.spare.folds import Split, outer_splits, split_folds
from music_gui.core.spare.linear_svm import fit_linear_svms
from music_gui.core.spare.preparation import FeaturePreparation


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Rows a model is trained on.

    Parameters
    ----------
    X : ndarray, shape (n, n_features), float64
        PSC volumes in mm^3, all finite.
    people : CovariateTable, n rows
        Covariates.
    patients : ndarray, shape (n,), bool
    groups : ndarray, shape (n,), text
        Whose row it is.
    sites : ndarray, shape (n,), text, or None
        To balance folds by.
    """

    X: NDArray[np.float64]
    people: CovariateTable
    patients: NDArray[np.bool_]
    groups: NDArray[np.str_]
    sites: NDArray[np.str_] | None

    def rows(self, index: NDArray[np.int64]) -> TrainingSet:
        """Return the rows with these numbers."""
        return TrainingSet(
            self.X[index],
            self.people.rows(index),
            self.patients[index],
            self.groups[index],
            None if self.sites is None else self.sites[index],
        )


@dataclass(frozen=True)
class ValidationPlan:
    """How a model is trained and tested.

    Parameters
    ----------
    preparation : FeaturePreparation
        Settings; fitted anew in every fold.
    costs : tuple of float
        Values of C to choose from, ascending.
    balanced : bool
        Weigh the classes by the inverse of their frequency.
    scheme : {"kfold", "holdout"}
    n_folds, n_repeats, n_inner_folds : int
        See `music_gui.core.spare.folds.outer_splits`.
    seed : int
    """

    preparation: FeaturePreparation
    costs: tuple[float, ...] = (0.0001, 0.001, 0.01, 0.1, 1.0)
    balanced: bool = True
    scheme: Literal["kfold", "holdout"] = "kfold"
    n_folds: int = 5
    n_repeats: int = 5
    n_inner_folds: int = 5
    seed: int = 0


@dataclass(frozen=True, eq=False)
class TestedFold:
    """Scores of one outer fold.

    Parameters
    ----------
    repeat, fold : int
        From 0.
    n_train : int
        Rows it was trained on.
    test : ndarray, shape (n_test,), int64
        Row numbers.
    scores : ndarray, shape (n_test,), float64
        Positive is patient-like.
    cost : float
        Chosen C.
    """

    __test__ = False  # pytest: this is no test class

    repeat: int
    fold: int
    n_train: int
    test: NDArray[np.int64]
    scores: NDArray[np.float64]
    cost: float


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """All outer folds.

    Parameters
    ----------
    folds : tuple of TestedFold
        Ordered by repeat and fold.
    n_rows : int
        Rows of the training set.
    """

    folds: tuple[TestedFold, ...]
    n_rows: int
    _cache: dict[str, NDArray[np.float64]] = field(default_factory=dict, repr=False)

    @property
    def scores(self) -> NDArray[np.float64]:
        """Out-of-fold score of each row, mean over repeats; NaN if it was never tested."""
        if "scores" not in self._cache:
            total, count = np.zeros(self.n_rows), np.zeros(self.n_rows)
            for each in self.folds:
                total[each.test] += each.scores
                count[each.test] += 1
            with np.errstate(invalid="ignore"):
                self._cache["scores"] = total / count
        return self._cache["scores"]


def cross_validate(
    data: TrainingSet, plan: ValidationPlan, *, progress: Progress, threads: int = 1
) -> CrossValidation:
    """Test a plan on rows it has not learned from.

    Parameters
    ----------
    data : TrainingSet
    plan : ValidationPlan
    progress : Progress
        Told after every outer fold.
    threads : int
        Outer folds worked on at the same time; the result does not depend on it.

    Raises
    ------
    InputError
        If there are too few people for the folds, or the preparation refuses a fold.
    """
    splits = list(
        outer_splits(
            data.patients,
            data.sites,
            data.groups,
            scheme=plan.scheme,
            n_folds=plan.n_folds,
            n_repeats=plan.n_repeats,
            seed=plan.seed,
        )
    )
    stop = Event()
    done: dict[int, TestedFold] = {}
    with ThreadPoolExecutor(threads) as pool:
        jobs = {
            pool.submit(_test_fold, data, plan, repeat, fold, split, stop): k
            for k, (repeat, fold, split) in enumerate(splits)
        }
        try:
            for job in as_completed(jobs):
                done[jobs[job]] = job.result()
                progress.update(
                    len(done) / len(splits), f"tested fold {len(done)} of {len(splits)}"
                )
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return CrossValidation(tuple(done[k] for k in range(len(splits))), len(data.X))


def choose_cost(
    data: TrainingSet, plan: ValidationPlan, seed: int, stop: Event | None = None
) -> float:
    """Choose C by the balanced accuracy of inner folds; of equal ones the smallest.

    Parameters
    ----------
    data : TrainingSet
        Rows that may be learned from.
    plan : ValidationPlan
    seed : int
        Of the inner folds.
    stop : Event, optional
        Ends the work early with any C.
    """
    if len(plan.costs) == 1:
        return plan.costs[0]
    scores = np.zeros((len(plan.costs), len(data.X)))
    for train, test in split_folds(
        data.patients, data.sites, data.groups, plan.n_inner_folds, seed
    ):
        if stop is not None and stop.is_set():
            return plan.costs[0]
        scores[:, test] = _scores_of_split(data, plan, (train, test), plan.costs)
    accuracy = [balanced_accuracy(each, data.patients) for each in scores]
    return plan.costs[int(np.argmax(accuracy))]


def _test_fold(
    data: TrainingSet, plan: ValidationPlan, repeat: int, fold: int, split: Split, stop: Event
) -> TestedFold:
    train, test = split
    inner_seed = np.random.SeedSequence([plan.seed, repeat, fold]).generate_state(1)[0]
    cost = choose_cost(data.rows(train), plan, int(inner_seed), stop)
    scores = _scores_of_split(data, plan, split, (cost,))[0]
    return TestedFold(repeat, fold, len(train), test, scores, cost)


def _scores_of_split(
    data: TrainingSet, plan: ValidationPlan, split: Split, costs: Sequence[float]
) -> NDArray[np.float64]:
    """Train on one side, score the other; shape (n_costs, n_test)."""
    train, test = (data.rows(side) for side in split)
    preparation = clone(plan.preparation).fit(train.X, train.people, ~train.patients)
    weights, intercepts = fit_linear_svms(
        preparation.transform(train.X, train.people),
        train.patients,
        costs,
        balanced=plan.balanced,
    )
    Z = preparation.transform(test.X, test.people)
    scores: NDArray[np.float64] = weights @ Z.T + intercepts[:, None]
    return scores
