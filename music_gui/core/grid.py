"""The voxel grid of an image: shape and affine, and whether two grids are the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import GridMismatchError

#: Largest distance in mm between the same corner of two grids that count as one.
SAME_GRID_TOLERANCE_MM = 0.01


@dataclass(frozen=True, eq=False)
class Grid:
    """A voxel grid in world space.

    Parameters
    ----------
    shape : tuple of int
        Number of voxels along i, j and k.
    affine : ndarray, shape (4, 4), float64
        Maps voxel indices (of voxel centres) to world coordinates, RAS+ millimetres.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    @property
    def n_voxels(self) -> int:
        """Number of voxels of the whole box."""
        return int(np.prod(self.shape))

    @property
    def voxel_volume(self) -> float:
        """Volume of one voxel in mm^3: ``|det(affine[:3, :3])|``."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @property
    def voxel_sizes(self) -> NDArray[np.float64]:
        """Edge lengths of a voxel along i, j and k in mm, shape (3,)."""
        sizes: NDArray[np.float64] = np.linalg.norm(self.affine[:3, :3], axis=0)
        return sizes

    def to_world(self, ijk: NDArray[np.floating] | NDArray[np.integer]) -> NDArray[np.float64]:
        """Map voxel indices, shape (..., 3), to world mm of the same shape."""
        world: NDArray[np.float64] = (
            np.asarray(ijk, dtype=np.float64) @ self.affine[:3, :3].T + self.affine[:3, 3]
        )
        return world

    def to_voxel(self, world: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map world mm, shape (..., 3), to fractional voxel indices of the same shape."""
        inverse = np.linalg.inv(self.affine)
        voxel: NDArray[np.float64] = (
            np.asarray(world, dtype=np.float64) @ inverse[:3, :3].T + inverse[:3, 3]
        )
        return voxel

    def corners(self) -> NDArray[np.float64]:
        """World mm of the centres of the eight corner voxels, shape (8, 3)."""
        ends = [(0, size - 1) for size in self.shape]
        ijk = np.array([(i, j, k) for i in ends[0] for j in ends[1] for k in ends[2]])
        return self.to_world(ijk)

    def distance_to(self, other: Grid) -> float:
        """Largest distance in mm between matching corners; infinite if the shapes differ."""
        if self.shape != other.shape:
            return float("inf")
        return float(np.linalg.norm(self.corners() - other.corners(), axis=1).max())

    def is_same_as(self, other: Grid) -> bool:
        """Tell whether every voxel of the two grids lies at the same place."""
        return self.distance_to(other) <= SAME_GRID_TOLERANCE_MM


def check_same_grid(grid: Grid, reference: Grid, *, where: str, reference_name: str) -> None:
    """Refuse a grid that is not the reference's.

    Raises
    ------
    GridMismatchError
        If shape or affine differ; the text names both and how far apart they are.
    """
    if grid.is_same_as(reference):
        return
    if grid.shape != reference.shape:
        why = f"its shape is {grid.shape}, that of {reference_name} is {reference.shape}"
    else:
        why = (
            f"the shape {grid.shape} agrees but the affine differs from that of {reference_name}: "
            f"the same voxel lies up to {grid.distance_to(reference):.2f} mm apart"
        )
    raise GridMismatchError(
        "the image is on another voxel grid",
        where=where,
        why=why,
        remedy=f"Bring it to the space of {reference_name} first (volume-preserving for RAVENS)",
    )
