"""The menu of saved views, and the script of a view: it draws what the window shows."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from brain_world import make_atlas, make_session, show_atlas
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QInputDialog, QMessageBox

from music_gui.core.surface import build_label_surface
from music_gui.io.atlas_dseg import ScaleSource, write_scale, write_surface
from music_gui.io.study import Study
from music_gui.state.view_3d import CutPlane
from music_gui.views.brain.scene_3d import Scene3D

pytestmark = pytest.mark.gui


@pytest.fixture
def study(tmp_path):
    """A study with the test atlas in the storage order LPS."""
    study = Study.create(tmp_path / 'my "stüdy"', simulated=True)
    atlas = make_atlas("LPS")
    for scale in atlas.scales.values():
        write_scale(study.atlas("test"), "test", scale, atlas.grid, sidecar=ScaleSource(source="x"))
        surface = build_label_surface(scale.labels, atlas.grid)
        write_surface(study.atlas("test"), "test", scale.scale, surface)
    return study


@pytest.fixture
def session(study):
    session = make_session()
    session.told = []
    session.failed.connect(session.told.append)
    session.study = study
    yield session
    session.close_study()


@pytest.fixture
def panel(qtbot, session, open_widget, working_driver):
    panel = open_widget(Scene3D(session), (560, 520))
    qtbot.waitUntil(lambda: panel.view.canvas is not None)
    show_atlas(session, make_atlas("LPS"), 32)
    return panel


def entries(menu):
    return [action.text() for action in menu.actions() if action.text()]


def test_a_view_is_saved_listed_shown_again_and_deleted(qtbot, session, panel, monkeypatch):
    menu = panel.views_menu
    session.scene.select("C32_5")
    panel.view.canvas.look_from("A")
    camera = session.view_3d.camera
    menu.save.trigger()
    dialog = panel.findChild(QInputDialog)
    assert dialog.textValue() == "view-1"
    dialog.setTextValue("from the front")
    dialog.accept()
    assert "from-the-front" in entries(menu)
    session.scene.select("C32_7")
    panel.view.canvas.look_from("L")
    menu._named[0].trigger()
    assert session.scene.selected == "C32_5"
    assert panel.view.canvas.renderer.camera.place == camera
    menu.save_as("from-the-front")  # the name is taken
    box = panel.findChild(QMessageBox)
    assert "Replace" in box.text()
    box.button(QMessageBox.StandardButton.Cancel).click()
    menu.delete_menu.actions()[0].trigger()
    box = panel.findChildren(QMessageBox)[-1]
    box.button(QMessageBox.StandardButton.Yes).click()
    assert "from-the-front" not in entries(menu)
    assert not session.told


def test_a_name_that_can_be_no_file_is_refused_with_a_reason(session, panel):
    panel.views_menu.save_as("../evil")
    assert "can't be a name" in session.told[0].what


def test_a_view_restored_before_the_3d_view_is_there_is_shown_by_it(
    qtbot, session, panel, monkeypatch
):
    panel.view.canvas.look_from("RPS")
    session.saved_views.save("back")
    camera = session.view_3d.camera
    panel.view.canvas.look_from("L")
    session.saved_views.restore("back")
    other = Scene3D(session)
    other.show()
    qtbot.waitUntil(lambda: other.view.canvas is not None)
    assert other.view.canvas.renderer.camera.place == camera
    other.close()
    other.deleteLater()


def drawn_by_script(panel, tmp_path) -> np.ndarray:
    """Run the copied script in a process of its own, without the application."""
    panel.views_menu.copy_script.trigger()
    script = tmp_path / "drawn" / "view.py"
    script.parent.mkdir()
    script.write_text(QGuiApplication.clipboard().text(), encoding="utf-8")
    imported = {
        name.name.split(".")[0]
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import)
        for name in node.names
    }
    assert "music_gui" not in imported
    run = subprocess.run(
        [sys.executable, "-I", "-W", "error", str(script)],
        capture_output=True, text=True, cwd=script.parent, timeout=120, env=os.environ.copy(),
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == str(script.with_suffix(".png"))
    kept = Path(__file__).parent / "screenshots" / "view_by_script.png"
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(script.with_suffix(".png").read_bytes())
    return pixels(QImage(str(script.with_suffix(".png"))))


def pixels(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def drawn_by_window(qtbot, panel) -> np.ndarray:
    canvas = panel.view.canvas
    canvas._overlay.set_shown(False)
    canvas.renderer._crosshair.SetVisibility(False)
    canvas.renderer._cube._renderer.SetDraw(False)
    canvas.renderer.update()
    qtbot.wait(100)
    image = canvas.grab().toImage()
    image.save(str(Path(__file__).parent / "screenshots" / "view_by_window.png"))
    return pixels(image)


def brain_in(picture: np.ndarray) -> np.ndarray:
    """Tell which pixels are coloured: what lies behind is nearly grey."""
    return picture.max(axis=2) - picture.min(axis=2) > 28


def assert_alike(window: np.ndarray, script: np.ndarray) -> None:
    assert script.shape == window.shape
    mine, theirs = brain_in(window), brain_in(script)
    assert mine.sum() > 10_000
    assert (mine & theirs).sum() / (mine | theirs).sum() > 0.94
    inside = mine & theirs
    off = np.abs(window[inside] - script[inside]).max(axis=1)
    assert np.median(off) < 12  # lines and smoothing differ a little
    assert np.mean(off < 40) > 0.85


def test_the_script_draws_what_the_window_shows(qtbot, session, panel, tmp_path, study):
    session.paint("h2")
    panel.view.canvas.look_from("LAS")
    session.scene.hide("C32_3", "C32_9")
    session.view_3d.glass = False
    session.view_3d.cuts = (CutPlane(2, 12.0, keeps_high=False),)
    qtbot.wait(50)
    window = drawn_by_window(qtbot, panel)
    assert_alike(window, drawn_by_script(panel, tmp_path))
    script = (tmp_path / "drawn" / "view.py").read_text(encoding="utf-8")
    assert "(simulated data)" in script
    assert str(study.root.name.split('"')[0]) in script


def test_the_script_draws_a_selected_psc_in_glass(qtbot, session, panel, tmp_path):
    panel.view.canvas.look_from("R")
    session.scene.select("C32_5")
    session.scene.ghost = True
    session.view_3d.glass = False
    qtbot.wait(50)
    window = drawn_by_window(qtbot, panel)
    script = drawn_by_script(panel, tmp_path)
    mine, theirs = brain_in(window), brain_in(script)
    assert mine.sum() > 500
    assert (mine & theirs).sum() / (mine | theirs).sum() > 0.85


def test_a_script_that_can_not_be_written_is_told(session, panel, tmp_path):
    (tmp_path / "file").write_text("")
    panel.views_menu.write_script(tmp_path / "file" / "view.py", "pass")
    assert session.told
    panel.views_menu.write_script(Path(tmp_path / "view.py"), "pass\n")
    assert (tmp_path / "view.py").read_text() == "pass\n"


def test_without_an_atlas_there_is_no_script(session, panel):
    session.scene.show_atlas(None)
    panel.views_menu.aboutToShow.emit()
    assert not panel.views_menu.copy_script.isEnabled()
    assert panel.views_menu.script() is None
    assert "no view to draw" in session.told[0].what
