"""Running statistics over maps: the mask they suggest, and maps that do not fit the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError
from music_gui.core.grid import Grid

#: From how many maps on a map is compared with the mean of the others.
MIN_MAPS_TO_COMPARE = 5

#: By how much a map must resemble the mirrored mean more than the mean to count as mirrored.
#: In 23 real maps the mean was ahead of its mirror image by 0.14 or more.
MIRROR_MARGIN = 0.03

#: Below this correlation with the mean of the others a map counts as badly aligned (the 23 real
#: maps, not smoothed, had 0.55 to 0.73).
MIN_CORRELATION = 0.3


class MapStatistics:
    """Mean and coverage of maps that are seen one at a time.

    Parameters
    ----------
    n_voxels : int
        Number of voxels of the grid.

    Attributes
    ----------
    n_maps : int
        How many were seen.
    sums : ndarray, shape (n_voxels,), float64
        Sum over maps.
    n_positive : ndarray, shape (n_voxels,), int32
        Number of maps with tissue there.
    """

    def __init__(self, n_voxels: int) -> None:
        self.n_maps = 0
        self.sums: NDArray[np.float64] = np.zeros(n_voxels)
        self.n_positive: NDArray[np.int32] = np.zeros(n_voxels, dtype=np.int32)

    def add(self, values: NDArray[np.float32]) -> None:
        """Add one map, shape (n_voxels,); NaN and negative values count as no tissue."""
        positive = values > 0  # False for NaN
        np.add(self.sums, values, out=self.sums, where=positive)
        self.n_positive += positive
        self.n_maps += 1

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean map, shape (n_voxels,)."""
        mean: NDArray[np.float64] = self.sums / max(self.n_maps, 1)
        return mean

    def mask(self, *, min_mean: float, min_coverage: float) -> NDArray[np.bool_]:
        """Return the voxels with enough tissue in enough maps.

        Parameters
        ----------
        min_mean : float
            Least mean over maps, as a fraction of the voxel's volume.
        min_coverage : float
            Least share of the maps that have any tissue there, 0 to 1.

        Returns
        -------
        ndarray, shape (n_voxels,), bool

        Raises
        ------
        InputError
            If no voxel passes.
        """
        enough = self.n_positive >= max(1.0, min_coverage * self.n_maps)
        chosen: NDArray[np.bool_] = enough & (self.mean >= min_mean)
        if not chosen.any():
            raise InputError(
                "no voxel has enough tissue for the mask",
                why=f"none of the {self.n_maps} maps' voxels has a mean of at least {min_mean:g} "
                f"with tissue in {min_coverage:.0%} of the maps; "
                f"the largest mean is {self.mean.max(initial=0):.3g}",
                remedy="Lower the mask's thresholds, or check that the maps are aligned",
            )
        return chosen

    def complaint(
        self, values: NDArray[np.float32], mask: NDArray[np.bool_], grid: Grid
    ) -> tuple[float, str]:
        """Compare one of the maps that were added with the mean of the others.

        Parameters
        ----------
        values : ndarray, shape (n_voxels,)
            The map, without NaN inside the mask.
        mask : ndarray, shape (n_voxels,), bool
            Where to compare.
        grid : Grid
            To find left and right; the mean is mirrored about x = 0.

        Returns
        -------
        correlation : float
            With the mean of the others inside the mask; NaN if there are too few maps.
        complaint : str
            What is suspicious about it; empty if nothing is.
        """
        if self.n_maps < MIN_MAPS_TO_COMPARE:
            return float("nan"), ""
        positive = np.where(values > 0, values, 0)
        others = (self.sums - positive) / (self.n_maps - 1)
        row = positive[mask]
        straight = _correlation(row, others[mask])
        mirrored = mirrored_values(others, grid)
        across = float("nan") if mirrored is None else _correlation(row, mirrored[mask])
        if across - straight > MIRROR_MARGIN:
            return straight, (
                "it resembles the mirror image of the other maps more than the other maps "
                f"(correlation {across:.2f} against {straight:.2f}): left and right may be swapped"
            )
        if straight < MIN_CORRELATION:
            return straight, (
                f"its correlation with the mean of the other maps is only {straight:.2f}: "
                "it may be badly aligned"
            )
        return straight, ""


def mirrored_values(values: NDArray[np.floating], grid: Grid) -> NDArray[np.floating] | None:
    """Mirror a map about x = 0, to the nearest voxel; where nothing lies across, it is 0.

    Parameters
    ----------
    values : ndarray, shape (n_voxels,)
        In C order of the grid.
    grid : Grid
        One axis must run left-right.

    Returns
    -------
    ndarray, shape (n_voxels,), or None
        None if no axis of the grid runs along x.
    """
    directions = grid.affine[:3, :3] / grid.voxel_sizes
    axis = int(np.abs(directions[0]).argmax())
    if abs(directions[0, axis]) < 0.999:
        return None
    step, origin = grid.affine[0, axis], grid.affine[0, 3]
    size = grid.shape[axis]
    across = np.rint((-(origin + step * np.arange(size)) - origin) / step).astype(int)
    inside = (across >= 0) & (across < size)
    mirrored = values.reshape(grid.shape).take(np.clip(across, 0, size - 1), axis=axis)
    keep = inside.reshape([-1 if each == axis else 1 for each in range(3)])
    whole: NDArray[np.floating] = np.where(keep, mirrored, 0).ravel()
    return whole


def _correlation(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Pearson correlation in float64; 0 if one of them is constant."""
    a = a - a.mean(dtype=np.float64)
    b = b - b.mean(dtype=np.float64)
    norm = float(np.sqrt((a * a).sum(dtype=np.float64) * (b * b).sum(dtype=np.float64)))
    return float((a * b).sum(dtype=np.float64)) / norm if norm > 0 else 0.0
