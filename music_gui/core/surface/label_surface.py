"""Triangle surfaces of label images in world space, for drawing and picking."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse.csgraph import connected_components

from music_gui.core.errors import InputError
from music_gui.core.grid import Grid

#: Taubin's two steps: the second, negative one undoes the shrinking of the first. The pass band
#: ends at 1 / 0.6307 - 1 / 0.67 = 0.093 (Taubin, "A signal processing approach to fair surface
#: design", SIGGRAPH 1995).
_SHRINK = 0.6307
_INFLATE = -0.67

#: Rounds of smoothing that take away the steps of the voxels and keep the folds of the cortex.
DEFAULT_ROUNDS = 20

#: A small piece stands fewer rounds before it collapses: these, and one more for so many vertices.
_FEWEST_ROUNDS = 2
_VERTICES_PER_ROUND = 40

#: Bounds of the factor that gives a smoothed piece its volume back; a voxel of its own needs 1.4.
_RESTORING = (0.5, 2.0)

#: How much harder an edge between two labels pulls than another: high enough that the border
#: between two PSCs becomes a smooth curve instead of a flight of steps.
_BORDER_WEIGHT = 6.0

#: An unlabelled voxel with this many labelled ones among its six neighbours is a pit or a
#: pinhole; a fissure one voxel wide has two.
_PIT_NEIGHBOURS = 4
_PIT_ROUNDS = 3


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

    @cached_property
    def normals(self) -> NDArray[np.float32]:
        """Unit normals of the vertices, outwards, weighted by area, shape (V, 3).

        Draw with these: a renderer that makes the winding "consistent" itself flips whole
        patches of a surface that touches itself, as the folds of the cortex do.
        """
        corners = self.vertices[self.triangles].astype(np.float64)
        doubled = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        sums = [
            np.bincount(
                self.triangles.ravel(), np.repeat(doubled[:, axis], 3), minlength=len(self.vertices)
            )
            for axis in range(3)
        ]
        normals = np.stack(sums, axis=1)
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        units: NDArray[np.float32] = (normals / np.maximum(lengths, 1e-12)).astype(np.float32)
        return units

    @property
    def volume(self) -> float:
        """Enclosed volume in mm^3 by the divergence theorem; negative if wound inwards."""
        centred = self.vertices - self.vertices.mean(axis=0, dtype=np.float64)
        a, b, c = (centred[self.triangles[:, corner]] for corner in range(3))
        return float((a * np.cross(b, c)).sum() / 6)


def build_label_surface(
    labels: NDArray[np.integer], grid: Grid, *, rounds: int = DEFAULT_ROUNDS
) -> LabelSurface:
    """Build the outer boundary of all labels together, each triangle with its label.

    Pits and pinholes in the labelled volume are filled with the nearest label first. Every face
    between inside and outside then becomes two triangles, and their corners are smoothed; edges
    between two labels are smoothed as curves. Every piece keeps its volume.

    Parameters
    ----------
    labels : ndarray, shape of the grid
        0 outside.
    grid : Grid
        Of the label image, in any orientation.
    rounds : int
        Rounds of smoothing; small pieces get fewer, since they stand less.

    Returns
    -------
    LabelSurface
        Closed and wound outwards.

    Raises
    ------
    InputError
        If no voxel has a label.
    """
    return _build(_without_pits(np.asarray(labels, dtype=np.int32)), grid, rounds)


def build_region_surface(
    mask: NDArray[np.bool_], grid: Grid, *, rounds: int = DEFAULT_ROUNDS
) -> LabelSurface:
    """Build the closed surface of one region, exactly its voxels; all triangles have label 1.

    Every piece of the region keeps its volume.

    Parameters
    ----------
    mask : ndarray, shape of the grid, bool
        The region.
    grid : Grid
        Of the mask.
    rounds : int
        Rounds of smoothing; small pieces get fewer, since they stand less.

    Raises
    ------
    InputError
        If the region is empty.
    """
    return _build(np.asarray(mask, dtype=bool).astype(np.int32), grid, rounds)


def _build(labels: NDArray[np.int32], grid: Grid, rounds: int) -> LabelSurface:
    labels, first = _cropped(labels)
    quads, voxels = _boundary_quads(labels)
    quad_labels = labels.ravel()[voxels]
    one, other = _neighbouring_sides(quads, voxels)
    lattice, quads = _separate_corners(quads, one, other)
    shape = tuple(size + 1 for size in labels.shape)
    corners = np.stack(np.unravel_index(lattice, shape), axis=1) + (first - 0.5)
    is_border = quad_labels[one // 4] != quad_labels[other // 4]
    edges = np.stack([quads.ravel()[one], quads.ravel()[_next_corner(one)]])
    weights = np.where(is_border, _BORDER_WEIGHT, 1.0)
    smooth, piece = _smoothed(corners, edges, weights, rounds)
    triangles = _split(quads, grid.to_world(smooth))
    vertices = grid.to_world(_restored(smooth, corners, triangles, piece))
    if np.linalg.det(grid.affine[:3, :3]) < 0:
        triangles = triangles[:, ::-1]
    return LabelSurface(
        vertices=vertices.astype(np.float32),
        triangles=np.ascontiguousarray(triangles, dtype=np.int32),
        labels=np.repeat(quad_labels, 2),
    )


def _cropped(labels: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Cut out the box that holds all labels; return it and its first voxel, shape (3,)."""
    spans = []
    for axis in range(3):
        occupied = np.flatnonzero((labels != 0).any(axis=tuple({0, 1, 2} - {axis})))
        if len(occupied) == 0:
            raise InputError(
                "the surface is empty", why="no voxel has a label", remedy="Choose another scale"
            )
        spans.append((int(occupied[0]), int(occupied[-1]) + 1))
    box = tuple(slice(start, stop) for start, stop in spans)
    return labels[box], np.array([start for start, _ in spans])


