"""How one participant deviates from a group, and how two groups differ, PSC by PSC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.association.student_t import neg_log_10_p_value
from music_gui.core.errors import InputError

#: Fewer give no standard deviation worth dividing by.
_FEWEST = 2


@dataclass(frozen=True, eq=False)
class GroupDifference:
    """The difference between two groups' means.

    Parameters
    ----------
    standardized : ndarray, shape (P,), float64
        Cohen's d: first mean minus second, in pooled standard deviations. NaN where a group has
        fewer than two values or nothing varies.
    neg_log_10_p : ndarray, shape (P,), float64
        Of Student's t with pooled variance, two-sided.
    n_first, n_second : ndarray, shape (P,), int64
        Values in each group.
    """

    standardized: NDArray[np.float64]
    neg_log_10_p: NDArray[np.float64]
    n_first: NDArray[np.int64]
    n_second: NDArray[np.int64]


def z_scores(values: NDArray[np.floating], reference: NDArray[np.floating]) -> NDArray[np.float64]:
    """Say how many standard deviations values lie from the mean of a reference group.

    Parameters
    ----------
    values : ndarray, shape (P,)
        Of one participant.
    reference : ndarray, shape (n, P)
        Of the group; NaN is left out.

    Returns
    -------
    ndarray, shape (P,), float64
        NaN where the group has fewer than two values or does not vary.
    """
    means, deviations, counts = _moments(reference)
    usable = (counts >= _FEWEST) & (deviations > 0)
    scores = (np.asarray(values, dtype=np.float64) - means) / np.where(usable, deviations, 1.0)
    return np.where(usable, scores, np.nan)


def group_difference(first: NDArray[np.floating], second: NDArray[np.floating]) -> GroupDifference:
    """Compare two groups in each PSC.

    Parameters
    ----------
    first, second : ndarray, shapes (n_1, P) and (n_2, P)
        NaN is left out.

    Raises
    ------
    InputError
        If a group has fewer than two participants.
    """
    if min(len(first), len(second)) < _FEWEST:
        raise InputError(
            "a group is too small to be compared",
            why=f"the groups have {len(first)} and {len(second)} participants",
            remedy="Choose groups of two or more",
        )
    mean_1, deviation_1, n_1 = _moments(first)
    mean_2, deviation_2, n_2 = _moments(second)
    freedom = np.maximum(n_1 + n_2 - 2, 1)
    squares = np.nan_to_num(deviation_1**2 * (n_1 - 1)) + np.nan_to_num(deviation_2**2 * (n_2 - 1))
    pooled = np.sqrt(squares / freedom)
    usable = (np.minimum(n_1, n_2) >= _FEWEST) & (pooled > 0)
    d = np.where(usable, (mean_1 - mean_2) / np.where(usable, pooled, 1.0), np.nan)
    t = d * np.sqrt(n_1 * n_2 / np.maximum(n_1 + n_2, 1))
    neg_log_10_p = np.full(len(d), np.nan)
    for degrees in np.unique(freedom[usable]).tolist():
        here = usable & (freedom == degrees)
        neg_log_10_p[here] = neg_log_10_p_value(t[here], degrees)
    return GroupDifference(d, neg_log_10_p, n_1, n_2)


def _moments(
    values: NDArray[np.floating],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return mean, standard deviation (n - 1) and number of the values of each column."""
    doubles = np.asarray(values, dtype=np.float64)
    has_value = np.isfinite(doubles)
    counts = has_value.sum(axis=0)
    means = np.where(has_value, doubles, 0.0).sum(axis=0) / np.maximum(counts, 1)
    squares = np.where(has_value, doubles - means, 0.0) ** 2
    deviations = np.sqrt(squares.sum(axis=0) / np.maximum(counts - 1, 1))
    return np.where(counts > 0, means, np.nan), deviations, counts
