"""Stochastic orthogonal projective NMF, as published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import ParameterError
from music_gui.core.factorization.blocks import BlockRunner
from music_gui.core.factorization.epoch import HISTORY_DTYPE, Epoch, energy_order
from music_gui.core.factorization.fit_state import FitState
from music_gui.core.factorization.input_checks import check_maps
from music_gui.core.factorization.loss import Assessment, assess
from music_gui.core.factorization.multiplicative_update import ScaledWeights, update
from music_gui.core.factorization.nndsvd import REFERENCE_FILL, nndsvd
from music_gui.core.factorization.projective import (
    ProjectiveFactorization,
    check_share,
    check_whole,
    warm_start,
)
from music_gui.core.factorization.sopnmf_course import Course
from music_gui.core.factorization.splitting import split_weights, split_weights_bytes
from music_gui.core.progress import Progress

#: What a start from splits has outside a component, as a share of its mean weight inside.
_SPLIT_FILL = 0.1


class SopNMF(ProjectiveFactorization):
    """Stochastic orthogonal projective non-negative matrix factorisation (sopNMF).

    Finds ``W >= 0`` with ``X ~ (X W) W'`` by multiplicative updates with mini-batches of images
    (Wen et al., eq. 2 and 3; with a batch of all images it is opNMF, Sotiras et al. 2015). Same
    iterates as the reference package ``sopnmf`` 0.0.4 from the same start and batches, up to
    rounding. Batches are drawn without replacement in each epoch; the loss of an epoch is that
    on all images; the best weights of all epochs are kept.

    Parameters
    ----------
    n_components : int
        C, the scale.
    batch_size : int
        Images in a batch; ``n_images`` or more is opNMF. As in the reference there are
        ``n_images // batch_size`` batches of nearly equal size, so a batch can be larger.
    max_epochs : int
        Most passes over the images.
    random_state : int, RandomState or None
        Seed of the batches and of the random start.
    init : {"nndsvd", "random"} or ndarray, shape (C, n_voxels)
        The start; an array is a warm start.
    patience : int
        Stop after this many epochs without a lower loss.
    tol : float
        A loss counts as lower if it is so by this share of the lowest.
    strict : bool
        Divide by the true spectral norm after every batch, as the reference does, instead of by
        an estimate from power iteration. It changes nothing but the scale within an epoch.
    nndsvd_fill : float
        What the NNDSVD start has in place of zeros (`music_gui.core.factorization.nndsvd`).
    n_jobs : int or None
        Threads; None means all. The result does not depend on it.

    Attributes
    ----------
    components_ : ndarray, shape (C, n_voxels), float32
        W', of spectral norm 1, by decreasing explained energy ``|w_c|^2 |X w_c|^2``.
    reconstruction_err_ : float
        Relative squared Frobenius loss ``|X - X W W'|^2 / |X|^2`` of these components.
    n_iter_ : int
        Epochs done; after `partial_fit`, updates done.
    history_ : structured ndarray, shape (n_iter_,)
        ``epoch``, ``loss``, ``sparsity`` (Hoyer) and ``n_vanished`` of each epoch.
    """

    def __init__(
        self,
        n_components: int,
        batch_size: int = 32,
        max_epochs: int = 1000,
        random_state: int | np.random.RandomState | None = None,
        *,
        init: str | NDArray[np.floating] = "nndsvd",
        patience: int = 100,
        tol: float = 1e-6,
        strict: bool = False,
        nndsvd_fill: float = REFERENCE_FILL,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.random_state = random_state
        self.init = init
        self.patience = patience
        self.tol = tol
        self.strict = strict
        self.nndsvd_fill = nndsvd_fill
        self.n_jobs = n_jobs

    def fit(
        self,
        X: NDArray[np.floating],
        y: None = None,
        *,
        progress: Progress | None = None,
        callback: Callable[[Epoch], None] | None = None,
        resume_from: FitState | None = None,
        image_names: Sequence[str] | None = None,
        gram: NDArray[np.float64] | None = None,
        coarser: NDArray[np.integer] | None = None,
    ) -> Self:
        """Factorise images.

        Parameters
        ----------
        X : array-like or memmap, shape (n_images, n_voxels)
            Non-negative maps; float32 is not copied.
        y : None
            Ignored.
        progress : Progress, optional
            Told of each epoch; asked many times a second whether to stop.
        callback : callable, optional
            Called with an `Epoch` after each epoch.
        resume_from : dict of ndarray, optional
            What `Epoch.state` returned; the fit goes on as if it had not been interrupted.
        image_names : sequence of str, optional
            Names of the images for error messages.
        gram : ndarray, shape (n_images, n_images), float64, optional
            X X' for the NNDSVD start, if it is at hand (`image_gram`); scales can share it.
        coarser : ndarray, shape (n_voxels,), int, optional
            Labels of a coarser scale, 0 for none: instead of ``init``, splits of its regions are
            the start, so that the scales nest where the data allow.

        Raises
        ------
        MapsError
            If the maps are not finite, negative, constant or all the same.
        ParameterError
            If a parameter is out of bounds, or the coarser scale has more regions than C.
        CheckpointError
            If ``resume_from`` belongs to another fit.
        """
        given = {"coarser": coarser}
        with self._opened(X, progress, image_names, resume_from, given) as opened:
            X, runner = opened.X, opened.runner
            if resume_from is None:
                course = Course.start(*self._start(X, runner, gram, coarser))
            else:
                course = Course.from_state(resume_from)
            while len(course.history) < self.max_epochs and course.n_idle < self.patience:
                course.do_epoch(X, self.batch_size, runner, strict=self.strict)
                result = assess(X, opened.squared_norm, course.weights, runner)
                course.record(result, self.tol)
                number = len(course.history)
                runner.progress.update(
                    number / self.max_epochs, f"epoch {number}: loss {result.loss:.5f}"
                )
                if callback:
                    callback(_as_epoch(course, result, opened.mark))
        self.components_ = course.best.normalized(energy_order(course.best_energies))
        self.reconstruction_err_ = course.best_loss
        self.n_iter_ = len(course.history)
        self.history_ = np.array(course.history, HISTORY_DTYPE)
        return self

    def partial_fit(self, X: NDArray[np.floating], y: None = None) -> Self:
        """Do one update with these images as the batch.

        The first call makes the start from them. The order of the components is kept.

        Raises
        ------
        MapsError
            If the maps are not finite, negative or constant.
        """
        first = not hasattr(self, "components_")
        X = self._validated(X, reset=first)
        self._check_parameters(X.shape[1])
        with BlockRunner(self.n_jobs) as runner:
            check_maps(X, runner, must_differ=False)
            start = self._start(X, runner)[1] if first else self.components_.T.copy()
            weights = ScaledWeights.start(start)
            update(X, weights, runner, strict=True)
        self.components_ = weights.normalized()
        self.n_iter_ = 1 if first else self.n_iter_ + 1
        return self

    def _check_parameters(self, n_voxels: int) -> None:
        super()._check_parameters(n_voxels)
        for name in ("batch_size", "max_epochs", "patience"):
            check_whole(name, getattr(self, name))
        check_share("tol", self.tol)
        if self.nndsvd_fill < 0:
            raise ParameterError("nndsvd_fill is negative", remedy="Use 0 or more")

    def forecast_bytes(self, n_images: int, n_voxels: int, *, coarser: bool = False) -> int:
        """Return the peak memory of a fit in bytes, besides the maps themselves.

        Parameters
        ----------
        n_images, n_voxels : int
            Shape of the maps.
        coarser : bool
            A coarser scale is given to `fit`.
        """
        C, batch = self.n_components, min(2 * self.batch_size, n_images)
        if coarser:
            start = split_weights_bytes(n_images, n_voxels, C)
        else:
            start = 5 * 8 * n_images**2 if self.init == "nndsvd" else 0
        course = 2 * 4 * batch * n_voxels + 8 * n_images * C
        return 3 * 4 * n_voxels * C + max(start, course) + 6 * 8 * C**2

    def _start(
        self,
        X: NDArray[np.float32],
        runner: BlockRunner,
        gram: NDArray[np.float64] | None = None,
        coarser: NDArray[np.integer] | None = None,
    ) -> tuple[int, NDArray[np.float32]]:
        """Return the seed and the start weights, shape (n_voxels, C)."""
        seed, n_voxels = self._seed(), X.shape[1]
        if coarser is not None:
            return seed, split_weights(X, coarser, self.n_components, runner, fill=_SPLIT_FILL)
        if not isinstance(self.init, str):
            return seed, warm_start(self.init, self.n_components, n_voxels)
        if self.init == "nndsvd":
            return seed, nndsvd(X, self.n_components, runner, fill=self.nndsvd_fill, gram=gram)
        if self.init == "random":
            generator = np.random.default_rng(seed)
            return seed, generator.random((n_voxels, self.n_components), dtype=np.float32)
        raise ParameterError(
            f"there is no start named {self.init!r}",
            remedy="Choose 'nndsvd' or 'random', or give components to start from",
        )


def _as_epoch(course: Course, result: Assessment, mark: str) -> Epoch:
    return Epoch(
        number=len(course.history),
        loss=result.loss,
        sparsity=result.sparsity,
        n_vanished=result.n_vanished,
        labels=result.labels,
        state=lambda: course.to_state(mark),
    )
