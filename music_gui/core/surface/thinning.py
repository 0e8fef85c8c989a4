"""Fewer triangles for drawing: what takes time without a graphics card is their number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music_gui.core.surface.label_surface import LabelSurface

#: How far the surface and the borders between labels may move, root of the mean square, in mm.
#: A pixel is half a millimetre where the brain fills a window of 700 pixels.
MAX_ERROR_MM = 0.45

#: Rounds, and after how many of them vertices may go as far as they ever may: flat parts go first.
_ROUNDS, _ROUNDS_TO_LIMIT = 10, 6

#: A triangle may turn by this much when one of its corners moves (cosine).
_LEAST_COSINE = 0.5


def thinned(
    surface: LabelSurface, max_error: float = MAX_ERROR_MM
) -> tuple[LabelSurface, NDArray[np.int64]]:
    """Merge vertices into neighbours where the surface and the borders hardly change.

    Each round takes away many vertices that are not neighbours, at once. A vertex goes where the
    planes that met in it and in all that were merged into it are nearest (Garland and Heckbert,
    "Surface simplification using quadric error metrics", SIGGRAPH 1997), but only to the place
    of a neighbour, so that normals and labels can be taken over. One on a border moves along the
    border; one where three labels meet stays.

    Parameters
    ----------
    surface : LabelSurface
        Closed, as `build_label_surface` builds it.
    max_error : float
        In mm.

    Returns
    -------
    thin : LabelSurface
        Its vertices are some of the surface's.
    kept : ndarray, shape (V',)
        Which ones.
    """
    points = surface.vertices.astype(np.float64)
    triangles, labels = surface.triangles.astype(np.int64), surface.labels
    quadrics = np.asfortranarray(_quadrics(points, triangles))
    points = np.asfortranarray(points)
    rng = np.random.default_rng(0)
    for number in range(1, _ROUNDS + 1):
        limit = (max_error * min(1.0, number / _ROUNDS_TO_LIMIT)) ** 2
        target = _merges(points, triangles, labels, quadrics, limit, rng)
        moved = np.flatnonzero(target != np.arange(len(points)))
        for column in quadrics.T:
            np.add.at(column, target[moved], column[moved])
        triangles = target[triangles]
        a, b, c = triangles.T
        whole = (a != b) & (b != c) & (c != a)
        triangles, labels = triangles[whole], labels[whole]
    kept, compact = np.unique(triangles, return_inverse=True)
    thin = LabelSurface(
        surface.vertices[kept], compact.reshape(-1, 3).astype(np.int32), labels.astype(np.int32)
    )
    return thin, kept


def _quadrics(points: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return for each vertex the sum over its planes, shape (V, 11).

    The upper triangle of ``n n^T``, then ``d n``, ``d^2`` and the area, all weighted by area.
    """
    doubled = _doubled_normals(points[triangles])
    area = np.linalg.norm(doubled, axis=1)
    normal = doubled / np.maximum(area, 1e-12)[:, None]
    d = -(normal * points[triangles[:, 0]]).sum(axis=1)
    x, y, z = normal.T
    terms = np.stack(
        [x * x, x * y, x * z, y * y, y * z, z * z, d * x, d * y, d * z, d * d, np.ones_like(d)],
        axis=1,
    )
    terms *= area[:, None]
    sums = [
        np.bincount(triangles.ravel(), np.repeat(column, 3), minlength=len(points))
        for column in terms.T
    ]
    return np.stack(sums, axis=1)


def _mean_squares(
    quadrics: NDArray[np.float64],
    points: NDArray[np.float64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the mean squared distance of ``end`` from the planes of ``start``, mm^2."""
    xx, xy, xz, yy, yz, zz, dx, dy, dz, dd, area = (column[start] for column in quadrics.T)
    x, y, z = (column[end] for column in points.T)
    sums = (
        x * (xx * x + 2 * (xy * y + xz * z + dx))
        + y * (yy * y + 2 * (yz * z + dy))
        + z * (zz * z + 2 * dz)
        + dd
    )
    squares: NDArray[np.float64] = np.maximum(sums, 0.0) / np.maximum(area, 1e-12)
    return squares


def _merges(
    points: NDArray[np.float64],
    triangles: NDArray[np.int64],
    labels: NDArray[np.int32],
    quadrics: NDArray[np.float64],
    limit: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return for each vertex where it goes in this round: most stay, shape (V,)."""
    n = len(points)
    start = triangles.ravel()
    end = np.roll(triangles, -1, axis=1).ravel()
    is_border, n_borders = _borders(start, end, np.repeat(labels, 3), n)
    may = np.where(is_border, n_borders[start] == 2, n_borders[start] == 0)
    cost = np.full(len(start), np.inf)
    cost[may] = _mean_squares(quadrics, points, start[may], end[may])
    cost[is_border] += _border_move(points, start, end, is_border)
    cost[cost > limit] = np.inf
    best = np.full(n, np.inf)
    np.minimum.at(best, start, cost)
    target = np.arange(n)
    chosen = np.isfinite(cost) & (cost == best[start])
    target[start[chosen]] = end[chosen]
    goes = np.isfinite(best)
    # Of neighbours that both could go, one goes: the one that is first in a shuffled order.
    order = np.where(goes, rng.permutation(n), n)
    first_neighbour = np.full(n, n)
    np.minimum.at(first_neighbour, start, order[end])
    np.minimum.at(first_neighbour, end, order[start])
    goes &= order < first_neighbour
    target[~goes] = np.flatnonzero(~goes)
    return _without_flips(points, triangles, target)


def _borders(
    start: NDArray[np.int64], end: NDArray[np.int64], labels: NDArray[np.int32], n: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Tell which sides of triangles lie between two labels, and how many borders meet in a vertex.

    Sides that are not met by exactly one other count as borders too: there the surface touches
    itself.
    """
    key = np.minimum(start, end) * n + np.maximum(start, end)
    order = np.argsort(key, kind="stable")
    sorted_key, sorted_labels = key[order], labels[order]
    first = np.flatnonzero(np.concatenate([[True], sorted_key[1:] != sorted_key[:-1]]))
    count = np.diff(np.append(first, len(key)))
    other = np.minimum(first + 1, len(key) - 1)
    between = (count != 2) | (sorted_labels[first] != sorted_labels[other])
    is_border = np.empty(len(key), dtype=bool)
    is_border[order] = np.repeat(between, count)
    ends = np.concatenate([start[order][first[between]], end[order][first[between]]])
    return is_border, np.bincount(ends, minlength=n)


def _border_move(
    points: NDArray[np.float64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    is_border: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return how far a border moves when its vertex ``start`` goes to ``end``, mm^2.

    The squared distance of the vertex from the line between its two neighbours on the border;
    where other than two borders meet, it means nothing. Of shape (number of sides on borders,).
    """
    # Both directions of a side are there: each vertex meets either neighbour once as ``end``.
    sums = np.stack(
        [
            np.bincount(start[is_border], points[end[is_border], axis], minlength=len(points))
            for axis in range(3)
        ],
        axis=1,
    )
    here, there = points[start[is_border]], points[end[is_border]]
    other = sums[start[is_border]] - there
    along = other - there
    length = np.maximum((along**2).sum(axis=1), 1e-12)
    part = np.clip(((here - there) * along).sum(axis=1) / length, 0, 1)
    off = here - there - part[:, None] * along
    move: NDArray[np.float64] = (off**2).sum(axis=1)
    return move


def _without_flips(
    points: NDArray[np.float64], triangles: NDArray[np.int64], target: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Leave out the merges that would turn a triangle too far."""
    moved = target[triangles]
    goes = moved != triangles
    touched = np.flatnonzero(goes.any(axis=1))
    a, b, c = moved[touched].T
    touched = touched[(a != b) & (b != c) & (c != a)]
    before = _doubled_normals(points[triangles[touched]])
    after = _doubled_normals(points[moved[touched]])
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    bad = (before * after).sum(axis=1) <= _LEAST_COSINE * lengths
    stays = triangles[touched[bad]][goes[touched[bad]]]
    target[stays] = stays
    return target


def _doubled_normals(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return normals of triangles, shape (T, 3, 3), as long as twice their area, shape (T, 3)."""
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.cross(one, other)
