"""What one does with mouse and keys in the 3D view, and what stays when the scale changes."""

from __future__ import annotations

import numpy as np
import pytest
from brain_world import make_atlas, show_atlas
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QInputDevice, QNativeGestureEvent, QPointingDevice
from PySide6.QtWidgets import QApplication, QMenu, QToolButton

from music_gui.core.surface import build_label_surface
from music_gui.state.view_3d import CutPlane
from music_gui.views.brain.scene_3d import Scene3D

pytestmark = pytest.mark.gui

#: On the surface, seen from the left, and the octants there.
UPPER, LOWER = ((-50, 20, 20), "C8_7"), ((-50, -20, -14), "C8_1")


@pytest.fixture
def panel(qtbot, session, open_widget, working_driver):
    panel = open_widget(Scene3D(session), (720, 600))
    qtbot.waitUntil(lambda: panel.view.canvas is not None)
    show_atlas(session, make_atlas(), 8)
    panel.view.canvas.look_from("L")
    return panel


@pytest.fixture
def scene(panel):
    return panel._session.scene


@pytest.fixture
def canvas(panel):
    return panel.view.canvas


@pytest.fixture
def widget(qtbot, panel, canvas):
    """The widget that takes the gestures, with the focus of the keyboard."""
    panel.activateWindow()
    canvas.renderer.widget.setFocus()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is panel)
    assert canvas.renderer.widget.hasFocus()
    return canvas.renderer.widget


def place_of(canvas, point) -> QPoint:
    x, y = canvas.renderer.camera.pixel_of(np.array(point, dtype=float))
    return QPoint(round(x), round(y))


def click(qtbot, canvas, point, button=Qt.MouseButton.LeftButton, modifier=None):
    modifier = modifier or Qt.KeyboardModifier.NoModifier
    qtbot.mouseClick(canvas.renderer.widget, button, modifier, place_of(canvas, point))


def open_menu():
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMenu) and w.isVisible())


def entry(menu, text):
    return next(action for action in menu.actions() if action.text().replace("&", "") == text)


def test_a_click_with_ctrl_selects_one_more_psc_or_one_less(qtbot, scene, canvas):
    click(qtbot, canvas, UPPER[0])
    click(qtbot, canvas, LOWER[0], modifier=Qt.KeyboardModifier.ControlModifier)
    assert scene.selection == {"C8_7", "C8_1"}
    click(qtbot, canvas, UPPER[0], modifier=Qt.KeyboardModifier.ControlModifier)
    assert scene.selection == {"C8_1"}
    click(qtbot, canvas, UPPER[0])
    assert scene.selection == {"C8_7"}


def test_a_right_click_opens_the_menu_of_the_psc_under_the_mouse(qtbot, scene, canvas, screenshot):
    scene.select("C8_1")
    click(qtbot, canvas, UPPER[0], Qt.MouseButton.RightButton)
    menu = open_menu()
    assert menu.actions()[0].text() == "C8_7"
    assert not entry(menu, "Undo hiding").isEnabled()
    screenshot(menu, "scene_menu")
    entry(menu, "Hide").trigger()
    menu.close()
    assert scene.hidden == {"C8_7"}
    assert scene.selected == "C8_1"


def test_a_right_drag_zooms_and_opens_no_menu(qtbot, canvas, widget):
    before = canvas.renderer.camera.vtk.GetDistance()
    middle = widget.rect().center()
    qtbot.mousePress(widget, Qt.MouseButton.RightButton, pos=middle)
    for step in range(1, 6):
        qtbot.mouseMove(widget, middle - QPoint(0, 12 * step))
    qtbot.mouseRelease(widget, Qt.MouseButton.RightButton, pos=middle - QPoint(0, 60))
    assert not any(isinstance(w, QMenu) and w.isVisible() for w in QApplication.topLevelWidgets())
    assert canvas.renderer.camera.vtk.GetDistance() <= before


