"""Surfaces of label images: closed, outward, where the labels are, in any orientation."""

from __future__ import annotations

import numpy as np
import pytest

from music_gui.core.errors import InputError
from music_gui.core.grid import Grid
from music_gui.core.surface import LabelSurface, build_label_surface, build_region_surface

SHAPE = (40, 44, 36)
AFFINE = np.array([[2.0, 0, 0, -40], [0, 2, 0, -44], [0, 0, 2, -36], [0, 0, 0, 1]])
GRID = Grid(SHAPE, AFFINE)
RADIUS_MM = 26.0


def world(grid: Grid) -> np.ndarray:
    return grid.to_world(np.stack(np.indices(grid.shape), axis=-1))


def ball(grid: Grid = GRID, radius: float = RADIUS_MM) -> np.ndarray:
    return np.linalg.norm(world(grid), axis=-1) <= radius


def halves(grid: Grid = GRID) -> np.ndarray:
    """A ball whose left half has label 3 and whose right half has label 7."""
    left = world(grid)[..., 0] < -0.9
    return np.where(ball(grid), np.where(left, 3, 7), 0)


def stored_as(labels: np.ndarray, affine: np.ndarray, axes: tuple[int, ...]):
    affine = affine.copy()
    for axis in axes:
        affine[:3, 3] += affine[:3, axis] * (labels.shape[axis] - 1)
        affine[:3, axis] *= -1
    return np.flip(labels, axes), Grid(labels.shape, affine)


