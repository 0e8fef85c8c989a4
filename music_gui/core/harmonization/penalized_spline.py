"""Smooth terms: B-splines with a penalty on the second derivative, weight by cross-validation.

The least squares problem is that of ``statsmodels.gam.GLMGam`` for a Gaussian family,

    minimise ||y - X b||^2 + 2 a b' S b,    S = integral of B'' B''^T,

solved for many responses at once (Wood, Generalized Additive Models, 2nd ed., sections 4.2 and
5.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.linalg import block_diag

from music_gui.core.errors import InputError
from music_gui.core.progress import Progress

#: Penalty weights tried: the grid of ``GLMGam.select_penweight_kfold``.
PENALTIES: NDArray[np.float64] = np.logspace(0, 7, 11)
_N_FOLDS = 5
_EIGENVALUE_FLOOR = 1e-12
#: Numbers that one block of cross-validation may hold at a time (16 MiB): a tenth of a second.
_BLOCK_NUMBERS = 1 << 21


@dataclass(frozen=True, eq=False)
class SplineBasis:
    """B-spline basis without its first function, which keeps the constant out.

    Parameters
    ----------
    knots : ndarray, shape (n_knots,)
        All knots in order, the outer ones ``degree + 1`` times.
    degree : int
        3 for cubic splines.
    """

    knots: NDArray[np.float64]
    degree: int

    @classmethod
    def from_values(cls, x: NDArray[np.float64], df: int, degree: int) -> SplineBasis:
        """Put the inner knots at quantiles of ``x`` and the outer ones at its limits.

        Parameters
        ----------
        x : ndarray, shape (n,)
            Values of the covariate.
        df : int
            Number of basis functions before the first is dropped.
        degree : int
            Degree of the pieces.

        Raises
        ------
        InputError
            If ``x`` has too few different values to hold the knots apart.
        """
        inner = np.quantile(x, np.linspace(0, 1, df - degree + 1)[1:-1])
        low, high = float(x.min()), float(x.max())
        places = np.concatenate(([low], inner, [high]))
        if (np.diff(places) <= 0).any():
            raise InputError(
                f"{len(np.unique(x))} different values are too few to keep the "
                f"{len(inner)} inner knots of a smooth curve apart",
                remedy="Take the covariate as linear",
            )
        ends = degree + 1
        return cls(np.concatenate(([low] * ends, inner, [high] * ends)), degree)

    def __call__(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate the basis, shape (n, df - 1); values beyond the knots count as the nearest."""
        clamped = np.clip(x, self.knots[0], self.knots[-1])
        values: NDArray[np.float64] = self._functions()(clamped)
        return values[:, 1:]

    def penalty(self) -> NDArray[np.float64]:
        """Integrate the products of second derivatives, shape (df - 1, df - 1).

        Gauss-Legendre with ``degree`` points between knots, exact for these polynomials.
        """
        places = np.unique(self.knots)
        points, weights = np.polynomial.legendre.leggauss(self.degree)
        half = np.diff(places)[:, None] / 2
        x = (places[:-1, None] + half * (points + 1)).ravel()
        curvature = self._functions().derivative(2)(x)[:, 1:]
        integral: NDArray[np.float64] = curvature.T @ (
            (half * weights).ravel()[:, None] * curvature
        )
        return integral

    def _functions(self) -> BSpline:
        return BSpline(self.knots, np.eye(len(self.knots) - self.degree - 1), self.degree)


