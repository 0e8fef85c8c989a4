"""The design matrix of an association model, from a table of covariates and a list of terms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from music_gui.core.errors import InputError, ParameterError
from music_gui.core.harmonization.covariates import (
    check_columns,
    check_rank,
    covariate_from,
)

_FACTOR = re.compile(r"(?P<column>[^\^:]+?)\s*(?:\^\s*(?P<power>[1-9]))?")
_PRINCIPAL_COMPONENT = re.compile(r"pc_?(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Term:
    """A product of powers of columns: ``age``, ``age^2``, ``age^2:sex``.

    Parameters
    ----------
    factors : tuple of (str, int)
        Column and power.
    """

    factors: tuple[tuple[str, int], ...]

    @classmethod
    def parse(cls, text: str) -> Term:
        """Read a term.

        Raises
        ------
        ParameterError
            If it is not columns, joined by ``:``, each with ``^`` and one digit or without.
        """
        factors = []
        for part in text.split(":"):
            match = _FACTOR.fullmatch(part.strip())
            if match is None:
                raise ParameterError(
                    f"{text!r} is not a covariate",
                    remedy="Write a column (age), a power (age^2) or a product (age:sex)",
                )
            factors.append((match["column"], int(match["power"] or 1)))
        return cls(tuple(factors))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table that it is made of."""
        return tuple(column for column, _ in self.factors)

    def __str__(self) -> str:
        return ":".join(f"{name}^{power}" if power > 1 else name for name, power in self.factors)


@dataclass(frozen=True, eq=False)
class Design:
    """The covariates of an association model.

    Parameters
    ----------
    names : tuple of str, length p
        Names of the columns after the intercept; ``sex[M]`` is 1 for M.
    matrix : ndarray, shape (n, 1 + p), float64
        The intercept, then the columns, each with mean 0 and standard deviation 1.
    coding : dict of str to str
        Categorical column -> its reference level.
    """

    names: tuple[str, ...]
    matrix: NDArray[np.float64]
    coding: dict[str, str]


def default_terms(columns: Iterable[str]) -> tuple[str, ...]:
    """Return the paper's covariates as far as the table has them.

    Age, age^2, sex, age x sex, age^2 x sex, intracranial volume and all principal components,
    whose columns are named ``PC1``, ``PC_1`` or ``pc1``, in their order.
    """
    names = list(columns)
    terms = [term for term in ("age", "age^2") if "age" in names]
    if "sex" in names:
        terms += ["sex", *([f"{term}:sex" for term in terms])]
    terms += ["icv"] if "icv" in names else []
    components = {name: _PRINCIPAL_COMPONENT.fullmatch(name) for name in names}
    numbered = [(int(match[1]), name) for name, match in components.items() if match]
    return (*terms, *(name for _, name in sorted(numbered)))


def needed_columns(terms: Sequence[Term]) -> tuple[str, ...]:
    """Return the columns that the terms are made of, each once."""
    return tuple(dict.fromkeys(column for term in terms for column in term.columns))


def build_design(table: pd.DataFrame, terms: Sequence[Term]) -> Design:
    """Make the design matrix.

    Numbers are centred and scaled before powers and products are formed, so that age and age^2
    are not collinear; text becomes a column of 0 and 1 for each level but the first in
    alphabetical order, centred and scaled as well; every finished column is centred and scaled
    again.

    Parameters
    ----------
    table : DataFrame, n rows
        Without missing values in the columns used.
    terms : sequence of Term
        What goes into the model besides the intercept.

    Raises
    ------
    ParameterError
        If the table lacks a column.
    InputError
        If values are missing, a column is the same for everyone, or columns can't be told apart.
    """
    check_columns(table, needed_columns(terms))
    coding: dict[str, str] = {}
    encoded: dict[str, tuple[tuple[str, ...], NDArray[np.float64]]] = {}
    for name in needed_columns(terms):
        if table[name].nunique() < 2:
            raise InputError(
                f"the covariate {name} is the same for all {len(table)} participants",
                remedy=f"Do without {name}",
            )
        covariate = covariate_from(table, name)
        if covariate.levels:
            coding[name] = covariate.levels[0]
        encoded[name] = (covariate.columns, _standardize(covariate.encode(table)))
    names: list[str] = []
    columns: list[NDArray[np.float64]] = []
    for term in terms:
        for label, column in _expand(term, encoded, frozenset(coding)):
            if label not in names:
                names.append(label)
                columns.append(column)
    matrix = np.column_stack([np.ones(len(table)), _standardize_all(columns, len(table))])
    check_rank(matrix, ["the intercept", *names])
    return Design(tuple(names), matrix, coding)


def variance_inflation(design: Design) -> dict[str, float]:
    """Return each column's variance inflation factor: 1 / (1 - R^2) on all other columns.

    It is the diagonal of the inverse of the columns' correlation matrix.
    """
    if not design.names:
        return {}
    correlation = np.corrcoef(design.matrix[:, 1:], rowvar=False).reshape(len(design.names), -1)
    factors = np.diag(np.linalg.inv(correlation))
    return dict(zip(design.names, map(float, factors), strict=True))


def _expand(
    term: Term,
    encoded: dict[str, tuple[tuple[str, ...], NDArray[np.float64]]],
    categories: frozenset[str],
) -> list[tuple[str, NDArray[np.float64]]]:
    """Multiply a term out: a label and a column for each combination of levels."""
    products: list[tuple[str, NDArray[np.float64] | float]] = [("", 1.0)]
    for name, power in term.factors:
        if power > 1 and name in categories:
            raise ParameterError(
                f"{term} takes a power of {name}, which is a category", remedy=f"Use {name} alone"
            )
        labels, columns = encoded[name]
        suffix = f"^{power}" if power > 1 else ""
        products = [
            (f"{before}:{label}{suffix}".removeprefix(":"), value * column**power)
            for before, value in products
            for label, column in zip(labels, columns.T, strict=True)
        ]
    return [(label, np.asarray(value)) for label, value in products]


def _standardize_all(columns: list[NDArray[np.float64]], n: int) -> NDArray[np.float64]:
    return _standardize(np.column_stack(columns)) if columns else np.empty((n, 0))


def _standardize(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre and scale columns to standard deviation 1 (n - 1 in its denominator)."""
    centred = columns - columns.mean(axis=0)
    deviation = centred.std(axis=0, ddof=1)
    standardized: NDArray[np.float64] = centred / np.where(deviation > 0, deviation, 1.0)
    return standardized
