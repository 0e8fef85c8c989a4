"""Triangle surfaces of label images in world space, for drawing and picking."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from music_gui.core.errors import InputError
from music_gui.core.grid import Grid

#: Taubin's two steps: the second, negative one undoes the shrinking of the first.
#: Pass-band frequency 1 / 0.6307 - 1 / 0.67 = 0.0931; the values are those of the paper
#: (Taubin, "A signal processing approach to fair surface design", SIGGRAPH 1995, section 5).
_SHRINK = 0.6307
_INFLATE = -0.67

#: Rounds of smoothing that take the steps of the voxels away but keep the shape.
DEFAULT_ROUNDS = 12


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


@dataclass(frozen=True, eq=False)
class LabelSurface:
    """A triangle mesh with a label for each triangle.

    Parameters
    ----------
    vertices : ndarray, shape (V, 3), float32
        World mm.
    triangles : ndarray, shape (T, 3), int32
        Vertex indices, counter-clockwise seen from outside.
    labels : ndarray, shape (T,), int32
        Label of the voxel that the triangle bounds.
    """

    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]
    labels: NDArray[np.int32]

    @property
    def volume(self) -> float:
        """Enclosed volume in mm^3 by the divergence theorem; negative if wound inwards."""
        corners = self.vertices.astype(np.float64)[self.triangles]
        centred = corners - self.vertices.mean(axis=0, dtype=np.float64)
        cross = np.cross(centred[:, 1], centred[:, 2])
        return float((centred[:, 0] * cross).sum() / 6)

    @cached_property
    def vertex_normals(self) -> NDArray[np.float32]:
        """Unit normals pointing outwards, shape (V, 3): means of the triangles', by area."""
        a, b, c = (self.vertices[self.triangles[:, corner]] for corner in range(3))
        normals = np.cross(b - a, c - a)
        rows = self.triangles.ravel()
        columns = np.repeat(np.arange(len(self.triangles), dtype=np.int32), 3)
        touches = sparse.csr_array(
            (np.ones(len(rows), dtype=np.float32), (rows, columns)),
            shape=(len(self.vertices), len(self.triangles)),
        )
        sums = touches @ normals
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        unit: NDArray[np.float32] = (sums / np.maximum(lengths, 1e-12)).astype(np.float32)
        return unit

    @cached_property
    def label_borders(self) -> NDArray[np.int32]:
        """Edges between triangles of different labels, shape (B, 2), vertex indices."""
        edges = np.concatenate([self.triangles[:, [0, 1]], self.triangles[:, [1, 2]],
                                self.triangles[:, [2, 0]]])  # fmt: skip
        edges.sort(axis=1)
        keys = edges[:, 0].astype(np.int64) * len(self.vertices) + edges[:, 1]
        order = np.argsort(keys)
        keys, labels = keys[order], np.tile(self.labels, 3)[order]
        differ = (keys[1:] == keys[:-1]) & (labels[1:] != labels[:-1])
        borders: NDArray[np.int32] = edges[order[1:][differ]]
        return borders

    @cached_property
    def _longest_edge(self) -> float:
        corners = self.vertices[self.triangles]
        edges = corners - np.roll(corners, 1, axis=1)
        return float(np.sqrt((edges**2).sum(axis=2).max(initial=0.0)))

    @cached_property
    def _vertex_columns(self) -> NDArray[np.float32]:
        return np.ascontiguousarray(self.vertices.T)

    @cached_property
    def _first_corners(self) -> NDArray[np.int64]:
        return self.triangles[:, 0].astype(np.int64)

    def first_hit(
        self,
        origin: NDArray[np.floating],
        direction: NDArray[np.floating],
        hidden: NDArray[np.bool_] | None = None,
    ) -> SurfaceHit | None:
        """Return what a ray meets first, from either side, or None.

        Parameters
        ----------
        origin, direction : ndarray, shape (3,)
            World mm; the ray goes one way only.
        hidden : ndarray, shape (C + 1,), bool, optional
            Labels that the ray passes through.
        """
        unit = np.asarray(direction, dtype=np.float64) / np.linalg.norm(direction)
        near = self._triangles_near(np.asarray(origin, dtype=np.float64), unit)
        if hidden is not None:
            near = near[~hidden[self.labels[near]]]
        corners = self.vertices[self.triangles[near]].astype(np.float64)
        distance = _distance_to_triangles(origin, unit, corners)
        if not np.isfinite(distance).any():
            return None
        first = int(distance.argmin())
        return SurfaceHit(int(self.labels[near[first]]), origin + distance[first] * unit)

    def _triangles_near(
        self, origin: NDArray[np.float64], unit: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Return the triangles with a vertex so near the ray that they may be met."""
        # By columns: a matrix product this thin waits for the threads of the BLAS.
        x, y, z = self._vertex_columns
        squared = np.zeros(len(x), dtype=np.float32)
        for axis in np.linalg.svd(unit[None])[2][1:].astype(np.float32):
            squared += (x * axis[0] + y * axis[1] + z * axis[2] - np.float32(origin @ axis)) ** 2
        # A thousandth over, for the rounding of float32.
        reach = squared <= np.float32((1.001 * self._longest_edge) ** 2)
        return np.flatnonzero(reach[self._first_corners])


def build_label_surface(
    labels: NDArray[np.integer], grid: Grid, *, rounds: int = DEFAULT_ROUNDS
) -> LabelSurface:
    """Build the outer boundary of all labels together, each triangle with its label.

    Every face between a labelled and an unlabelled voxel becomes two triangles; faces share
    their corners; the corners are then smoothed.

    Parameters
    ----------
    labels : ndarray, shape of the grid
        0 outside.
    grid : Grid
        Of the label image, in any orientation.
    rounds : int
        Rounds of smoothing.

    Returns
    -------
    LabelSurface
        Closed and wound outwards.

    Raises
    ------
    InputError
        If no voxel has a label.
    """
    quads, quad_labels = _boundary_quads(labels)
    if len(quads) == 0:
        raise InputError(
            "the surface is empty", why="no voxel has a label", remedy="Choose another scale"
        )
    corner_ids, quads = _compact(quads)
    shape = tuple(size + 1 for size in labels.shape)
    corners = np.stack(np.unravel_index(corner_ids, shape), axis=1).astype(np.float64) - 0.5
    vertices = grid.to_world(_smoothed(corners, quads, rounds))
    triangles = _split(quads, vertices)
    if np.linalg.det(grid.affine[:3, :3]) < 0:
        triangles = triangles[:, ::-1]
    return LabelSurface(
        vertices=vertices.astype(np.float32),
        triangles=np.ascontiguousarray(triangles, dtype=np.int32),
        labels=np.repeat(quad_labels, 2).astype(np.int32),
    )


def build_region_surface(
    mask: NDArray[np.bool_], grid: Grid, *, rounds: int = DEFAULT_ROUNDS
) -> LabelSurface:
    """Build the closed surface of one region; all its triangles have label 1.

    Parameters
    ----------
    mask : ndarray, shape of the grid, bool
        The region.
    grid : Grid
        Of the mask.
    rounds : int
        Rounds of smoothing.

    Raises
    ------
    InputError
        If the region is empty.
    """
    return build_label_surface(np.asarray(mask, dtype=bool).astype(np.int32), grid, rounds=rounds)


def _distance_to_triangles(
    origin: NDArray[np.floating], unit: NDArray[np.float64], corners: NDArray[np.float64]
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
        v = (crossed @ unit) / determinant
        distance = (second * crossed).sum(axis=1) / determinant
        met = (u >= 0) & (v >= 0) & (u + v <= 1) & (distance > 0)
    return np.where(met & np.isfinite(distance), distance, np.inf)


def _boundary_quads(labels: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the faces between inside and outside as corner ids, shape (Q, 4), and labels (Q,).

    Corner ids count the corners of the voxels in C order; seen from outside the four run
    counter-clockwise in voxel space.
    """
    padded = np.pad(np.asarray(labels, dtype=np.int32), 1)
    corner_shape = np.array(labels.shape) + 1
    strides = np.array([corner_shape[1] * corner_shape[2], corner_shape[2], 1])
    quads, quad_labels = [], []
    for axis in range(3):
        first, second = strides[(axis + 1) % 3], strides[(axis + 2) % 3]
        near = np.take(padded, range(padded.shape[axis] - 1), axis=axis)
        far = np.take(padded, range(1, padded.shape[axis]), axis=axis)
        for inside, outside, loop in (
            (near, far, (0, first, first + second, second)),
            (far, near, (0, second, first + second, first)),
        ):
            where = np.argwhere((inside != 0) & (outside == 0))
            quad_labels.append(inside[tuple(where.T)])
            # The face lies at the far side of padded voxel `where`; padding shifts the two
            # other axes by one.
            shift = np.ones(3, dtype=np.int64)
            shift[axis] = 0
            base = (where - shift) @ strides
            quads.append(base[:, None] + np.array(loop))
    return np.concatenate(quads), np.concatenate(quad_labels)


def _compact(quads: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the corner ids that are used, shape (V,), and the quads as indices into them."""
    used, inverse = np.unique(quads, return_inverse=True)
    return used, inverse.reshape(quads.shape)


def _smoothed(
    vertices: NDArray[np.float64], quads: NDArray[np.int64], rounds: int
) -> NDArray[np.float64]:
    """Smooth by Taubin's method over the edges of the quads, shape (V, 3)."""
    starts = quads.ravel()
    ends = np.roll(quads, -1, axis=1).ravel()
    n = len(vertices)
    edges = sparse.coo_array((np.ones(len(starts)), (starts, ends)), shape=(n, n)).tocsr()
    edges = ((edges + edges.T) > 0).astype(np.float64)
    mean_of_neighbours = sparse.diags_array(1 / edges.sum(axis=1)) @ edges
    for _ in range(rounds):
        for step in (_SHRINK, _INFLATE):
            vertices = vertices + step * (mean_of_neighbours @ vertices - vertices)
    return vertices


def _split(quads: NDArray[np.int64], vertices: NDArray[np.float64]) -> NDArray[np.int64]:
    """Split each quad along its shorter diagonal, shape (2 Q, 3)."""
    a, b, c, d = (vertices[quads[:, corner]] for corner in range(4))
    along_ac = ((a - c) ** 2).sum(axis=1) <= ((b - d) ** 2).sum(axis=1)
    by_ac = quads[:, [0, 1, 2, 0, 2, 3]]
    by_bd = quads[:, [0, 1, 3, 1, 2, 3]]
    return np.where(along_ac[:, None], by_ac, by_bd).reshape(-1, 3)
