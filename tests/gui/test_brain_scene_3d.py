"""The 3D brain: what is clicked is what is there, in every storage order and theme."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from brain_world import ORIENTATIONS, WorkingDriver, make_atlas, show_atlas
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtWidgets import QApplication, QMainWindow

from music_gui.jobs.gl_probe import GLReport
from music_gui.views.brain import brain_canvas, drawing_preparation
from music_gui.views.brain.scene_3d import Scene3D
from music_gui.views.widgets import palette

pytestmark = pytest.mark.gui


@pytest.fixture
def open_scene(session, open_widget, working_driver):
    """Open the panel on the session; the driver is known to work."""

    def open_panel(size=(720, 560)):
        return open_widget(Scene3D(session), size)

    return open_panel


def pixel(panel, world):
    x, y = panel.view.canvas.renderer.camera.pixel_of(np.asarray(world, dtype=float))
    return QPoint(round(x), round(y))


def wait_until_drawn(qtbot, panel):
    """Let the window system show the view, and the view draw all that has changed."""
    frames = []
    canvas = panel.view.canvas
    tag = canvas.renderer._renderer.AddObserver("EndEvent", lambda *_: frames.append(1))
    qtbot.wait(30)
    canvas.renderer.update()
    qtbot.waitUntil(lambda: bool(frames), timeout=10_000)
    canvas.renderer._renderer.RemoveObserver(tag)


def gl_widget(panel):
    return panel.view.canvas.renderer.widget


def test_without_an_atlas_it_says_what_to_do(open_scene, screenshot):
    panel = open_scene()
    assert "Fit an atlas" in panel.view._message.accessibleName()
    screenshot(panel, "scene_empty")


#: From where, a point on the surface in world mm, and the PSC there.
LANDMARKS = (
    ("L", (-50, 20, 20), "C8_7"),  # left, anterior, superior
    ("L", (-50, -20, -14), "C8_1"),
    ("R", (50, 20, 20), "C8_8"),
    ("A", (-20, 66, -14), "C8_3"),
    ("S", (20, -20, 46), "C8_6"),
    ("I", (-20, -20, -46), "C8_1"),
)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_click_selects_the_anatomy_under_the_mouse(qtbot, session, open_scene, orientation):
    panel = open_scene()
    show_atlas(session, make_atlas(orientation), 8)
    for side, point, expected in LANDMARKS:
        panel.view.canvas.look_from(side)
        qtbot.mouseClick(gl_widget(panel), Qt.MouseButton.LeftButton, pos=pixel(panel, point))
        assert session.scene.selected == expected
        assert session.scene.psc_at_crosshair == expected


def test_every_pixel_that_is_picked_shows_the_colour_of_its_psc(session, open_scene, qtbot):
    panel = open_scene()
    show_atlas(session, make_atlas("LPS"), 32)
    wait_until_drawn(qtbot, panel)
    image = panel.view.grab().toImage()
    colors = palette.psc_colors(32).astype(float)
    agree = []
    for x in range(60, 660, 24):
        for y in range(60, 460, 24):
            hit = panel.view.canvas.pick(x, y)
            if hit is None:
                continue
            seen = image.pixelColor(x, y)
            seen = np.array([seen.red(), seen.green(), seen.blue()], dtype=float)
            shade = seen.sum() / colors[hit.label - 1].sum()
            agree.append(np.abs(seen - shade * colors[hit.label - 1]).max() < 20)
    assert len(agree) > 60
    assert np.mean(agree) > 0.9  # the rest lies on the lines between PSCs


def test_a_double_click_sends_the_crosshair_to_that_place(qtbot, session, open_scene):
    panel = open_scene()
    show_atlas(session, make_atlas("LAS"), 8)
    panel.view.canvas.look_from("L")
    target = np.array([-44.0, 25.0, 14.0])
    qtbot.mouseDClick(gl_widget(panel), Qt.MouseButton.LeftButton, pos=pixel(panel, target))
    assert session.scene.selected == "C8_7"
    assert session.scene.psc_at_crosshair == "C8_7"
    assert np.linalg.norm(np.array(session.scene.crosshair) - target) < 6
    qtbot.waitUntil(lambda: not panel.view.canvas._mover.is_moving)
    middle = panel.view.canvas.renderer.camera.pixel_of(np.array(session.scene.crosshair))
    widget = gl_widget(panel)
    assert np.allclose(middle, (widget.width() / 2, widget.height() / 2), atol=25)


def test_a_drag_turns_the_brain_and_selects_nothing(qtbot, session, open_scene):
    panel = open_scene()
    show_atlas(session, make_atlas(), 8)
    widget, before = gl_widget(panel), panel.view.canvas.renderer.camera.place.position
    middle = QPoint(widget.width() // 2, widget.height() // 2)
    qtbot.mousePress(widget, Qt.MouseButton.LeftButton, pos=middle)
    for step in range(1, 6):
        qtbot.mouseMove(widget, middle + QPoint(12 * step, 0))
        qtbot.wait(5)
    qtbot.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=middle + QPoint(60, 0))
    assert session.scene.selected is None
    assert not np.allclose(panel.view.canvas.renderer.camera.place.position, before)


def test_a_click_beside_the_brain_changes_nothing(qtbot, session, open_scene):
    panel = open_scene()
    show_atlas(session, make_atlas(), 8)
    session.scene.select("C8_2")
    qtbot.mouseClick(gl_widget(panel), Qt.MouseButton.LeftButton, pos=QPoint(5, 200))
    assert session.scene.selected == "C8_2"


def test_what_is_hidden_is_looked_through(session, open_scene):
    panel = open_scene()
    show_atlas(session, make_atlas(), 8)
    panel.view.canvas.look_from("L")
    place = panel.view.canvas.renderer.camera.pixel_of(np.array([-50.0, 20.0, 20.0]))
    assert panel.view.canvas.pick(*place).label == 7
    session.scene.hide("C8_7")
    assert panel.view.canvas.pick(*place).label == 8
    session.scene.show_only("C8_1")
    assert panel.view.canvas.pick(*place) is None
    session.scene.show_all()
    assert panel.view.canvas.pick(*place).label == 7


def test_hidden_pscs_stay_hidden_when_the_scale_comes_back(session, open_scene):
    panel = open_scene()
    atlas = make_atlas()
    show_atlas(session, atlas, 8)
    session.scene.hide("C8_7")
    for scale in (32, 8):
        session.scene.set_scale(scale)
        show_atlas_surface(session, atlas, scale)
    assert 7 not in panel.view.canvas.renderer.mesh.surface.labels


def show_atlas_surface(session, atlas, scale):
    from music_gui.core.surface import build_label_surface

    session.scene.surface = build_label_surface(atlas.scales[scale].labels, atlas.grid)


def test_recolouring_keeps_the_geometry(qtbot, session, open_scene, screenshot):
    panel = open_scene()
    show_atlas(session, make_atlas(), 32)
    qtbot.wait(20)
    before = panel.view.canvas.renderer._psc_mapper.GetInput()
    session.paint("h2")
    session.scene.select("C32_5")
    qtbot.wait(20)
    assert panel.view.canvas.renderer._psc_mapper.GetInput() is before
    assert "C32_5" in panel.view.canvas._overlay._readout.text()
    assert "h2" in panel.view.canvas._overlay._readout.text()
    screenshot(panel, "scene_painted")


def test_colours_follow_the_theme_and_the_column(qtbot, session, open_scene, dressed, screenshot):
    panel = open_scene()
    show_atlas(session, make_atlas(), 32)
    session.scene.select("C32_9")
    screenshot(panel, "scene_dark")
    dressed.use("light")
    screenshot(panel, "scene_light")
    session.paint("z")
    screenshot(panel, "scene_light_diverging")


def test_a_ghost_shows_the_selected_psc_in_glass(qtbot, session, open_scene, screenshot):
    panel = open_scene()
    show_atlas(session, make_atlas(), 32)
    session.scene.select("C32_3")
    session.scene.ghost = True
    wait_until_drawn(qtbot, panel)
    screenshot(panel, "scene_ghost")
    image = panel.view.grab().toImage()
    place = pixel(panel, session.scene.selected_surface.vertices.mean(axis=0))
    seen = image.pixelColor(place)
    assert seen.red() > 1.5 * seen.green()  # the highlight is red
    assert panel.view.canvas.pick(place.x(), place.y()).label == 3
    # What is faded to glass is not picked, though the glass is there.
    assert panel.view.canvas.pick(panel.view.canvas.width() * 0.5, place.y() + 90) is None


def test_letters_look_from_that_side(qtbot, session, open_scene):
    panel = open_scene()
    show_atlas(session, make_atlas(), 8)
    sides = {"L": (0, -1), "R": (0, 1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
    for key, (axis, sign) in sides.items():
        qtbot.keyClick(gl_widget(panel), key.lower())
        viewpoint = panel.view.canvas.renderer.camera.place
        towards = np.array(viewpoint.position) - np.array(viewpoint.focal_point)
        assert np.argmax(np.abs(towards)) == axis
        assert np.sign(towards[axis]) == sign


def test_keys_of_vtk_do_nothing_and_arrows_turn(qtbot, session, open_scene):
    panel = open_scene()
    show_atlas(session, make_atlas(), 8)
    for key in "wqe":
        qtbot.keyClick(gl_widget(panel), key)
    assert panel.view.canvas.renderer._pscs.GetProperty().GetRepresentation() == 2  # surface
    before = np.array(panel.view.canvas.renderer.camera.place.position)
    qtbot.keyClick(gl_widget(panel), Qt.Key.Key_Right)
    assert not np.allclose(panel.view.canvas.renderer.camera.place.position, before)
    qtbot.keyClick(gl_widget(panel), Qt.Key.Key_Home)
    assert np.allclose(panel.view.canvas.renderer.camera.place.position, before)


def test_a_driver_that_fails_is_named_and_can_be_tried_again(
    qtbot, session, monkeypatch, dressed, screenshot
):
    class NoDriver:
        def result(self):
            return GLReport("no OpenGL driver was found")

    monkeypatch.setattr(drawing_preparation, "GLProbe", NoDriver)
    panel = Scene3D(session)
    qtbot.addWidget(panel)
    with qtbot.waitExposed(panel):
        panel.show()
    show_atlas(session, make_atlas(), 8)
    assert "No OpenGL driver was found" in panel.view._message.accessibleName()
    assert panel.view.canvas is None
    screenshot(panel, "scene_no_gl")
    monkeypatch.setattr(drawing_preparation, "GLProbe", WorkingDriver)
    panel.view._message._button.click()
    qtbot.waitUntil(lambda: panel.view.canvas is not None)
    assert panel.view.canvas.renderer.mesh is not None
    panel.close()


def test_without_the_template_the_selected_psc_is_still_drawn(
    qtbot, session, open_scene, monkeypatch
):
    def missing():
        raise FileNotFoundError(2, "No such file or directory", "glass_brain.npz")

    monkeypatch.setattr(brain_canvas, "read_glass_brain", missing)
    panel = open_scene()
    show_atlas(session, make_atlas(), 8)
    session.scene.select("C8_2")
    session.scene.ghost = True
    qtbot.wait(30)
    assert panel.view.canvas.renderer._region.GetVisibility()


def test_moved_to_another_window_it_goes_on_drawing(qtbot, session, open_scene):
    panel = open_scene()
    show_atlas(session, make_atlas(), 8)
    qtbot.wait(30)
    window = QMainWindow()
    window.resize(600, 500)
    window.setCentralWidget(panel)
    with qtbot.waitExposed(window):
        window.show()
    qtbot.waitUntil(lambda: panel.view.canvas.made_for is window)
    panel.view.canvas.look_from("L")
    wait_until_drawn(qtbot, panel)
    image = panel.view.grab().toImage()
    seen = image.pixelColor(pixel(panel, (-44, 25, 14)))
    expected = palette.psc_colors(8)[6].astype(float)
    actual = np.array([seen.red(), seen.green(), seen.blue()], dtype=float)
    assert np.abs(actual - expected * actual.sum() / expected.sum()).max() < 25
    window.takeCentralWidget()
    window.close()
    window.deleteLater()


def test_twenty_openings_leave_nothing_behind(qtbot, session, working_driver):
    show_atlas(session, make_atlas(), 8)
    renderers, widgets = [], []
    for number in range(20):
        panel = Scene3D(session)
        with qtbot.waitExposed(panel):
            panel.show()
        qtbot.wait(10)
        session.scene.select(f"C8_{number % 8 + 1}")
        renderers.append(weakref.ref(panel.view.canvas.renderer))
        widgets.append(weakref.ref(panel.view.canvas.renderer.widget))
        panel.close()
        panel.deleteLater()
        del panel
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    assert sum(ref() is not None for ref in renderers) == 0
    assert sum(ref() is not None for ref in widgets) == 0
    session.scene.select("C8_1")  # no view that is gone hears it


def test_a_picture_is_saved_without_the_buttons(session, open_scene, tmp_path, qtbot):
    panel = open_scene()
    show_atlas(session, make_atlas(), 8)
    wait_until_drawn(qtbot, panel)
    panel.save_picture(tmp_path / "brain.png")
    assert (tmp_path / "brain.png").stat().st_size > 5000
    failures = []
    session.failed.connect(failures.append)
    panel.save_picture(tmp_path / "missing" / "brain.png")
    assert "could not be saved" in failures[0].what


def test_the_toolbar_changes_the_state_and_follows_it(qtbot, session, open_scene):
    panel = open_scene()
    show_atlas(session, make_atlas(), 8)
    toolbar, scene = panel.toolbar, session.scene
    toolbar._finer.click()
    assert scene.scale == 32
    assert toolbar._scale.currentText() == "C = 32"
    assert not toolbar._finer.isEnabled()
    toolbar._color.setCurrentIndex(toolbar._color.findText("h2"))
    toolbar._color.activated.emit(toolbar._color.currentIndex())
    assert scene.painted.title == "h2"
    toolbar._ghost.click()
    assert scene.ghost
    scene.ghost = False
    assert not toolbar._ghost.isChecked()
    assert not toolbar._all.isVisible()
    scene.hide("C32_1")
    assert toolbar._all.isVisible()
    toolbar._all.click()
    assert not scene.hidden
