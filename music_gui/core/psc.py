"""Grey-matter volume of every PSC in a map."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.atlas import Atlas
from music_gui.core.errors import GridMismatchError, InputError
from music_gui.core.grid import SAME_GRID_TOLERANCE_MM, Grid, check_same_grid


@dataclass(frozen=True, eq=False)
class PscVolumes:
    """What was measured in one map.

    Parameters
    ----------
    volumes : ndarray, shape (P,), float64
        Tissue of each PSC in mm^3: the sum over its voxels times the voxel's volume. NaN for
        vanished PSCs and for those with a voxel that is not finite.
    means : ndarray, shape (P,), float64
        Mean over the PSC's voxels: the fraction of it that is tissue.
    n_not_finite : ndarray, shape (P,), int64
        Number of voxels of each PSC that are NaN or infinite.
    """

    volumes: NDArray[np.float64]
    means: NDArray[np.float64]
    n_not_finite: NDArray[np.int64]


class PscExtractor:
    """Measures all PSCs of all scales in one pass over the labelled voxels of a map.

    Voxels that have the same PSC at every scale are one cell. A map's values are summed once, by
    cell; the few thousand cells are then summed by PSC, scale by scale.

    Parameters
    ----------
    atlas : Atlas
        P is the number of its PSCs, vanished ones included.
    grid : Grid, optional
        Of the maps; by default the atlas's. It may differ in the order and direction of its
        axes and in how far it reaches, as long as every labelled voxel is one of its voxels.
    max_shift : float
        By how much of a voxel, along any axis, the voxels of maps and atlas may lie apart. Below
        0.5 each labelled voxel still has one nearest voxel in the map, whose value is taken;
        nothing is interpolated.

    Attributes
    ----------
    names : tuple of str, length P
        Names of all PSCs, scale by scale.
    n_voxels : ndarray, shape (P,), int64
        Voxels of each PSC; 0 for vanished ones.
    shift_mm : float
        How far the voxels of maps and atlas lie apart; 0 if they coincide.

    Raises
    ------
    GridMismatchError
        If labelled voxels are not voxels of the grid.
    """

    def __init__(self, atlas: Atlas, grid: Grid | None = None, *, max_shift: float = 0.0) -> None:
        self.names: tuple[str, ...] = atlas.names
        scales = list(atlas.scales.values())
        self.n_voxels: NDArray[np.int64] = np.concatenate([s.voxel_counts for s in scales])
        self._voxel_volume = (grid or atlas.grid).voxel_volume
        self._shape: tuple[int, ...] = atlas.grid.shape if grid is None else grid.shape
        labelled = np.any([scale.labels != 0 for scale in scales], axis=0)
        voxels = np.argwhere(labelled)
        owners = [scale.labels[tuple(voxels.T)].astype(np.intp) for scale in scales]
        self._cell_of, representatives = _cells(owners)
        self._owners = [owner[representatives] for owner in owners]
        self._sizes = [scale.scale for scale in scales]
        self.shift_mm = 0.0
        if grid is not None:
            voxels, self.shift_mm = _voxels_in(grid, atlas, voxels, max_shift)
        self._set_index(tuple(voxels.T))

    def n_outside(self, mask: NDArray[np.bool_]) -> int:
        """Count the labelled voxels that lie outside a mask, shape of the grid."""
        return int((~mask.ravel()[self._index]).sum())

    def for_rows_of(self, mask: NDArray[np.bool_]) -> PscExtractor:
        """Return an extractor for maps that are stored as the values of a mask's voxels.

        Parameters
        ----------
        mask : ndarray, shape of the grid, bool
            Maps are given to `measure` in the order of ``np.flatnonzero(mask)``.

        Raises
        ------
        InputError
            If labelled voxels lie outside the mask.
        """
        if n_outside := self.n_outside(mask):
            raise InputError(
                f"{n_outside:,} of {len(self._index):,} labelled voxels lie outside the mask"
            )
        rows = copy(self)
        rows._shape = (int(mask.sum()),)
        rows._set_index((np.cumsum(mask.ravel())[self._index] - 1,))
        return rows

    def measure(self, values: NDArray[np.floating]) -> PscVolumes:
        """Measure one map.

        Parameters
        ----------
        values : ndarray
            The image, shape of the grid, any memory order, or the values of a mask's voxels
            (see `for_rows_of`). Unit: fraction of the voxel's volume that is tissue.

        Raises
        ------
        InputError
            If the shape is another one.
        """
        if values.shape != self._shape:
            raise InputError(f"the map has shape {values.shape} instead of {self._shape}")
        if values.ndim > 1 and values.flags.f_contiguous:  # as files are read: no copy
            inside = values.ravel(order="F")[self._fortran_index].astype(np.float64)
        else:
            inside = values.ravel()[self._index].astype(np.float64)
        sums = self._sum(inside)
        n_not_finite = np.zeros(len(self.names), dtype=np.int64)
        if not np.isfinite(sums).all():
            n_not_finite = self._sum((~np.isfinite(inside)).astype(np.float64)).astype(np.int64)
        sums[(self.n_voxels == 0) | (n_not_finite > 0)] = np.nan
        return PscVolumes(
            volumes=sums * self._voxel_volume,
            means=sums / np.maximum(self.n_voxels, 1),
            n_not_finite=n_not_finite,
        )

    def _set_index(self, voxels: tuple[NDArray[np.int64], ...]) -> None:
        """Note where the labelled voxels lie in maps of this shape, in either memory order."""
        self._index = np.ravel_multi_index(voxels, self._shape)
        self._fortran_index = np.ravel_multi_index(voxels, self._shape, order="F")

    def _sum(self, inside: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over the voxels of each PSC, shape (P,)."""
        by_cell = np.bincount(self._cell_of, inside)
        sums = [
            np.bincount(owner, by_cell, minlength=size + 1)[1:]
            for owner, size in zip(self._owners, self._sizes, strict=True)
        ]
        return np.concatenate(sums)


