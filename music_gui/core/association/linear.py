"""Linear regression of many phenotypes on many variants, exactly and by matrix products.

For one phenotype y, one variant g and the covariates X (with intercept) ordinary least squares
gives, with residuals of the projection on X marked by ~ (Frisch, Waugh and Lovell),

    beta = g~'y~ / g~'g~,   SE^2 = (y~'y~ - beta g~'y~) / (g~'g~ df),   df = n - rank(X) - 1.

X is replaced by an orthonormal basis Q of its columns, and y~ is formed once. Then g'y~ for all
variants and phenotypes, and g'Q, are one matrix product; g~'g~ = g'g - |Q'g|^2.

Where calls of a variant are missing, these samples leave the regression (complete cases, as in
PLINK 2). With M the missing rows and g zero there, the cross products lose only the rows of M:

    Q'Q = I - Q_M'Q_M = L L',   Q'y~ = -Q_M'y~_M,   y~'y~ = y~'y~ - y~_M'y~_M,

so that a correction with |M| rows takes the place of a regression with n - |M| rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from threadpoolctl import ThreadpoolController

from music_gui.core.association.phenotypes import PhenotypeGroup
from music_gui.core.association.student_t import neg_log_10_p_values

#: PLINK 2's limit of the variance inflation factor (``--vif``).
MAX_VIF = 50.0

#: A covariate direction that keeps less than this share after samples left is lost.
_SMALLEST_PIVOT = 1e-5
#: 1 - r^2 is known no better than this; a perfect fit gets this instead of 0.
_SMALLEST_UNEXPLAINED = float(np.finfo(np.float64).eps)
#: Statistics worked on at a time, so that all temporaries stay in the cache.
_CHUNK = 32_768


class ErrorCode(IntEnum):
    """Why a variant could not be tested; the names are those of PLINK 2 where it has one."""

    NONE = 0
    CONST_ALLELE = 1
    VIF_TOO_HIGH = 2
    RANK_DEFICIENT = 3
    TOO_FEW_SAMPLES = 4
    OTHER = 255


@dataclass(frozen=True, eq=False)
class Association:
    """Results of a block of variants for the phenotypes of a group.

    Parameters
    ----------
    beta, standard_error, neg_log_10_p_value : ndarray, shape (n_variants, P), float64
        Effect of one more effect allele on the phenotype, in its unit; NaN where not estimated.
    n : ndarray, shape (n_variants,), int32
        Samples with a call.
    error_code : ndarray, shape (n_variants,), uint8
        `ErrorCode`.
    """

    beta: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    neg_log_10_p_value: NDArray[np.float64]
    n: NDArray[np.int32]
    error_code: NDArray[np.uint8]


def allele_frequency(
    genotypes: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the effect allele's frequency and the number of calls of each variant.

    Parameters
    ----------
    genotypes : ndarray, shape (n, n_variants)
        Number of effect alleles, NaN where missing.

    Returns
    -------
    frequency : ndarray, shape (n_variants,), float64
        Among the calls; NaN where there are none.
    n_called : ndarray, shape (n_variants,), int
    """
    totals = genotypes.sum(axis=0)
    n_called = np.full(len(totals), len(genotypes), dtype=np.intp)
    for variant in np.flatnonzero(np.isnan(totals)):
        called = ~np.isnan(genotypes[:, variant])
        n_called[variant] = called.sum()
        totals[variant] = genotypes[called, variant].sum()
    frequency = np.full(len(totals), np.nan)
    np.divide(totals, 2 * n_called, out=frequency, where=n_called > 0)
    return frequency, n_called


