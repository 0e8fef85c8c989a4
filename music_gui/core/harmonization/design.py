"""The design of a harmonisation model: a column a site, covariates, a smooth curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError
from music_gui.core.harmonization.covariate_table import CovariateTable
from music_gui.core.harmonization.covariates import (
    Covariate,
    check_columns,
    check_rank,
    covariate_from,
)
from music_gui.core.harmonization.penalized_spline import SplineBasis


@dataclass(frozen=True, eq=False)
class CovariateDesign:
    """Covariates whose effects are kept, and how they become columns.

    Parameters
    ----------
    covariates : tuple of Covariate
        Linear terms.
    smooth : str or None
        Column that enters as a smooth curve.
    basis : SplineBasis or None
        Its basis; None exactly if ``smooth`` is.
    """

    covariates: tuple[Covariate, ...]
    smooth: str | None = None
    basis: SplineBasis | None = None

    @classmethod
    def from_table(
        cls,
        table: CovariateTable,
        smooth: str | None,
        covariates: Sequence[str],
        *,
        df: int,
        degree: int,
    ) -> tuple[Self, tuple[str, ...]]:
        """Choose coding and knots from a complete table.

        Returns
        -------
        design : CovariateDesign
            Without covariates that are the same for everyone. A smooth term with too few
            different values to hold the knots apart becomes a linear one.
        notes : tuple of str
            What was left out or changed.
        """
        notes, linear, basis = [], [], None
        for name in (*((smooth,) if smooth else ()), *covariates):
            if table.is_constant(name):
                notes.append(f"{name} is the same for everyone and was left out")
                continue
            if name == smooth:
                try:
                    basis = SplineBasis.from_values(table.numbers(name), df, degree)
                    continue
                except InputError as error:
                    notes.append(f"{name} was taken as linear: {error.what}")
            linear.append(covariate_from(table, name))
        return cls(tuple(linear), smooth if basis else None, basis), tuple(notes)

    @property
    def needed(self) -> tuple[str, ...]:
        """Columns of the table that the design is made of."""
        return (*((self.smooth,) if self.smooth else ()), *(c.name for c in self.covariates))

    def linear_columns(self, table: CovariateTable) -> NDArray[np.float64]:
        """Return the columns of the linear terms, shape (n, p).

        Raises
        ------
        InputError
            If a category is unknown.
        """
        return np.hstack([np.empty((len(table), 0)), *(c.encode(table) for c in self.covariates)])

    def smooth_columns(self, table: CovariateTable) -> NDArray[np.float64]:
        """Return the columns of the spline, shape (n, q); q is 0 without a smooth term."""
        if self.basis is None or self.smooth is None:
            return np.empty((len(table), 0))
        return self.basis(table.numbers(self.smooth))

    def columns(self, table: CovariateTable) -> NDArray[np.float64]:
        """Return all columns, the linear ones first, shape (n, p + q).

        Raises
        ------
        InputError
            If a value is missing or a category unknown.
        """
        check_columns(table, self.needed)
        return np.hstack([self.linear_columns(table), self.smooth_columns(table)])

    def check_apart(
        self,
        sites: NDArray[np.float64],
        names: Sequence[str],
        linear: NDArray[np.float64],
        table: CovariateTable,
    ) -> None:
        """Refuse covariates that can't be told from the sites or from each other.

        Parameters
        ----------
        sites : ndarray, shape (n, n_sites)
            A column a site.
        names : sequence of str
            Names of these columns.
        linear : ndarray, shape (n, p)
            `linear_columns` of the table.
        table : CovariateTable, n rows
            The covariates.

        Raises
        ------
        InputError
            Naming the columns.
        """
        parts = [sites, linear]
        names = [*names, *(column for c in self.covariates for column in c.columns)]
        if self.smooth is not None:
            parts.append(table.numbers(self.smooth)[:, None])
            names.append(self.smooth)
        check_rank(np.hstack(parts), names)

    def to_dict(self) -> dict[str, Any]:
        """Return the design ready for JSON."""
        smooth = None
        if self.basis is not None:
            smooth = {
                "name": self.smooth,
                "degree": self.basis.degree,
                "knots": self.basis.knots.tolist(),
            }
        return {
            "covariates": [{"name": c.name, "levels": list(c.levels)} for c in self.covariates],
            "smooth": smooth,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Rebuild a design from `to_dict`."""
        covariates = tuple(Covariate(c["name"], tuple(c["levels"])) for c in values["covariates"])
        smooth = values["smooth"]
        if smooth is None:
            return cls(covariates)
        knots = np.array(smooth["knots"], dtype=np.float64)
        return cls(covariates, smooth["name"], SplineBasis(knots, smooth["degree"]))