def _without_pits(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give pits and pinholes the label of the nearest labelled voxel, shape as ``labels``."""
    cross = ndimage.generate_binary_structure(3, 1).astype(np.int8)
    cross[1, 1, 1] = 0
    inside = labels != 0
    filled = inside
    for _ in range(_PIT_ROUNDS):
        neighbours = ndimage.convolve(filled.astype(np.int8), cross, mode="constant")
        filled = filled | (neighbours >= _PIT_NEIGHBOURS)
    if not inside.any() or np.array_equal(filled, inside):
        return labels
    nearest = ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True)
    return np.where(filled, labels[tuple(nearest)], 0)


def _boundary_quads(labels: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the faces between inside and outside.

    Returns
    -------
    quads : ndarray, shape (Q, 4)
        Corners of the voxels, counted in C order; counter-clockwise in voxel space, seen from
        outside.
    voxels : ndarray, shape (Q,)
        The voxel inside, counted in C order.
    """
    padded = np.pad(labels != 0, 1)
    corner_shape = np.array(labels.shape) + 1
    strides = np.array([corner_shape[1] * corner_shape[2], corner_shape[2], 1])
    quads, voxels = [], []
    for axis in range(3):
        first, second = strides[(axis + 1) % 3], strides[(axis + 2) % 3]
        near = np.take(padded, range(padded.shape[axis] - 1), axis=axis)
        far = np.take(padded, range(1, padded.shape[axis]), axis=axis)
        unpad = np.where(np.arange(3) == axis, 0, 1)
        for inside, loop, back in (
            (near & ~far, (0, first, first + second, second), 1),
            (far & ~near, (0, second, first + second, first), 0),
        ):
            corner = np.argwhere(inside) - unpad
            voxel = corner.copy()
            voxel[:, axis] -= back
            quads.append((corner @ strides)[:, None] + np.array(loop))
            voxels.append(np.ravel_multi_index(tuple(voxel.T), labels.shape))
    return np.concatenate(quads), np.concatenate(voxels)


def _next_corner(sides: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where sides end: side ``4 q + i`` runs from corner ``i`` of quad q to the next."""
    return sides - sides % 4 + (sides % 4 + 1) % 4


def _neighbouring_sides(
    quads: NDArray[np.int64], voxels: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair each side of a quad with the side of its neighbour, both of shape (2 Q,).

    Where two voxels touch along an edge only, four quads meet there; each is paired with the
    one of the same voxel, so that the two voxels stay apart.
    """
    starts, ends = quads.ravel(), np.roll(quads, -1, axis=1).ravel()
    key = np.minimum(starts, ends) * (quads.max() + 1) + np.maximum(starts, ends)
    order = np.lexsort((np.repeat(voxels, 4), key))
    return order[::2], order[1::2]


def _separate_corners(
    quads: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Weld the corners of neighbouring quads, and only those.

    Quads that merely touch at a point or along an edge get vertices of their own, so that
    smoothing can part them.

    Returns
    -------
    lattice : ndarray, shape (V,)
        Voxel corner at which each vertex starts.
    quads : ndarray, shape (Q, 4)
        Vertex indices.
    """
    n = quads.size
    # The two sides run in opposite directions: the start of one is the end of the other.
    rows = np.concatenate([one, _next_corner(one)])
    columns = np.concatenate([_next_corner(other), other])
    graph = sparse.coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(n, n))
    n_vertices, vertex = connected_components(graph, directed=False)
    lattice = np.empty(n_vertices, dtype=np.int64)
    lattice[vertex] = quads.ravel()
    return lattice, vertex.reshape(quads.shape).astype(np.int64)


def _smoothed(
    vertices: NDArray[np.float64],
    edges: NDArray[np.int64],
    weights: NDArray[np.float64],
    rounds: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Smooth by Taubin's method with weighted edges, shape (2, E).

    Returns
    -------
    vertices : ndarray, shape (V, 3)
    piece : ndarray, shape (V,)
        Which vertices hang together.
    """
    n = len(vertices)
    pull = sparse.coo_array((weights, (edges[0], edges[1])), shape=(n, n)).tocsr()
    pull = pull + pull.T
    mean_of_neighbours = sparse.diags_array(1 / pull.sum(axis=1)) @ pull
    _, piece = connected_components(pull, directed=False)
    last_round = _FEWEST_ROUNDS + np.bincount(piece)[piece, None] // _VERTICES_PER_ROUND
    for done in range(rounds):
        smoother = vertices
        for step in (_SHRINK, _INFLATE):
            smoother = smoother + step * (mean_of_neighbours @ smoother - smoother)
        vertices = np.where(done < last_round, smoother, vertices)
    return vertices, piece.astype(np.int64)


def _restored(
    vertices: NDArray[np.float64],
    original: NDArray[np.float64],
    triangles: NDArray[np.int64],
    piece: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Scale every piece about its centre to the volume it had, shape (V, 3)."""
    sizes = np.bincount(piece)
    sums = [np.bincount(piece, vertices[:, axis]) for axis in range(3)]
    centres = np.stack(sums, axis=1) / sizes[:, None]
    of_triangle = piece[triangles[:, 0]]
    volumes = []
    for places in (original, vertices):
        a, b, c = (places - centres[piece])[triangles.T]
        volumes.append(np.bincount(of_triangle, (a * np.cross(b, c)).sum(axis=1)))
    before, after = volumes
    ratio = np.divide(before, after, out=np.ones(len(sizes)), where=before * after > 0)
    factor = np.clip(np.cbrt(ratio), *_RESTORING)
    return centres[piece] + factor[piece][:, None] * (vertices - centres[piece])


def _split(quads: NDArray[np.int64], vertices: NDArray[np.float64]) -> NDArray[np.int64]:
    """Split each quad along its shorter diagonal, shape (2 Q, 3)."""
    a, b, c, d = (vertices[quads[:, corner]] for corner in range(4))
    along_ac = ((a - c) ** 2).sum(axis=1) <= ((b - d) ** 2).sum(axis=1)
    by_ac = quads[:, [0, 1, 2, 0, 2, 3]]
    by_bd = quads[:, [0, 1, 3, 1, 2, 3]]
    return np.where(along_ac[:, None], by_ac, by_bd).reshape(-1, 3)
