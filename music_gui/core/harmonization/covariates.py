"""From a table of covariates to the columns of a design matrix, and what makes one unusable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import qr

from music_gui.core.errors import InputError, ParameterError
from music_gui.core.harmonization.covariate_table import CovariateTable

#: A column counts as a combination of others if less than this share of its norm is its own.
_RANK_TOLERANCE = 1e-7
_NAMED_ROWS = 5


@dataclass(frozen=True)
class Covariate:
    """One covariate and its coding.

    Parameters
    ----------
    name : str
        Column of the table.
    levels : tuple of str
        Empty for a number. For a category its levels, sorted; the first is the reference, each of
        the others has a column of 0 and 1.
    """

    name: str
    levels: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the design's columns: ``age``, or ``sex[M]`` for the level M of sex."""
        if not self.levels:
            return (self.name,)
        return tuple(f"{self.name}[{level}]" for level in self.levels[1:])

    def encode(self, table: pd.DataFrame | CovariateTable) -> NDArray[np.float64]:
        """Return the covariate's columns, shape (n, number of ``columns``).

        Raises
        ------
        InputError
            If a category has a level that was not there when the coding was made.
        """
        table = CovariateTable.of(table, [self.name])
        if not self.levels:
            return table.numbers(self.name)[:, None]
        labels = table.labels(self.name)
        columns = [labels == level for level in self.levels]
        unknown = ~np.any(columns, axis=0)
        if unknown.any():
            raise InputError(
                f"{self.name} has a value that was not there when the model was fitted: "
                + ", ".join(sorted({str(label) for label in labels[unknown]})),
                why="known are " + ", ".join(self.levels),
                remedy="Write it as the model knows it",
            )
        return np.array(columns[1:], dtype=np.float64).reshape(-1, len(table)).T


def covariate_from(table: pd.DataFrame | CovariateTable, name: str) -> Covariate:
    """Choose the coding of a column: numbers stay, text and truth values become categories."""
    table = CovariateTable.of(table, [name])
    if table.is_number(name):
        return Covariate(name)
    return Covariate(name, tuple(sorted(set(table.labels(name)) - {None})))


def check_columns(table: pd.DataFrame | CovariateTable, names: Sequence[str]) -> None:
    """Refuse a table without the named columns, or with a row that lacks one of the values.

    Raises
    ------
    ParameterError
        If there is no such column.
    InputError
        If values are missing; the text names the rows by the table's index.
    """
    there = list(table.columns)
    absent = [name for name in names if name not in there]
    if absent:
        raise ParameterError(
            "there is no column named " + ", ".join(absent),
            remedy="The table has " + ", ".join(map(str, there)),
        )
    table = CovariateTable.of(table, names)
    for name in names:
        incomplete = table.missing(name)
        if incomplete.any():
            rows = [str(row) for row in table.names[incomplete]]
            shown = ", ".join(rows[:_NAMED_ROWS]) + (", ..." if len(rows) > _NAMED_ROWS else "")
            raise InputError(
                f"{name} is missing for {len(rows)} of {len(table)}: {shown}",
                remedy=f"Fill in {name}, leave these out, or do without {name}",
            )


def incomplete_rows(
    table: pd.DataFrame | CovariateTable, names: Sequence[str]
) -> NDArray[np.bool_]:
    """Tell which rows lack one of the values, shape (n,)."""
    table = CovariateTable.of(table, names)
    missing = np.zeros(len(table), dtype=bool)
    for name in names:
        missing |= table.missing(name)
    return missing


def small_sites(sites: NDArray[np.object_] | NDArray[np.str_], minimum: int) -> dict[str, int]:
    """Return the sites with fewer than ``minimum`` subjects and their counts."""
    labels, counts = np.unique(sites.astype(str), return_counts=True)
    return {str(label): int(n) for label, n in zip(labels, counts, strict=True) if n < minimum}


def check_not_confounded(
    sites: NDArray[np.object_], groups: NDArray[np.object_], name: str
) -> str | None:
    """Refuse a grouping that each site has only one level of.

    Then the effect of the site can't be told from that of the group, and harmonising removes
    both (Jfortin1/ComBatHarmonization issue 1).

    Parameters
    ----------
    sites, groups : ndarray, shape (n,)
        Labels; rows where the group is None are passed over.
    name : str
        What the grouping is called: ``diagnosis``, ``sex``.

    Returns
    -------
    str or None
        A warning where some site lacks a level.

    Raises
    ------
    InputError
        If the two are fully confounded; the text holds the table of counts.
    """
    known = np.array([group is not None for group in groups], dtype=bool)
    counts = pd.crosstab(
        pd.Series(sites[known], dtype=object), pd.Series(groups[known], dtype=object)
    )
    if counts.shape[0] < 2 or counts.shape[1] < 2:
        return None
    listing = "; ".join(
        f"{site}: " + ", ".join(f"{n} {level}" for level, n in row.items())
        for site, row in counts.iterrows()
    )
    levels_of_site = (counts > 0).sum(axis=1)
    if (levels_of_site == 1).all():
        raise InputError(
            f"site and {name} are fully confounded",
            why=f"every site holds one {name} only ({listing}), so that removing the effect of "
            f"the site would remove that of {name}",
            remedy="Add data of sites that hold both, or work without harmonisation",
        )
    if (levels_of_site < counts.shape[1]).any():
        return f"site and {name} are partly confounded ({listing})"
    return None


def check_rank(design: NDArray[np.float64], names: Sequence[str]) -> None:
    """Refuse a design matrix of which one column is a combination of others.

    Parameters
    ----------
    design : ndarray, shape (n, p)
        With a column for each site or the intercept.
    names : sequence of str
        Names of the p columns.

    Raises
    ------
    InputError
        Naming each such column and the columns that it is made of.
    """
    norms = np.linalg.norm(design, axis=0)
    scaled = design / np.where(norms > 0, norms, 1.0)
    triangle, order = qr(scaled, mode="r", pivoting=True)
    diagonal = np.zeros(len(order))
    diagonal[: min(triangle.shape)] = np.abs(np.diag(triangle))
    independent = order[diagonal > _RANK_TOLERANCE]
    dependent = sorted(set(order) - set(independent))
    if not dependent:
        return
    sentences = []
    for column in dependent:
        weights = np.linalg.lstsq(scaled[:, independent], scaled[:, column], rcond=None)[0]
        parts = [names[k] for k, w in zip(independent, weights, strict=True) if abs(w) > 1e-6]
        sentences.append(f"{names[column]} follows from {', '.join(parts) or 'nothing'}")
    if len(design) < design.shape[1]:
        sentences.append(f"{len(design)} rows are fewer than {design.shape[1]} columns")
    raise InputError(
        "the covariates can't be told apart (singular design)",
        why="; ".join(sentences),
        remedy="Leave out one of the columns named",
    )
