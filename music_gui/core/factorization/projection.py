"""Maps seen through components that are given: loadings, and what they leave unexplained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


@dataclass(frozen=True)
class ProjectedMap:
    """One map's loadings and residual.

    Parameters
    ----------
    loadings : ndarray, shape (C,), float64
        h = W'x.
    residual : float
        |x - W h|^2.
    squared_norm : float
        |x|^2.
    """

    loadings: NDArray[np.float64]
    residual: float
    squared_norm: float

    @property
    def error(self) -> float:
        """Relative squared reconstruction error, ``|x - W W'x|^2 / |x|^2``.

        0 if the components explain the map wholly, 1 if they explain nothing of it. The relative
        loss of a fit (paper, eq. 3) is the mean of its maps' errors, weighted by ``|x|^2``.
        """
        return self.residual / self.squared_norm if self.squared_norm > 0 else float("nan")


class Projection:
    """Projects maps on components, in float64; the components stay sparse.

    Parameters
    ----------
    components : csr_array, shape (C, n_voxels), float32
        W', non-negative. The error means something if the largest singular value is 1, as both
        factorisations scale it.
    """

    def __init__(self, components: csr_array) -> None:
        self._components = components.astype(np.float64)
        self._transposed = self._components.T

    @property
    def n_components(self) -> int:
        """C."""
        return int(self._components.shape[0])

    @property
    def component_sums(self) -> NDArray[np.float64]:
        """Sum of the weights of each component, shape (C,)."""
        sums: NDArray[np.float64] = np.asarray(self._components.sum(axis=1), np.float64).ravel()
        return sums

    def project(self, values: NDArray[np.floating]) -> ProjectedMap:
        """Project one map.

        Parameters
        ----------
        values : ndarray, shape (n_voxels,)
            Not negative and finite, in the order of the components' voxels.
        """
        x = values.astype(np.float64)
        loadings = cast("NDArray[np.float64]", self._components @ x)
        rest = x - self._transposed @ loadings
        # No @: BLAS would start threads for it, and its sums depend on their number.
        return ProjectedMap(loadings, float((rest * rest).sum()), float((x * x).sum()))

    def largest_singular_value(self, *, n_steps: int = 100, tolerance: float = 1e-9) -> float:
        """Return the spectral norm of W, by power iteration from the all-ones vector.

        The weights are not negative, so the start can't be orthogonal to the leading vector.
        """
        vector = np.ones(self._components.shape[0])
        norm = 0.0
        for _ in range(n_steps):
            image = self._components @ (self._transposed @ vector)
            before, norm = norm, float(np.sqrt((image * image).sum()))
            if norm == 0 or abs(norm - before) <= tolerance * norm:
                break
            vector = image / norm
        return float(norm**0.5)
