"""The 3D view among other windows, on other screens and drivers, opened again and again."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import PySide6QtAds as QtAds
import pytest
from brain_world import make_atlas, make_underlay, show_atlas
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtWidgets import QApplication, QMainWindow

from music_gui.core.errors import MusicError
from music_gui.jobs.gl_probe import GLProbe
from music_gui.state.view_3d import CutPlane
from music_gui.views.brain import brain_canvas
from music_gui.views.brain.scene_3d import Scene3D
from music_gui.views.brain.slices_panel import SlicesPanel

pytestmark = pytest.mark.gui


@pytest.fixture
def opened(qtbot, session, open_widget, working_driver):
    """Open 3D panels on the session; all are closed at the end."""

    def open_panel():
        panel = open_widget(Scene3D(session), (520, 480))
        qtbot.waitUntil(lambda: panel.view.canvas is not None)
        return panel

    return open_panel


def share_of_brain(panel) -> float:
    """Return which part of the view shows PSCs: coloured pixels."""
    image = panel.view.canvas.renderer.widget.grabFramebuffer()
    colors = [
        image.pixelColor(x, y)
        for x in range(4, image.width(), 12)
        for y in range(4, image.height(), 12)
    ]
    parts = np.array([(c.red(), c.green(), c.blue()) for c in colors])
    return float(np.mean(parts.max(axis=1) - parts.min(axis=1) > 28))


def test_two_3d_views_draw_side_by_side_and_one_goes_on_when_the_other_is_closed(
    qtbot, session, opened
):
    one, other = opened(), opened()
    show_atlas(session, make_atlas(), 8)
    qtbot.wait(100)
    assert share_of_brain(one) > 0.1
    assert share_of_brain(other) > 0.1
    one.close()
    session.scene.select("C8_3")
    other.view.canvas.look_from("S")
    qtbot.wait(50)
    assert share_of_brain(other) > 0.1


def test_after_a_resize_it_fills_the_view_and_picks_right(qtbot, session, opened):
    panel = opened()
    show_atlas(session, make_atlas(), 8)
    panel.view.canvas.look_from("L")
    for size in ((900, 640), (260, 300)):
        panel.resize(*size)
        qtbot.wait(80)
        canvas = panel.view.canvas
        assert share_of_brain(panel) > 0.05
        image = canvas.renderer.widget.grabFramebuffer()
        corner = image.pixelColor(image.width() - 3, image.height() - 3)
        assert max(corner.red(), corner.green(), corner.blue()) > 5  # not black
        place = canvas.renderer.camera.pixel_of(np.array([-50.0, 20.0, 20.0]))
        assert canvas.pick(*place).label == 7


def test_a_dock_that_is_floated_and_docked_again_goes_on_drawing(qtbot, session, opened):
    panel = opened()
    show_atlas(session, make_atlas(), 8)
    window = QMainWindow()
    window.resize(900, 640)
    manager = QtAds.CDockManager(window)
    dock = QtAds.CDockWidget(manager, "3D")
    dock.setWidget(panel, QtAds.CDockWidget.eInsertMode.ForceNoScrollArea)
    manager.addDockWidget(QtAds.CenterDockWidgetArea, dock)
    with qtbot.waitExposed(window):
        window.show()
    camera = None
    for move in (
        lambda: None,
        dock.setFloating,
        lambda: manager.addDockWidget(QtAds.LeftDockWidgetArea, dock),
        dock.setFloating,
        lambda: manager.addDockWidget(QtAds.CenterDockWidgetArea, dock),
    ):
        move()
        qtbot.waitUntil(lambda: panel.view.canvas.made_for is panel.window())
        qtbot.wait(80)
        assert share_of_brain(panel) > 0.05
        if camera is None:
            panel.view.canvas.look_from("LPS")
            camera = session.view_3d.camera
        assert panel.view.canvas.renderer.camera.place == camera
        place = panel.view.canvas.renderer.camera.pixel_of(np.array([-44.0, 25.0, 14.0]))
        panel.view.canvas.pick(*place)
    dock.takeWidget().setParent(None)
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def open_select_and_close(qtbot, session, name):
    panel = Scene3D(session)
    panel.show()
    qtbot.waitUntil(lambda: panel.view.canvas is not None)
    session.scene.select(name)
    panel.view.canvas.renderer.widget.repaint()
    panel.close()
    panel.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_opened_and_closed_twenty_times_it_takes_no_more_memory(qtbot, session, working_driver):
    show_atlas(session, make_atlas(), 32)
    sizes = []
    for number in range(25):
        open_select_and_close(qtbot, session, f"C32_{number % 8 + 1}")
        gc.collect()
        sizes.append(psutil.Process().memory_info().rss / 1e6)
    # The first ones fill what drivers and libraries keep for good.
    assert sizes[-1] - sizes[4] < 40, sizes


def test_a_display_without_opengl_leaves_slices_and_tables_and_says_why(
    qtbot, session, monkeypatch, screenshot
):
    monkeypatch.setenv("QT_XCB_GL_INTEGRATION", "none")  # for the probe: this process has its own
    panel, slices = Scene3D(session), SlicesPanel(session)
    for each in (panel, slices):
        qtbot.addWidget(each)
        each.resize(520, 420)
        with qtbot.waitExposed(each):
            each.show()
    show_atlas(session, make_atlas(), 8)
    session.scene.underlay = make_underlay()
    session.scene.select("C8_2")
    message = panel.view._message
    assert "3D can't be drawn" in message.accessibleName()
    assert "OpenGL" in message.accessibleName()
    assert "Slices and tables work without it" in message.accessibleName()
    assert panel.view.canvas is None
    assert slices.views[0].isVisible()
    screenshot(panel, "scene_no_opengl")
    session.view_3d.camera = None
    panel.close()


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"QT_QPA_PLATFORM": "offscreen"}, "'offscreen' has no OpenGL"),
        ({"QT_XCB_GL_INTEGRATION": "none"}, "no OpenGL driver was found"),
        ({"MESA_GL_VERSION_OVERRIDE": "2.1"}, "OpenGL"),
    ],
)
def test_the_reason_names_what_is_missing(monkeypatch, environment, words):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert words in GLProbe().result().reason


def test_software_drawing_is_named_and_works(monkeypatch):
    monkeypatch.setenv("LIBGL_ALWAYS_SOFTWARE", "1")
    report = GLProbe().result()
    assert report.reason == ""
    assert "llvmpipe" in report.renderer or "softpipe" in report.renderer


#: Run with two device pixels to a pixel; prints what was wrong.
_HIGH_DPI = """
import sys
sys.path.insert(0, {tests!r})
import numpy as np
from PySide6.QtWidgets import QApplication
from music_gui.app.main import make_qt_application
from music_gui.app.theme import ThemeSwitch
qt = make_qt_application()
ThemeSwitch(qt).use("dark")
from brain_world import make_atlas, make_session, show_atlas
from music_gui.jobs.gl_probe import GLReport
from music_gui.views.brain import drawing_preparation
from music_gui.views.widgets import palette
drawing_preparation.GLProbe = type("Driver", (), {{"result": lambda self: GLReport()}})
from music_gui.views.brain.scene_3d import Scene3D
from PySide6.QtTest import QTest
session = make_session()
panel = Scene3D(session)
panel.resize(600, 520)
panel.show()
QTest.qWaitForWindowExposed(panel)
QTest.qWait(50)
show_atlas(session, make_atlas("LAS"), 8)
canvas = panel.view.canvas
assert canvas.devicePixelRatioF() == 2.0
canvas.look_from("L")
QTest.qWait(200)
assert canvas.renderer.widget.render_window.GetSize()[0] == 2 * canvas.width()
image = canvas.renderer.widget.grabFramebuffer()
for world, label in (((-50, 20, 20), 7), ((-50, -20, -14), 1), ((-50, -20, 20), 5)):
    x, y = canvas.renderer.camera.pixel_of(np.array(world, dtype=float))
    assert canvas.pick(x, y).label == label, label
    seen = image.pixelColor(round(2 * x), round(2 * y))
    seen = np.array([seen.red(), seen.green(), seen.blue()], dtype=float)
    own = palette.psc_colors(8)[label - 1].astype(float)
    assert np.abs(seen - own * seen.sum() / own.sum()).max() < 25, (label, seen, own)
