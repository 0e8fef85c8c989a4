"""From PSC volumes to what the classifier sees: harmonised, adjusted, standardised.

Everything is learned from the rows given to `FeaturePreparation.fit`, so that a fold of a
cross-validation knows nothing of the rows it is tested on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from music_gui.core.errors import InputError
from music_gui.core.harmonization.combat_gam import ComBatGAM
from music_gui.core.harmonization.covariate_table import CovariateTable
from music_gui.core.harmonization.covariates import check_rank
from music_gui.core.harmonization.design import CovariateDesign


@dataclass(frozen=True, eq=False)
class Adjustment:
    """Removes the linear effects of covariates, as they are among controls.

    Parameters
    ----------
    design : CovariateDesign
        The covariates and their coding; no smooth term.
    center : ndarray, shape (n_columns,)
        Mean of the design's columns among controls: who has these values is left as is.
    coefficients : ndarray, shape (n_columns, n_features)
        Effect of one unit of each column.
    """

    design: CovariateDesign
    center: NDArray[np.float64]
    coefficients: NDArray[np.float64]

    @classmethod
    def fit(cls, X: NDArray[np.float64], table: CovariateTable, names: Sequence[str]) -> Self:
        """Estimate by least squares with an intercept.

        Raises
        ------
        InputError
            If covariates can't be told apart.
        """
        design, _ = CovariateDesign.from_table(table, None, names, df=0, degree=0)
        columns = design.columns(table)
        labels = [column for c in design.covariates for column in c.columns]
        check_rank(np.column_stack([np.ones(len(table)), columns]), ["the intercept", *labels])
        center = columns.mean(axis=0)
        spread = columns.std(axis=0)
        scaled = (columns - center) / spread
        slopes = np.linalg.lstsq(scaled, X - X.mean(axis=0), rcond=None)[0]
        return cls(design, center, slopes / spread[:, None])

    def apply(self, X: NDArray[np.float64], table: CovariateTable) -> NDArray[np.float64]:
        """Return the features as if everyone had the covariates of ``center``."""
        adjusted: NDArray[np.float64] = (
            X - (self.design.columns(table) - self.center) @ self.coefficients
        )
        return adjusted

    def to_dict(self) -> dict[str, Any]:
        """Return everything that `apply` needs, ready for JSON."""
        return {
            "covariates": self.design.to_dict()["covariates"],
            "center": self.center.tolist(),
            "coefficients": self.coefficients.tolist(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any], n_features: int) -> Self:
        """Rebuild from `to_dict`."""
        return cls(
            CovariateDesign.from_dict({"covariates": values["covariates"], "smooth": None}),
            np.array(values["center"], dtype=np.float64),
            np.array(values["coefficients"], dtype=np.float64).reshape(-1, n_features),
        )


class FeaturePreparation(BaseEstimator):  # type: ignore[misc]
    """Harmonise, adjust for covariates and standardise, in this order.

    Harmonisation and adjustment are learned from controls only, so that neither takes away what
    the disease does, and neither needs the diagnosis of the person it is applied to.

    Parameters
    ----------
    harmonization : ComBatGAM or None
        Settings of the harmonisation; copied, not fitted itself.
    adjust_for : sequence of str
        Covariates whose linear effect is removed.

    Attributes
    ----------
    harmonization_ : ComBatGAM or None
    adjustment_ : Adjustment or None
    mean_, scale_ : ndarray, shape (n_features,)
        Mean and standard deviation of the training rows; 1 where a feature does not vary.
    """

    def __init__(
        self, harmonization: ComBatGAM | None = None, adjust_for: Sequence[str] = ()
    ) -> None:
        self.harmonization = harmonization
        self.adjust_for = adjust_for

    def fit(
        self, X: NDArray[np.float64], table: CovariateTable, controls: NDArray[np.bool_]
    ) -> Self:
        """Learn from training rows.

        Parameters
        ----------
        X : ndarray, shape (n, n_features), float64
            Volumes, all finite.
        table : CovariateTable, n rows
            Site and covariates.
        controls : ndarray, shape (n,), bool

        Raises
        ------
        InputError
            If values are missing, or the harmonisation refuses the table.
        """
        if not np.isfinite(X).all():
            raise InputError("a feature has missing values")
        self.harmonization_ = self.adjustment_ = None
        of_controls = table.rows(controls)
        if self.harmonization is not None:
            self.harmonization_ = clone(self.harmonization).fit(X[controls], of_controls)
            X = self.harmonization_.transform(X, table)
        if self.adjust_for:
            self.adjustment_ = Adjustment.fit(X[controls], of_controls, self.adjust_for)
            X = self.adjustment_.apply(X, table)
        self.mean_ = X.mean(axis=0)
        spread = X.std(axis=0)
        self.scale_ = np.where(spread > 1e-12 * np.abs(self.mean_), spread, 1.0)
        return self

    def transform(self, X: NDArray[np.float64], table: CovariateTable) -> NDArray[np.float64]:
        """Prepare rows with what was learned.

        Returns
        -------
        ndarray, shape (n, n_features)
            Standardised features.

        Raises
        ------
        InputError
            If a covariate that is needed is missing; those of the harmonisation are needed for
            rows of known sites only.
        """
        check_is_fitted(self, "scale_")
        if self.harmonization_ is not None:
            X = self.harmonization_.transform(X, table)
        if self.adjustment_ is not None:
            X = self.adjustment_.apply(X, table)
        standardized: NDArray[np.float64] = (X - self.mean_) / self.scale_
        return standardized
