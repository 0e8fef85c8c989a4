"""Stochastic orthogonal projective NMF, as published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import ParameterError
from music_gui.core.factorization.blocks import BlockRunner
from music_gui.core.factorization.epoch import HISTORY_DTYPE, Epoch, energy_order
from music_gui.core.factorization.fit_state import FitState, check_fingerprint, fingerprint
from music_gui.core.factorization.input_checks import MapsError, check_maps
from music_gui.core.factorization.loss import Assessment, assess
from music_gui.core.factorization.multiplicative_update import ScaledWeights, update
from music_gui.core.factorization.nndsvd import REFERENCE_FILL, nndsvd
from music_gui.core.factorization.projective import (
    ProjectiveFactorization,
    check_whole,
    warm_start,
)
from music_gui.core.progress import Progress, Silent


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

        Raises
        ------
        MapsError
            If the maps are not finite, negative, constant or all the same.
        ParameterError
            If a parameter is out of bounds.
        CheckpointError
            If ``resume_from`` belongs to another fit.
        """
        progress = progress or Silent()
        X = self._validated(X, reset=True, minimum=2)
        self._check_parameters(X.shape[1])
        with BlockRunner(self.n_jobs, progress) as runner:
            squared_norm = check_maps(X, runner, image_names)
            mark = fingerprint(self, ("n_components", "batch_size", "strict"), X, squared_norm)
            if resume_from is None:
                run = _Run.start(*self._start(X, runner, gram))
            else:
                check_fingerprint(resume_from, mark)
                run = _Run.from_state(resume_from)
            while len(run.history) < self.max_epochs and run.n_idle < self.patience:
                run.do_epoch(X, self.batch_size, runner, strict=self.strict)
                result = assess(X, squared_norm, run.weights, runner)
                run.record(result, self.tol)
                number = len(run.history)
                progress.update(number / self.max_epochs, f"epoch {number}: loss {result.loss:.5f}")
                if callback:
                    callback(_as_epoch(run, result, mark))
        self.components_ = run.best.normalized(energy_order(run.best_energies))
        self.reconstruction_err_ = run.best_loss
        self.n_iter_ = len(run.history)
        self.history_ = np.array(run.history, HISTORY_DTYPE)
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
        if not 0 <= self.tol < 1:
            raise ParameterError(f"tol is {self.tol!r}", remedy="Use a share from 0 to below 1")
        if self.nndsvd_fill < 0:
            raise ParameterError("nndsvd_fill is negative", remedy="Use 0 or more")

    def forecast_bytes(self, n_images: int, n_voxels: int) -> int:
        """Return the peak memory of a fit in bytes, besides the maps themselves."""
        C, batch = self.n_components, min(2 * self.batch_size, n_images)
        start = 5 * 8 * n_images**2 if self.init == "nndsvd" else 0
        course = 2 * 4 * batch * n_voxels + 8 * n_images * C
        return 3 * 4 * n_voxels * C + max(start, course) + 6 * 8 * C**2

    def _start(
        self,
        X: NDArray[np.float32],
        runner: BlockRunner,
        gram: NDArray[np.float64] | None = None,
    ) -> tuple[int, NDArray[np.float32]]:
        """Return the seed and the start weights, shape (n_voxels, C)."""
        seed, n_voxels = self._seed(), X.shape[1]
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


@dataclass
class _Run:
    """A fit under way."""

    seed: int
    weights: ScaledWeights
    best: ScaledWeights
    best_loss: float
    best_energies: NDArray[np.float64]
    lowest: float
    n_idle: int
    history: list[tuple[int, float, float, int]] = field(default_factory=list)

    @classmethod
    def start(cls, seed: int, values: NDArray[np.float32]) -> _Run:
        weights = ScaledWeights.start(values)
        best = ScaledWeights(np.empty_like(values), 1.0, weights.probe)
        return cls(seed, weights, best, np.inf, np.zeros(values.shape[1]), np.inf, 0)

    def do_epoch(
        self, X: NDArray[np.float32], batch_size: int, runner: BlockRunner, *, strict: bool
    ) -> None:
        """Pass once over the images; seed and epoch alone decide the batches."""
        n_batches = max(len(X) // batch_size, 1)
        if n_batches == 1:
            update(X, self.weights, runner, strict=strict)
            return
        generator = np.random.default_rng([self.seed, len(self.history)])
        for batch in np.array_split(generator.permutation(len(X)), n_batches):
            update(X[np.sort(batch)], self.weights, runner, strict=strict)

    def record(self, result: Assessment, tol: float) -> None:
        """Note an epoch's result and keep the weights if they are the best so far."""
        if not np.isfinite(result.loss):
            raise MapsError(
                "the weights left the range of numbers",
                why="the maps' values are extremely large or small",
                remedy="Give the maps as fractions of a voxel's volume, near 1",
            )
        self.history.append(
            (len(self.history) + 1, result.loss, result.sparsity, result.n_vanished)
        )
        if result.loss < self.best_loss:
            np.copyto(self.best.values, self.weights.values)
            self.best.norm = self.weights.norm
            self.best_loss, self.best_energies = result.loss, result.energies
        if result.loss < self.lowest - tol * abs(self.lowest) or not np.isfinite(self.lowest):
            self.lowest, self.n_idle = result.loss, 0
        else:
            self.n_idle += 1

    def to_state(self, mark: str) -> FitState:
        return {
            "fingerprint": np.array(mark),
            "seed": np.array(self.seed),
            "values": self.weights.values,
            "norm": np.array(self.weights.norm),
            "probe": self.weights.probe,
            "best_values": self.best.values,
            "best_norm": np.array(self.best.norm),
            "best_loss": np.array(self.best_loss),
            "best_energies": self.best_energies,
            "lowest": np.array(self.lowest),
            "n_idle": np.array(self.n_idle),
            "history": np.array(self.history, HISTORY_DTYPE),
        }

    @classmethod
    def from_state(cls, state: FitState) -> _Run:
        probe = state["probe"].copy()
        return cls(
            seed=int(state["seed"]),
            weights=ScaledWeights(state["values"].copy(), float(state["norm"]), probe),
            best=ScaledWeights(state["best_values"].copy(), float(state["best_norm"]), probe),
            best_loss=float(state["best_loss"]),
            best_energies=state["best_energies"].copy(),
            lowest=float(state["lowest"]),
            n_idle=int(state["n_idle"]),
            history=[tuple(row) for row in state["history"].tolist()],
        )


def _as_epoch(run: _Run, result: Assessment, mark: str) -> Epoch:
    return Epoch(
        number=len(run.history),
        loss=result.loss,
        sparsity=result.sparsity,
        n_vanished=result.n_vanished,
        labels=result.labels,
        state=lambda: run.to_state(mark),
    )