letters = [each.text() for each in canvas._overlay._letters]
assert letters == ["A", "P", "S", "I"], letters
panel.grab().save({picture!r})
panel.close()
"""


def test_on_a_screen_of_high_resolution_picks_and_letters_are_right(tmp_path):
    here = Path(__file__).parent
    picture = here / "screenshots" / "scene_high_dpi.png"
    picture.parent.mkdir(exist_ok=True)
    script = tmp_path / "high_dpi.py"
    script.write_text(_HIGH_DPI.format(tests=str(here), picture=str(picture)), encoding="utf-8")
    environment = os.environ | {"QT_SCALE_FACTOR": "2", "QT_API": "pyside6"}
    run = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr[-1500:]


def test_without_the_template_pscs_are_drawn_and_the_file_is_named(
    qtbot, session, opened, monkeypatch
):
    def missing():
        raise MusicError("a file that comes with the application is missing", where="glass.npz")

    monkeypatch.setattr(brain_canvas, "read_glass_brain", missing)
    panel = opened()
    show_atlas(session, make_atlas(), 8)
    qtbot.wait(50)
    assert share_of_brain(panel) > 0.1
    assert "glass.npz" in panel.view.canvas._overlay._readout.text()


def test_the_cube_shows_the_letter_of_the_side_one_looks_from(session, opened):
    panel = opened()
    show_atlas(session, make_atlas(), 8)
    canvas = panel.view.canvas
    cube = canvas.renderer._cube
    faces = {"R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "S": (0, 0, 1),
             "I": (0, 0, -1)}  # fmt: skip
    texts = {
        "R": cube._cube.GetXPlusFaceText(), "L": cube._cube.GetXMinusFaceText(),
        "A": cube._cube.GetYPlusFaceText(), "P": cube._cube.GetYMinusFaceText(),
        "S": cube._cube.GetZPlusFaceText(), "I": cube._cube.GetZMinusFaceText(),
    }  # fmt: skip
    for side, normal in faces.items():
        canvas.look_from(side)
        assert np.allclose(np.array(cube._camera.GetPosition()) / 5, normal)
        assert texts[side] == side


def test_a_click_while_the_next_scale_is_read_is_not_taken_for_one_of_this(qtbot, session, opened):
    panel = opened()
    show_atlas(session, make_atlas(), 8)
    canvas = panel.view.canvas
    canvas.look_from("L")
    x, y = canvas.renderer.camera.pixel_of(np.array([-50.0, 20.0, 20.0]))
    session.scene.set_scale(32)  # its surface is not there yet
    place = QPoint(round(x), round(y))
    qtbot.mouseClick(canvas.renderer.widget, Qt.MouseButton.LeftButton, pos=place)
    assert canvas.pick(x, y) is None
    assert session.scene.selected is None


def test_everything_is_drawn_without_an_error_of_the_driver(qtbot, session, opened, capfd):
    panel = opened()
    show_atlas(session, make_atlas(), 8)
    scene, view = session.scene, session.view_3d
    for change in (
        lambda: scene.select("C8_7"),
        lambda: scene.toggle_selected("C8_1"),
        lambda: scene.hide("C8_2"),
        lambda: view.set_cut(CutPlane(1, 10.0)),
        lambda: setattr(scene, "ghost", True),
        lambda: session.paint("h2"),
        lambda: setattr(view, "cuts", ()),
    ):
        change()
        qtbot.wait(20)
        panel.view.canvas.renderer.widget.repaint()
    assert "ERR|" not in capfd.readouterr().err


def test_lines_behind_a_wall_are_not_seen_through_it(qtbot, session, opened):
    panel = opened()
    show_atlas(session, make_atlas(), 8)
    canvas = panel.view.canvas
    canvas.look_from("RAS")
    canvas.zoom(1.3)
    session.scene.hide("C8_8")  # opens the view on the walls of three others
    session.view_3d.glass_opacity = 0.1  # the glass reaches almost to the eye
    qtbot.wait(60)
    canvas.renderer.widget.repaint()
    image = canvas.renderer.widget.grabFramebuffer()
    # The wall of C8_7 towards the hidden octant: even, but for lines.
    seen = []
    for y in np.linspace(6, 30, 40):
        x, z = canvas.renderer.camera.pixel_of(np.array([0.0, y, 18.0]))
        color = image.pixelColor(round(x), round(z))
        seen.append((color.red(), color.green(), color.blue()))
    assert np.ptp(np.array(seen), axis=0).max() < 40
