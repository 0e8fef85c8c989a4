"""Loss, sparsity and labels of weights on the full data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.factorization.blocks import BlockRunner, slices, voxel_blocks
from music_gui.core.factorization.epoch import hoyer_sparsity
from music_gui.core.factorization.multiplicative_update import (
    FLOOR,
    ScaledWeights,
    loadings,
    spectral_norm,
)


@dataclass(frozen=True, eq=False)
class Assessment:
    """How good weights are.

    Parameters
    ----------
    loss : float
        Relative squared Frobenius loss.
    sparsity : float
        Hoyer sparsity.
    labels : ndarray, shape (n_voxels,), int32
        Component with the largest weight, from 1; 0 where all weights are at the floor.
    energies : ndarray, shape (C,), float64
        ``|w_c|^2 |X w_c|^2`` of the normalised weights, by which components are ordered.
    """

    loss: float
    sparsity: float
    labels: NDArray[np.int32]
    energies: NDArray[np.float64]

    @property
    def n_vanished(self) -> int:
        """Number of components that win no voxel."""
        C = len(self.energies)
        return C - int(np.count_nonzero(np.bincount(self.labels, minlength=C + 1)[1:]))


def assess(
    X: NDArray[np.float32], squared_norm: float, weights: ScaledWeights, runner: BlockRunner
) -> Assessment:
    """Normalise weights by their true spectral norm and compute their loss on all images.

    The loss comes from traces in float64, without the residual: |X|^2 - 2 |W'X|^2 +
    <H, (W'W) H>, with H = W'X (eq. 3 of the paper).

    Parameters
    ----------
    X : ndarray, shape (n_images, n_voxels), float32
    squared_norm : float
        |X|^2.
    weights : ScaledWeights
        Its ``norm`` and ``probe`` are set to the true ones.
    runner : BlockRunner
        Runs the blocks.
    """
    values = weights.values
    n_voxels, C = values.shape
    labels = np.empty(n_voxels, np.int32)

    def look(block: slice) -> tuple[NDArray[np.float32], float]:
        W = values[block]
        winner = W.argmax(axis=1)
        winner[W[np.arange(len(W)), winner] <= FLOOR] = -1
        labels[block] = winner + 1
        return W.T @ W, float(W.sum(dtype=np.float64))

    gram, total = np.zeros((C, C)), 0.0
    for part, part_sum in runner.map(look, voxel_blocks(n_voxels, C)):
        gram += part
        total += part_sum
    norm, probe = spectral_norm(gram)
    weights.norm, weights.probe = norm, probe
    H = loadings(X, values, runner) / norm
    gram /= norm**2
    per_component = np.einsum("ic,ic->c", H, H)
    explained = 2 * per_component.sum() - np.einsum("ic,ic->", H @ gram, H)
    squares = gram.diagonal()
    return Assessment(
        loss=float(1 - explained / squared_norm),
        sparsity=hoyer_sparsity(total / norm, float(squares.sum()), values.size),
        labels=labels,
        energies=squares * per_component,
    )


def reconstruction_loss(
    X: NDArray[np.float32],
    squared_norm: float,
    components: NDArray[np.float32],
    runner: BlockRunner,
) -> float:
    """Return the relative squared Frobenius loss of components, shape (C, n_voxels)."""
    n_voxels, C = components.shape[1], components.shape[0]
    W = components.T
    gram = np.zeros((C, C))
    for part in runner.map(lambda block: W[block].T @ W[block], voxel_blocks(n_voxels, C)):
        gram += part
    H = loadings(X, W, runner)
    explained = 2 * np.einsum("ic,ic->", H, H) - np.einsum("ic,ic->", H @ gram, H)
    return float(1 - explained / squared_norm)


def voxel_energies(X: NDArray[np.float32], runner: BlockRunner) -> NDArray[np.float64]:
    """Return the squared length of each voxel over all images, shape (n_voxels,).

    Parameters
    ----------
    X : ndarray or memmap, shape (n_images, n_voxels), float32
        In either order; it is read once, along its order.
    runner : BlockRunner
        Runs the blocks.
    """
    n_images, n_voxels = X.shape
    energies = np.zeros(n_voxels)
    if X.flags.f_contiguous:
        blocks = [(slice(None), voxels) for voxels in slices(n_voxels, max(2**21 // n_images, 1))]
    else:
        blocks = [(images, slice(None)) for images in slices(n_images, max(2**21 // n_voxels, 1))]

    def square(block: tuple[slice, slice]) -> NDArray[np.float64]:
        part = X[block]
        sums: NDArray[np.float64] = np.einsum("ij,ij->j", part, part, dtype=np.float64)
        return sums

    for (_, voxels), sums in zip(blocks, runner.map(square, blocks), strict=True):
        energies[voxels] += sums
    return energies
