"""Finer scales from splits of a coarser one."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import ParameterError
from music_gui.core.factorization.blocks import BlockRunner
from music_gui.core.factorization.parent_regions import NOBODY, ParentRegions
from music_gui.core.factorization.spherical_kmeans import Partition, VoxelRows, refine
from music_gui.core.factorization.split_merge import try_splits

_Number = TypeVar("_Number", np.int32, np.float64)

_POWER_STEPS = 8
#: Most of the components that are split at once: what a component's halves gain is known only
#: when they are there.
_SHARE_AT_ONCE = 0.5
#: The start of multiplicative updates needs no more images than this to tell halves apart.
_IMAGES_FOR_START = 512


def split_regions(
    rows: VoxelRows, parents: ParentRegions, n_components: int, runner: BlockRunner
) -> tuple[Partition, NDArray[np.int32]]:
    """Split regions in two, the most profitable first, until there are ``n_components``.

    Parameters
    ----------
    rows : VoxelRows
    parents : ParentRegions
        The regions to begin with.
    n_components : int
        How many there shall be. If the voxels differ too little for that, the last ones are
        empty.
    runner : BlockRunner
        Runs groups of regions.

    Returns
    -------
    partition : Partition
        Each component lies within one region.
    owners : ndarray, shape (n_components,), int32
        The region of each component; `NOBODY` for empty ones.

    Raises
    ------
    ParameterError
        If there are more regions than ``n_components``.
    """
    if len(parents) > n_components:
        raise ParameterError(
            f"{n_components} components are fewer than the {len(parents)} regions of the "
            "coarser scale",
            remedy="Choose more components, or give the labels of a coarser scale",
        )
    labels = np.maximum(parents.labels, 0)
    weights = np.where(parents.labels == NOBODY, 0, np.sqrt(rows.squared_norms))
    partition = refine(
        rows, labels, weights.astype(np.float32), len(parents), runner, n_steps=_POWER_STEPS
    )
    owners = np.arange(len(parents), dtype=np.int32)
    while len(owners) < n_components:
        splits = try_splits(rows, partition, runner)
        most = min(n_components - len(owners), int(np.ceil(_SHARE_AT_ONCE * len(owners))))
        best = np.argsort(-splits.gains, kind="stable")[:most]
        best = best[splits.gains[best] > 0]
        if len(best) == 0:
            break
        directions = np.concatenate([partition.directions, splits.directions[best, 1]])
        directions[best] = splits.directions[best, 0]
        owners = np.concatenate([owners, owners[best]])
        labels, weights = parents.assign(rows, directions, owners, runner)
        partition = refine(rows, labels, weights, len(owners), runner, n_steps=_POWER_STEPS)
    return _with_empty(partition, n_components), _padded(owners, n_components, NOBODY)


def split_weights(
    X: NDArray[np.float32],
    labels: NDArray[np.integer],
    n_components: int,
    runner: BlockRunner,
    *,
    fill: float,
) -> NDArray[np.float32]:
    """Return start weights for multiplicative updates from splits of a coarser scale.

    Parameters
    ----------
    X : ndarray, shape (n_images, n_voxels), float32
        The maps. An even choice of them decides where regions are split, so that no copy of all
        is needed.
    labels : ndarray, shape (n_voxels,), int
        Of the coarser scale, 0 for none.
    n_components : int
    runner : BlockRunner
        Runs the blocks.
    fill : float
        What voxels outside a component get, as a share of its mean weight inside: a
        multiplicative update never brings a weight back from zero.

    Returns
    -------
    ndarray, shape (n_voxels, n_components), float32
        The components have length 1 before the fill.

    Raises
    ------
    ParameterError
        As `split_regions`.
    """
    some = X[:: -(-len(X) // _IMAGES_FOR_START)]
    rows = VoxelRows.of(some, runner)
    partition, _ = split_regions(rows, ParentRegions.of(labels, rows), n_components, runner)
    lengths = np.sqrt(np.where(partition.energies > 0, partition.energies, 1))
    inside = np.flatnonzero(partition.weights > 0)
    weights = partition.weights[inside] / lengths[partition.labels[inside]]
    sums = np.bincount(partition.labels[inside], weights, n_components)
    counts = np.bincount(partition.labels[inside], minlength=n_components)
    means = sums / np.maximum(counts, 1)
    means[counts == 0] = weights.mean()
    start = np.empty((X.shape[1], n_components), np.float32)
    start[:] = fill * means
    start[inside, partition.labels[inside]] = weights
    return start


def split_weights_bytes(n_images: int, n_voxels: int, n_components: int) -> int:
    """Return the memory that `split_weights` needs besides its result, in bytes."""
    images = min(n_images, _IMAGES_FOR_START)
    return 4 * images * n_voxels + 6 * 4 * images * n_components + 10 * 8 * n_voxels


def _with_empty(partition: Partition, n_components: int) -> Partition:
    """Append empty components."""
    directions = np.zeros((n_components, partition.directions.shape[1]), np.float32)
    directions[: len(partition.directions)] = partition.directions
    energies = _padded(partition.energies, n_components, 0)
    return Partition(partition.labels, partition.weights, directions, energies)


def _padded(array: NDArray[_Number], length: int, value: float) -> NDArray[_Number]:
    return np.concatenate([array, np.full(length - len(array), value, array.dtype)])
