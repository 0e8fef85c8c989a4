"""Fewer triangles: the surface, its borders and its labels stay where they are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from music_gui.core.grid import Grid
from music_gui.core.surface import LabelSurface, build_label_surface, thinned


@pytest.fixture(scope="module")
def surface() -> LabelSurface:
    """A ball of 30 mm in eight octants."""
    n = 36
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = -(n - 1.0)
    grid = Grid((n, n, n), affine)
    world = grid.to_world(np.stack(np.indices(grid.shape), axis=-1))
    labels = 1 + (world[..., 0] > 0) + 2 * (world[..., 1] > 0) + 4 * (world[..., 2] > 0)
    labels[np.linalg.norm(world, axis=-1) > 30] = 0
    return build_label_surface(labels.astype(np.int32), grid)


@pytest.fixture(scope="module")
def thin(surface: LabelSurface) -> tuple[LabelSurface, np.ndarray]:
    return thinned(surface)


def edge_counts(surface: LabelSurface) -> np.ndarray:
    sides = np.sort(surface.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    return np.unique(sides, axis=0, return_counts=True)[1]


def areas(surface: LabelSurface) -> np.ndarray:
    a, b, c = surface.vertices[surface.triangles].transpose(1, 0, 2).astype(np.float64)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    return np.bincount(surface.labels, area)


def test_most_triangles_go_and_the_surface_stays_closed(surface, thin) -> None:
    assert len(thin[0].triangles) < 0.35 * len(surface.triangles)
    assert (edge_counts(thin[0]) == 2).all()


def test_the_shape_stays(surface, thin) -> None:
    assert thin[0].volume == pytest.approx(surface.volume, rel=0.01)
    # Points all over the thinned triangles lie on the sphere still.
    weights = np.random.default_rng(0).dirichlet((1, 1, 1), 4)
    points = np.einsum("wk,tkc->twc", weights, thin[0].vertices[thin[0].triangles]).reshape(-1, 3)
    nearest, _ = cKDTree(surface.vertices).query(points)
    assert nearest.max() < 2.0  # vertices are 2 mm apart
    before = np.linalg.norm(surface.vertices, axis=1)
    radius = np.linalg.norm(points, axis=1)
    assert before.min() - 0.9 < radius.min() <= radius.max() < before.max() + 0.1


def test_every_label_keeps_its_area_and_its_border(surface, thin) -> None:
    np.testing.assert_allclose(areas(thin[0])[1:], areas(surface)[1:], rtol=0.02)
    centres = thin[0].vertices[thin[0].triangles].mean(axis=1)
    octant = 1 + (centres > 0) @ [1, 2, 4]
    off = np.abs(centres).min(axis=1)[octant != thin[0].labels]
    assert off.max(initial=0.0) < 1.0


def test_vertices_are_some_of_those_that_were(surface, thin) -> None:
    np.testing.assert_array_equal(thin[0].vertices, surface.vertices[thin[1]])


def test_no_triangle_is_turned_inside_out(thin) -> None:
    a, b, c = thin[0].vertices[thin[0].triangles].transpose(1, 0, 2)
    assert ((np.cross(b - a, c - a) * (a + b + c)).sum(axis=1) > 0).all()


def test_the_same_surface_is_thinned_the_same_way(surface, thin) -> None:
    np.testing.assert_array_equal(thinned(surface)[0].triangles, thin[0].triangles)


def test_a_single_voxel_stands_it() -> None:
    labels = np.zeros((3, 3, 3), dtype=np.int32)
    labels[1, 1, 1] = 1
    thin, _ = thinned(build_label_surface(labels, Grid((3, 3, 3), np.eye(4))))
    assert len(thin.triangles) >= 4
    assert thin.volume > 0
