"""A surface made ready to draw and pick; made off the UI thread, since it takes a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from music_gui.state.surface_picker import SurfacePicker

if TYPE_CHECKING:
    from music_gui.core.surface import LabelSurface

#: Size of a cell of the curve through space, and so many bits for cells along each axis.
_CURVE_STEP_MM, _CURVE_BITS = 2.0, 9


@dataclass(frozen=True, eq=False)
class SurfaceMesh:
    """A label surface with what drawing and picking need.

    Every label has corners of its own: where two labels meet, a vertex of the surface becomes two
    points at the same place. Colours can then go with the points.

    Parameters
    ----------
    surface : LabelSurface
        What it was made of.
    drawn : LabelSurface
        What is drawn and picked: the surface, or one with fewer triangles. Its triangles follow
        one another through space, since the vertices that neighbours share are then computed once.
    points, normals : ndarray, shape (P, 3), float32
        World mm, and unit normals.
    point_labels : ndarray, shape (P,), int32
        The label to which a point belongs.
    triangles : ndarray, shape (T, 3), int32
        Indices of points, in the order of the drawn triangles.
    edges : ndarray, shape (E, 2), int32
        Edges between triangles of different labels, as vertex indices of what is drawn.
    edge_labels : ndarray, shape (E, 2), int32
        The two labels at each of them.
    picker : SurfacePicker
        Finds the PSC under the mouse.
    """

    surface: LabelSurface
    drawn: LabelSurface
    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    point_labels: NDArray[np.int32]
    triangles: NDArray[np.int32]
    edges: NDArray[np.int32]
    edge_labels: NDArray[np.int32]
    picker: SurfacePicker

    @classmethod
    def of(cls, surface: LabelSurface) -> SurfaceMesh:
        """Make a surface ready as it is: about 0.3 s for 170,000 triangles."""
        return cls._drawing(surface, surface, surface.normals)

    @classmethod
    def thin(cls, surface: LabelSurface) -> SurfaceMesh:
        """Make a surface ready with fewer triangles, which takes a second and draws faster."""
        from music_gui.core.surface import thinned

        drawn, kept = thinned(surface)
        return cls._drawing(surface, drawn, surface.normals[kept])

    @classmethod
    def _drawing(
        cls, surface: LabelSurface, drawn: LabelSurface, normals: NDArray[np.float32]
    ) -> SurfaceMesh:
        drawn = _along_a_curve(drawn)
        vertices, labels, triangles = _split_between_labels(drawn)
        edges, edge_labels = _label_edges(drawn)
        return cls(
            surface=surface,
            drawn=drawn,
            points=drawn.vertices[vertices],
            normals=normals[vertices],
            point_labels=labels,
            triangles=triangles,
            edges=edges,
            edge_labels=edge_labels,
            picker=SurfacePicker(drawn),
        )

    def edges_of(self, *labels: int) -> NDArray[np.int32]:
        """Return the edges around labels, shape (E, 2)."""
        return self.edges[np.isin(self.edge_labels, labels).any(axis=1)]


def _along_a_curve(surface: LabelSurface) -> LabelSurface:
    """Order triangles along a Z-order curve through space.

    Drivers without a graphics card compute a vertex again unless it was among the last few.
    """
    from music_gui.core.surface import LabelSurface

    centres = surface.vertices[surface.triangles].mean(axis=1)
    cells = ((centres - centres.min(axis=0)) / _CURVE_STEP_MM).astype(np.int64)
    code = np.zeros(len(cells), dtype=np.int64)
    for bit in range(_CURVE_BITS):
        for axis in range(3):
            code |= ((cells[:, axis] >> bit) & 1) << (3 * bit + axis)
    order = np.argsort(code, kind="stable")
    return LabelSurface(surface.vertices, surface.triangles[order], surface.labels[order])


def _split_between_labels(
    surface: LabelSurface,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Give each label points of its own.

    Returns
    -------
    vertices : ndarray, shape (P,)
        The vertex of the surface that each point stands for.
    labels : ndarray, shape (P,)
        Its label.
    triangles : ndarray, shape (T, 3)
        Indices of points.
    """
    n_labels = int(surface.labels.max(initial=0)) + 1
    key = surface.triangles.astype(np.int64) * n_labels + surface.labels[:, None]
    points, first, place = np.unique(key.ravel(), return_index=True, return_inverse=True)
    # In the order in which the triangles need them.
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    vertices, labels = points[order] // n_labels, points[order] % n_labels
    return vertices, labels.astype(np.int32), rank[place].reshape(-1, 3).astype(np.int32)


def _label_edges(surface: LabelSurface) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    sides = surface.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    ends = np.sort(sides, axis=1)
    order = np.argsort(ends[:, 0].astype(np.int64) * len(surface.vertices) + ends[:, 1])
    ends, labels = ends[order], np.repeat(surface.labels, 3)[order]
    between = np.flatnonzero((ends[1:] == ends[:-1]).all(axis=1) & (labels[1:] != labels[:-1]))
    return ends[between], np.stack([labels[between], labels[between + 1]], axis=1)
