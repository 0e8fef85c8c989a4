"""The state of the brain views: what follows from selecting, hiding and changing the scale."""

from __future__ import annotations

import numpy as np
import pytest

from music_gui.core.atlas import Atlas, AtlasScale
from music_gui.core.grid import Grid
from music_gui.state.background import Background
from music_gui.state.brain_scene import BrainScene
from music_gui.state.region_surfaces import RegionSurfaces


@pytest.fixture
def atlas() -> Atlas:
    """Four slabs along x at C4 (the fourth has vanished), two halves at C2; 3 mm, LAS."""
    affine = np.diag([-3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = [30.0, -20.0, -10.0]
    fine = np.zeros((12, 10, 8), dtype=np.int32)
    for label in (1, 2, 3):
        fine[3 * label - 1 : 3 * label + 2, 2:8, 2:6] = label
    coarse = np.where(fine == 3, 2, np.minimum(fine, 1)).astype(np.int32)
    return Atlas(
        "test", Grid(fine.shape, affine), {2: AtlasScale(2, coarse), 4: AtlasScale(4, fine)}
    )


@pytest.fixture
def scene(atlas: Atlas) -> BrainScene:
    scene = BrainScene()
    scene.show_atlas(atlas, 4)
    return scene


@pytest.fixture
def surfaces(scene: BrainScene) -> RegionSurfaces:
    return RegionSurfaces(scene, Background(lambda call: call(), inline=True))


def test_selecting_a_psc_sends_the_crosshair_into_it(scene: BrainScene) -> None:
    scene.select("C4_2")
    assert scene.psc_at_crosshair == "C4_2"


def test_a_click_beside_a_psc_sends_the_crosshair_to_its_nearest_voxel(scene: BrainScene) -> None:
    # C4_2 fills i = 5..7, so x = 30 - 3 i = 9..15 at the voxel centres.
    scene.look_at_psc("C4_2", (40.0, 0.0, 0.0))
    assert scene.selected == "C4_2"
    assert scene.crosshair == (15.0, 1.0, -1.0)
    assert scene.psc_at_crosshair == "C4_2"


def test_looking_at_a_vanished_psc_leaves_the_crosshair(scene: BrainScene) -> None:
    scene.crosshair = (1.0, 2.0, 3.0)
    scene.look_at_psc("C4_4", (0.0, 0.0, 0.0))
    assert scene.selected == "C4_4"
    assert scene.crosshair == (1.0, 2.0, 3.0)


def test_a_step_in_scale_keeps_the_place(scene: BrainScene) -> None:
    scene.select("C4_3")
    scene.step_scale(-1)
    assert (scene.scale, scene.selected) == (2, "C2_2")


def test_hidden_pscs_stay_hidden_when_the_scale_changes_and_comes_back(scene: BrainScene) -> None:
    scene.hide("C4_1")
    scene.set_scale(2)
    scene.set_scale(4)
    assert scene.hidden == {"C4_1"}


def test_the_selected_psc_gets_a_surface_with_its_volume_at_its_place(
    scene: BrainScene, surfaces: RegionSurfaces, atlas: Atlas
) -> None:
    scene.select("C4_2")
    surface = scene.selected_surface
    np.testing.assert_allclose(
        surface.vertices.mean(axis=0), atlas.grid.to_world(np.array([6, 4.5, 3.5])), atol=0.1
    )
    assert surface.volume == pytest.approx(3 * 6 * 4 * 27.0, rel=0.1)  # smoothed
    scene.select(None)
    assert scene.selected_surface is None


def test_a_vanished_psc_has_no_surface(scene: BrainScene, surfaces: RegionSurfaces) -> None:
    scene.select("C4_1")
    scene.select("C4_4")
    assert scene.selected_surface is None


def test_hiding_a_psc_shows_what_lay_behind_it(scene: BrainScene, surfaces: RegionSurfaces) -> None:
    scene.hide("C4_1")
    assert set(scene.shown_surface.labels) == {2, 3}
    # Its wall towards the hidden neighbour is there: the face between i = 4 and 5 at x = 16.5.
    assert scene.shown_surface.vertices[:, 0].max() == pytest.approx(16.5, abs=1.0)
    scene.show_all()
    assert scene.shown_surface is None


def test_showing_one_psc_only_or_none_at_all_works(
    scene: BrainScene, surfaces: RegionSurfaces
) -> None:
    scene.show_only("C4_3")
    assert set(scene.shown_surface.labels) == {3}
    scene.hide("C4_3")
    assert scene.shown_surface is None


def test_the_surfaces_follow_the_scale(scene: BrainScene, surfaces: RegionSurfaces) -> None:
    scene.hide("C4_1")
    scene.set_scale(2)
    assert scene.shown_surface is None
    scene.set_scale(4)
    assert set(scene.shown_surface.labels) == {2, 3}


def test_reset_is_heard_by_all_views(scene: BrainScene) -> None:
    heard = []
    scene.view_reset.connect(lambda: heard.append("slices"))
    scene.view_reset.connect(lambda: heard.append("3D"))
    scene.view_reset.emit()
    assert heard == ["slices", "3D"]


def test_several_pscs_are_selected_together_and_one_by_one_again(scene: BrainScene) -> None:
    scene.select("C4_1")
    scene.toggle_selected("C4_2")
    scene.toggle_selected("C4_3")
    assert (scene.selected, scene.selection) == ("C4_3", {"C4_1", "C4_2", "C4_3"})
    scene.toggle_selected("C4_1")
    assert (scene.selected, scene.selection) == ("C4_3", {"C4_2", "C4_3"})
    scene.toggle_selected("C4_3")
    assert (scene.selected, scene.selection) == ("C4_2", {"C4_2"})
    scene.toggle_selected("C4_2")
    assert (scene.selected, scene.selection) == (None, frozenset())


def test_selecting_one_psc_leaves_the_others(scene: BrainScene) -> None:
    for leave in (
        lambda: scene.select("C4_2"),
        lambda: scene.look_at_psc("C4_2", (0.0, 0.0, 0.0)),
        lambda: setattr(scene, "selected", "C4_3"),
    ):
        scene.select("C4_1")
        scene.toggle_selected("C4_2")
        leave()
        assert scene.selection == {scene.selected}
    scene.toggle_selected("C4_1")
    scene.set_scale(2)
    assert scene.also_selected == frozenset()


def test_all_selected_pscs_have_their_surface_with_their_labels(
    scene: BrainScene, surfaces: RegionSurfaces
) -> None:
    scene.select("C4_1")
    scene.toggle_selected("C4_3")
    surface = scene.selected_surface
    assert set(surface.labels) == {1, 3}
    # 3 x 6 x 4 voxels of 27 mm^3 each.
    assert surface.volume == pytest.approx(2 * 72 * 27, rel=0.02)
    scene.toggle_selected("C4_3")
    assert set(scene.selected_surface.labels) == {1}


def test_hiding_can_be_taken_back_step_by_step(scene: BrainScene) -> None:
    assert not scene.can_undo_hiding
    scene.hide("C4_1", "C4_2")
    scene.show_only("C4_1")
    assert scene.hidden == {"C4_2", "C4_3", "C4_4"}
    scene.show_all()
    assert not scene.hidden
    for before in ({"C4_2", "C4_3", "C4_4"}, {"C4_1", "C4_2"}, frozenset()):
        scene.undo_hiding()
        assert scene.hidden == before
    assert not scene.can_undo_hiding
    scene.undo_hiding()
    assert not scene.hidden


def test_showing_all_concerns_one_scale(scene: BrainScene) -> None:
    scene.hide("C4_1")
    scene.set_scale(2)
    scene.hide("C2_2")
    scene.show_all()
    assert scene.hidden == {"C4_1"}


def test_another_atlas_starts_with_nothing_hidden(scene: BrainScene, atlas: Atlas) -> None:
    scene.hide("C4_1")
    scene.show_atlas(atlas, 4)
    assert scene.hidden == {"C4_1"}
    scene.show_atlas(Atlas("other", atlas.grid, atlas.scales), 4)
    assert not scene.hidden
    assert not scene.can_undo_hiding
