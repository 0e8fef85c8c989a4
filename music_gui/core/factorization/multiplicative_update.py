"""The mini-batch update of sopNMF (eq. 2 of Wen et al.), block by block, never d x d."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.factorization.blocks import BlockRunner, slices, voxel_blocks

#: Weights never fall below this before normalisation, as in the reference package: a weight of
#: zero would stay zero for ever, and denormal numbers are slow.
FLOOR = np.float32(1e-16)

#: Images whose loadings are computed at once.
IMAGE_CHUNK = 256


@dataclass
class ScaledWeights:
    """Weights W = ``values / norm`` whose normalisation is pending.

    Since the update F satisfies F(cW) = F(W) / c, a scalar need not be multiplied into all
    weights: it is carried along and applied inside the next update.

    Parameters
    ----------
    values : ndarray, shape (n_voxels, C), float32
        Non-negative, changed in place by `update`.
    norm : float
        The spectral norm of ``values``, or an estimate of it.
    probe : ndarray, shape (C,), float64
        Unit vector of the power iteration: an estimate of the leading right singular vector.
    """

    values: NDArray[np.float32]
    norm: float
    probe: NDArray[np.float64]

    @classmethod
    def start(cls, values: NDArray[np.float32]) -> ScaledWeights:
        """Take weights as they are: not normalised, as the reference's start is not."""
        C = values.shape[1]
        return cls(np.maximum(values, FLOOR), 1.0, np.full(C, C**-0.5))

    def normalized(self, order: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Return the components in an order, shape (C, n_voxels); weights at the floor are 0."""
        n_voxels, C = self.values.shape
        order = np.arange(C) if order is None else order
        components = np.empty((C, n_voxels), np.float32)
        for block in voxel_blocks(n_voxels, C):
            W = self.values[block].T[order]
            components[:, block] = np.where(W > FLOOR, W / np.float32(self.norm), 0)
        return components


def update(
    images: NDArray[np.float32], weights: ScaledWeights, runner: BlockRunner, *, strict: bool
) -> None:
    """Do one multiplicative update with a batch of images, in place.

    With X_b the batch (d x b), H = X_b' W: ``W <- max(W * (X_b H) / (W H'H), 1e-16)``, then W is
    divided by its spectral norm (eq. 2 of the paper).

    Parameters
    ----------
    images : ndarray, shape (b, n_voxels), float32
        The batch.
    weights : ScaledWeights
        Changed in place.
    runner : BlockRunner
        Runs the blocks.
    strict : bool
        Divide by the true spectral norm. If false, by one step of a power iteration, which
        changes the scale of the iterates but not their direction.
    """
    values, norm = weights.values, weights.norm
    n_voxels, C = values.shape
    loading = loadings(images, values, runner)
    H = loading.astype(np.float32)
    H_scaled = (loading * norm).astype(np.float32)
    HH = None if 2 * len(images) < C else (loading.T @ loading).astype(np.float32)
    probe = weights.probe.astype(np.float32)

    def update_block(block: slice) -> NDArray[np.float32]:
        W = values[block]
        numerator = runner.buffer("numerator", W.shape)
        denominator = runner.buffer("denominator", W.shape)
        np.matmul(images[:, block].T, H_scaled, out=numerator)
        if HH is None:
            np.matmul(W @ H.T, H, out=denominator)
        else:
            np.matmul(W, HH, out=denominator)
        np.multiply(W, numerator, out=numerator)
        np.divide(numerator, denominator, out=W)
        np.maximum(W, FLOOR, out=W)
        part: NDArray[np.float32] = W.T @ W if strict else W.T @ (W @ probe)
        return part

    total = np.zeros((C, C) if strict else C)
    for part in runner.map(update_block, voxel_blocks(n_voxels, C)):
        total += part
    if strict:
        weights.norm, weights.probe = spectral_norm(total)
    else:
        length = float(np.linalg.norm(total))
        weights.norm, weights.probe = length**0.5, total / length


def loadings(
    images: NDArray[np.float32], weights: NDArray[np.float32], runner: BlockRunner
) -> NDArray[np.float64]:
    """Project images on components: H = X W, summed over blocks of voxels in float64.

    Parameters
    ----------
    images : ndarray, shape (n_images, n_voxels), float32
    weights : ndarray, shape (n_voxels, C), float32

    Returns
    -------
    ndarray, shape (n_images, C), float64
    """
    n_voxels, C = weights.shape
    H = np.zeros((len(images), C))
    for chunk in slices(len(images), IMAGE_CHUNK):

        def project(block: slice, rows: slice = chunk) -> NDArray[np.float32]:
            product: NDArray[np.float32] = images[rows, block] @ weights[block]
            return product

        for part in runner.map(project, voxel_blocks(n_voxels, C)):
            H[chunk] += part
    return H


def spectral_norm(gram: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return the largest singular value of W and its right vector from W'W, shape (C, C)."""
    values, vectors = np.linalg.eigh(gram)
    return float(max(values[-1], 0.0) ** 0.5), vectors[:, -1]
