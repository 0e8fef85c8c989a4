"""The same anatomy must lie at the same place in the slices, however the image is stored."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from music_gui.core.grid import Grid
from music_gui.state.slice_sampler import PLANE_AXES, SliceSampler, grey_levels

#: World mm of the marked voxel of the phantom.
MARK = np.array([21.0, -14.0, 8.0])


def phantom() -> tuple[np.ndarray, Grid]:
    """RAS, 2 x 3 x 4 mm, without any symmetry; one voxel at `MARK` holds 99."""
    shape = (20, 16, 12)
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = [-11.0, -32.0, -20.0]
    data = np.random.default_rng(2).integers(1, 40, shape).astype(np.int32)
    data[16, 6, 7] = 99
    return data, Grid(shape, affine)


def stored_as(order: str, data: np.ndarray, grid: Grid) -> tuple[np.ndarray, Grid]:
    """Store the same image with other voxel axes, for example "LPS" or "ASL"."""
    axes = [
        ["LR", "PA", "IS"].index(pair) for c in order for pair in ("LR", "PA", "IS") if c in pair
    ]
    signs = [1 if c in "RAS" else -1 for c in order]
    affine = grid.affine[:, [*axes, 3]].copy()
    stored = data.transpose(axes)
    for axis, sign in enumerate(signs):
        if sign < 0:
            affine[:3, 3] += affine[:3, axis] * (stored.shape[axis] - 1)
            affine[:3, axis] *= -1
            stored = np.flip(stored, axis)
    i, j, k = stored.shape
    return np.ascontiguousarray(stored), Grid((i, j, k), affine)


@pytest.mark.parametrize("order", ["RAS", "LAS", "LPS", "RPI", "ASL", "IPR"])
def test_every_storage_order_gives_the_same_planes(order: str) -> None:
    data, grid = phantom()
    reference = SliceSampler(data, grid)
    sampler = SliceSampler(*stored_as(order, data, grid))
    np.testing.assert_allclose(sampler.bounds, reference.bounds)
    np.testing.assert_allclose(sampler.spacing, [2, 3, 4])
    for axis in range(3):
        np.testing.assert_array_equal(
            sampler.plane(axis, MARK[axis]), reference.plane(axis, MARK[axis])
        )
    assert sampler.value(MARK) == 99


@pytest.mark.parametrize("axis", range(3))
def test_the_marked_voxel_lies_where_the_world_says(axis: int) -> None:
    sampler = SliceSampler(*phantom())
    plane = sampler.plane(axis, MARK[axis])
    where = np.argwhere(plane == 99)
    assert len(where) == 1
    for place, world in zip(where[0], PLANE_AXES[axis], strict=True):
        middle = sampler.bounds[world, 0] + (place + 0.5) * sampler.spacing[world]
        assert middle == pytest.approx(MARK[world])


def test_a_voxel_reaches_half_its_size_to_both_sides() -> None:
    sampler = SliceSampler(*phantom())
    assert (sampler.plane(0, 21.0 - 0.99) == 99).any()
    assert (sampler.plane(0, 21.0 + 0.99) == 99).any()
    assert not (sampler.plane(0, 21.0 - 1.01) == 99).any()
    assert not (sampler.plane(0, 21.0 + 1.01) == 99).any()


def test_outside_of_the_image_the_plane_is_empty() -> None:
    sampler = SliceSampler(*phantom())
    assert sampler.plane(2, 500.0).shape == (20, 16)
    assert not sampler.plane(2, 500.0).any()
    assert sampler.value(np.array([500.0, 0.0, 0.0])) is None


def test_the_content_is_what_is_not_zero() -> None:
    data, grid = phantom()
    only_mark = np.where(data == 99, 99, 0)
    for order in ("RAS", "LPS", "ASL"):
        sampler = SliceSampler(*stored_as(order, only_mark, grid))
        np.testing.assert_allclose(sampler.content, [[20, 22], [-15.5, -12.5], [6, 10]])
    empty = SliceSampler(np.zeros_like(data), grid)
    np.testing.assert_array_equal(empty.content, empty.bounds)


def tilted(shape: tuple[int, int, int] = (24, 20, 18)) -> Grid:
    """2 mm voxels, turned by 20 degrees about z and 10 about x."""
    a, b = np.deg2rad([20, 10])
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x @ np.diag([-2.0, 2.0, 2.0])
    affine[:3, 3] = -affine[:3, :3] @ (np.array(shape) / 2) + [5.0, -12.0, 3.0]
    return Grid(shape, affine)


@pytest.mark.parametrize("axis", range(3))
def test_tilted_labels_are_those_of_the_nearest_voxel(axis: int) -> None:
    grid = tilted()
    labels = np.random.default_rng(3).integers(1, 500, grid.shape).astype(np.int32)
    sampler = SliceSampler(labels, grid)
    plane = sampler.plane(axis, 4.0)
    u, v = PLANE_AXES[axis]
    assert (plane > 0).mean() > 0.3
    for iu, iv in np.argwhere(plane >= 0)[::37]:
        point = np.full(3, 4.0)
        point[u] = sampler.bounds[u, 0] + (iu + 0.5) * sampler.spacing[u]
        point[v] = sampler.bounds[v, 0] + (iv + 0.5) * sampler.spacing[v]
        i, j, k = np.rint(grid.to_voxel(point)).astype(int)
        inside = all(0 <= n < size for n, size in zip((i, j, k), grid.shape, strict=True))
        assert plane[iu, iv] == (labels[i, j, k] if inside else 0)
    assert set(np.unique(plane)) <= set(np.unique(labels)) | {0}


def test_a_tilted_linear_ramp_stays_the_ramp() -> None:
    grid = tilted()
    world = grid.to_world(np.stack(np.indices(grid.shape), axis=-1))
    ramp = (100 + world[..., 1]).astype(np.float32)
    plane = SliceSampler(ramp, grid, linear=True).plane(2, 3.0)
    sampler = SliceSampler(ramp, grid, linear=True)
    y = sampler.bounds[1, 0] + (np.arange(plane.shape[1]) + 0.5) * sampler.spacing[1]
    interior = _inside_by_a_voxel(sampler, grid)
    np.testing.assert_allclose(
        plane[interior], (100 + y)[None, :].repeat(len(plane), 0)[interior], atol=1e-3
    )
    assert interior.sum() > 100


def _inside_by_a_voxel(sampler: SliceSampler, grid: Grid) -> np.ndarray:
    x = sampler.bounds[0, 0] + (np.arange(sampler._n[0]) + 0.5) * sampler.spacing[0]
    y = sampler.bounds[1, 0] + (np.arange(sampler._n[1]) + 0.5) * sampler.spacing[1]
    points = np.stack(np.broadcast_arrays(x[:, None], y[None, :], 3.0), axis=-1)
    voxel = grid.to_voxel(points)
    ones = map_coordinates(np.ones(grid.shape), voxel.reshape(-1, 3).T, order=0, cval=0.0)
    near_edge = ((voxel < 1) | (voxel > np.array(grid.shape) - 2)).any(axis=-1)
    return (ones.reshape(voxel.shape[:2]) > 0) & ~near_edge


def test_the_rounding_of_a_real_header_does_not_make_an_image_tilted() -> None:
    data, grid = phantom()
    grid.affine[0, 1] = 1e-4
    assert SliceSampler(data, grid)._turned is not None
    grid.affine[0, 1] = 0.2
    assert SliceSampler(data, grid)._turned is None


def test_grey_levels_run_from_black_at_zero_to_white() -> None:
    data = np.array([[-5.0, 0.0, np.nan, np.inf], *np.linspace(1, 1000, 400).reshape(100, 4)])
    grey = grey_levels(data)
    assert grey[0].tolist() == [0, 0, 0, 0]
    assert grey.max() == 255
    assert np.interp(500, [0, 995], [0, 255]) == pytest.approx(grey[50, 2], abs=2)
    assert not grey_levels(np.zeros((3, 3))).any()
