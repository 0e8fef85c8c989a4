"""Phenotypes made ready for regression: grouped by missing samples, covariates projected out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: A covariate of which less than this share is not explained by those before is dependent.
_RANK_TOLERANCE = 1e-9

#: A phenotype that keeps less than this share of itself is explained by the covariates wholly.
_SMALLEST_RESIDUAL = 1e-10


@dataclass(frozen=True, eq=False)
class PhenotypeGroup:
    """Phenotypes that are missing for the same samples, made ready for regression.

    Parameters
    ----------
    rows : ndarray, shape (n,), int
        Samples that have these phenotypes.
    columns : ndarray, shape (P,), int
        Which phenotypes they are.
    norms : ndarray, shape (P,), float64
        Lengths of the residuals; NaN for a phenotype that the covariates explain wholly.
    right_hand_side : ndarray, shape (n, rank + P), float64
        `basis` and `residuals` side by side.
    rank : int
        Rank of the covariates, intercept included.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    norms: NDArray[np.float64]
    right_hand_side: NDArray[np.float64]
    rank: int

    @property
    def basis(self) -> NDArray[np.float64]:
        """Orthonormal basis of the covariates and the intercept, shape (n, rank)."""
        return self.right_hand_side[:, : self.rank]

    @property
    def residuals(self) -> NDArray[np.float64]:
        """Phenotypes after projection, each of length 1 or, if explained, 0, shape (n, P)."""
        return self.right_hand_side[:, self.rank :]


def group_phenotypes(
    phenotypes: NDArray[np.float64], design: NDArray[np.float64]
) -> list[PhenotypeGroup]:
    """Group phenotypes by the samples that lack them, and project the covariates out.

    Parameters
    ----------
    phenotypes : ndarray, shape (n, P)
        NaN where missing.
    design : ndarray, shape (n, 1 + p)
        Intercept and covariates; within a group columns may become dependent, which costs fewer
        degrees of freedom.

    Returns
    -------
    list of PhenotypeGroup
        In the order of their first phenotype.
    """
    patterns: dict[bytes, list[int]] = {}
    there = np.isfinite(phenotypes)
    for column in range(phenotypes.shape[1]):
        patterns.setdefault(np.packbits(there[:, column]).tobytes(), []).append(column)
    return [
        _project(phenotypes, design, np.flatnonzero(there[:, columns[0]]), np.array(columns))
        for columns in patterns.values()
    ]


def _project(
    phenotypes: NDArray[np.float64],
    design: NDArray[np.float64],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
) -> PhenotypeGroup:
    if len(rows) == 0:
        return PhenotypeGroup(
            rows, columns, np.full(len(columns), np.nan), np.empty((0, len(columns))), 0
        )
    basis = _orthonormal_basis(design[rows])
    residuals = phenotypes[np.ix_(rows, columns)]
    size = np.abs(residuals).max(axis=0)
    residuals -= residuals.mean(axis=0)
    size = np.maximum(size, np.linalg.norm(residuals, axis=0))
    # A second projection takes away what rounding left of large covariate effects.
    for _ in range(2):
        residuals -= basis @ (basis.T @ residuals)
    norms = np.linalg.norm(residuals, axis=0)
    explained = norms <= _SMALLEST_RESIDUAL * size
    residuals /= np.where(explained, 1.0, norms)
    residuals[:, explained] = 0.0
    norms[explained] = np.nan
    return PhenotypeGroup(rows, columns, norms, np.hstack([basis, residuals]), basis.shape[1])


def _orthonormal_basis(design: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an orthonormal basis of the columns, shape (n, rank).

    By Householder QR, not the normal equations: it keeps all digits of nearly collinear columns.
    """
    basis, triangle = np.linalg.qr(design)
    own = np.zeros(design.shape[1])
    own[: len(triangle)] = np.abs(np.diag(triangle))
    independent = own > _RANK_TOLERANCE * np.linalg.norm(design, axis=0)
    if not independent.all():
        basis, _ = np.linalg.qr(design[:, independent])
    return np.asarray(basis, dtype=np.float64)
