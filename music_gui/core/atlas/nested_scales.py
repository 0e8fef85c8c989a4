"""How well the PSCs of a fine scale lie within those of a coarser one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError


@dataclass(frozen=True, eq=False)
class Nesting:
    """Which coarse PSCs, the parents, the PSCs of a finer scale, the children, lie in.

    Parameters
    ----------
    shares : ndarray, shape (C_fine, C_coarse), float64
        Share of each child's weight that lies in each parent. A row's sum is below 1 where a
        child reaches into no parent, and 0 for a vanished child.
    weights : ndarray, shape (C_fine,), float64
        Weight of each child.
    """

    shares: NDArray[np.float64]
    weights: NDArray[np.float64]

    @cached_property
    def parents(self) -> NDArray[np.int32]:
        """Label of each child's best parent, from 1; 0 if it lies in none. Shape (C_fine,).

        Of parents with equal shares the first one.
        """
        best: NDArray[np.int32] = self.shares.argmax(axis=1).astype(np.int32) + 1
        best[self.shares.max(axis=1, initial=0) == 0] = 0
        return best

    @cached_property
    def best_shares(self) -> NDArray[np.float64]:
        """Share of each child in its best parent; NaN if the child has vanished."""
        best: NDArray[np.float64] = self.shares.max(axis=1, initial=0)
        return np.where(self.weights > 0, best, np.nan)

    @property
    def mean(self) -> float:
        """Mean share of the children in their best parents: 1 if the scales nest exactly."""
        return float(np.nanmean(self.best_shares))

    @property
    def median(self) -> float:
        """Median share of the children in their best parents."""
        return float(np.nanmedian(self.best_shares))

    @property
    def overall(self) -> float:
        """Share of the whole weight that lies in the best parent of its child."""
        best = np.nan_to_num(self.best_shares)
        return float((best * self.weights).sum() / self.weights.sum())


def nesting(
    coarse: NDArray[np.integer],
    fine: NDArray[np.integer],
    weights: NDArray[np.floating] | NDArray[np.integer] | None = None,
    *,
    n_coarse: int | None = None,
    n_fine: int | None = None,
) -> Nesting:
    """Say how well a fine scale nests in a coarser one.

    Parameters
    ----------
    coarse, fine : ndarray of int, same shape
        Labels of the same voxels, from 1; 0 for voxels of no PSC.
    weights : ndarray, same shape, optional
        What each voxel counts, for example its energy ``|x_v|^2`` over all images; 1 otherwise.
    n_coarse, n_fine : int, optional
        The scales, if their last PSCs may have vanished; the largest label otherwise.

    Returns
    -------
    Nesting

    Raises
    ------
    InputError
        If the shapes differ, a label is negative or larger than its scale, or the fine scale
        has no weight.

    Examples
    --------
    >>> found = nesting(np.array([1, 1, 1, 2, 2]), np.array([1, 1, 2, 2, 2]))
    >>> found.parents.tolist(), found.best_shares.round(2).tolist()
    ([1, 2], [1.0, 0.67])
    """
    values = np.ones(fine.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if not coarse.shape == fine.shape == values.shape:
        raise InputError(
            "labels and weights have different shapes",
            why=f"coarse {coarse.shape}, fine {fine.shape}, weights {values.shape}",
        )
    P, C = _scale(coarse, n_coarse), _scale(fine, n_fine)
    inside = fine > 0
    # 64 bits, since the cells of two large scales are too many for the labels' own type
    cell = (fine[inside].astype(np.int64) - 1) * (P + 1) + coarse[inside]
    sums = np.bincount(cell, values[inside], C * (P + 1)).reshape(C, P + 1)
    totals = sums.sum(axis=1)
    if totals.sum() <= 0:
        raise InputError("the fine scale has no voxels with weight")
    return Nesting(sums[:, 1:] / np.where(totals > 0, totals, 1)[:, None], totals)


def _scale(labels: NDArray[np.integer], scale: int | None) -> int:
    low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
    if low < 0 or (scale is not None and high > scale):
        raise InputError(
            f"labels run from {low} to {high}",
            remedy=f"They must lie between 0 and {scale or high}",
        )
    return high if scale is None else scale
