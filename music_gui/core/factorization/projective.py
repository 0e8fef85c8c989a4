"""What both factorisations share: loadings, reconstruction and the checks of their input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from music_gui.core.errors import ParameterError
from music_gui.core.factorization.blocks import BlockRunner
from music_gui.core.factorization.fit_state import FitState, check_fingerprint, fingerprint
from music_gui.core.factorization.input_checks import check_finite, check_maps
from music_gui.core.factorization.multiplicative_update import loadings
from music_gui.core.progress import Progress


@dataclass(frozen=True, eq=False)
class OpenFit:
    """Maps that were checked, and what a fit works on them with.

    Parameters
    ----------
    X : ndarray or memmap, shape (n_images, n_voxels), float32
        The maps.
    squared_norm : float
        |X|^2.
    mark : str
        Fingerprint of the fit, which its states carry.
    runner : BlockRunner
        Runs the blocks.
    """

    X: NDArray[np.float32]
    squared_norm: float
    mark: str
    runner: BlockRunner


class ProjectiveFactorization(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Base of factorisations ``X ~ (X W) W'`` with non-negative ``W = components_.T``."""

    n_components: int
    n_jobs: int | None
    random_state: int | np.random.RandomState | None
    components_: NDArray[np.float32]

    def transform(
        self, X: NDArray[np.floating], *, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Return the loadings of images, shape (n_images, C), float32.

        Parameters
        ----------
        X : array-like or memmap, shape (n_images, n_voxels)
            Images with the voxels of the fit.
        progress : Progress, optional
            Asked whether to stop.

        Raises
        ------
        MapsError
            If an image holds NaN or infinite values.
        """
        check_is_fitted(self)
        X = self._validated(X, reset=False)
        with BlockRunner(self.n_jobs, progress) as runner:
            check_finite(X, runner)
            return loadings(X, self.components_.T, runner).astype(np.float32)

    def inverse_transform(self, X: NDArray[np.floating]) -> NDArray[np.float32]:
        """Rebuild images, shape (n_images, n_voxels), from loadings, shape (n_images, C)."""
        check_is_fitted(self)
        images: NDArray[np.float32] = np.asarray(X, dtype=np.float32) @ self.components_
        return images

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    @contextmanager
    def _opened(
        self,
        X: NDArray[np.floating],
        progress: Progress | None,
        image_names: Sequence[str] | None,
        resume_from: FitState | None,
        given: Mapping[str, Any],
    ) -> Iterator[OpenFit]:
        """Check maps, parameters and the state to resume from, and hold threads for the fit.

        All parameters but the number of threads decide a fit's course, and what is ``given`` to
        its `fit` besides the maps.
        """
        X = self._validated(X, reset=True, minimum=2)
        self._check_parameters(X.shape[1])
        with BlockRunner(self.n_jobs, progress) as runner:
            squared_norms = check_maps(X, runner, image_names)
            decisive = {**self.get_params(deep=False), **given}
            del decisive["n_jobs"]
            mark = fingerprint(type(self).__name__, decisive, X, squared_norms)
            if resume_from is not None:
                check_fingerprint(resume_from, mark)
            yield OpenFit(X, float(squared_norms.sum()), mark, runner)

    def _validated(
        self, X: NDArray[np.floating], *, reset: bool, minimum: int = 1
    ) -> NDArray[np.float32]:
        """Return X as a float32 array of two dimensions; no copy if it is one."""
        array: NDArray[np.float32] = validate_data(
            self,
            X,
            reset=reset,
            dtype=np.float32,
            ensure_all_finite=False,
            ensure_min_samples=minimum,
            ensure_min_features=2 if reset else 1,
        )
        return array

    def _check_parameters(self, n_voxels: int) -> None:
        check_whole("n_components", self.n_components)
        if self.n_components > n_voxels:
            raise ParameterError(
                f"{self.n_components} components are more than the {n_voxels} voxels",
                remedy="Choose fewer components",
            )

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))


def check_whole(name: str, value: object, minimum: int = 1) -> None:
    """Refuse a parameter that is no whole number of at least ``minimum``.

    Raises
    ------
    ParameterError
        Naming the parameter.
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= minimum:
        return
    raise ParameterError(f"{name} is {value!r}", remedy=f"Use a whole number from {minimum} up")


def check_share(name: str, value: float) -> None:
    """Refuse a share that is not from 0 to below 1.

    Raises
    ------
    ParameterError
        Naming the parameter.
    """
    if not 0 <= value < 1:
        raise ParameterError(f"{name} is {value!r}", remedy="Use a share from 0 to below 1")


def warm_start(components: NDArray[np.floating], C: int, n_voxels: int) -> NDArray[np.float32]:
    """Return start weights, shape (n_voxels, C), from components, shape (C, n_voxels).

    Raises
    ------
    ParameterError
        If shape or values do not fit.
    """
    array = np.asarray(components, dtype=np.float32)
    if array.shape != (C, n_voxels):
        raise ParameterError(
            f"the warm start has shape {array.shape}", remedy=f"It must have {(C, n_voxels)}"
        )
    if not (np.isfinite(array).all() and (array >= 0).all() and array.any(axis=1).all()):
        raise ParameterError(
            "the warm start has negative or not finite weights, or an empty component"
        )
    return np.ascontiguousarray(array.T)
