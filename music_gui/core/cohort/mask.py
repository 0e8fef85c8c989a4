"""Which voxels count: a mask made from the maps themselves, or one carried to their grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError
from music_gui.core.grid import Grid


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
        self.sums += np.where(positive, values, np.float32(0))
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


def carry_mask(mask: NDArray[np.bool_], source: Grid, target: Grid) -> NDArray[np.bool_]:
    """Carry a mask to another grid by nearest neighbour: no value is interpolated.

    Parameters
    ----------
    mask : ndarray, shape of ``source``, bool
    source, target : Grid

    Returns
    -------
    ndarray, shape of ``target``, bool
        False where ``source`` does not reach.
    """
    carried = np.zeros(target.shape, dtype=np.bool_)
    limits = np.array(source.shape)
    jk = np.stack(np.meshgrid(*map(np.arange, target.shape[1:]), indexing="ij"), axis=-1)
    for i in range(target.shape[0]):  # one slab at a time bounds the memory
        ijk = np.concatenate([np.full((*jk.shape[:2], 1), i), jk], axis=-1)
        nearest = np.rint(source.to_voxel(target.to_world(ijk))).astype(np.int64)
        inside = ((nearest >= 0) & (nearest < limits)).all(axis=-1)
        a, b, c = nearest[inside].T
        carried[i][inside] = mask[a, b, c]
    return carried
