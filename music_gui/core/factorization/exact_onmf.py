"""Orthogonal projective NMF under its exact constraint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import ParameterError
from music_gui.core.factorization.alternation import (
    Alternation,
    partition_from_state,
    partition_to_state,
)
from music_gui.core.factorization.blocks import BlockRunner
from music_gui.core.factorization.epoch import HISTORY_DTYPE, Epoch, energy_order
from music_gui.core.factorization.fit_state import FitState, check_fingerprint, fingerprint
from music_gui.core.factorization.input_checks import check_maps
from music_gui.core.factorization.loss import reconstruction_loss
from music_gui.core.factorization.multiplicative_update import loadings
from music_gui.core.factorization.projective import (
    ProjectiveFactorization,
    check_whole,
    warm_start,
)
from music_gui.core.factorization.spherical_kmeans import (
    Partition,
    VoxelRows,
    assign,
    random_directions,
    refine,
)
from music_gui.core.progress import Progress, Silent

#: Power steps after the search, and the growth of energy below which a component needs no more.
_FINAL_STEPS = 100
_FINAL_TOL = 1e-9

#: Iterations after which the progress of a start shows 63 %: what a start takes is not known.
_EXPECTED_EPOCHS = 12


class ExactONMF(ProjectiveFactorization):
    """Orthogonal projective NMF under its exact constraint, by spherical k-means of voxels.

    Minimises the loss of sopNMF, ``|X - X W W'|^2`` with ``W >= 0``, under ``W'W = I``. Then no
    voxel belongs to two components, and each component is the leading singular vector of its
    voxels: weighted spherical k-means of the voxels' values over the images (the equivalence is
    that of Pompili et al., Neurocomputing 141 (2014)). It alternates between giving each voxel
    to the direction that explains most of it and two power steps for each direction; then
    split-and-merge moves lead out of local optima, as long as they lower the loss.

    These are not the iterates of the published update, and the atlas differs from its atlas.

    Parameters
    ----------
    n_components : int
        C, the scale.
    n_init : int
        Starts from different random voxels; the one of the lowest loss is kept. With
        split-and-merge moves one is enough: on simulated cohorts the starts' losses lie within
        0.2 % of each other, and more starts made halves of a cohort agree no better.
    random_state : int, RandomState or None
        Seed of the starts.
    max_epochs : int
        Most iterations of one start.
    tol : float
        The search ends when an iteration lowers the loss by less than this share; while
        components still move, a share ten times larger ends a descent.
    init : {"random"} or ndarray, shape (C, n_voxels)
        An array is a warm start; then there is one start.
    split_merge : bool
        Whether to leave local optima by split-and-merge moves.
    n_jobs : int or None
        Threads; None means all. The result does not depend on it.

    Attributes
    ----------
    components_ : ndarray, shape (C, n_voxels), float32
        W': orthonormal rows (zero if vanished), by decreasing explained energy ``|X w_c|^2``.
    reconstruction_err_ : float
        Relative squared Frobenius loss ``|X - X W W'|^2 / |X|^2`` of these components.
    n_iter_ : int
        Iterations of the best start.
    history_ : structured ndarray, shape (n_iter_,)
        ``epoch``, ``loss``, ``sparsity`` (Hoyer) and ``n_vanished`` of each iteration of the
        best start; the loss rises where moves are tried.
    start_losses_ : ndarray, shape (starts,), float64
        Loss of each start.
    """

    def __init__(
        self,
        n_components: int,
        n_init: int = 1,
        random_state: int | np.random.RandomState | None = None,
        *,
        max_epochs: int = 200,
        tol: float = 1e-4,
        init: str | NDArray[np.floating] = "random",
        split_merge: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.n_init = n_init
        self.random_state = random_state
        self.max_epochs = max_epochs
        self.tol = tol
        self.init = init
        self.split_merge = split_merge
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
    ) -> Self:
        """Factorise images.

        Parameters
        ----------
        X : array-like or memmap, shape (n_images, n_voxels)
            Non-negative maps. They are copied once to voxel-major order; a Fortran-ordered
            float32 array, memory-mapped or not, is used as it is.
        y : None
            Ignored.
        progress : Progress, optional
            Told of each iteration; asked many times a second whether to stop.
        callback : callable, optional
            Called with an `Epoch` after each iteration.
        resume_from : dict of ndarray, optional
            What `Epoch.state` returned; the fit goes on as if it had not been interrupted.
        image_names : sequence of str, optional
            Names of the images for error messages.

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
        decisive = ("n_components", "n_init", "max_epochs", "tol", "split_merge")
        with BlockRunner(self.n_jobs, progress) as runner:
            squared_norm = check_maps(X, runner, image_names)
            mark = fingerprint(self, decisive, X, squared_norm)
            rows = VoxelRows.of(X, runner)
            if resume_from is None:
                run = _Run(self._seed())
            else:
                check_fingerprint(resume_from, mark)
                run = _Run.from_state(resume_from)
            n_starts = self.n_init if isinstance(self.init, str) else 1
            while len(run.losses) < n_starts:
                if run.search is None:
                    seed = (run.seed, len(run.losses))
                    run.search = Alternation(seed, self._start(seed, X, rows, runner))
                self._search(run, rows, runner, n_starts, mark, callback)
            assert run.best is not None
            best = refine(
                rows,
                run.best.labels,
                run.best.weights,
                self.n_components,
                runner,
                n_steps=_FINAL_STEPS,
                tol=_FINAL_TOL,
            )
            self.components_ = _components(best, energy_order(best.energies))
            self.reconstruction_err_ = reconstruction_loss(
                X, squared_norm, self.components_, runner
            )
        self.n_iter_ = len(run.best_history)
        self.history_ = np.array(run.best_history, HISTORY_DTYPE)
        self.start_losses_ = np.array(run.losses)
        return self

    def partial_fit(self, X: NDArray[np.floating], y: None = None) -> Self:
        """Assign voxels and refine components once, with these images alone.

        The first call starts from random voxels of them, later ones from ``components_``. The
        order of the components is kept.

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
            rows = VoxelRows.of(X, runner)
            if first:
                directions = self._start((self._seed(), 0), X, rows, runner)
            else:
                directions = _directions(X, self.components_.T, runner)
            labels, weights = assign(rows, directions, runner)
            partition = refine(rows, labels, weights, self.n_components, runner)
        self.components_ = _components(partition, np.arange(self.n_components))
        self.n_iter_ = 1 if first else self.n_iter_ + 1
        return self

    def _check_parameters(self, n_voxels: int) -> None:
        super()._check_parameters(n_voxels)
        for name in ("n_init", "max_epochs"):
            check_whole(name, getattr(self, name))
        if not 0 <= self.tol < 1:
            raise ParameterError(f"tol is {self.tol!r}", remedy="Use a share from 0 to below 1")
        if isinstance(self.init, str) and self.init != "random":
            raise ParameterError(
                f"there is no start named {self.init!r}",
                remedy="Choose 'random', or give components to start from",
            )

    def forecast_bytes(self, n_images: int, n_voxels: int) -> int:
        """Return the peak memory of a fit in bytes, besides the maps themselves.

        It holds the voxel-major copy, which Fortran-ordered maps do not need:
        ``4 * n_images * n_voxels``.
        """
        C = self.n_components
        partitions = 3 * (4 * n_images * C + 8 * n_voxels)
        splits = 2 * 4 * n_images * C
        return 4 * n_images * n_voxels + 4 * n_voxels * C + partitions + splits + 8 * 8 * C**2

    def _start(
        self,
        seed: tuple[int, int],
        X: NDArray[np.float32],
        rows: VoxelRows,
        runner: BlockRunner,
    ) -> NDArray[np.float32]:
        """Return the directions to start from, shape (C, n_images)."""
        if isinstance(self.init, str):
            return random_directions(rows, self.n_components, np.random.default_rng([*seed, 0]))
        return _directions(X, warm_start(self.init, self.n_components, X.shape[1]), runner)

    def _search(
        self,
        run: _Run,
        rows: VoxelRows,
        runner: BlockRunner,
        n_starts: int,
        mark: str,
        callback: Callable[[Epoch], None] | None,
    ) -> None:
        """Work on one start to its end."""
        search, start = run.search, len(run.losses)
        assert search is not None
        while not search.done:
            partition = search.iterate(rows, runner, tol=self.tol, moves=self.split_merge)
            number, loss, sparsity, n_vanished = search.history[-1]
            if number >= self.max_epochs:
                search.stop(partition)
            share = 1 - float(np.exp(-number / _EXPECTED_EPOCHS))
            which = f"start {start + 1} of {n_starts}, " if n_starts > 1 else ""
            runner.progress.update(
                (start + share) / n_starts, f"{which}iteration {number}: loss {loss:.5f}"
            )
            if callback:
                labels = np.where(partition.weights > 0, partition.labels + 1, 0)
                epoch = Epoch(
                    number=sum(run.lengths) + number,
                    loss=loss,
                    sparsity=sparsity,
                    n_vanished=n_vanished,
                    labels=labels.astype(np.int32),
                    state=lambda: run.to_state(mark),
                )
                callback(epoch)
        run.end_start()


@dataclass
class _Run:
    """A fit under way: the starts done, the best of them, and the one being searched."""

    seed: int
    search: Alternation | None = None
    best: Partition | None = None
    best_history: list[tuple[int, float, float, int]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def end_start(self) -> None:
        """Keep the search's result if it is the best of all starts."""
        assert self.search is not None
        loss = self.search.accepted_loss
        if not self.losses or loss < min(self.losses):
            self.best, self.best_history = self.search.accepted, self.search.history
        self.losses.append(loss)
        self.lengths.append(len(self.search.history))
        self.search = None

    def to_state(self, mark: str) -> FitState:
        state: FitState = {
            "fingerprint": np.array(mark),
            "seed": np.array(self.seed),
            "start_losses": np.array(self.losses),
            "start_lengths": np.array(self.lengths, np.int64),
            "best_history": np.array(self.best_history, HISTORY_DTYPE),
        }
        if self.best is not None:
            state |= partition_to_state("best", self.best)
        if self.search is not None:
            state |= self.search.to_state()
        return state

    @classmethod
    def from_state(cls, state: FitState) -> _Run:
        return cls(
            seed=int(state["seed"]),
            search=Alternation.from_state(state) if "search_seed" in state else None,
            best=partition_from_state("best", state),
            best_history=[tuple(row) for row in state["best_history"].tolist()],
            losses=state["start_losses"].tolist(),
            lengths=state["start_lengths"].tolist(),
        )


def _directions(
    X: NDArray[np.float32], weights: NDArray[np.float32], runner: BlockRunner
) -> NDArray[np.float32]:
    """Return the unit vectors along the loadings of components, shape (C, n_images)."""
    H = loadings(X, weights, runner).T
    lengths = np.linalg.norm(H, axis=1, keepdims=True)
    return (H / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _components(partition: Partition, order: NDArray[np.intp]) -> NDArray[np.float32]:
    """Write a partition's weights, each component at length 1, as components in an order."""
    C, n_voxels = len(partition.energies), len(partition.labels)
    rank = np.empty(C, np.intp)
    rank[order] = np.arange(C)
    lengths = np.sqrt(np.where(partition.energies > 0, partition.energies, 1))
    components = np.zeros((C, n_voxels), np.float32)
    components[rank[partition.labels], np.arange(n_voxels)] = (
        partition.weights / lengths[partition.labels]
    )
    return components
