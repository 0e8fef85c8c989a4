"""NNDSVD, the start of the published factorisation, through the Gram matrix of the images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from music_gui.core.errors import ParameterError
from music_gui.core.factorization.blocks import BlockRunner, slices

#: What the reference package puts where the start is below ``SMALL``.
REFERENCE_FILL = 0.1
SMALL = 1e-10

_IMAGES_AT_ONCE = 128
_VOXELS_AT_ONCE = 4096
_VECTORS_AT_ONCE = 64


def image_gram(X: NDArray[np.float32], runner: BlockRunner) -> NDArray[np.float64]:
    """Return X X' in float64, shape (n_images, n_images).

    In float64 throughout, since squaring would drown the small singular values of float32 data
    in rounding. It serves any number of components, so that several scales can share it.

    Parameters
    ----------
    X : ndarray or memmap, shape (n_images, n_voxels), float32
    runner : BlockRunner
        Runs the blocks.
    """
    n_images, n_voxels = X.shape
    gram = np.zeros((n_images, n_images))
    for rows in slices(n_images, _IMAGES_AT_ONCE):

        def multiply(voxels: slice, rows: slice = rows) -> NDArray[np.float64]:
            block = X[: rows.stop, voxels].astype(np.float64)
            product: NDArray[np.float64] = block[rows] @ block.T
            return product

        for part in runner.map(multiply, slices(n_voxels, _VOXELS_AT_ONCE)):
            gram[rows, : rows.stop] += part
    lower = np.tril(gram)
    result: NDArray[np.float64] = lower + np.tril(gram, -1).T
    return result


def nndsvd(
    X: NDArray[np.float32],
    n_components: int,
    runner: BlockRunner,
    *,
    fill: float = REFERENCE_FILL,
    gram: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """Start weights from the non-negative double singular value decomposition.

    Boutsidis and Gallopoulos, Pattern Recognition 41 (2008), on X' = U S V'. The right vectors
    come from the eigenvectors of X X', the left ones as U = X' V / S, a few at a time. For each
    pair the dominant one of its positive and negative parts is kept.

    Parameters
    ----------
    X : ndarray or memmap, shape (n_images, n_voxels), float32
        Non-negative.
    n_components : int
        C, at most ``n_images`` and ``n_voxels``.
    runner : BlockRunner
        Runs the blocks.
    fill : float
        Put where the start is below 1e-10. The reference package puts 0.1 whatever the unit of
        the maps; since the start grows as the root of X, maps in a unit that is k times larger
        need ``0.1 / sqrt(k)`` for the same start up to scale.
    gram : ndarray, shape (n_images, n_images), float64, optional
        `image_gram` of X, if it is at hand.

    Returns
    -------
    ndarray, shape (n_voxels, C), float32

    Raises
    ------
    ParameterError
        If there are fewer images or voxels than components.
    """
    n_images, n_voxels = X.shape
    if n_components > min(n_images, n_voxels):
        raise ParameterError(
            f"the NNDSVD start can't make {n_components} components",
            why=f"there are {n_images} images of {n_voxels} voxels, "
            "and it needs at least as many of each",
            remedy="Choose fewer components, or the random start",
        )
    if gram is None:
        gram = image_gram(X, runner)
    squares, V = eigh(gram, subset_by_index=[n_images - n_components, n_images - 1])
    vectors = V[:, ::-1].astype(np.float32)
    singular = np.sqrt(np.maximum(squares[::-1], 0))
    W = np.empty((n_voxels, n_components), np.float32)
    blocks = slices(n_voxels, _VOXELS_AT_ONCE)
    for part in slices(n_components, _VECTORS_AT_ONCE):
        _dominant_parts(X, vectors[:, part], singular[part], W[:, part], runner, blocks)
    if singular[0] > 0:
        _leading_part(X, vectors[:, 0], singular[0], W[:, 0], runner, blocks)
    W[W < SMALL] = fill
    return W


def _dominant_parts(
    X: NDArray[np.float32],
    V: NDArray[np.float32],
    singular: NDArray[np.float64],
    W: NDArray[np.float32],
    runner: BlockRunner,
    blocks: list[slice],
) -> None:
    """Write the dominant part of each singular pair into W, shape (n_voxels, vectors)."""

    def project(block: slice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        U = X[:, block].T @ V
        W[block] = U
        squares = U.astype(np.float64) ** 2
        return squares.sum(axis=0, where=U > 0), squares.sum(axis=0, where=U < 0)

    positive, negative = np.zeros(len(singular)), np.zeros(len(singular))
    for p, q in runner.map(project, blocks):
        positive += p
        negative += q
    safe = np.where(singular > 0, singular, 1.0)
    u_positive, u_negative = np.sqrt(positive) / safe, np.sqrt(negative) / safe
    v_positive = np.linalg.norm(np.maximum(V, 0).astype(np.float64), axis=0)
    v_negative = np.linalg.norm(np.minimum(V, 0).astype(np.float64), axis=0)
    term_positive, term_negative = u_positive * v_positive, u_negative * v_negative
    sign = np.where(term_positive >= term_negative, 1.0, -1.0)
    term = np.maximum(term_positive, term_negative)
    length = np.where(sign > 0, u_positive, u_negative) * safe
    factor = sign * np.sqrt(singular * term) / np.where(length > 0, length, 1.0)

    def scale(block: slice) -> None:
        W[block] = np.maximum(W[block] * factor.astype(np.float32), 0)

    runner.each(scale, blocks)


def _leading_part(
    X: NDArray[np.float32],
    v: NDArray[np.float32],
    singular: float,
    w: NDArray[np.float32],
    runner: BlockRunner,
    blocks: list[slice],
) -> None:
    """Write ``sqrt(s) |u|`` of the first pair, which is of one sign by Perron's theorem."""

    def project(block: slice) -> None:
        w[block] = np.abs(v @ X[:, block]) * np.float32(singular**-0.5)

    runner.each(project, blocks)
