"""The scale ladder: parents and children of the PSC at the crosshair, and going to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from brain_world import make_atlas, make_session, make_underlay
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QPushButton

from music_gui.core.atlas import Atlas
from music_gui.state import loading
from music_gui.state.psc_column import PscColumn
from music_gui.views.ladder.ladder_panel import LadderPanel
from music_gui.views.ladder.ladder_text import node_text
from music_gui.views.ladder.sankey_layout import OTHERS

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "music_atlas"

pytestmark = pytest.mark.gui


@pytest.fixture
def session():
    session = make_session()
    session.scene.underlay = make_underlay()
    yield session
    session.close_study()


@pytest.fixture
def open_panel(qtbot, session, open_widget):
    def open_ladder(size=(900, 340)):
        panel = open_widget(LadderPanel(session), size)
        qtbot.wait(20)
        return panel

    return open_ladder


def node(panel, name):
    nodes = (each for column in panel.canvas.sankey.columns for each in column)
    return next(each for each in nodes if each.name == name)


def click(qtbot, panel, rect):
    qtbot.mouseClick(panel.canvas, Qt.MouseButton.LeftButton, pos=rect.center().toPoint())
    qtbot.wait(20)


def words(panel):
    return panel._empty.accessibleName()


def test_the_parts_of_each_scale_add_up_to_the_psc(session, open_panel):
    session.scene.show_atlas(make_atlas(), 8)
    session.scene.look_at((-20.0, -20.0, -10.0))
    panel = open_panel()
    first, second = panel.canvas.sankey.columns
    assert [(each.name, each.share) for each in first] == [("C8_1", 1.0)]
    assert sum(each.share for each in second) == pytest.approx(1.0)
    assert sum(link.share for link in panel.canvas.sankey.links) == pytest.approx(1.0)
    assert sum(each.bar.height() for each in second) == pytest.approx(
        first[0].bar.height(), rel=0.05
    )


def test_a_click_on_a_child_goes_there_and_keeps_the_place(qtbot, session, open_panel):
    session.scene.show_atlas(make_atlas(), 8)
    session.scene.look_at((-20.0, -20.0, -10.0))
    here = session.scene.atlas.psc_at(np.array(session.scene.crosshair), 32)
    panel = open_panel()
    click(qtbot, panel, node(panel, here).bar)
    assert (session.scene.scale, session.scene.selected) == (32, here)
    assert session.scene.crosshair == (-20.0, -20.0, -10.0)


def test_another_child_moves_the_crosshair_no_further_than_into_the_parent(
    qtbot, session, open_panel
):
    scene = session.scene
    scene.show_atlas(make_atlas(), 8)
    scene.look_at((-20.0, -20.0, -10.0))
    panel = open_panel()
    here = scene.atlas.psc_at(np.array(scene.crosshair), 32)
    other = next(
        each for each in panel.canvas.sankey.columns[1] if each.is_psc and each.name != here
    )
    click(qtbot, panel, other.bar)
    assert scene.psc_at_crosshair == scene.selected == other.name
    assert scene.atlas.psc_at(np.array(scene.crosshair), 8) == "C8_1"


def test_a_click_on_a_picture_goes_to_its_scale_and_selects(qtbot, session, open_panel):
    session.scene.show_atlas(make_atlas(), 8)
    session.scene.look_at((-20.0, -20.0, -10.0))
    panel = open_panel()
    click(qtbot, panel, panel.canvas.picture_rect(1))
    assert session.scene.scale == 32
    assert session.scene.selected == session.scene.psc_at_crosshair
    assert session.scene.crosshair == (-20.0, -20.0, -10.0)


def test_page_keys_and_brackets_step_the_scale_at_the_same_place(qtbot, session, open_panel):
    session.scene.show_atlas(make_atlas(), 8)
    session.scene.look_at((12.0, 5.0, 9.0), select=True)
    panel = open_panel()
    for key, scale in (
        (Qt.Key.Key_PageDown, 32), (Qt.Key.Key_PageDown, 32), (Qt.Key.Key_PageUp, 8),
        (Qt.Key.Key_BracketRight, 32), (Qt.Key.Key_BracketLeft, 8),
    ):  # fmt: skip
        qtbot.keyClick(panel.canvas, key)
        assert session.scene.scale == scale
        assert session.scene.selected == session.scene.psc_at_crosshair
    assert session.scene.crosshair == (12.0, 5.0, 9.0)


def test_arrows_and_enter_go_to_a_child(qtbot, session, open_panel):
    session.scene.show_atlas(make_atlas(), 8)
    session.scene.look_at((-20.0, -20.0, -10.0))
    panel = open_panel()
    panel.canvas.setFocus()
    told = []
    panel.canvas.pointed_at.connect(told.append)
    qtbot.keyClick(panel.canvas, Qt.Key.Key_Right)
    assert "of C8_1 lies in C32_" in told[-1]
    qtbot.keyClick(panel.canvas, Qt.Key.Key_Down)
    qtbot.keyClick(panel.canvas, Qt.Key.Key_Return)
    assert session.scene.scale == 32


def test_what_is_under_the_mouse_is_told_with_its_shares(qtbot, session, open_panel):
    session.scene.show_atlas(make_atlas(), 32)
    session.scene.look_at((0.0, 0.0, 0.0))
    panel = open_panel()
    parent = panel.canvas.sankey.columns[0][0]
    qtbot.mouseMove(panel.canvas, parent.bar.center().toPoint())
    inside = session.ladder.paths.overlaps(session.ladder.name, 8)
    (expected,) = [each for each in inside if each.name == parent.name]
    words = f"{expected.share * 100:.0f} % of {session.ladder.name} lies in {parent.name} "
    qtbot.waitUntil(lambda: panel._readout.text().startswith(words))
    assert f"({expected.n_voxels} voxels)" in panel._readout.text()
    qtbot.mouseMove(panel.canvas, QPoint(2, 2))
    qtbot.waitUntil(lambda: panel._readout.text().startswith(session.ladder.name))


@pytest.mark.parametrize("radiological", [False, True])
def test_the_crosshair_is_followed_while_it_is_dragged(qtbot, session, open_panel, radiological):
    session.scene.radiological = radiological
    session.scene.show_atlas(make_atlas(), 8)
    session.scene.look_at((-20.0, -20.0, -10.0))
    panel = open_panel()
    for step in range(20):
        session.scene.look_at((-20.0 + 2 * step, -20.0, -10.0))
    qtbot.waitUntil(lambda: panel.canvas.lineage.name == "C8_2")


def test_without_atlas_with_one_scale_and_outside_the_brain_it_says_what_to_do(
    qtbot, session, open_panel
):
    panel = open_panel()
    assert words(panel).startswith("No atlas yet")
    whole = make_atlas()
    session.scene.show_atlas(Atlas("one", whole.grid, {8: whole.scales[8]}), 8)
    qtbot.waitUntil(lambda: words(panel).startswith("The atlas has one scale, C = 8"))
    session.scene.look_at((65.0, 0.0, 0.0))
    session.scene.show_atlas(whole, 8)
    qtbot.waitUntil(lambda: words(panel).startswith("No PSC of C = 8 at the crosshair"))
    panel.findChild(QPushButton).click()
    qtbot.waitUntil(lambda: panel.canvas.lineage is not None)
    assert session.scene.selected == session.scene.psc_at_crosshair is not None
    session.scene.show_atlas(None)
    qtbot.waitUntil(lambda: words(panel).startswith("No atlas yet"))


def test_hidden_behind_another_tab_it_computes_nothing(qtbot, session, dressed):
    panel = LadderPanel(session)
    session.scene.show_atlas(make_atlas(), 8)
    qtbot.wait(30)
    assert session.ladder.paths is None
    panel.deleteLater()


@pytest.mark.shared_data
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_six_published_scales_at_the_thalamus(
    qtbot, session, open_panel, published, dressed, screenshot, theme
):
    dressed.use(theme)
    session.scene.underlay = loading.load_template()
    session.scene.show_atlas(published, 64)
    session.scene.look_at((12.0, -18.0, 8.0), select=True)
    panel = open_panel((1000, 420))
    sankey = panel.canvas.sankey
    assert [round(sum(each.share for each in column), 6) for column in sankey.columns] == [1.0] * 6
    assert len(sankey.columns[1]) == 1
    parent, child = sankey.columns[0][0], sankey.columns[2][0]
    lineage = panel.canvas.lineage
    labels = {c: scale.labels for c, scale in published.scales.items()}
    inside = labels[64] == int(lineage.name.split("_")[1])
    for part in (parent, child):
        scale, label = map(int, part.name[1:].split("_"))
        assert part.share == pytest.approx((labels[scale][inside] == label).mean())
    screenshot(panel, f"ladder_{theme}")
    qtbot.mouseMove(panel.canvas, QPoint(2, 2))
    qtbot.mouseMove(panel.canvas, child.bar.center().toPoint())
    qtbot.waitUntil(lambda: "lies in" in panel._readout.text())
    screenshot(panel, f"ladder_hover_{theme}")


@pytest.mark.shared_data
def test_a_coarse_psc_with_painted_values(qtbot, session, open_panel, published, screenshot):
    session.scene.underlay = loading.load_template()
    session.scene.show_atlas(published, 32)
    session.scene.select("C32_4")
    session.painting._paint_first([loading.volume_column(published)])
    panel = open_panel((1000, 420))
    finest = panel.canvas.sankey.columns[-1]
    assert any(each.name == OTHERS for each in finest)
    (others,) = [each for each in finest if each.name == OTHERS]
    assert "lies in C1024_" in node_text(session.scene, panel.canvas.lineage, others)
    screenshot(panel, "ladder_painted")
    panel.resize(420, 300)  # narrower than its columns: it scrolls
    qtbot.wait(30)
    screenshot(panel, "ladder_narrow")


def test_a_vanished_psc_shows_no_relatives(qtbot, session, open_panel):
    session.scene.show_atlas(make_atlas(), 32)
    session.scene.look_at((65.0, 0.0, 0.0))
    session.scene.selected = "C32_32"
    panel = open_panel()
    assert words(panel).startswith("No PSC of C = 32")
    session.scene.painted = PscColumn("x", {})
    QApplication.processEvents()