def _cells(owners: Sequence[NDArray[np.intp]]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Group voxels that have the same owner at every scale.

    Returns
    -------
    cell_of : ndarray, shape (n_voxels,)
        Cell of each voxel.
    representatives : ndarray, shape (n_cells,)
        A voxel of each cell.
    """
    cell_of = owners[0]
    for owner in owners:
        pairs = cell_of * (owner.max(initial=0) + 1) + owner
        _, representatives, cell_of = np.unique(pairs, return_index=True, return_inverse=True)
    return cell_of, representatives


def extract_volumes(image: NDArray[np.floating], atlas: Atlas) -> NDArray[np.float64]:
    """Measure all PSCs in one map on the atlas's grid.

    Parameters
    ----------
    image : ndarray, shape of the atlas's grid
        Fraction of each voxel's volume that is tissue.
    atlas : Atlas
        For more than one map make a `PscExtractor` once.

    Returns
    -------
    ndarray, shape (P,), float64
        Volume of each PSC in mm^3, scale by scale; NaN for vanished ones.
    """
    return PscExtractor(atlas).measure(image).volumes


def name_not_finite(names: Sequence[str], measured: PscVolumes, *, most: int = 5) -> str:
    """Say in words which PSCs hold voxels that are not finite; empty if none does."""
    where = np.flatnonzero(measured.n_not_finite)
    if len(where) == 0:
        return ""
    shown = ", ".join(f"{names[i]} ({measured.n_not_finite[i]} voxels)" for i in where[:most])
    rest = f" and {len(where) - most} more" if len(where) > most else ""
    return f"{shown}{rest}"


def _voxels_in(
    grid: Grid, atlas: Atlas, voxels: NDArray[np.int64], max_shift: float
) -> tuple[NDArray[np.int64], float]:
    """Find voxels of the atlas in another grid.

    Returns
    -------
    found : ndarray, shape (n, 3)
        Their indices there.
    shift_mm : float
        Largest distance between a voxel and the one it was found as; 0 if they coincide.

    Raises
    ------
    GridMismatchError
        If they are not voxels of that grid.
    """
    turn = np.linalg.inv(grid.affine[:3, :3]) @ atlas.grid.affine[:3, :3]
    steps = np.abs(np.rint(turn))
    is_turn = (steps.sum(axis=0) == 1).all() and (steps.sum(axis=1) == 1).all()
    world = atlas.grid.to_world(voxels)
    exact = grid.to_voxel(world)
    found = np.rint(exact)
    apart_mm = float(np.linalg.norm(grid.to_world(found) - world, axis=1).max(initial=0.0))
    apart_voxels = float(np.abs(found - exact).max(initial=0.0))
    coincide = apart_mm <= SAME_GRID_TOLERANCE_MM
    # The small allowance takes up rounding of affines in float32.
    if not is_turn or not (coincide or apart_voxels <= max_shift + 1e-4):
        check_same_grid(grid, atlas.grid, where="map", reference_name=f"atlas {atlas.name}")
    n_outside = int(((found < 0) | (found >= np.array(grid.shape))).any(axis=1).sum())
    if n_outside:
        raise GridMismatchError(
            "the map does not reach as far as the atlas",
            why=f"{n_outside:,} of {len(voxels):,} voxels of atlas {atlas.name} lie outside it",
            remedy="Bring it to the space of the atlas first (volume-preserving for RAVENS)",
        )
    return found.astype(np.int64), 0.0 if coincide else apart_mm
