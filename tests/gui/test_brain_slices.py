"""The slices: the same anatomy at the same place, however it is stored, and every way to move."""

from __future__ import annotations

import numpy as np
import pytest
from brain_world import (
    ORIENTATIONS,
    make_atlas,
    make_underlay,
    octant,
    show_atlas,
)
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from music_gui.core.errors import ParameterError
from music_gui.views.brain.coordinates import format_coordinates, parse_coordinates
from music_gui.views.brain.psc_colors import scene_colors
from music_gui.views.brain.slices_panel import SlicesPanel

pytestmark = pytest.mark.gui

#: Inside the brain, away from the borders of the octants.
PLACES = ((-21.0, 30.0, 15.0), (24.0, -27.0, -12.0), (15.0, 21.0, -18.0))


@pytest.fixture
def open_slices(session, open_widget):
    def open_panel(size=(900, 420)):
        return open_widget(SlicesPanel(session), size)

    return open_panel


def show_world(qtbot, session, orientation="LPS", scale=8):
    session.scene.underlay = make_underlay("RAS")
    show_atlas(session, make_atlas(orientation), scale)
    qtbot.wait(40)


def pixel(view, point):
    return view.pixel_of(point).toPoint()


def color_at(view, point):
    """What is drawn at a point, beside the lines of the crosshair."""
    seen = view.grab().toImage().pixelColor(pixel(view, point))
    return np.array([seen.red(), seen.green(), seen.blue()], dtype=float)


def wheel(view, steps, modifiers=Qt.KeyboardModifier.NoModifier):
    place = QPointF(view.viewport().rect().center())
    view.wheelEvent(
        QWheelEvent(
            place, view.mapToGlobal(place), QPoint(), QPoint(0, 120 * steps),
            Qt.MouseButton.NoButton, modifiers, Qt.ScrollPhase.NoScrollPhase, False,
        )
    )  # fmt: skip


def test_without_any_image_it_says_so(open_slices, screenshot):
    panel = open_slices()
    assert panel._pages.currentWidget() is panel._empty
    screenshot(panel, "slices_empty")


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_click_finds_the_anatomy_at_that_place(qtbot, session, open_slices, orientation):
    panel = open_slices()
    show_world(qtbot, session, orientation)
    for place in PLACES:
        for view in panel.views:
            session.scene.crosshair = place
            session.scene.selected = None
            qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=pixel(view, place))
            assert np.allclose(session.scene.crosshair, place, atol=1.0)
            assert session.scene.selected == f"C8_{octant(np.array(place))}"


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_every_psc_is_drawn_where_it_is(qtbot, session, open_slices, orientation):
    panel = open_slices()
    show_world(qtbot, session, orientation)
    session.scene.opacity = 1.0
    session.scene.crosshair = (20.0, 25.0, 14.0)
    qtbot.wait(30)
    colors = scene_colors(session.scene)
    for view, place in zip(
        panel.views,
        [(20.0, -35.0, -20.0), (-25.0, 25.0, -15.0), (-25.0, -35.0, 14.0)],
        strict=True,
    ):
        label = octant(np.array(place))
        np.testing.assert_allclose(color_at(view, place), colors[label, :3], atol=3)


def test_right_is_right_and_radiological_turns_it(qtbot, session, open_slices, screenshot):
    panel = open_slices()
    session.scene.underlay = make_underlay("LAS")  # brighter towards the right
    qtbot.wait(40)
    right, left = (30.0, -8.0, -6.0), (-30.0, -8.0, -6.0)
    for radiological in (False, True):
        session.scene.radiological = radiological
        qtbot.wait(30)
        for view in panel.views[1:]:
            assert color_at(view, right).sum() > color_at(view, left).sum() + 60
            is_right_of = pixel(view, right).x() > pixel(view, left).x()
            assert is_right_of != radiological
        assert panel._radiological.isChecked() == radiological
        screenshot(panel, f"slices_{'radiological' if radiological else 'neurological'}")
    assert session.settings.radiological


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_pictures_of_fill_outline_and_painted_values(
    qtbot, session, open_slices, dressed, theme, screenshot
):
    dressed.use(theme)
    panel = open_slices((340, 640))
    show_world(qtbot, session, scale=32)
    session.scene.select("C32_3")
    screenshot(panel, f"slices_fill_{theme}")
    session.scene.outline = True
    screenshot(panel, f"slices_outline_{theme}")
    session.scene.outline = False
    session.paint("z")
    screenshot(panel, f"slices_painted_{theme}")


def test_a_drag_moves_the_crosshair_but_selects_nothing(qtbot, session, open_slices):
    panel = open_slices()
    show_world(qtbot, session)
    axial = panel.views[2]
    start, end = (-21.0, 30.0, 0.0), (24.0, -27.0, 0.0)
    qtbot.mousePress(axial.viewport(), Qt.MouseButton.LeftButton, pos=pixel(axial, start))
    qtbot.mouseMove(axial.viewport(), pixel(axial, (0.0, 0.0, 0.0)))
    qtbot.mouseMove(axial.viewport(), pixel(axial, end))
    qtbot.mouseRelease(axial.viewport(), Qt.MouseButton.LeftButton, pos=pixel(axial, end))
    assert np.allclose(session.scene.crosshair, end, atol=1.0)
    assert session.scene.selected is None


def test_the_wheel_turns_pages_and_stops_at_the_end(qtbot, session, open_slices):
    panel = open_slices()
    show_world(qtbot, session)
    wheel(panel.views[2], 2)
    assert session.scene.crosshair == (0.0, 0.0, 6.0)
    wheel(panel.views[0], -1)
    assert session.scene.crosshair == (-3.0, 0.0, 6.0)
    wheel(panel.views[2], 500)
    assert session.scene.crosshair[2] == panel.views[2]._sources.bounds()[2, 1]


