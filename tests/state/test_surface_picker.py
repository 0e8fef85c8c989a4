"""What a ray meets first, on shapes with known answers and against trying every triangle."""

from __future__ import annotations

import numpy as np
import pytest

from music_gui.core.grid import Grid
from music_gui.core.surface import LabelSurface, build_label_surface
from music_gui.state.surface_picker import SurfacePicker

#: Storage orders of the same world: scanner files come in all of them.
ORIENTATIONS = {
    "RAS": np.diag([2.0, 2.0, 2.0, 1.0]),
    "LAS": np.diag([-2.0, 2.0, 2.0, 1.0]),
    "LPS": np.diag([-2.0, -2.0, 2.0, 1.0]),
}


def two_boxes(affine: np.ndarray) -> SurfacePicker:
    """Label 1 fills x < 0 and label 2 fills x > 0 of a box around the origin of world space."""
    grid = Grid((12, 12, 12), affine.copy())
    grid.affine[:3, 3] = -affine[:3, :3] @ np.array([5.5, 5.5, 5.5])
    ijk = np.stack(np.indices(grid.shape), axis=-1)
    world = grid.to_world(ijk)
    labels = np.where(world[..., 0] < 0, 1, 2).astype(np.int32)
    labels[(np.abs(world) > 8).any(axis=-1)] = 0
    return SurfacePicker(build_label_surface(labels, grid, rounds=0))


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_the_nearest_label_is_met_whatever_the_storage_order(name: str) -> None:
    picker = two_boxes(ORIENTATIONS[name])
    from_left = picker.first_hit(np.array([-100.0, 1.3, 0.7]), np.array([2.0, 0.0, 0.0]))
    from_right = picker.first_hit(np.array([100.0, 1.3, 0.7]), np.array([-1.0, 0.0, 0.0]))
    assert from_left is not None
    assert from_right is not None
    assert (from_left.label, from_right.label) == (1, 2)
    np.testing.assert_allclose(from_left.point, [-8, 1.3, 0.7], atol=1e-5)
    np.testing.assert_allclose(from_right.point, [8, 1.3, 0.7], atol=1e-5)


def test_a_hidden_label_is_looked_through() -> None:
    picker = two_boxes(ORIENTATIONS["RAS"])
    hidden = np.array([False, True, False])
    hit = picker.first_hit(np.array([-100.0, 1.3, 0.7]), np.array([1.0, 0.0, 0.0]), hidden)
    assert hit is not None
    assert hit.label == 2


def test_a_ray_that_misses_or_points_away_meets_nothing() -> None:
    picker = two_boxes(ORIENTATIONS["RAS"])
    assert picker.first_hit(np.array([-100.0, 20.0, 0.0]), np.array([1.0, 0.0, 0.0])) is None
    assert picker.first_hit(np.array([-100.0, 1.0, 0.0]), np.array([-1.0, 0.0, 0.0])) is None
    everything = np.array([True, True, True])
    ray = np.array([1.0, 0.0, 0.0])
    assert picker.first_hit(np.array([-100.0, 1.0, 0.0]), ray, everything) is None


def test_the_quick_search_agrees_with_trying_every_triangle() -> None:
    rng = np.random.default_rng(5)
    labels = np.zeros((14, 15, 16), dtype=np.int32)
    labels[2:12, 2:13, 2:14] = rng.integers(0, 6, (10, 11, 12))
    surface = build_label_surface(labels, Grid(labels.shape, np.diag([1.5, -2.0, 3.0, 1.0])))
    picker = SurfacePicker(surface)
    middle = surface.vertices.mean(axis=0)
    for _ in range(40):
        direction = rng.normal(size=3)
        origin = middle + rng.normal(size=3) * 4 - 80 * direction / np.linalg.norm(direction)
        hit = picker.first_hit(origin, direction)
        expected = _nearest_by_plane_equations(surface, origin, direction)
        assert (hit is None) == (expected is None)
        if hit is not None and expected is not None:
            np.testing.assert_allclose(hit.point, expected, atol=1e-3)


def _nearest_by_plane_equations(
    surface: LabelSurface, origin: np.ndarray, direction: np.ndarray
) -> np.ndarray | None:
    """Solve origin + t direction = a + u (b - a) + v (c - a) for each triangle by itself."""
    a, b, c = surface.vertices[surface.triangles].astype(np.float64).transpose(1, 0, 2)
    matrices = np.stack([b - a, c - a, np.broadcast_to(-direction, a.shape)], axis=2)
    regular = np.abs(np.linalg.det(matrices)) > 1e-12
    u, v, t = np.linalg.solve(matrices[regular], (origin - a[regular])[..., None])[..., 0].T
    met = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)
    return origin + t[met].min() * direction if met.any() else None
