"""Cuts through the brain in 3D: what is kept, what is seen on the face, what a ray meets."""

from __future__ import annotations

import numpy as np
import pytest

from music_gui.core.atlas import Atlas, AtlasScale
from music_gui.core.grid import Grid
from music_gui.core.surface import build_label_surface
from music_gui.state.cut_face import STEP_MM, cut_face, occupancy
from music_gui.state.surface_picker import SurfacePicker
from music_gui.state.view_3d import Camera, CutPlane, View3D, kept_span
from music_gui.state.visible_picking import first_visible

#: Storage orders of the same world; the last is tilted by 20 degrees about z.
ORIENTATIONS = ("RAS", "LAS", "LPS", "tilted")


def grid_of(orientation: str, n: int = 24, step: float = 2.0) -> Grid:
    """A cube of voxels around the origin of world space."""
    signs = {"LAS": (-1, 1, 1), "LPS": (-1, -1, 1)}.get(orientation, (1, 1, 1))
    matrix = np.diag(np.array(signs) * step)
    if orientation == "tilted":
        cos, sin = np.cos(np.deg2rad(20)), np.sin(np.deg2rad(20))
        matrix = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ matrix
    affine = np.eye(4)
    affine[:3, :3] = matrix
    affine[:3, 3] = -matrix @ np.full(3, (n - 1) / 2)
    return Grid((n, n, n), affine)


def ball(grid: Grid) -> np.ndarray:
    """A ball of 20 mm around the origin; 1 left, 2 right, 3 within 8 mm of the middle."""
    world = grid.to_world(np.stack(np.indices(grid.shape), axis=-1))
    radius = np.linalg.norm(world, axis=-1)
    labels = np.where(world[..., 0] < 0, 1, 2)
    labels[radius < 8] = 3
    labels[radius > 20] = 0
    return labels.astype(np.int32)


ALL = np.array([False, True, True, True])


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_face_shows_the_same_anatomy_in_every_storage_order(orientation: str) -> None:
    grid = grid_of(orientation)
    face = cut_face(ball(grid), grid, ALL, CutPlane(2, 0.3))
    assert [face.label_at(np.array([x, 2.0, 0.3])) for x in (-14, 0, 14, -30, 300)] == [
        1,
        3,
        2,
        0,
        0,
    ]
    # The discs have the area of circles of 20 and of 8 mm.
    assert (face.labels > 0).sum() * STEP_MM**2 == pytest.approx(np.pi * 20**2, rel=0.03)
    assert (face.labels == 3).sum() * STEP_MM**2 == pytest.approx(np.pi * 8**2, rel=0.08)


def test_the_rim_of_a_face_is_smoother_than_the_voxels() -> None:
    grid = grid_of("RAS", n=14, step=4.0)
    face = cut_face(ball(grid), grid, ALL, CutPlane(2, 0.0))
    world = face.corners()[0, 0, :2] + 0.5 + np.argwhere(face.labels > 0)
    # The voxels themselves reach out to 23 mm: the corner of one whose centre is at 20 mm.
    assert np.linalg.norm(world, axis=1).max() < 21.5


def test_hidden_labels_leave_holes_in_the_face() -> None:
    grid = grid_of("LPS")
    face = cut_face(ball(grid), grid, np.array([False, True, True, False]), CutPlane(0, -4.0))
    assert face.label_at(np.array([-4.0, 0.0, 0.0])) == 0
    assert face.label_at(np.array([-4.0, 14.0, 0.0])) == 1


def test_a_face_is_cut_by_the_other_planes() -> None:
    grid = grid_of("RAS")
    other = CutPlane(0, 5.0, keeps_high=False)
    face = cut_face(ball(grid), grid, ALL, CutPlane(2, 0.0), (other,))
    assert face.label_at(np.array([10.0, 0.0, 0.0])) == 0
    assert face.label_at(np.array([-10.0, 0.0, 0.0])) == 1


def test_corners_of_a_face_lie_in_its_plane_around_the_samples() -> None:
    grid = grid_of("RAS")
    face = cut_face(ball(grid), grid, ALL, CutPlane(1, 3.0))
    corners = face.corners()
    np.testing.assert_allclose(corners[..., 1], 3.0)
    size = corners[1, 1] - corners[0, 0]
    np.testing.assert_allclose(size[[0, 2]], np.array(face.labels.shape) * STEP_MM)


