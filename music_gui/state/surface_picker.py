"""Which PSC lies under the mouse: the first triangle that a ray from the eye meets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from music_gui.core.surface import LabelSurface


@dataclass(frozen=True, eq=False)
class SurfaceHit:
    """Where a ray first meets a surface.

    Parameters
    ----------
    label : int
        Of the triangle that was met.
    point : ndarray, shape (3,), float64
        World mm.
    """

    label: int
    point: NDArray[np.float64]


class SurfacePicker:
    """Finds what rays meet on one surface, in a millisecond or two for 200,000 triangles.

    Needs no search tree, whose building would stop the window for longer than all the picking.

    Parameters
    ----------
    surface : LabelSurface
        The triangles.
    """

    def __init__(self, surface: LabelSurface) -> None:
        self._surface = surface
        corners = surface.vertices[surface.triangles]
        edges = corners - np.roll(corners, 1, axis=1)
        self._longest_edge = float(np.sqrt((edges**2).sum(axis=2).max(initial=0.0)))
        self._columns = np.ascontiguousarray(surface.vertices.T)
        self._first_corners = surface.triangles[:, 0].astype(np.int64)

    def first_hit(
        self,
        origin: NDArray[np.floating],
        direction: NDArray[np.floating],
        hidden: NDArray[np.bool_] | None = None,
        span: tuple[float, float] = (0.0, np.inf),
    ) -> SurfaceHit | None:
        """Return what a ray meets first, from either side, or None.

        Parameters
        ----------
        origin, direction : ndarray, shape (3,)
            World mm; the ray goes one way only.
        hidden : ndarray, shape (C + 1,), bool, optional
            Labels that the ray passes through.
        span : tuple of float
            Distances from the origin in mm between which triangles are met.
        """
        start = np.asarray(origin, dtype=np.float64)
        unit = np.asarray(direction, dtype=np.float64) / np.linalg.norm(direction)
        near = self._triangles_near(start, unit)
        labels = self._surface.labels[near]
        if hidden is not None:
            near, labels = near[~hidden[labels]], labels[~hidden[labels]]
        corners = self._surface.vertices[self._surface.triangles[near]].astype(np.float64)
        distance = _distance_to_triangles(start, unit, corners)
        distance[(distance < span[0]) | (distance > span[1])] = np.inf
        if not np.isfinite(distance).any():
            return None
        first = int(distance.argmin())
        return SurfaceHit(int(labels[first]), start + distance[first] * unit)

    def _triangles_near(
        self, origin: NDArray[np.float64], unit: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Return the triangles with a corner so near the ray that it may meet them."""
        # By columns: a matrix product this thin waits for the threads of the BLAS.
        x, y, z = self._columns
        squared = np.zeros(len(x), dtype=np.float32)
        for axis in np.linalg.svd(unit[None])[2][1:].astype(np.float32):
            squared += (x * axis[0] + y * axis[1] + z * axis[2] - np.float32(origin @ axis)) ** 2
        # A thousandth over, for the rounding of float32.
        within_reach = squared <= np.float32((1.001 * self._longest_edge) ** 2)
        return np.flatnonzero(within_reach[self._first_corners])


def _distance_to_triangles(
    origin: NDArray[np.float64], unit: NDArray[np.float64], corners: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the distance along a ray to each triangle, shape (T,); infinite if it is missed.

    Möller and Trumbore, "Fast, minimum storage ray/triangle intersection", Journal of Graphics
    Tools 2(1), 1997, without culling.
    """
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    normal = np.cross(unit, second)
    determinant = (first * normal).sum(axis=1)
    to_origin = origin - corners[:, 0]
    crossed = np.cross(to_origin, first)
    with np.errstate(divide="ignore", invalid="ignore"):
        u = (to_origin * normal).sum(axis=1) / determinant
        v = (crossed * unit).sum(axis=1) / determinant
        distance = (second * crossed).sum(axis=1) / determinant
        met = (u >= 0) & (v >= 0) & (u + v <= 1) & (distance > 0)
    return np.where(met & np.isfinite(distance), distance, np.inf)
