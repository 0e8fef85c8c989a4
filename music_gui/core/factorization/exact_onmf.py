"""Orthogonal projective NMF under its exact constraint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import ParameterError
from music_gui.core.factorization.alternation import Alternation
from music_gui.core.factorization.blocks import BlockRunner
from music_gui.core.factorization.epoch import HISTORY_DTYPE, Epoch, energy_order
from music_gui.core.factorization.exact_starts import Starts
from music_gui.core.factorization.fit_state import FitState
from music_gui.core.factorization.input_checks import check_maps
from music_gui.core.factorization.loss import reconstruction_loss
from music_gui.core.factorization.parent_regions import ParentRegions
from music_gui.core.factorization.projective import (
    OpenFit,
    ProjectiveFactorization,
    check_share,
    check_whole,
    warm_start,
)
from music_gui.core.factorization.spherical_kmeans import (
    VoxelRows,
    assign,
    loading_directions,
    random_directions,
    refine,
)
from music_gui.core.factorization.splitting import split_regions
from music_gui.core.progress import Progress

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
    nested : {"start", "strict"}
        What the regions of a coarser scale, given to `fit`, are for. ``start``: the fit starts
        from splits of them and is then free, so that the scales nest where the data allow.
        ``strict``: no component crosses a border of theirs.
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
        nested: str = "start",
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.n_init = n_init
        self.random_state = random_state
        self.max_epochs = max_epochs
        self.tol = tol
        self.init = init
        self.split_merge = split_merge
        self.nested = nested
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
        coarser: NDArray[np.integer] | None = None,
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
        coarser : ndarray, shape (n_voxels,), int, optional
            Labels of a coarser scale, 0 for none: there is one start, from its regions (see
            ``nested``). With ``strict``, voxels that lie in none have no weight.

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
            rows = VoxelRows.of(X, runner)
            parents = None if coarser is None else ParentRegions.of(coarser, rows)
            starts = Starts(self._seed()) if resume_from is None else Starts.from_state(resume_from)
            n_starts = self.n_init if isinstance(self.init, str) and parents is None else 1
            while len(starts.losses) < n_starts:
                if starts.search is None:
                    seed = (starts.seed, len(starts.losses))
                    starts.search = self._start(seed, X, rows, parents, runner)
                self._search(starts, rows, parents, n_starts, opened, callback)
            assert starts.best is not None
            best = refine(
                rows,
                starts.best.labels,
                starts.best.weights,
                self.n_components,
                runner,
                n_steps=_FINAL_STEPS,
                tol=_FINAL_TOL,
            )
            self.components_ = best.components(energy_order(best.energies))
            self.reconstruction_err_ = reconstruction_loss(
                X, opened.squared_norm, self.components_, runner
            )
        self.n_iter_ = len(starts.best_history)
        self.history_ = np.array(starts.best_history, HISTORY_DTYPE)
        self.start_losses_ = np.array(starts.losses)
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
                directions = self._start((self._seed(), 0), X, rows, None, runner).directions
            else:
                directions = loading_directions(X, self.components_.T, runner)
            labels, weights = assign(rows, directions, runner)
            partition = refine(rows, labels, weights, self.n_components, runner)
        self.components_ = partition.components(np.arange(self.n_components))
        self.n_iter_ = 1 if first else self.n_iter_ + 1
        return self

    def _check_parameters(self, n_voxels: int) -> None:
        super()._check_parameters(n_voxels)
        for name in ("n_init", "max_epochs"):
            check_whole(name, getattr(self, name))
        check_share("tol", self.tol)
        if isinstance(self.init, str) and self.init != "random":
            raise ParameterError(
                f"there is no start named {self.init!r}",
                remedy="Choose 'random', or give components to start from",
            )
        if self.nested not in ("start", "strict"):
            raise ParameterError(f"nested is {self.nested!r}", remedy="Choose 'start' or 'strict'")

    def forecast_bytes(self, n_images: int, n_voxels: int, *, coarser: bool = False) -> int:
        """Return the peak memory of a fit in bytes, besides the maps themselves.

        It holds the voxel-major copy, which Fortran-ordered maps do not need:
        ``4 * n_images * n_voxels``.

        Parameters
        ----------
        n_images, n_voxels : int
            Shape of the maps.
        coarser : bool
            A coarser scale is given to `fit`.
        """
        C = self.n_components
        partitions = 3 * (4 * n_images * C + 8 * n_voxels)
        splits = 2 * 4 * n_images * C
        regions = 3 * 8 * n_voxels if coarser else 0
        memory = 4 * n_images * n_voxels + 4 * n_voxels * C + partitions + splits + regions
        return memory + 8 * 8 * C**2

    def _start(
        self,
        seed: tuple[int, int],
        X: NDArray[np.float32],
        rows: VoxelRows,
        parents: ParentRegions | None,
        runner: BlockRunner,
    ) -> Alternation:
        """Return a search at its start."""
        C = self.n_components
        if parents is not None:
            partition, owners = split_regions(rows, parents, C, runner)
            kept = owners if self.nested == "strict" else None
            return Alternation(seed, partition.directions, kept)
        if isinstance(self.init, str):
            return Alternation(seed, random_directions(rows, C, np.random.default_rng([*seed, 0])))
        start = warm_start(self.init, C, X.shape[1])
        return Alternation(seed, loading_directions(X, start, runner))

    def _search(
        self,
        starts: Starts,
        rows: VoxelRows,
        parents: ParentRegions | None,
        n_starts: int,
        opened: OpenFit,
        callback: Callable[[Epoch], None] | None,
    ) -> None:
        """Work on one start to its end."""
        search, start = starts.search, len(starts.losses)
        assert search is not None
        kept_within = parents if self.nested == "strict" else None
        while not search.done:
            partition = search.iterate(
                rows, opened.runner, tol=self.tol, moves=self.split_merge, parents=kept_within
            )
            number, loss = search.history[-1][:2]
            if number >= self.max_epochs:
                search.stop(partition)
            share = 1 - float(np.exp(-number / _EXPECTED_EPOCHS))
            which = f"start {start + 1} of {n_starts}, " if n_starts > 1 else ""
            opened.runner.progress.update(
                (start + share) / n_starts, f"{which}iteration {number}: loss {loss:.5f}"
            )
            if callback:
                callback(starts.as_epoch(partition, opened.mark))
        starts.end_start()
