"""ComBat-GAM: remove the effects of sites, keep those of age, sex and other covariates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from music_gui.core.errors import InputError, MusicError, ParameterError
from music_gui.core.harmonization.covariate_table import CovariateTable
from music_gui.core.harmonization.covariates import check_columns, small_sites
from music_gui.core.harmonization.design import CovariateDesign
from music_gui.core.harmonization.location_scale import FeatureModel, fit_features, fit_sites
from music_gui.core.progress import Progress, Silent


class ComBatGAM(BaseEstimator):  # type: ignore[misc]
    """Remove the location and scale of each site from every feature.

    The model of a feature y of participant j at site i is

        y_ij = m + c_ij b + f(age_ij) + sqrt(v) (g_i + sqrt(d_i) e_ij),

    and the harmonised value m + c_ij b + f(age_ij) + sqrt(v) e_ij. The site's location g and
    scale d are shrunk towards those of all features by empirical Bayes (Johnson et al. 2007;
    Fortin et al., NeuroImage 167 (2018) 104); f is a penalised cubic B-spline (Pomponio et al.,
    NeuroImage 208 (2020) 116450). With ``penalty_folds="per_feature"`` it gives the numbers of
    neuroHarmonize 2.5.2 with ``seed=random_state``.

    Parameters
    ----------
    site : str
        Column of the covariates table with the site.
    smooth : str or None
        Column that enters as a smooth curve; None for the linear ComBat.
    covariates : sequence of str
        Other columns whose effects are kept. Numbers enter as they are, text as categories.
    reference_site : str or None
        Site that stays as it is and that the others are brought to; None for the average site.
    empirical_bayes : bool
        Shrink the site parameters. With one feature there is nothing to shrink towards.
    min_site_size : int
        Fewest subjects a site may have, at least 2: a variance is estimated from them.
    unseen_site : {"raw", "reference", "error"}
        What `transform` does with a site that was not fitted: leave the values as they are (see
        `is_harmonized`), take it for the reference site, which leaves them too, or refuse it.
    spline_df, spline_degree : int
        Size of the spline basis, as neuroHarmonize has it.
    penalty_folds : {"shared", "per_feature"}
        Folds on which the smoothness is chosen (`PenalizedLeastSquares.select_weights`).
    tolerance : float
        Relative change at which empirical Bayes stops.
    random_state : int
        Seed of the folds.

    Attributes
    ----------
    sites_ : tuple of str
        Fitted sites, sorted.
    design_ : CovariateDesign
        Coding of the covariates kept; constant ones are left out.
    features_ : FeatureModel
        m, b, f and v.
    location_, scale_ : ndarray, shape (n_sites, n_features)
        g and d; 0 and 1 for features that pass unchanged.
    notes_ : tuple of str
        What the user should know about the fit.

    Examples
    --------
    >>> model = ComBatGAM(covariates=("sex",)).fit(X_train, table_train)
    >>> X_new = model.transform(X_test, table_test)
    """

    def __init__(
        self,
        *,
        site: str = "site",
        smooth: str | None = "age",
        covariates: Sequence[str] = (),
        reference_site: str | None = None,
        empirical_bayes: bool = True,
        min_site_size: int = 5,
        unseen_site: Literal["raw", "reference", "error"] = "raw",
        spline_df: int = 10,
        spline_degree: int = 3,
        penalty_folds: Literal["shared", "per_feature"] = "shared",
        tolerance: float = 1e-4,
        random_state: int = 0,
    ) -> None:
        self.site = site
        self.smooth = smooth
        self.covariates = covariates
        self.reference_site = reference_site
        self.empirical_bayes = empirical_bayes
        self.min_site_size = min_site_size
        self.unseen_site = unseen_site
        self.spline_df = spline_df
        self.spline_degree = spline_degree
        self.penalty_folds = penalty_folds
        self.tolerance = tolerance
        self.random_state = random_state

    def fit(
        self,
        X: NDArray[np.float64],
        table: pd.DataFrame | CovariateTable,
        *,
        progress: Progress | None = None,
    ) -> Self:
        """Estimate the parameters.

        Parameters
        ----------
        X : ndarray, shape (n, n_features), float64
            Features. NaN is a missing value; a feature without any value (a vanished PSC) stays
            so.
        table : DataFrame, n rows
            Holds the site and the covariates; its index names rows in errors.
        progress : Progress, optional
            Told how far it is.

        Raises
        ------
        InputError
            If there is one site only, a site is too small, covariates are missing or can't be
            told apart from the sites or from each other.
        ParameterError
            If a column or the reference site does not exist.
        """
        X = _checked_features(X, table)
        named = (self.site, *((self.smooth,) if self.smooth else ()), *self.covariates)
        check_columns(table, named)
        table = CovariateTable.of(table, named)
        sites = table.labels(self.site).astype(str)
        self.sites_ = self._checked_sites(sites)
        self.design_, notes = CovariateDesign.from_table(
            table, self.smooth, self.covariates, df=self.spline_df, degree=self.spline_degree
        )
        index = np.searchsorted(self.sites_, sites)
        indicators = np.eye(len(self.sites_))[index]
        linear, smooth = self.design_.linear_columns(table), self.design_.smooth_columns(table)
        self.design_.check_apart(
            indicators, [f"{self.site}[{s}]" for s in self.sites_], linear, table
        )
        reference = self._reference_index()
        if reference is not None:
            indicators[:, reference] = 1.0
        basis = self.design_.basis
        self.features_ = fit_features(
            X,
            index,
            np.hstack([indicators, linear]),
            smooth,
            basis.penalty() if basis else np.empty((0, 0)),
            reference=reference,
            shared_folds=self.penalty_folds == "shared",
            rng=np.random.default_rng(self.random_state),
            progress=progress or Silent(),
        )
        self.notes_ = notes
        self._fit_sites(X, np.hstack([linear, smooth]), index)
        return self

    def transform(
        self, X: NDArray[np.float64], table: pd.DataFrame | CovariateTable
    ) -> NDArray[np.float64]:
        """Harmonise rows with the fitted parameters only.

        Values of the smooth covariate beyond the fitted range count as the nearest fitted one.

        Parameters
        ----------
        X : ndarray, shape (n, n_features), float64
            Features in the order of `fit`.
        table : DataFrame, n rows
            Site and covariates; the covariates of rows of an unseen site are not looked at.

        Returns
        -------
        ndarray, shape (n, n_features), float64

        Raises
        ------
        InputError
            If values are missing in the table, a category is unknown, or a site was not fitted
            and ``unseen_site`` is "error".
        """
        check_is_fitted(self)
        X = _checked_features(X, table)
        if X.shape[1] != len(self.features_.mean):
            raise InputError(
                f"there are {X.shape[1]} features, "
                f"the model was fitted on {len(self.features_.mean)}"
            )
        table = CovariateTable.of(table, (self.site, *self.design_.needed))
        changes = self.is_harmonized(table)
        if self.reference_site is not None and changes.any():
            changes &= table.labels(self.site) != self.reference_site
        result = X.copy()
        if not changes.any():
            return result
        rows = table.rows(changes)
        usable = self.features_.usable
        standard, expected, spread = self.features_.standardize(
            X[changes], self.design_.columns(rows)
        )
        index = np.searchsorted(self.sites_, rows.labels(self.site).astype(str))
        location, scale = self.location_[index][:, usable], self.scale_[index][:, usable]
        result[np.ix_(changes, usable)] = (standard - location) / np.sqrt(scale) * spread + expected
        if not np.isfinite(result[np.isfinite(X)]).all():
            raise MusicError(
                "harmonisation gave values that are not finite",
                remedy="This is a fault of the program; report it with the table's description",
            )
        return result

    def fit_transform(
        self,
        X: NDArray[np.float64],
        table: pd.DataFrame | CovariateTable,
        *,
        progress: Progress | None = None,
    ) -> NDArray[np.float64]:
        """Fit, then harmonise the same rows."""
        return self.fit(X, table, progress=progress).transform(X, table)

    def is_harmonized(self, table: pd.DataFrame | CovariateTable) -> NDArray[np.bool_]:
        """Tell for each row whether its site was fitted, shape (n,).

        Raises
        ------
        InputError
            If one was not and ``unseen_site`` is "error".
        """
        table = CovariateTable.of(table, (self.site,))
        labels: list[str | None] = [None] * len(table)
        if self.site in table:
            labels = list(table.labels(self.site))
        known: NDArray[np.bool_] = np.array([label in self.sites_ for label in labels], dtype=bool)
        if self.unseen_site == "error" and not known.all():
            unknown = {label for label, is_known in zip(labels, known, strict=True) if not is_known}
            raise InputError(
                "a site was not there when the model was fitted: "
                + ", ".join(sorted(label or "(missing)" for label in unknown)),
                why="fitted are " + ", ".join(self.sites_),
            )
        return known

    def to_dict(self) -> dict[str, Any]:
        """Return everything that `transform` needs, ready for JSON (NaN as None)."""
        check_is_fitted(self)
        return {
            "site": self.site,
            "sites": list(self.sites_),
            "reference_site": self.reference_site,
            "unseen_site": self.unseen_site,
            "empirical_bayes": self.empirical_bayes,
            **self.design_.to_dict(),
            "mean": _to_json(self.features_.mean),
            "variance": _to_json(self.features_.variance),
            "coefficients": self.features_.coefficients.tolist(),
            "location": self.location_.tolist(),
            "scale": self.scale_.tolist(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Rebuild a fitted model from `to_dict`."""
        design = CovariateDesign.from_dict(values)
        model = cls(
            site=values["site"],
            smooth=design.smooth,
            covariates=tuple(each.name for each in design.covariates),
            reference_site=values["reference_site"],
            unseen_site=values["unseen_site"],
            empirical_bayes=values["empirical_bayes"],
        )
        mean = np.array(values["mean"], dtype=np.float64)
        model.sites_, model.design_ = tuple(values["sites"]), design
        model.features_ = FeatureModel(
            mean=mean,
            variance=np.array(values["variance"], dtype=np.float64),
            coefficients=np.array(values["coefficients"], dtype=np.float64).reshape(-1, len(mean)),
            penalties=np.full(len(mean), np.nan),
            n_constant=0,
        )
        model.location_ = np.array(values["location"], dtype=np.float64)
        model.scale_ = np.array(values["scale"], dtype=np.float64)
        model.notes_ = ()
        return model

    def _fit_sites(
        self, X: NDArray[np.float64], columns: NDArray[np.float64], index: NDArray[np.int64]
    ) -> None:
        usable = self.features_.usable
        if self.features_.n_constant:
            self.notes_ += (
                f"features that do not vary and stay as they are: {self.features_.n_constant}",
            )
        if self.empirical_bayes and usable.sum() == 1:
            self.notes_ += ("one feature only: the sites' estimates are used without shrinkage",)
        self.location_ = np.zeros((len(self.sites_), len(usable)))
        self.scale_ = np.ones_like(self.location_)
        standard, _, _ = self.features_.standardize(X, columns)
        self.location_[:, usable], self.scale_[:, usable] = fit_sites(
            standard,
            index,
            reference=self._reference_index(),
            empirical_bayes=self.empirical_bayes and usable.sum() > 1,
            tolerance=self.tolerance,
        )

    def _reference_index(self) -> int | None:
        return None if self.reference_site is None else self.sites_.index(self.reference_site)

    def _checked_sites(self, sites: NDArray[np.str_]) -> tuple[str, ...]:
        found = tuple(np.unique(sites).tolist())
        if len(found) < 2:
            raise InputError(
                f"there is one site only ({', '.join(found) or 'none'}): nothing to harmonise",
                remedy="Use the table as it is",
            )
        if small := small_sites(sites, max(2, self.min_site_size)):
            raise InputError(
                "too few subjects at "
                + ", ".join(f"site {site} ({n})" for site, n in small.items()),
                why=f"mean and variance of a site need at least {max(2, self.min_site_size)}",
                remedy="Leave these sites out, or merge each with one of the same scanner",
            )
        if self.reference_site is not None and self.reference_site not in found:
            raise ParameterError(
                f"the reference site {self.reference_site} is not in the table",
                remedy="Choose one of " + ", ".join(found),
            )
        if self.unseen_site == "reference" and self.reference_site is None:
            raise ParameterError("unseen sites can't count as the reference site: none is chosen")
        return found


def _checked_features(
    X: NDArray[np.float64], table: pd.DataFrame | CovariateTable
) -> NDArray[np.float64]:
    values: NDArray[np.float64] = np.asarray(X, dtype=np.float64)
    if values.ndim != 2 or len(values) != len(table):
        raise InputError(
            f"features of shape {values.shape} do not fit a table of {len(table)} rows"
        )
    if np.isinf(values).any():
        columns = np.flatnonzero(np.isinf(values).any(axis=0)) + 1
        raise InputError(
            f"infinite values in {len(columns)} of {values.shape[1]} features, "
            f"first feature {columns[0]}"
        )
    return values


def _to_json(values: NDArray[np.float64]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