class PenalizedLeastSquares:
    """Linear columns without a penalty beside a penalised spline, for many responses.

    Parameters
    ----------
    linear : ndarray, shape (n, p)
        Columns without penalty.
    smooth : ndarray, shape (n, q)
        Spline basis.
    penalty : ndarray, shape (q, q)
        S.
    """

    def __init__(
        self,
        linear: NDArray[np.float64],
        smooth: NDArray[np.float64],
        penalty: NDArray[np.float64],
    ) -> None:
        # In the eigenbasis of S the penalty is diagonal, so that scaling the columns keeps the
        # normal equations well conditioned for every weight.
        roughness, rotation = np.linalg.eigh(penalty)
        self._back = block_diag(np.eye(linear.shape[1]), rotation)
        self._design = np.hstack([linear, smooth @ rotation])
        self._roughness = np.concatenate([np.zeros(linear.shape[1]), np.clip(roughness, 0.0, None)])

    def solve(
        self, responses: NDArray[np.float64], weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Fit every response with its own penalty weight.

        Parameters
        ----------
        responses : ndarray, shape (n, n_features)
            y, without missing values.
        weights : ndarray, shape (n_features,)
            a of each response.

        Returns
        -------
        ndarray, shape (p + q, n_features)
            Coefficients of the linear columns and of the basis.
        """
        gram, moment = self._design.T @ self._design, self._design.T @ responses
        coefficients = np.empty_like(moment)
        for weight in np.unique(weights):
            chosen = weights == weight
            system = gram + 2 * weight * np.diag(self._roughness)
            coefficients[:, chosen] = _solve(system, moment[:, chosen])
        rotated: NDArray[np.float64] = self._back @ coefficients
        return rotated

    def select_weights(
        self,
        responses: NDArray[np.float64],
        rng: np.random.Generator,
        *,
        shared_folds: bool,
        progress: Progress,
    ) -> NDArray[np.float64]:
        """Choose each response's penalty weight by five-fold cross-validation.

        Parameters
        ----------
        responses : ndarray, shape (n, n_features)
            y, without missing values.
        rng : numpy.random.Generator
            Shuffles the rows.
        shared_folds : bool
            Compare all weights of all responses on the same folds. False: new folds for each
            weight of each response, as neuroHarmonize 2.5.2 does; then the same generator gives
            the same choice.
        progress : Progress
            Checked between blocks.

        Returns
        -------
        ndarray, shape (n_features,)
            The weight with the least mean error.
        """
        n, n_features = responses.shape
        if shared_folds:
            return self._select_on(rng.permutation(n)[None, None], responses)
        block = max(1, _BLOCK_NUMBERS // (n * len(PENALTIES) * self._design.shape[1]))
        chosen = []
        for start in range(0, n_features, block):
            progress.update(start / n_features, "smoothness of the age curves")
            part = responses[:, start : start + block]
            orders = np.tile(np.arange(n), (part.shape[1], len(PENALTIES), 1))
            for order in orders.reshape(-1, n):
                rng.shuffle(order)
            chosen.append(self._select_on(orders, part))
        return np.concatenate(chosen) if chosen else np.empty(0)

    def _select_on(
        self, orders: NDArray[np.int64], responses: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Choose on given orders of the rows, shape (1 or n_features, 1 or n_weights, n)."""
        gram, moment = self._design.T @ self._design, self._design.T @ responses
        penalties = 2 * PENALTIES[:, None, None] * np.diag(self._roughness)
        columns = np.arange(responses.shape[1])[:, None, None]
        errors = np.zeros((responses.shape[1], len(PENALTIES)))
        for rows in np.array_split(orders, _N_FOLDS, axis=2):
            left_out = self._design[rows]
            observed = responses[rows, columns]
            transposed = left_out.swapaxes(-1, -2)
            system = gram - transposed @ left_out + penalties
            right = moment.T[:, None, :, None] - transposed @ observed[..., None]
            if orders.shape[0] == 1:  # one system for each weight, all responses at once
                solution = _solve(system[0], right[:, 0, :, 0].T)
                predicted = (left_out[0] @ solution).transpose(2, 0, 1)
            else:
                predicted = (left_out @ _solve(system, right))[..., 0]
            errors += np.linalg.norm(observed - predicted, axis=-1) / rows.shape[-1]
        chosen: NDArray[np.float64] = PENALTIES[errors.argmin(axis=1)]
        return chosen


def _solve(system: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve symmetric systems by a pseudo-inverse after scaling to a unit diagonal.

    A fold may hold all subjects of a small site; its column is then zero and its coefficient 0.
    """
    diagonal = np.diagonal(system, axis1=-2, axis2=-1)
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    scaled = system / (scale[..., :, None] * scale[..., None, :])
    inverse = np.linalg.pinv(scaled, rcond=_EIGENVALUE_FLOOR, hermitian=True)
    solution: NDArray[np.float64] = (inverse @ (right / scale[..., :, None])) / scale[..., :, None]
    return solution
