"""The brain views on the published atlas, where it stands beside the checkout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from music_gui.core.atlas import Atlas
from music_gui.core.surface import build_label_surface
from music_gui.views.brain.scene_3d import Scene3D
from music_gui.views.psc.psc_list import PscList

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "music_atlas"

pytestmark = [
    pytest.mark.gui,
    pytest.mark.shared_data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the published atlas is not on this machine"),
]

#: A PSC may lie this far from the smoothed surface that shows it.
_SMOOTHING_MM = 4.0


@pytest.fixture(scope="module")
def atlas(published: Atlas) -> Atlas:
    return published


@pytest.fixture
def scene_panel(qtbot, session, atlas, open_widget, working_driver):
    panel = open_widget(Scene3D(session), (800, 640))
    session.scene.show_atlas(atlas, 1024)
    session.scene.surface = build_label_surface(atlas.scales[1024].labels, atlas.grid)
    qtbot.waitUntil(lambda: panel.view.canvas is not None)
    qtbot.waitUntil(lambda: panel.view.canvas.renderer.mesh is not None)
    return panel


def distance_to(atlas: Atlas, label: int, point: np.ndarray) -> float:
    voxels = np.argwhere(atlas.scales[1024].labels == label)
    return float(np.linalg.norm(atlas.grid.to_world(voxels) - point, axis=1).min())


def test_what_is_picked_lies_under_the_mouse(atlas, scene_panel, screenshot):
    canvas, rng, n = scene_panel.view.canvas, np.random.default_rng(8), 0
    for side in "LRAPSI":
        canvas.look_from(side)
        for x, y in rng.uniform(0.25, 0.75, (12, 2)) * (canvas.width(), canvas.height()):
            hit = canvas.pick(x, y)
            if hit is None:
                continue
            n += 1
            assert distance_to(atlas, hit.label, hit.point) < _SMOOTHING_MM
            assert np.allclose(canvas.renderer.camera.pixel_of(hit.point), (x, y), atol=1.0)
            # Left is x < 0 in world space, whatever the storage order (this atlas is LPS).
            if side in "LR":
                assert (hit.point[0] < 10) if side == "L" else (hit.point[0] > -10)
    assert n > 40
    screenshot(scene_panel, "published_scene")


def test_a_double_click_sends_the_crosshair_into_the_psc(qtbot, session, scene_panel):
    canvas = scene_panel.view.canvas
    canvas.look_from("L")
    place = QPoint(canvas.width() // 2, canvas.height() // 2)
    hit = canvas.pick(place.x(), place.y())
    qtbot.mouseDClick(canvas.renderer.widget, Qt.MouseButton.LeftButton, pos=place)
    assert session.scene.selected == f"C1024_{hit.label}" == session.scene.psc_at_crosshair
    assert np.linalg.norm(np.array(session.scene.crosshair) - hit.point) < _SMOOTHING_MM


def test_all_1011_pscs_are_listed_and_13_vanished(qtbot, session, atlas, dressed, screenshot):
    panel = PscList(session)
    qtbot.addWidget(panel)
    session.scene.show_atlas(atlas, 1024)
    panel.resize(340, 600)
    panel.show()
    qtbot.waitUntil(lambda: panel.model.rowCount() == 1024)
    assert panel._count.text() == "1011 PSCs  ·  13 vanished"
    panel.table.scrollToBottom()
    screenshot(panel, "published_list")


def test_hiding_the_left_half_shows_what_lies_behind(qtbot, session, atlas, scene_panel):
    scale = atlas.scales[1024]
    centres = atlas.grid.to_world(scale.centre_voxels)
    left = [
        name
        for name, x, n in zip(scale.names, centres[:, 0], scale.voxel_counts, strict=True)
        if n and x < 0
    ]
    session.scene.hidden = frozenset(left)
    qtbot.waitUntil(lambda: session.scene.shown_surface is not None)
    canvas = scene_panel.view.canvas
    canvas.look_from("L")
    hit = canvas.pick(canvas.width() // 2, canvas.height() // 2)
    assert f"C1024_{hit.label}" not in left