def test_the_menu_of_several_selected_pscs_acts_on_all(qtbot, scene, canvas):
    scene.select("C8_7")
    scene.toggle_selected("C8_1")
    click(qtbot, canvas, UPPER[0], Qt.MouseButton.RightButton)
    menu = open_menu()
    assert menu.actions()[0].text() == "C8_1, C8_7"
    entry(menu, "Show only").trigger()
    menu.close()
    assert scene.hidden == {f"C8_{n}" for n in (2, 3, 4, 5, 6, 8)}


def test_keys_hide_show_and_fade_what_is_selected(qtbot, scene, canvas, widget):
    qtbot.keyClick(widget, Qt.Key.Key_H)  # nothing is selected
    assert not scene.hidden
    scene.select("C8_7")
    for key, hidden in (
        ("h", {"C8_7"}),
        ("u", set()),
        ("o", {f"C8_{n}" for n in (1, 2, 3, 4, 5, 6, 8)}),
    ):
        qtbot.keyClick(widget, key)
        assert scene.hidden == hidden
    qtbot.keyClick(widget, Qt.Key.Key_H, Qt.KeyboardModifier.ShiftModifier)
    assert not scene.hidden
    qtbot.keyClick(widget, "g")
    assert scene.ghost
    qtbot.keyClick(widget, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "C8_7"
    qtbot.keyClick(widget, Qt.Key.Key_Escape)
    assert scene.selected is None


def test_c_brings_the_selected_psc_to_the_middle(qtbot, scene, canvas, widget):
    scene.select("C8_7")
    qtbot.keyClick(widget, "c")
    qtbot.waitUntil(lambda: not canvas._mover.is_moving)
    middle = canvas.renderer.camera.pixel_of(np.array(scene.crosshair))
    assert np.allclose(middle, (widget.width() / 2, widget.height() / 2), atol=2)


def test_centring_takes_a_moment_unless_the_desktop_moves_nothing(
    qtbot, scene, canvas, monkeypatch
):
    start = canvas.renderer.camera.place
    places = []
    scene_events = canvas._view.events.camera
    scene_events.connect(places.append)
    canvas.centre((20.0, 30.0, 10.0))
    qtbot.waitUntil(lambda: not canvas._mover.is_moving)
    scene_events.disconnect(places.append)
    assert len(places) > 2
    towards = np.array([place.focal_point for place in places])
    assert (np.diff(towards[:, 0]) >= 0).all()
    assert np.allclose(towards[-1], (20, 30, 10))
    # Direction and distance stay.
    look = np.array(places[-1].position) - towards[-1]
    assert np.allclose(look, np.array(start.position) - np.array(start.focal_point))
    monkeypatch.setattr(canvas._mover, "_duration", lambda: 0)
    canvas.centre((0.0, 0.0, 0.0))
    assert np.allclose(canvas.renderer.camera.place.focal_point, 0)


def test_the_wheel_comes_near_and_goes_away_within_bounds(canvas):
    camera, distances = canvas.renderer.camera, []
    for factor in (1.12, 1 / 1.12):
        for _ in range(120):
            canvas.zoom(factor)
        distances.append(camera.vtk.GetDistance())
    radius = camera._radius
    assert 0.2 * radius < distances[0] < radius
    assert 5 * radius < distances[1] < 30 * radius
    canvas.zoom(1.12)
    assert camera.vtk.GetDistance() < distances[1]


def test_two_fingers_zoom(canvas, widget):
    before = canvas.renderer.camera.vtk.GetDistance()
    touchpad = QPointingDevice(
        "touchpad", 1, QInputDevice.DeviceType.TouchPad, QPointingDevice.PointerType.Finger,
        QInputDevice.Capability.Position, 2, 0,
    )  # fmt: skip
    place = QPointF(widget.rect().center())
    pinch = QNativeGestureEvent(
        Qt.NativeGestureType.ZoomNativeGesture, touchpad, 2, place, place, place, 0.25, QPointF()
    )
    QApplication.sendEvent(widget, pinch)
    assert canvas.renderer.camera.vtk.GetDistance() == pytest.approx(before / 1.25)


def test_the_brain_can_not_be_moved_out_of_sight(canvas):
    for _ in range(50):
        canvas.pan(200, 0)
    off = np.array(canvas.renderer.camera.place.focal_point) - canvas.renderer.camera._middle
    assert np.linalg.norm(off) <= 1.51 * canvas.renderer.camera._radius


EDGES = {
    "L": ("A", "P", "S", "I"), "R": ("P", "A", "S", "I"), "A": ("R", "L", "S", "I"),
    "P": ("L", "R", "S", "I"), "S": ("L", "R", "A", "P"), "I": ("R", "L", "A", "P"),
}  # fmt: skip


@pytest.mark.parametrize("side", EDGES)
def test_letters_name_the_directions_of_the_body(canvas, side):
    canvas.look_from(side)
    assert canvas.renderer.camera.edge_letters() == EDGES[side]
    assert tuple(label.text() for label in canvas._overlay._letters) == EDGES[side]
    # By what is drawn where, not by the rule the letters are made with.
    ends = {"L": (-40, 0, 0), "R": (40, 0, 0), "A": (0, 40, 0), "P": (0, -40, 0),
            "S": (0, 0, 40), "I": (0, 0, -40)}  # fmt: skip
    left, right, top, bottom = (
        canvas.renderer.camera.pixel_of(np.array(ends[letter], dtype=float))
        for letter in EDGES[side]
    )
    assert left[0] < right[0] - 50
    assert top[1] < bottom[1] - 50


def test_a_direction_between_the_axes_has_no_letter(canvas):
    canvas.look_from("L")
    canvas.turn(45, 0)
    assert canvas.renderer.camera.edge_letters() == ("", "", "S", "I")


@pytest.mark.parametrize(("key", "side"), [("1", "LAS"), ("2", "RAS"), ("3", "LPS"), ("4", "RPS")])
def test_keys_look_from_between_the_sides(qtbot, canvas, widget, key, side):
    qtbot.keyClick(widget, key)
    place = canvas.renderer.camera.place
    towards = np.array(place.position) - np.array(place.focal_point)
    assert [letter in side for letter in "RAS"] == (towards > 0).tolist()
    button = next(b for b in canvas.findChildren(QToolButton) if b.text() == "¾")
    assert any(action.text().endswith(key) for action in button.menu().actions())


def test_camera_cuts_colours_and_what_is_hidden_stay_when_the_scale_changes(
    panel, scene, canvas, screenshot
):
    view, atlas = panel._session.view_3d, scene.atlas
    panel._session.paint("h2")
    canvas.look_from("RAS")
    canvas.zoom(1.3)
    scene.hide("C8_8")
    view.set_cut(CutPlane(1, -20.0))
    camera = view.camera
    for scale in (32, 8):
        scene.set_scale(scale)
        scene.surface = build_label_surface(atlas.scales[scale].labels, atlas.grid)
        if scale == 32:
            scene.hide("C32_4")
    assert view.camera == camera == canvas.renderer.camera.place
    assert view.cuts == (CutPlane(1, -20.0),)
    assert len(canvas._picking.faces()) == 1
    assert scene.hidden == {"C8_8", "C32_4"}
    assert scene.painted.title == "h2"
    assert 8 not in canvas.renderer.mesh.drawn.labels
    screenshot(panel, "scene_after_scales")


def test_the_camera_stays_when_the_same_atlas_is_read_again(panel, scene, canvas):
    canvas.look_from("I")
    camera = panel._session.view_3d.camera
    show_atlas(panel._session, make_atlas(), 8)
    assert canvas.renderer.camera.place == camera


def test_of_two_faded_in_front_of_each_other_the_nearer_is_picked(qtbot, scene, canvas):
    canvas.look_from("L")
    scene.select("C8_7")
    scene.toggle_selected("C8_8")  # the same octant on the right, behind it
    scene.ghost = True
    qtbot.wait(50)
    place = place_of(canvas, UPPER[0])
    assert canvas.pick(place.x(), place.y()).label == 7
    lower = place_of(canvas, LOWER[0])
    assert canvas.pick(lower.x(), lower.y()) is None  # glass
    canvas.look_from("R")
    place = place_of(canvas, (50, 20, 20))
    assert canvas.pick(place.x(), place.y()).label == 8
