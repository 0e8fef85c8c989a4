"""Regions of grey matter at two levels, the same on both sides, with borders that fade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from scipy.ndimage import gaussian_filter
from scipy.sparse import csr_array

from music_gui.core.grid import Grid

N_PARENTS = 32
CHILDREN_PER_PARENT = 2

_BORDER_MM = 4.0  # standard deviation of the smoothing of borders
_SMALLEST_SHARE = 0.02


@dataclass(frozen=True, eq=False)
class Regions:
    """Regions that tile the grey matter.

    Parameters
    ----------
    labels : ndarray, shape (n_voxels,), int32
        The region of each voxel of the mask, 1 to ``n``.
    centres : ndarray, shape (n, 3), float64
        World mm of each region's centre in the right hemisphere.
    shares : csr_array, shape (n_voxels, n), float64
        How much of a voxel belongs to each region: smooth across borders, rows sum to 1.
    """

    labels: NDArray[np.int32]
    centres: NDArray[np.float64]
    shares: csr_array

    def nearest(self, point: tuple[float, float, float], taken: set[int]) -> int:
        """Return the region, counted from 0, nearest a point in mm that is not taken yet."""
        folded = np.array([abs(point[0]), *point[1:]])
        distance = np.linalg.norm(self.centres - folded, axis=1)
        order = np.argsort(distance)
        return next(int(each) for each in order if int(each) not in taken)


def tile(mask: NDArray[np.bool_], grid: Grid, rng: np.random.Generator) -> tuple[Regions, Regions]:
    """Divide the grey matter into parents, and each parent into children.

    Both hemispheres are folded onto one, so that each region has two mirrored halves: structural
    covariance is largely symmetric (MuSIC, fig. 1).

    Parameters
    ----------
    mask : ndarray, shape of the grid, bool
        Grey matter.
    grid : Grid
        Of the mask.
    rng : Generator
        Source of chance for the first centres.

    Returns
    -------
    parents, children : Regions
        Child ``k`` (from 0) belongs to parent ``k // CHILDREN_PER_PARENT``.
    """
    folded = grid.to_world(np.argwhere(mask))
    folded[:, 0] = np.abs(folded[:, 0])
    parent = _cluster(folded, N_PARENTS, rng)
    child = np.empty_like(parent)
    for number in range(N_PARENTS):
        inside = parent == number
        child[inside] = CHILDREN_PER_PARENT * number + _cluster(
            folded[inside], CHILDREN_PER_PARENT, rng
        )
    n_children = N_PARENTS * CHILDREN_PER_PARENT
    return (
        _regions(parent, N_PARENTS, folded, mask, grid),
        _regions(child, n_children, folded, mask, grid),
    )


def _cluster(points: NDArray[np.float64], n: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Divide points into n clusters of about the same extent, numbered from the front down."""
    centres, labels = kmeans2(points, n, minit="++", iter=20, rng=rng)
    order = np.argsort(-centres[:, 1])
    rank = np.empty(n, dtype=np.int32)
    rank[order] = np.arange(n)
    return rank[labels]


def _regions(
    number: NDArray[np.int32],
    n: int,
    folded: NDArray[np.float64],
    mask: NDArray[np.bool_],
    grid: Grid,
) -> Regions:
    centres = np.stack([folded[number == each].mean(axis=0) for each in range(n)])
    sigma = _BORDER_MM / grid.voxel_sizes
    shares = np.empty((len(number), n), dtype=np.float32)
    image = np.zeros(mask.shape, dtype=np.float32)
    for each in range(n):
        image[mask] = number == each
        shares[:, each] = gaussian_filter(image, sigma, mode="constant")[mask]
    shares[shares < _SMALLEST_SHARE * shares.max(axis=1, keepdims=True)] = 0
    shares /= shares.sum(axis=1, keepdims=True)
    return Regions(number + np.int32(1), centres, csr_array(shares.astype(np.float64)))
