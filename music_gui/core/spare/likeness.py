"""How much a map looks like those a model was trained on, told from a coarse mean of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from music_gui.core.atlas import Atlas
from music_gui.core.cohort.comparison import MIRROR_MARGIN, mirror_indices
from music_gui.core.errors import GridMismatchError, InputError
from music_gui.core.grid import Grid

#: Edge of the cells that a map is averaged in, mm: coarse enough for the folding of one brain not
#: to matter and for a model file to stay small, fine enough to see a rotation by 10 degrees (in
#: 23 real maps correlations fell from 0.58-0.80 to 0.36-0.43).
_CELL_MM = 6.0
_MIN_MAPS = 10
_STANDARD_DEVIATIONS = 4.0


class CoarseCells:
    """The labelled voxels of an atlas, gathered in cells of about 6 mm.

    Parameters
    ----------
    atlas : Atlas
        All its scales label the same voxels, as far as they label any.
    scale : int
        Whose labelled voxels to take.
    """

    def __init__(self, atlas: Atlas, scale: int) -> None:
        self.grid = atlas.grid
        self.ijk: NDArray[np.int64] = np.argwhere(atlas.scales[scale].labels > 0)
        edge = np.maximum(1, np.rint(_CELL_MM / atlas.grid.voxel_sizes)).astype(np.int64)
        box = tuple(int(-(-size // e)) for size, e in zip(atlas.grid.shape, edge, strict=True))
        cell = np.ravel_multi_index(tuple((self.ijk // edge).T), box)
        _, self._cell = np.unique(cell, return_inverse=True)
        self.n_cells = int(self._cell.max()) + 1
        self._sizes = np.bincount(self._cell, minlength=self.n_cells)

    def means(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Average the values of the labelled voxels in each cell, shape (n_cells,)."""
        sums = np.bincount(self._cell, values.astype(np.float64), minlength=self.n_cells)
        means: NDArray[np.float64] = sums / self._sizes
        return means

    def voxels_in(self, grid: Grid) -> NDArray[np.int64]:
        """Find the labelled voxels on another grid, wherever its axes point.

        Returns
        -------
        ndarray, shape (n_labelled_voxels,), int64
            Flat index in C order of the nearest voxel.

        Raises
        ------
        GridMismatchError
            If the grid does not reach as far.
        """
        index = np.rint(grid.to_voxel(self.grid.to_world(self.ijk))).astype(np.int64)
        if ((index < 0) | (index >= np.array(grid.shape))).any():
            raise GridMismatchError("the map does not reach as far as the atlas")
        flat: NDArray[np.int64] = np.ravel_multi_index(tuple(index.T), grid.shape)
        return flat

    def mirrored(self, values: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return the values as they would be with left and right swapped.

        None if no axis of the grid runs from left to right.
        """
        across = mirror_indices(self.grid)
        if across is None:
            return None
        whole = np.zeros(self.grid.n_voxels)
        flat = np.ravel_multi_index(tuple(self.ijk.T), self.grid.shape)
        whole[flat] = values
        partner = across[flat]
        swapped: NDArray[np.float64] = np.where(partner >= 0, whole[partner], 0.0)
        return swapped


@dataclass(frozen=True, eq=False)
class Likeness:
    """What the training maps have in common.

    Parameters
    ----------
    scale : int
        Scale of the atlas whose labelled voxels count.
    means : ndarray, shape (n_cells,)
        Mean of the training maps in each cell, fraction of the volume that is tissue.
    low : float
        Correlation below which a map is not of this kind.
    typical : float
        Mean correlation of a training map with the mean of the others.
    mirror_limit : float
        By how much the correlation with their mirror image may exceed it. Brains of a training
        sample may be nearly symmetric; then left and right can't be told apart.
    """

    scale: int
    means: NDArray[np.float64]
    low: float
    typical: float
    mirror_limit: float

    @classmethod
    def fit(
        cls, scale: int, profiles: NDArray[np.float64], mirrored: NDArray[np.float64] | None
    ) -> Self:
        """Learn from training maps.

        The limit lies four standard deviations below the mean of the Fisher-transformed
        correlations of each map with the mean of all others; that of the mirror image four above.

        Parameters
        ----------
        scale : int
            That of the cells.
        profiles : ndarray, shape (n_maps, n_cells)
            `CoarseCells.means` of each map.
        mirrored : ndarray, shape (n_maps, n_cells), or None
            The same of the mirrored maps; None if no axis runs from left to right.

        Raises
        ------
        InputError
            If there are fewer than ten maps.
        """
        if len(profiles) < _MIN_MAPS:
            raise InputError(f"{len(profiles)} maps are too few to tell what they have in common")
        total = profiles.sum(axis=0)
        straight = np.array([_correlation(p, total - p) for p in profiles])
        fisher = np.arctanh(np.clip(straight, -0.999999, 0.999999))
        mirror_limit = MIRROR_MARGIN
        if mirrored is not None:
            pairs = zip(profiles, mirrored, strict=True)
            ahead = np.array([_correlation(m, total - p) for p, m in pairs]) - straight
            mirror_limit = max(
                MIRROR_MARGIN, float(ahead.mean() + _STANDARD_DEVIATIONS * ahead.std(ddof=1))
            )
        spread = max(float(fisher.std(ddof=1)), 0.02)
        return cls(
            scale=scale,
            means=total / len(profiles),
            low=float(np.tanh(fisher.mean() - _STANDARD_DEVIATIONS * spread)),
            typical=float(np.tanh(fisher.mean())),
            mirror_limit=mirror_limit,
        )

    def compare(self, cells: CoarseCells, values: NDArray[np.float64]) -> tuple[float, bool]:
        """Compare a map.

        Parameters
        ----------
        cells : CoarseCells
            Of the same atlas and scale.
        values : ndarray, shape (n_labelled_voxels,)

        Returns
        -------
        correlation : float
            With the mean of the training maps.
        mirrored : bool
            It resembles their mirror image more, and enough to be such a map with left and right
            swapped: what resembles neither is no mirror image.

        Raises
        ------
        InputError
            If the cells are those of another atlas.
        """
        if cells.n_cells != len(self.means):
            raise InputError(
                f"the atlas has {cells.n_cells} coarse cells, the model {len(self.means)}"
            )
        straight = _correlation(cells.means(values), self.means)
        swapped = cells.mirrored(values)
        if swapped is None:
            return straight, False
        across = _correlation(cells.means(swapped), self.means)
        ahead = straight < self.low or across - straight > self.mirror_limit
        return straight, across >= self.low and ahead


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Pearson correlation; 0 if one of them is constant or holds a value that is not finite."""
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if np.isfinite(norm) and norm > 0 else 0.0