def associate(
    genotypes: NDArray[np.float64],
    group: PhenotypeGroup,
    *,
    max_vif: float = MAX_VIF,
    overwrite_genotypes: bool = False,
) -> Association:
    """Test a block of variants against all phenotypes of a group.

    Parameters
    ----------
    genotypes : ndarray, shape (n, n_variants), float64
        Number of effect alleles of the group's samples, NaN where missing; fastest in Fortran
        order.
    group : PhenotypeGroup
        From `group_phenotypes`.
    max_vif : float
        A variant that the covariates predict better than this variance inflation factor allows
        is not tested.
    overwrite_genotypes : bool
        Missing calls may be set to zero in place, which saves a copy.
    """
    totals = genotypes.sum(axis=0)
    incomplete = np.flatnonzero(np.isnan(totals))
    if len(incomplete) and not overwrite_genotypes:
        genotypes = genotypes.copy(order="F")
    n_called = np.full(len(totals), len(genotypes), dtype=np.int32)
    missing: list[NDArray[np.intp]] = []
    for variant in incomplete:
        lost = np.flatnonzero(np.isnan(genotypes[:, variant]))
        genotypes[lost, variant] = 0.0
        totals[variant] = genotypes[:, variant].sum()
        n_called[variant] -= len(lost)
        missing.append(lost)

    products = genotypes.T @ group.right_hand_side
    on_basis, on_phenotypes = products[:, : group.rank], products[:, group.rank :]
    squares = np.einsum("ij,ij->j", genotypes, genotypes)
    unexplained = squares - np.einsum("ij,ij->i", on_basis, on_basis)
    lengths = np.ones(on_phenotypes.shape if len(incomplete) else (1, on_phenotypes.shape[1]))
    lost_rank = np.zeros(len(totals), dtype=bool)
    # Products of a few dozen rows are slower on several threads, many times so on a busy machine.
    with _blas().limit(limits=1, user_api="blas"):
        for variant, lost in zip(incomplete, missing, strict=True):
            correction = _without_samples(group, lost, on_basis[variant])
            if correction is None:
                lost_rank[variant] = True
                continue
            weights, on_lost, left = correction
            on_phenotypes[variant] += weights @ on_lost
            unexplained[variant] = squares[variant] - weights @ weights
            lengths[variant] = left

    df = n_called - group.rank - 1
    code = _error_codes(squares, totals, n_called, unexplained, df, lost_rank, max_vif)
    usable = code == ErrorCode.NONE
    beta, standard_error, neg_log_10_p = _statistics(
        on_phenotypes,
        np.where(usable, unexplained, np.nan),
        lengths,
        np.where(df > 0, df, 1),
        group.norms,
    )
    return Association(beta, standard_error, neg_log_10_p, n_called, code)


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _without_samples(
    group: PhenotypeGroup, lost: NDArray[np.intp], on_basis: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None:
    """Return how the cross products of one variant change when samples leave.

    Parameters
    ----------
    group : PhenotypeGroup
        With basis Q and residuals y~.
    lost : ndarray, shape (k,), int
        The samples that leave, M.
    on_basis : ndarray, shape (rank,)
        Q'g, g being zero in M.

    Returns
    -------
    weights : ndarray, shape (rank,)
        L^-1 Q'g.
    on_lost : ndarray, shape (rank, P)
        L^-1 Q_M'y~_M.
    left : ndarray, shape (P,)
        Squared length of the phenotypes' residuals on the samples that stay.
    None
        If the covariates are dependent without these samples.
    """
    there = group.right_hand_side[lost]
    basis, residuals = there[:, : group.rank], there[:, group.rank :]
    lower, failed = lapack.dpotrf(np.eye(group.rank) - basis.T @ basis, lower=1)
    if failed or np.diag(lower).min(initial=1.0) < _SMALLEST_PIVOT:
        return None
    solved, _ = lapack.dtrtrs(lower, np.column_stack([basis.T, on_basis]), lower=1)
    on_lost = solved[:, :-1] @ residuals
    left = 1.0 - np.einsum("ij,ij->j", residuals, residuals)
    left -= np.einsum("ij,ij->j", on_lost, on_lost)
    return solved[:, -1], on_lost, left


def _error_codes(
    squares: NDArray[np.float64],
    totals: NDArray[np.float64],
    n_called: NDArray[np.int32],
    unexplained: NDArray[np.float64],
    df: NDArray[np.int32],
    lost_rank: NDArray[np.bool_],
    max_vif: float,
) -> NDArray[np.uint8]:
    """Say for each variant whether it can be tested; all arrays have shape (n_variants,)."""
    variation = squares - totals**2 / np.maximum(n_called, 1)
    code = np.zeros(len(totals), dtype=np.uint8)
    code[unexplained * max_vif < variation] = ErrorCode.VIF_TOO_HIGH
    code[lost_rank] = ErrorCode.RANK_DEFICIENT
    code[variation <= 1e-10 * squares] = ErrorCode.CONST_ALLELE
    code[df < 1] = ErrorCode.TOO_FEW_SAMPLES
    return code


def _statistics(
    on_phenotypes: NDArray[np.float64],
    unexplained: NDArray[np.float64],
    lengths: NDArray[np.float64],
    df: NDArray[np.int32],
    norms: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return beta, standard error and -log10 p, shape (n_variants, P) each.

    Parameters
    ----------
    on_phenotypes : ndarray, shape (n_variants, P)
        g~'y~ for residuals of length 1 on all samples.
    unexplained : ndarray, shape (n_variants,)
        g~'g~; NaN for variants that are not tested.
    lengths : ndarray, shape (n_variants or 1, P)
        y~'y~ on the samples with a call.
    df : ndarray, shape (n_variants,)
        Degrees of freedom.
    norms : ndarray, shape (P,)
        Lengths of the residuals in the phenotypes' unit.
    """
    beta, standard_error, t = (np.empty_like(on_phenotypes) for _ in range(3))
    step = max(_CHUNK // max(on_phenotypes.shape[1], 1), 1)
    for start in range(0, len(on_phenotypes), step):
        rows = slice(start, start + step)
        cross, gg = on_phenotypes[rows], unexplained[rows, None]
        yy = lengths[rows] if len(lengths) > 1 else lengths
        slope = cross / gg
        left = np.maximum(1.0 - slope * cross / yy, _SMALLEST_UNEXPLAINED)
        error = np.sqrt(left * yy / (gg * df[rows, None]))
        np.divide(slope, error, out=t[rows])
        np.multiply(slope, norms, out=beta[rows])
        np.multiply(error, norms, out=standard_error[rows])
    t[:, np.isnan(norms)] = np.nan
    return beta, standard_error, _by_df(t, df)


def _by_df(t: NDArray[np.float64], df: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return -log10 p of t, shape (n_variants, P), with a df for each row."""
    different = np.unique(df)
    if len(different) == 1:
        return neg_log_10_p_values(t, float(different[0]))
    result = np.empty_like(t)
    for each in different:
        rows = df == each
        result[rows] = neg_log_10_p_values(t[rows], float(each))
    return result