def test_ctrl_and_wheel_zoom_around_the_mouse(qtbot, session, open_slices):
    panel = open_slices()
    show_world(qtbot, session)
    view, before = panel.views[1], session.scene.crosshair
    (left, right), _ = view._box.viewRange()
    wheel(view, 3, Qt.KeyboardModifier.ControlModifier)
    (near_left, near_right), _ = view._box.viewRange()
    assert (near_right - near_left) == pytest.approx((right - left) / 1.2**3, rel=1e-6)
    assert session.scene.crosshair == before
    session.scene.view_reset.emit()
    assert view._box.viewRange()[0] == pytest.approx([left, right])


def test_the_middle_button_moves_the_image(qtbot, session, open_slices):
    panel = open_slices()
    show_world(qtbot, session)
    view, point = panel.views[2], (10.0, 10.0, 0.0)
    start, before = pixel(view, point), session.scene.crosshair
    qtbot.mousePress(view.viewport(), Qt.MouseButton.MiddleButton, pos=start)
    qtbot.mouseMove(view.viewport(), start + QPoint(20, 10))
    qtbot.mouseRelease(view.viewport(), Qt.MouseButton.MiddleButton, pos=start + QPoint(20, 10))
    moved = pixel(view, point) - start
    assert abs(moved.x() - 20) <= 1
    assert abs(moved.y() - 10) <= 1
    assert session.scene.crosshair == before


def test_keys_move_through_the_brain(qtbot, session, open_slices):
    panel = open_slices()
    show_world(qtbot, session)
    coronal = panel.views[1]
    for key, expected in (
        (Qt.Key.Key_Right, (3.0, 0.0, 0.0)),
        (Qt.Key.Key_Up, (3.0, 0.0, 3.0)),
        (Qt.Key.Key_PageUp, (3.0, 3.0, 3.0)),
    ):
        qtbot.keyClick(coronal, key)
        assert session.scene.crosshair == expected
    session.scene.radiological = True
    qtbot.wait(20)
    qtbot.keyClick(coronal, Qt.Key.Key_Right)  # right of the screen is left of the brain
    assert session.scene.crosshair == (0.0, 3.0, 3.0)
    qtbot.keyClick(coronal, Qt.Key.Key_PageUp)
    qtbot.keyClick(coronal, Qt.Key.Key_Return)
    assert session.scene.selected == session.scene.psc_at_crosshair is not None


def test_the_readout_names_what_is_under_the_mouse(qtbot, session, open_slices):
    panel = open_slices()
    show_world(qtbot, session)
    session.paint("h2")
    view, place = panel.views[2], (-21.0, 30.0, 0.0)
    qtbot.mouseMove(view.viewport(), pixel(view, place))
    text = panel._readout.text()
    expected = session.scene.atlas.psc_at(np.array(place), 8)
    assert text.startswith(expected)
    assert "h2" in text
    assert "voxel" in text
    assert "ramp 12" in text or "ramp 13" in text  # 150 + x
    view.hovered.emit(None)
    assert " 0 0 0 mm" in panel._readout.text()


def test_coordinates_can_be_gone_to_and_copied(qtbot, session, open_slices):
    panel = open_slices()
    show_world(qtbot, session)
    panel._place.setText("(-21, 30; 15 mm)")
    qtbot.keyClick(panel._place, Qt.Key.Key_Return)
    assert session.scene.crosshair == (-21.0, 30.0, 15.0)
    panel._copy()
    assert QApplication.clipboard().text() == "-21.0 30.0 15.0"
    panel._place.setText("somewhere")
    qtbot.keyClick(panel._place, Qt.Key.Key_Return)
    assert panel._place.property("invalid")
    assert "is no point" in panel._readout.text()
    assert session.scene.crosshair == (-21.0, 30.0, 15.0)
    session.scene.look_at((0.0, 0.0, 0.0))
    assert not panel._place.property("invalid")


@pytest.mark.parametrize(
    "text",
    ["-50 -6.5 52", "-50, -6.5, 52", "(-50; -6.5; 52)", "x=-50 y=-6.5 z=52 mm", "−50 −6.5 52"],
)
def test_points_are_read_as_people_write_them(text):
    assert parse_coordinates(text) == (-50.0, -6.5, 52.0)


@pytest.mark.parametrize("text", ["", "1 2", "1 2 3 4", "a b c", "1 nan 3", "inf 0 0"])
def test_what_is_no_point_is_refused(text):
    with pytest.raises(ParameterError):
        parse_coordinates(text)


def test_a_point_is_written_without_a_negative_zero():
    assert format_coordinates((-0.0, 1.25, -3.0)) == "0.0 1.2 -3.0"


def test_the_crosshair_far_outside_shows_empty_slices(qtbot, session, open_slices):
    panel = open_slices()
    show_world(qtbot, session)
    session.scene.look_at((500.0, 500.0, 500.0))
    qtbot.wait(20)
    assert panel._readout.text().startswith("no PSC")


def test_the_slices_lie_under_each_other_in_a_narrow_dock(qtbot, session, open_slices):
    panel = open_slices((320, 700))
    show_world(qtbot, session)
    assert panel.views[0].x() == panel.views[1].x()
    panel.resize(1000, 360)
    qtbot.wait(30)
    assert panel.views[0].y() == panel.views[1].y() == panel.views[2].y()


def test_a_panel_that_is_gone_hears_nothing(qtbot, session, open_slices):
    show_world(qtbot, session)
    for _ in range(3):
        panel = SlicesPanel(session)
        panel.show()
        panel.close()
        panel.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    session.scene.select("C8_1")
    session.scene.look_at((3.0, 3.0, 3.0))
    session.scene.radiological = True