def test_a_ray_meets_the_face_then_what_lies_behind_a_hole() -> None:
    grid = grid_of("RAS")
    labels = ball(grid)
    hidden = np.array([False, False, False, True])
    shown = np.where(labels == 3, 0, labels)
    picker = SurfacePicker(build_label_surface(shown, grid))
    plane = CutPlane(0, -4.0, keeps_high=True)
    face = cut_face(labels, grid, ~hidden & ALL, plane)
    from_left = np.array([1.0, 0.0, 0.0])

    def meets(y: float) -> tuple[int, float] | None:
        hit = first_visible(np.array([-100.0, y, 0.3]), from_left, picker, hidden, [face])
        return None if hit is None else (hit.label, round(float(hit.point[0]), 1))

    assert meets(14.0) == (1, -4.0)  # the face, not the surface 10 mm in front of it
    label, x = meets(0.3) or (0, 0.0)  # through the hole to the far wall of the hollow
    assert label == 2
    assert x == pytest.approx(8.0, abs=1.0)
    assert meets(30.0) is None


def test_what_is_cut_away_is_not_met_from_behind_either() -> None:
    grid = grid_of("RAS")
    picker = SurfacePicker(build_label_surface(ball(grid), grid))
    plane = CutPlane(0, 0.0, keeps_high=False)
    face = cut_face(ball(grid), grid, ALL, plane)
    nothing = np.zeros(4, dtype=bool)
    hit = first_visible(
        np.array([100.0, 14.3, 0.3]), np.array([-1.0, 0, 0]), picker, nothing, [face]
    )
    assert hit is not None
    assert hit.label in (1, 2)
    assert hit.point[0] == pytest.approx(0.0)
    hit = first_visible(
        np.array([-100.0, 14.3, 0.3]), np.array([1.0, 0, 0]), picker, nothing, [face]
    )
    assert hit is not None
    assert hit.label == 1
    # Along the cut, on the side that is gone.
    ray = np.array([0.0, 1.0, 0.0])
    assert first_visible(np.array([5.0, -100, 0]), ray, picker, nothing, [face]) is None


def test_the_kept_part_of_a_ray_is_what_all_planes_keep() -> None:
    planes = (CutPlane(0, 2.0), CutPlane(0, 9.0, keeps_high=False), CutPlane(1, 0.0))
    near, far, entry = kept_span(np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0]), planes)
    assert (near, far, entry) == (2.0, 9.0, planes[0])
    near, far, _ = kept_span(np.array([0.0, -1.0, 0.0]), np.array([1.0, 0.0, 0.0]), planes)
    assert near > far
    assert kept_span(np.zeros(3), np.array([0.0, 0.0, 1.0]), ())[:2] == (0.0, float("inf"))


def test_cuts_follow_the_crosshair_when_asked_to() -> None:
    view = View3D()
    view.set_cut(CutPlane(2, 10.0))
    view.set_cut(CutPlane(0, -3.0))
    view.set_cut(CutPlane(2, 12.0, keeps_high=False))
    assert view.cuts == (CutPlane(0, -3.0), CutPlane(2, 12.0, keeps_high=False))
    assert view.planes((1.0, 2.0, 3.0)) == view.cuts
    view.cuts_follow_crosshair = True
    assert view.planes((1.0, 2.0, 3.0)) == (CutPlane(0, 1.0), CutPlane(2, 3.0, keeps_high=False))
    view.remove_cut(0)
    assert view.cut(0) is None


def test_the_camera_stays_for_the_same_atlas_and_is_forgotten_for_another() -> None:
    view, grid = View3D(), grid_of("RAS")
    atlas = Atlas("one", grid, {3: AtlasScale(3, ball(grid))})
    camera = Camera((0.0, -300.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    view.on_atlas(atlas)
    view.camera = camera
    view.on_atlas(None)
    view.on_atlas(Atlas("one", grid, atlas.scales))  # read again after a job
    assert view.camera == camera
    view.on_atlas(Atlas("two", grid, atlas.scales))
    assert view.camera is None


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_with_the_occupancy_the_rim_is_a_circle_in_every_storage_order(orientation: str) -> None:
    grid = grid_of(orientation, n=16, step=3.0)
    labels = ball(grid)
    face = cut_face(labels, grid, ALL, CutPlane(2, 0.0), inside=occupancy(labels, ALL))
    rim = face.labels.astype(bool)
    rim &= ~(rim[np.clip(np.arange(len(rim)) + 1, 0, len(rim) - 1)] & np.roll(rim, 1, axis=0))
    world = face.corners()[0, 0, :2] + 0.5 + np.argwhere(rim)
    # Voxels of 3 mm: their corners lie up to 2.1 mm off the circle that their centres are in.
    assert np.abs(np.linalg.norm(world, axis=1) - 20).max() < 2.0
    assert (face.labels > 0).sum() * STEP_MM**2 == pytest.approx(np.pi * 20**2, rel=0.05)


def test_a_fissure_one_voxel_wide_stays_open() -> None:
    grid = grid_of("RAS")
    labels = ball(grid)
    labels[12] = 0  # 0 < x < 2
    face = cut_face(labels, grid, ALL, CutPlane(2, 0.0), inside=occupancy(labels, ALL))
    assert face.label_at(np.array([1.0, 10.0, 0.0])) == 0
    assert face.label_at(np.array([4.0, 12.0, 0.0])) == 2
