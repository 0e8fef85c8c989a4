"""How much of each feature the site explains, and how much age and sex do: before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from music_gui.core.errors import InputError
from music_gui.core.harmonization.covariate_table import CovariateTable
from music_gui.core.harmonization.covariates import covariate_from
from music_gui.core.harmonization.penalized_spline import SplineBasis

_AGE_CURVE_DF = 5


@dataclass(frozen=True, eq=False)
class Effect:
    """The effect of one term on every feature, other terms held constant.

    Parameters
    ----------
    eta_squared : ndarray, shape (n_features,)
        Partial eta squared, 0 to 1: share of the variance left by the other terms that the term
        explains. NaN for features without values or variance.
    p_value : ndarray, shape (n_features,)
        Of the F test of the term.
    """

    eta_squared: NDArray[np.float64]
    p_value: NDArray[np.float64]

    def summary(self) -> dict[str, Any]:
        """Median and largest eta squared, and the share of features with Bonferroni p < 0.05."""
        known = np.isfinite(self.eta_squared)
        if not known.any():
            return {"median": None, "max": None, "share_significant": None}
        corrected = self.p_value[known] * known.sum()
        return {
            "median": float(np.median(self.eta_squared[known])),
            "max": float(self.eta_squared[known].max()),
            "share_significant": float((corrected < 0.05).mean()),
        }


def partial_effect(
    X: NDArray[np.float64], term: NDArray[np.float64], others: NDArray[np.float64]
) -> Effect:
    """Compare the linear models with and without a term.

    Partial eta squared is ``(RSS_without - RSS_with) / RSS_without`` (Cohen, Statistical Power
    Analysis, 2nd ed., chapter 8).

    Parameters
    ----------
    X : ndarray, shape (n, n_features)
        Features; missing values are left out feature by feature.
    term : ndarray, shape (n, k)
        Columns of the term.
    others : ndarray, shape (n, m)
        Columns of the other terms; an intercept is added.
    """
    eta, p = np.full((2, X.shape[1]), np.nan)
    finite = np.isfinite(X)
    complete = finite.all(axis=0)
    parts = [np.flatnonzero(complete), *([j] for j in np.flatnonzero(~complete))]
    for part in parts:
        features = np.asarray(part, dtype=np.int64)
        rows = finite[:, features].all(axis=1)
        if not len(features) or rows.sum() < 3:
            continue
        values = X[np.ix_(rows, features)]
        values = values - values.mean(axis=0)
        reduced = np.column_stack([np.ones(rows.sum()), others[rows]])
        full = np.column_stack([reduced, term[rows]])
        rss_without, rank_without = _residual(values, reduced)
        rss_with, rank_with = _residual(values, full)
        df_term, df_rest = rank_with - rank_without, rows.sum() - rank_with
        varies = rss_without > 1e-12 * np.maximum((X[np.ix_(rows, features)] ** 2).sum(axis=0), 1)
        if df_term < 1 or df_rest < 1:
            continue
        explained = np.clip(rss_without - rss_with, 0.0, None)
        with np.errstate(divide="ignore", invalid="ignore"):
            eta[features] = np.where(varies, explained / rss_without, np.nan)
            ratio = (explained / df_term) / (rss_with / df_rest)
        p[features] = np.where(varies, stats.f.sf(ratio, df_term, df_rest), np.nan)
    return Effect(eta, p)


def effects(
    X: NDArray[np.float64],
    table: pd.DataFrame | CovariateTable,
    *,
    site: str,
    smooth: str | None,
    covariates: tuple[str, ...],
) -> dict[str, Effect]:
    """Return the effect of the site and of each covariate, each adjusted for all the others.

    Parameters
    ----------
    X : ndarray, shape (n, n_features)
        Features.
    table : DataFrame, n rows
        Without missing values in the named columns.
    site, smooth, covariates
        As for `music_gui.core.harmonization.combat_gam.ComBatGAM`; the smooth term is a cubic
        spline without penalty, with four columns.

    Returns
    -------
    dict of str to Effect
        By name of the column; constant columns are left out.
    """
    named = (site, *((smooth,) if smooth else ()), *covariates)
    table = CovariateTable.of(table, named)
    terms: dict[str, NDArray[np.float64]] = {}
    labels = table.labels(site)
    terms[site] = np.column_stack(
        [(labels == each).astype(np.float64) for each in sorted(set(labels))[1:]]
    )
    if smooth is not None and not table.is_constant(smooth):
        terms[smooth] = _curve(table.numbers(smooth))
    for name in covariates:
        if not table.is_constant(name):
            columns = covariate_from(table, name).encode(table)
            terms[name] = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    found = {}
    for name, term in terms.items():
        others = [values for other, values in terms.items() if other != name]
        found[name] = partial_effect(X, term, np.hstack([np.empty((len(table), 0)), *others]))
    return found


def _curve(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a spline's columns, or the values themselves where knots can't be held apart."""
    if len(np.unique(values)) > 2 * _AGE_CURVE_DF:
        try:
            return SplineBasis.from_values(values, _AGE_CURVE_DF, 3)(values)
        except InputError:
            pass  # more than half of the people share the least or the largest value
    return values[:, None]


def _residual(
    values: NDArray[np.float64], design: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int]:
    """Return the residual sum of squares of each column and the rank of the design."""
    left, singular, _ = np.linalg.svd(design, full_matrices=False)
    basis = left[:, singular > singular[0] * 1e-10]
    residual = values - basis @ (basis.T @ values)
    return (residual**2).sum(axis=0), basis.shape[1]