def assert_closed_and_oriented(surface: LabelSurface) -> None:
    """Each side of a triangle is the side of another one, run through the other way."""
    sides = np.concatenate([surface.triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    n = len(surface.vertices)
    forth, back = sides[:, 0] * n + sides[:, 1], sides[:, 1] * n + sides[:, 0]
    np.testing.assert_array_equal(np.sort(forth), np.sort(back))


def test_a_ball_keeps_its_volume_and_is_round():
    mask = ball()
    surface = build_region_surface(mask, GRID)
    assert_closed_and_oriented(surface)
    assert surface.volume == pytest.approx(mask.sum() * 8, rel=1e-4)
    radii = np.linalg.norm(surface.vertices, axis=1)
    assert np.abs(radii - RADIUS_MM).max() < 1.3
    assert radii.std() < 0.5


def test_without_smoothing_the_volume_is_that_of_the_voxels():
    rng = np.random.default_rng(0)
    mask = rng.random((6, 7, 8)) < 0.4
    surface = build_region_surface(mask, Grid(mask.shape, AFFINE), rounds=0)
    assert_closed_and_oriented(surface)
    assert surface.volume == pytest.approx(mask.sum() * 8, rel=1e-5)


def test_the_normals_point_outwards_and_have_length_one():
    surface = build_region_surface(ball(), GRID)
    outwards = (surface.normals * surface.vertices).sum(axis=1)
    assert (outwards > 0.8 * np.linalg.norm(surface.vertices, axis=1)).all()
    np.testing.assert_allclose(np.linalg.norm(surface.normals, axis=1), 1, atol=1e-5)


def test_each_triangle_has_the_label_of_its_place():
    surface = build_label_surface(halves(), GRID)
    assert_closed_and_oriented(surface)
    assert set(surface.labels) == {3, 7}
    centres_x = surface.vertices[surface.triangles].mean(axis=1)[:, 0]
    assert centres_x[surface.labels == 3].max() < 0.5
    assert centres_x[surface.labels == 7].min() > -2.5


def test_the_border_between_labels_becomes_a_smooth_curve():
    x, y, _ = np.moveaxis(world(GRID), -1, 0)
    slanting = np.where(ball(), np.where(x + 0.7 * y < 0.1, 1, 2), 0)
    spread = {}
    for rounds in (0, 20):
        surface = build_label_surface(slanting, GRID, rounds=rounds)
        of_both = np.intersect1d(
            surface.triangles[surface.labels == 1], surface.triangles[surface.labels == 2]
        )
        border = surface.vertices[of_both]
        spread[rounds] = np.std((border[:, 0] + 0.7 * border[:, 1]) / np.hypot(1, 0.7))
    assert spread[20] < 0.7 * spread[0]


@pytest.mark.parametrize("axes", [(0,), (0, 1), (0, 1, 2)], ids=["LAS", "LPS", "LPI"])
@pytest.mark.parametrize("oblique", [False, True])
def test_the_same_anatomy_has_the_same_surface_however_it_is_stored(axes, oblique):
    affine = AFFINE.copy()
    if oblique:
        c, s = np.cos(0.4), np.sin(0.4)
        affine[:3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ affine[:3]
    labels = np.zeros(SHAPE, dtype=np.int32)
    labels[8:20, 10:30, 9:15] = 4
    labels[20:25, 12:20, 9:25] = 9
    one = build_label_surface(labels, Grid(SHAPE, affine))
    other = build_label_surface(*stored_as(labels, affine, axes))
    assert_closed_and_oriented(other)
    assert other.volume == pytest.approx(one.volume, rel=1e-3)
    assert other.volume > 0
    for label in (4, 9):
        centre = one.vertices[one.triangles[one.labels == label]].mean(axis=(0, 1))
        there = other.vertices[other.triangles[other.labels == label]].mean(axis=(0, 1))
        np.testing.assert_allclose(there, centre, atol=0.02)
    corners = [np.unique(np.round(s.vertices, 2), axis=0) for s in (one, other)]
    assert len(corners[0]) == len(corners[1])


def test_voxels_that_touch_along_an_edge_only_stay_apart():
    mask = np.zeros((4, 4, 4), dtype=bool)
    mask[1, 1, 1] = mask[2, 2, 1] = True
    surface = build_region_surface(mask, Grid(mask.shape, AFFINE))
    assert_closed_and_oriented(surface)
    assert len(surface.vertices) == 16


def test_a_pinhole_gets_the_label_around_it_and_a_fissure_stays_open():
    labels = np.full((9, 9, 9), 5, dtype=np.int32)
    labels[4, 4, 6:] = 0
    whole = build_label_surface(labels, Grid(labels.shape, AFFINE), rounds=0)
    assert whole.volume == pytest.approx(9**3 * 8)
    labels[4, :, 3:] = 0
    split = build_label_surface(labels, Grid(labels.shape, AFFINE), rounds=0)
    assert split.volume < (9**3 - 40) * 8


def test_a_label_at_the_edge_of_the_box_is_closed_too():
    surface = build_label_surface(np.ones((3, 3, 3), dtype=np.int32), Grid((3, 3, 3), AFFINE))
    assert_closed_and_oriented(surface)
    assert surface.volume > 0


def test_a_single_voxel_has_a_surface():
    mask = np.zeros((3, 3, 3), dtype=bool)
    mask[1, 1, 1] = True
    surface = build_region_surface(mask, Grid((3, 3, 3), AFFINE))
    assert_closed_and_oriented(surface)
    assert len(surface.triangles) == 12
    np.testing.assert_allclose(surface.vertices.mean(axis=0), [-38, -42, -34], atol=1e-5)
    assert surface.volume == pytest.approx(8, rel=1e-4)


def test_a_region_in_small_pieces_keeps_its_volume():
    mask = np.random.default_rng(0).random(SHAPE) < 0.01
    surface = build_region_surface(mask, GRID)
    assert_closed_and_oriented(surface)
    assert surface.volume == pytest.approx(mask.sum() * 8, rel=0.01)


def test_a_cavity_stays_one():
    mask = ball() & ~ball(radius=12)
    surface = build_region_surface(mask, GRID)
    assert surface.volume == pytest.approx(mask.sum() * 8, rel=0.001)
    radii = np.linalg.norm(surface.vertices, axis=1)
    assert radii.min() == pytest.approx(12, abs=1.5)


def test_nothing_has_no_surface():
    with pytest.raises(InputError, match="no voxel has a label"):
        build_label_surface(np.zeros((3, 3, 3), dtype=np.int32), Grid((3, 3, 3), AFFINE))
    with pytest.raises(InputError, match="no voxel has a label"):
        build_region_surface(np.zeros((3, 3, 3), dtype=bool), Grid((3, 3, 3), AFFINE))


def test_the_same_labels_give_the_same_surface():
    one, other = (build_label_surface(halves(), GRID) for _ in range(2))
    np.testing.assert_array_equal(one.vertices, other.vertices)
    np.testing.assert_array_equal(one.triangles, other.triangles)
