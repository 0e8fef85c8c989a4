"""The voxel grid of an image: shape and affine, and whether two grids are the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class AxisChange:
    """How the axes of one grid become those of another: reordered and flipped, nothing else.

    Parameters
    ----------
    order : tuple of int
        For each axis of the result, the axis it was.
    steps : tuple of int
        For each axis of the result, 1, or -1 if it runs the other way.
    """

    order: tuple[int, int, int]
    steps: tuple[int, int, int]

    def apply(self, data: NDArray[Any]) -> NDArray[Any]:
        """Return a view of an array of three dimensions with its axes changed."""
        return data.transpose(self.order)[tuple(slice(None, None, step) for step in self.steps)]


def axis_change(grid: Grid, reference: Grid) -> AxisChange | None:
    """Find how a grid becomes another one without interpolation.

    The same image stored LAS, RAS or LPS lies on voxels that coincide; only the order and the
    direction of the axes differ.

    Returns
    -------
    AxisChange or None
        None if the voxels of the two grids do not coincide.
    """
    turn = np.linalg.inv(reference.affine[:3, :3]) @ grid.affine[:3, :3]
    order = tuple(int(axis) for axis in np.abs(turn).argmax(axis=1))
    if sorted(order) != [0, 1, 2]:
        return None
    steps = tuple(1 if turn[new, old] > 0 else -1 for new, old in enumerate(order))
    affine, first = np.eye(4), np.zeros(3)
    for new, (old, step) in enumerate(zip(order, steps, strict=True)):
        affine[:3, new] = grid.affine[:3, old] * step
        first[old] = 0 if step == 1 else grid.shape[old] - 1
    affine[:3, 3] = grid.to_world(first)
    shape = (grid.shape[order[0]], grid.shape[order[1]], grid.shape[order[2]])
    if not Grid(shape, affine).is_same_as(reference):
        return None
    return AxisChange((order[0], order[1], order[2]), (steps[0], steps[1], steps[2]))


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
