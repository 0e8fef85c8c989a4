"""A fit of sopNMF under way: epochs of mini-batch updates."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from music_gui.core.factorization.blocks import BlockRunner
from music_gui.core.factorization.epoch import HISTORY_DTYPE
from music_gui.core.factorization.fit_state import FitState
from music_gui.core.factorization.input_checks import MapsError
from music_gui.core.factorization.loss import Assessment
from music_gui.core.factorization.multiplicative_update import ScaledWeights, update


@dataclass
class Course:
    """The weights of a fit under way, the best so far, and what led there.

    Parameters
    ----------
    seed : int
        Of the batches.
    weights : ScaledWeights
        After the last update.
    best : ScaledWeights
        After the epoch of the lowest loss.
    best_loss : float
        That loss.
    best_energies : ndarray, shape (C,), float64
        Of the best weights, by which components are ordered.
    lowest : float
        The last loss that was lower by the tolerance.
    n_idle : int
        Epochs since then.
    history : list of (epoch, loss, sparsity, n_vanished)
    """

    seed: int
    weights: ScaledWeights
    best: ScaledWeights
    best_loss: float
    best_energies: NDArray[np.float64]
    lowest: float
    n_idle: int
    history: list[tuple[int, float, float, int]] = field(default_factory=list)

    @classmethod
    def start(cls, seed: int, values: NDArray[np.float32]) -> Course:
        """Begin with weights, shape (n_voxels, C)."""
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
        """Return all as plain arrays, with the fingerprint of the fit."""
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
    def from_state(cls, state: FitState) -> Course:
        """Rebuild what `to_state` returned."""
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
