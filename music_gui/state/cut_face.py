"""What one sees on the face of a cut through the brain: the labels in that plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.grid import Grid
from music_gui.state.slice_sampler import PLANE_AXES
from music_gui.state.view_3d import CutPlane

#: Distance of samples in the plane; the voxels of most atlases are twice as large.
STEP_MM = 1.0

_SMOOTH_VOXELS = 0.65


@dataclass(frozen=True, eq=False)
class CutFace:
    """Labels on a rectangle across an axis of world space.

    Parameters
    ----------
    plane : CutPlane
        Where it lies.
    start : tuple of float
        World mm of the first sample along the two other axes, `PLANE_AXES` order.
    labels : ndarray, shape (n_first, n_second), int32
        0 where nothing is seen; samples are `STEP_MM` apart.
    nearest : ndarray, shape (n_first, n_second), int32
        The same, but where nothing is seen the strongest label nearby, so that colours can be
        blended at the rim; 0 far from all labels.
    """

    plane: CutPlane
    start: tuple[float, float]
    labels: NDArray[np.int32]
    nearest: NDArray[np.int32]

    def corners(self) -> NDArray[np.float64]:
        """World mm of the rectangle's corners, half a step around the samples, shape (2, 2, 3)."""
        first, second = PLANE_AXES[self.plane.axis]
        corners = np.empty((2, 2, 3))
        corners[..., self.plane.axis] = self.plane.position
        for axis, start, n in zip((first, second), self.start, self.labels.shape, strict=True):
            ends = start + STEP_MM * np.array([-0.5, n - 0.5])
            corners[..., axis] = ends[:, None] if axis == first else ends
        return corners

    def label_at(self, point: NDArray[np.floating]) -> int:
        """Return the label at a point of the plane in world mm, 0 where nothing is seen."""
        first, second = PLANE_AXES[self.plane.axis]
        i, j = (
            int(np.floor((point[axis] - start) / STEP_MM + 0.5))
            for axis, start in zip((first, second), self.start, strict=True)
        )
        inside = 0 <= i < self.labels.shape[0] and 0 <= j < self.labels.shape[1]
        return int(self.labels[i, j]) if inside else 0


def cut_face(
    labels: NDArray[np.int32],
    grid: Grid,
    shown: NDArray[np.bool_],
    plane: CutPlane,
    others: tuple[CutPlane, ...] = (),
    inside: NDArray[np.float32] | None = None,
) -> CutFace:
    """Sample the labels in a plane.

    Each sample takes the label that has most weight among the eight voxels around it, weights as
    for linear interpolation: the rims are as smooth as the surfaces are, without inventing labels.

    Parameters
    ----------
    labels : ndarray, shape of the grid, int32
        0 outside.
    grid : Grid
        Of the labels, in any orientation.
    shown : ndarray, shape (C + 1,), bool
        Labels that are not hidden.
    plane : CutPlane
        Where to cut.
    others : tuple of CutPlane
        What they cut away of the face is not seen.
    inside : ndarray, shape of the grid, float32, optional
        `occupancy` of the shown labels: the rim of the face is then as smooth as the surface.
    """
    first, second = PLANE_AXES[plane.axis]
    outer = grid.to_world(
        np.array(
            [[i, j, k] for i in _ends(0, grid) for j in _ends(1, grid) for k in _ends(2, grid)]
        )
    )
    samples = [
        np.arange(outer[:, axis].min(), outer[:, axis].max(), STEP_MM) for axis in (first, second)
    ]
    points = np.empty((len(samples[0]), len(samples[1]), 3))
    points[..., plane.axis] = plane.position
    points[..., first], points[..., second] = np.meshgrid(*samples, indexing="ij")
    won, nearest = _vote(labels, grid, shown, points)
    if inside is not None:
        won = np.where(_linear(inside, grid, points) > 0.5, nearest, 0)
    for other in others:
        won[~other.keeps(points)] = 0
    return CutFace(plane, (float(samples[0][0]), float(samples[1][0])), won, nearest)


def occupancy(labels: NDArray[np.int32], shown: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return how much of the surroundings of each voxel has a shown label, 0 to 1.

    The surfaces are smoothed, so the steps of the voxels at their rims are to be as well; a gap
    one voxel wide stays one.
    """
    from scipy.ndimage import gaussian_filter

    smooth: NDArray[np.float32] = gaussian_filter(
        (shown[labels] & (labels > 0)).astype(np.float32), _SMOOTH_VOXELS
    )
    return smooth


def _linear(
    values: NDArray[np.float32], grid: Grid, points: NDArray[np.float64]
) -> NDArray[np.float32]:
    from scipy.ndimage import map_coordinates

    voxels = np.moveaxis(grid.to_voxel(points), -1, 0)
    samples: NDArray[np.float32] = map_coordinates(values, voxels, order=1, mode="constant")
    return samples


def _ends(axis: int, grid: Grid) -> tuple[float, float]:
    return -1.0, float(grid.shape[axis])


def _vote(
    labels: NDArray[np.int32], grid: Grid, shown: NDArray[np.bool_], points: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return at each point, shape (..., 3), the winner, and the winner without the background."""
    voxel = grid.to_voxel(points).reshape(-1, 3).astype(np.float32)
    base = np.floor(voxel).astype(np.int32)
    part = voxel - base
    padded = np.pad(labels, 1)
    strides = np.array([padded.shape[1] * padded.shape[2], padded.shape[2], 1])
    inside = ((base >= -1) & (base < np.array(labels.shape))).all(axis=1)
    start = (base[inside] + 1) @ strides
    part = part[inside]
    corners = np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    around = padded.ravel()[start[:, None] + corners @ strides]
    around = np.where(shown[around], around, 0)
    winner, solid = np.zeros(len(voxel), dtype=np.int32), np.zeros(len(voxel), dtype=np.int32)
    winner[inside] = solid[inside] = around[:, 0]
    mixed = np.flatnonzero((around != around[:, :1]).any(axis=1))
    weights = np.where(corners, part[mixed, None, :], 1 - part[mixed, None, :]).prod(axis=2)
    around = around[mixed]
    sums = np.zeros_like(weights)
    for corner in range(8):
        sums += np.where(
            around == around[:, corner : corner + 1], weights[:, corner : corner + 1], 0
        )
    rows, place = np.arange(len(mixed)), np.flatnonzero(inside)[mixed]
    winner[place] = around[rows, sums.argmax(axis=1)]
    solid[place] = around[rows, np.where(around > 0, sums, -1.0).argmax(axis=1)]
    return winner.reshape(points.shape[:-1]), solid.reshape(points.shape[:-1])
