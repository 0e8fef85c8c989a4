"""A linear support vector machine as weights and an intercept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.svm import SVC

#: Up to this many rows all products of rows fit in memory, and serve every C.
_MOST_ROWS_OF_A_GRAM_MATRIX = 4000
_TOLERANCE = 1e-4


def fit_linear_svms(
    Z: NDArray[np.float64],
    patients: NDArray[np.bool_],
    costs: Sequence[float],
    *,
    balanced: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit one machine for every C (Cortes and Vapnik 1995; hinge loss, L2 penalty).

    Parameters
    ----------
    Z : ndarray, shape (n, n_features)
        Standardised features.
    patients : ndarray, shape (n,), bool
        Both classes must occur.
    costs : sequence of float
        C of each machine.
    balanced : bool
        Weigh each class by the inverse of its frequency.

    Returns
    -------
    weights : ndarray, shape (n_costs, n_features)
    intercepts : ndarray, shape (n_costs,)
        The score of a row z is ``weights @ z + intercept``; positive is patient-like.
    """
    use_gram = len(Z) <= _MOST_ROWS_OF_A_GRAM_MATRIX
    rows = Z @ Z.T if use_gram else Z
    weights, intercepts = np.empty((len(costs), Z.shape[1])), np.empty(len(costs))
    target = patients.astype(np.int64)
    share = {k: len(target) / (2 * int((target == k).sum())) for k in (0, 1)}
    for k, cost in enumerate(costs):
        machine = SVC(
            C=cost,
            kernel="precomputed" if use_gram else "linear",
            class_weight=share if balanced else None,
            tol=_TOLERANCE,
        )
        with config_context(assume_finite=True, skip_parameter_validation=True):
            machine.fit(rows, target)
        weights[k] = machine.dual_coef_[0] @ Z[machine.support_]
        intercepts[k] = machine.intercept_[0]
    return weights, intercepts
