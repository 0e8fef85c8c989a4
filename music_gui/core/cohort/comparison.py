"""Maps that do not fit the others: mirrored, or badly aligned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music_gui.core.cohort.mask import MapStatistics
from music_gui.core.grid import Grid

#: From how many maps on a map is compared with the mean of the others.
MIN_MAPS_TO_COMPARE = 5

#: By how much a map must resemble the mirrored mean more than the mean to count as mirrored.
#: In 23 real maps the mean was ahead of its mirror image by 0.14 or more.
MIRROR_MARGIN = 0.03

#: Below this correlation with the mean of the others a map counts as badly aligned (the 23 real
#: maps, not smoothed, had 0.55 to 0.73).
MIN_CORRELATION = 0.3


#: Below this correlation a map is not of the same thing or in the same place: real maps turned by
#: 180 degrees or shifted by 16 mm had -0.01 and 0.04, mirrored ones 0.45, good ones 0.55 or more
#: (the simulated maps of the example 0.84 or more).
UNLIKE_CORRELATION = 0.15


class MeanComparison:
    """Compares each map with the mean of all others, inside a mask.

    Parameters
    ----------
    statistics : MapStatistics
        Of all maps, each of those that are compared included.
    mask : ndarray, shape of the grid, bool
        Where to compare.
    grid : Grid
        To find left and right.
    """

    def __init__(self, statistics: MapStatistics, mask: NDArray[np.bool_], grid: Grid) -> None:
        self._n_others = statistics.n_maps - 1
        self._voxels = np.flatnonzero(mask)
        across = mirror_indices(grid)
        self._across = None if across is None else across[self._voxels]
        self._beyond = np.flatnonzero(self._across < 0) if self._across is not None else None
        self._sums = statistics.sums[self._voxels]
        self._sums_across = self._take_across(statistics.sums)

    def compare(self, values: NDArray[np.float32]) -> tuple[float, str]:
        """Compare one map.

        Parameters
        ----------
        values : ndarray, shape (n_voxels of the grid,)
            Without NaN inside the mask.

        Returns
        -------
        correlation : float
            With the mean of the others inside the mask; NaN if there are too few maps.
        complaint : str
            What is suspicious about it; empty if nothing is.
        """
        if self._n_others + 1 < MIN_MAPS_TO_COMPARE:
            return float("nan"), ""
        row = values[self._voxels].astype(np.float64)
        straight = _correlation(row, self._sums - row)
        values_across = self._take_across(values)
        if self._sums_across is not None and values_across is not None:
            mirrored = _correlation(row, self._sums_across - np.nan_to_num(values_across))
            # What resembles neither the others nor their mirror image is not swapped but misplaced.
            if mirrored >= MIN_CORRELATION and mirrored - straight > MIRROR_MARGIN:
                return straight, (
                    "it resembles the mirror image of the other maps more than the other maps "
                    f"(correlation {mirrored:.2f} against {straight:.2f}): left and right may be "
                    "swapped"
                )
        if straight < MIN_CORRELATION:
            return straight, (
                f"its correlation with the mean of the other maps is only {straight:.2f}: "
                "it may be badly aligned"
            )
        return straight, ""

    def _take_across(self, values: NDArray[np.floating]) -> NDArray[np.float64] | None:
        if self._across is None:
            return None
        taken = values[self._across].astype(np.float64)
        taken[self._beyond] = 0
        return taken


def mirror_indices(grid: Grid) -> NDArray[np.int64] | None:
    """Find for each voxel the one nearest its mirror image about the plane x = 0.

    Parameters
    ----------
    grid : Grid
        One of its axes must run from left to right.

    Returns
    -------
    ndarray, shape (n_voxels,), int64, or None
        Flat indices in C order, -1 where the grid does not reach; None if no axis runs along x.
    """
    directions = grid.affine[:3, :3] / grid.voxel_sizes
    axis = int(np.abs(directions[0]).argmax())
    if abs(directions[0, axis]) < 0.999:
        return None
    step, origin = grid.affine[0, axis], grid.affine[0, 3]
    size = grid.shape[axis]
    # floor(x + 1/2), since rint goes to even numbers when the plane lies between two voxels.
    across = np.floor(-2 * origin / step - np.arange(size) + 0.5).astype(np.int64)
    inside = (across >= 0) & (across < size)
    flat = np.arange(grid.n_voxels).reshape(grid.shape)
    taken = flat.take(np.where(inside, across, 0), axis=axis)
    reach = inside.reshape([-1 if each == axis else 1 for each in range(3)])
    indices: NDArray[np.int64] = np.where(reach, taken, -1).ravel()
    return indices


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Pearson correlation; 0 if one of them is constant."""
    a, b = a - a.mean(), b - b.mean()
    # No @: BLAS would start threads for it, and its sums depend on their number.
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0
