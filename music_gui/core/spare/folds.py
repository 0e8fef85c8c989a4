"""Splits that keep one person's sessions together and the groups and sites balanced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from music_gui.core.errors import InputError

Split = tuple[NDArray[np.int64], NDArray[np.int64]]


def split_folds(
    patients: NDArray[np.bool_],
    sites: NDArray[np.str_] | None,
    groups: NDArray[np.str_],
    n_folds: int,
    seed: int,
) -> list[Split]:
    """Split rows into folds.

    Parameters
    ----------
    patients : ndarray, shape (n,), bool
        Each fold gets its share of patients and controls.
    sites : ndarray, shape (n,), or None
        Each fold gets its share of each site's patients and controls too; parts with fewer
        members than there are folds are taken together with the largest.
    groups : ndarray, shape (n,)
        Rows of one group (one person) are never on both sides.
    n_folds : int
    seed : int
        Of the shuffling.

    Returns
    -------
    list of (train, test)
        Row numbers.

    Raises
    ------
    InputError
        If there are fewer people with or without the disease than folds.
    """
    for name, chosen in (("patients", patients), ("controls", ~patients)):
        n_people = len(np.unique(groups[chosen]))
        if n_people < n_folds:
            raise InputError(
                f"{n_people} {name} can't be spread over {n_folds} folds",
                remedy="Use fewer folds or add data",
            )
    strata = patients.astype(np.int64)
    if sites is not None:
        strata += 2 * np.unique(sites, return_inverse=True)[1]
        for chosen in (patients, ~patients):
            parts, counts = np.unique(strata[chosen], return_counts=True)
            small = parts[counts < n_folds]
            strata[chosen & np.isin(strata, small)] = parts[counts.argmax()]
    rows = np.zeros(len(groups))
    if len(np.unique(groups)) == len(groups):
        folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(rows, strata)
    else:
        by_group = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
        folds = by_group.split(rows, strata, groups)
    return [(np.asarray(train), np.asarray(test)) for train, test in folds]


def outer_splits(
    patients: NDArray[np.bool_],
    sites: NDArray[np.str_] | None,
    groups: NDArray[np.str_],
    *,
    scheme: Literal["kfold", "holdout"],
    n_folds: int,
    n_repeats: int,
    seed: int,
) -> Iterator[tuple[int, int, Split]]:
    """Yield repeat, fold and split of the outer loop.

    Parameters
    ----------
    scheme : {"kfold", "holdout"}
        All folds of every repeat, or of every repeat one fold only: repeated stratified
        hold-out of ``1 / n_folds`` of the people.
    patients, sites, groups, n_folds
        See `split_folds`.
    n_repeats : int
    seed : int
        Repeat r shuffles with a seed made of this one and r.
    """
    seeds = np.random.SeedSequence(seed).generate_state(n_repeats)
    for repeat in range(n_repeats):
        splits = split_folds(patients, sites, groups, n_folds, int(seeds[repeat]))
        for fold, split in enumerate(splits if scheme == "kfold" else splits[:1]):
            yield repeat, fold, split
