"""Cutting the brain open in 3D: the controls, what is drawn, and what is picked then."""

import numpy as np
import pytest
from brain_world import make_atlas, show_atlas

from music_gui.state.view_3d import CutPlane
from music_gui.views.brain.scene_3d import Scene3D

pytestmark = pytest.mark.gui


@pytest.fixture
def panel(qtbot, session, open_widget, working_driver):
    show_atlas(session, make_atlas(), 8)
    panel = open_widget(Scene3D(session), (820, 600))
    qtbot.waitUntil(lambda: panel.view.canvas is not None)
    qtbot.wait(100)
    return panel


def octant_at(panel, world):
    """Return the label that is picked where a point in world mm is drawn."""
    canvas = panel.view.canvas
    x, y = canvas.renderer.camera.pixel_of(np.array(world, dtype=float))
    hit = canvas.pick(x, y)
    return None if hit is None else hit.label


def test_the_controls_cut_and_what_lies_behind_the_cut_is_picked(qtbot, panel, screenshot):
    scene, view, bar = panel._session.scene, panel._session.view_3d, panel.cut_bar
    panel.view.canvas.look_from("L")
    assert octant_at(panel, (-20, -20, -15)) == 1  # left, posterior, inferior
    bar.setVisible(True)
    scene.crosshair = (10.0, 0.0, 0.0)
    bar._checks[0].click()
    assert view.cuts == (CutPlane(0, 10.0),)
    assert octant_at(panel, (10, -20, -15)) == 2  # the right half lies open
    bar._sliders[0].setValue(25)
    assert view.cut(0).position == 25
    bar._turns[0].click()
    assert not view.cut(0).keeps_high
    assert octant_at(panel, (-20, -20, -15)) == 1
    bar._turns[0].click()
    bar._checks[2].click()
    qtbot.wait(200)
    screenshot(panel, "scene_cut")
    bar._checks[0].click()
    bar._checks[2].click()
    assert view.cuts == ()


def test_cuts_follow_the_crosshair_until_one_is_moved(panel):
    scene, view, bar = panel._session.scene, panel._session.view_3d, panel.cut_bar
    bar._checks[1].click()
    bar._follow.click()
    scene.crosshair = (0.0, 22.0, 0.0)
    assert view.planes(scene.crosshair)[0].position == 22
    assert bar._sliders[1].value() == 22
    bar._sliders[1].setValue(-5)
    assert not view.cuts_follow_crosshair
    assert not bar._follow.isChecked()
    assert view.cut(1).position == -5


def test_the_glass_can_be_taken_away(panel):
    view, bar = panel._session.view_3d, panel.cut_bar
    bar._glass.setValue(0)
    assert not view.glass
    bar._glass.setValue(60)
    assert view.glass
    assert view.glass_opacity == pytest.approx(0.6)


def test_the_controls_are_shown_by_the_toolbar(panel):
    assert not panel.cut_bar.isVisible()
    panel.toolbar.cuts_toggled.emit(True)
    assert panel.cut_bar.isVisible()
