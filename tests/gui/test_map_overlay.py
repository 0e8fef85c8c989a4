"""A map on the template: drawn where its anatomy is, read off, judged alone and put away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from brain_world import (
    HALF_AXES,
    ORIENTATIONS,
    grid_stored_as,
    make_atlas,
    make_session,
    make_underlay,
    show_atlas,
)
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QDropEvent

from music_gui.core.errors import InputError
from music_gui.io.nifti import write_image
from music_gui.views.brain.slices_panel import SlicesPanel
from music_gui.views.cohort.cohort_panel import CohortPanel
from music_gui.views.widgets import palette

pytestmark = pytest.mark.gui

#: World mm of the block that the maps hold, 9 mm wide.
BLOCK = np.array([21.0, -28.5, 12.0])


@pytest.fixture
def session():
    session = make_session()
    session.scene.underlay = make_underlay("RAS")
    yield session
    session.close_study()


@pytest.fixture
def panel(session, open_widget):
    return open_widget(SlicesPanel(session), (900, 460))


def write_block(path, orientation, step=2.0):
    """2.0 in the block, 0 elsewhere, on a grid other than the template's."""
    grid = grid_stored_as(orientation, step)
    world = grid.to_world(np.stack(np.indices(grid.shape), axis=-1))
    inside = (np.abs(world - BLOCK) < 4.5).all(axis=-1)
    write_image(path, np.where(inside, 2.0, 0.0).astype(np.float32), grid)
    return path


def write_grey_matter(path):
    """A made-up map: a folded shell of grey matter around the brain, on an oblique grid."""
    grid = grid_stored_as("tilted", 2.5)
    world = grid.to_world(np.stack(np.indices(grid.shape), axis=-1))
    radius = np.sqrt(((world / HALF_AXES) ** 2).sum(axis=-1))
    folds = 0.06 * np.sin(world[..., 0] / 5) * np.sin(world[..., 1] / 6) * np.cos(world[..., 2] / 5)
    tissue = np.exp(-(((radius + folds - 0.86) / 0.09) ** 2))
    write_image(path, tissue.astype(np.float32), grid)
    return path


def color_at(view, point):
    seen = view.grab().toImage().pixelColor(view.pixel_of(point).toPoint())
    return np.array([seen.red(), seen.green(), seen.blue()], dtype=float)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_known_block_is_drawn_at_its_place_however_the_map_is_stored(
    qtbot, session, panel, tmp_path, orientation
):
    session.show_map(write_block(tmp_path / "block.nii.gz", orientation))
    session.scene.overlay_opacity = 1.0
    session.scene.overlay_range = (0.2, 1.5)
    session.scene.crosshair = tuple(BLOCK)
    qtbot.wait(40)
    last = palette.color_map("image")[-1]
    for view in panel.views:
        for axis in {0, 1, 2} - {view.axis}:
            for side in (-1, 1):
                inside, outside = BLOCK.copy(), BLOCK.copy()
                inside[axis] += side * 2
                outside[axis] += side * 7.5
                # Beside the lines of the crosshair.
                for other in {0, 1, 2} - {view.axis, axis}:
                    inside[other] += 2
                    outside[other] += 2
                np.testing.assert_allclose(color_at(view, inside), last, atol=4)
                seen = color_at(view, outside)
                assert seen.max() - seen.min() < 6  # the grey of the template


def test_value_under_the_mouse_and_name_are_told(qtbot, session, panel, tmp_path):
    session.show_map(write_block(tmp_path / "block.nii.gz", "LAS"))
    qtbot.wait(20)
    panel.views[2].hovered.emit(tuple(BLOCK))
    assert panel._readout.text().startswith("map 2  ·  ")
    panel.views[2].hovered.emit((-21.0, 0.0, 0.0))
    assert panel._readout.text().startswith("map 0  ·  ")
    assert panel.map_bar.name.text() == "block"


def test_one_click_hides_the_pscs_or_the_map(qtbot, session, panel, tmp_path):
    show_atlas(session, make_atlas(), 8)
    session.scene.opacity = 1.0
    place = tuple(BLOCK + 2)
    session.scene.crosshair = tuple(BLOCK)
    qtbot.wait(20)
    view = panel.views[2]
    psc = color_at(view, place)
    session.show_map(write_block(tmp_path / "block.nii.gz", "RAS"))
    session.scene.overlay_opacity = 1.0
    qtbot.wait(20)
    mapped = color_at(view, place)
    np.testing.assert_allclose(mapped, palette.color_map("image")[-1], atol=4)
    qtbot.mouseClick(panel._pscs, Qt.MouseButton.LeftButton)
    qtbot.wait(20)
    np.testing.assert_array_equal(color_at(view, place), psc)
    qtbot.mouseClick(panel._pscs, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(panel.map_bar.eye, Qt.MouseButton.LeftButton)
    qtbot.wait(20)
    grey = color_at(view, place)
    assert grey.max() - grey.min() < 6
    qtbot.mouseClick(panel.map_bar.close_button, Qt.MouseButton.LeftButton)
    qtbot.wait(20)
    assert session.scene.overlay is None
    assert panel.map_bar.isHidden()
    np.testing.assert_array_equal(color_at(view, place), psc)


def test_the_range_can_be_written(qtbot, session, panel, tmp_path):
    session.show_map(write_block(tmp_path / "block.nii.gz", "RAS"))
    low, high = panel.map_bar.limits
    assert session.scene.overlay_range == pytest.approx((0.2, 2.0))
    write(qtbot, low, "2,5")
    assert low.property("invalid")
    assert session.scene.overlay_range == pytest.approx((0.2, 2.0))
    write(qtbot, high, "1e1")
    assert session.scene.overlay_range == (2.5, 10.0)
    assert not low.property("invalid")
    session.scene.crosshair = tuple(BLOCK)
    qtbot.wait(20)
    seen = color_at(panel.views[2], tuple(BLOCK + 2))  # 2 is below 2.5
    assert seen.max() - seen.min() < 6
    write(qtbot, low, "-1")
    write(qtbot, low, "low")
    assert session.scene.overlay_range == (-1.0, 10.0)
    assert low.property("invalid")


def write(qtbot, edit, text):
    edit.setText(text)
    qtbot.keyClick(edit, Qt.Key.Key_Return)


def test_a_dropped_image_is_shown_and_other_files_are_left_to_the_window(session, panel, tmp_path):
    path = write_block(tmp_path / "block.nii.gz", "LPS")
    assert drag(panel, path)
    drop(panel, path)
    assert session.scene.overlay.name == "block"
    assert not drag(panel, tmp_path)
    assert not drag(panel, tmp_path / "a.nii", tmp_path / "b.nii")
    assert not any(view.acceptDrops() or view.viewport().acceptDrops() for view in panel.views)


def test_the_map_can_become_the_template(qtbot, session, panel, tmp_path):
    session.show_map(write_block(tmp_path / "block.nii.gz", "RAS"))
    image = session.scene.overlay
    qtbot.mouseClick(panel.map_bar.use_button, Qt.MouseButton.LeftButton)
    assert session.scene.underlay is image
    assert "block" in panel._readout.text()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_pictures_of_a_map(qtbot, session, panel, dressed, tmp_path, theme, screenshot):
    dressed.use(theme)
    show_atlas(session, make_atlas(), 32)
    session.show_map(write_grey_matter(tmp_path / "sub-0001_ses-01_space-MNI_RAVENS.nii.gz"))
    screenshot(panel, f"map_{theme}")
    session.scene.pscs_in_slices = True
    session.scene.outline = True
    panel.resize(320, 560)
    screenshot(panel, f"map_outline_{theme}")


# -- the cohort panel ------------------------------------------------------------------------


@pytest.fixture
def cohort(qtbot, imported_study, dressed):
    session = make_session()
    session.open_study(imported_study.root)
    panel = CohortPanel(session)
    panel.resize(760, 420)
    with qtbot.waitExposed(panel):
        panel.show()
    yield panel
    panel.close()
    panel.deleteLater()
    session.close_study()


def choose(panel, tab, row):
    panel.tabs.setCurrentIndex(tab)
    table = panel.tabs.widget(tab)
    table.setCurrentIndex(table.model().index(row, 1))
    return table


@pytest.mark.parametrize("tab", [0, 1])
def test_enter_and_double_click_on_a_row_show_its_map(qtbot, cohort, tab, screenshot):
    scene = cohort._session.scene
    table = choose(cohort, tab, 2)
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert scene.overlay.name == "sub-0003 ses-01"
    assert scene.overlay.data.any()
    table.sortByColumn(table.model().columnCount() - 1, Qt.SortOrder.DescendingOrder)
    place = table.visualRect(table.model().index(4, 1)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    report = cohort.tabs.widget(tab).model()
    column = 1 if tab == 0 else 0
    assert scene.overlay.name == f"{report.index(4, column).data()} ses-01" != "sub-0003 ses-01"
    screenshot(cohort, f"cohort_rows_{tab}")


def test_a_refused_file_is_shown_too_so_that_one_sees_why(cohort, tmp_path):
    path = write_block(tmp_path / "odd.nii.gz", "RAS")
    session = cohort._session
    session.cohort.report = pd.DataFrame(
        {
            "state": ["refused", "refused"], "participant_id": ["x", "y"], "session_id": "ses-01",
            "path": [str(path), str(tmp_path / "gone" / "y.nii.gz")],
        }
    )  # fmt: skip
    failures = []
    session.failed.connect(failures.append)
    choose(cohort, 0, 0)
    cohort.show_button.click()
    assert session.scene.overlay.name == "odd"
    choose(cohort, 0, 1)
    cohort.show_button.click()
    assert isinstance(failures[0], InputError)
    assert session.scene.overlay.name == "odd"
    action(cohort, "Open containing folder").trigger()
    assert "folder" in failures[1].what


def test_the_context_menu_opens_the_folder_of_the_file(cohort, imported_study, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    action(cohort, "Open containing folder").trigger()
    assert opened == []  # no row is chosen
    choose(cohort, 0, 1)
    action(cohort, "Open containing folder").trigger()
    assert [url.toLocalFile() for url in opened] == [str(imported_study.source_data / "maps")]
    action(cohort, "Show on the template").trigger()
    assert cohort._session.scene.overlay.name == "sub-0002 ses-01"


def action(cohort, text):
    table = cohort.tabs.currentWidget()
    assert table.contextMenuPolicy() == Qt.ContextMenuPolicy.ActionsContextMenu
    return next(each for each in table.actions() if each.text() == text)


def test_the_window_shows_a_map_from_its_menu(qtbot, start_application, imported_study):
    application = start_application(imported_study.root)
    window, session = application.window, application.session
    assert not application.actions.hide_map.isEnabled()
    window.docks.raise_dock("cohort")
    session.show_participant_map("sub-0001", "ses-01")
    qtbot.waitUntil(lambda: session.scene.overlay is not None)
    assert application.actions.hide_map.isEnabled()
    assert not application.actions.pscs_in_slices.isChecked()
    application.actions.pscs_in_slices.trigger()
    assert session.scene.pscs_in_slices
    application.actions.hide_map.trigger()
    assert session.scene.overlay is None


def dropping(*paths):
    """The files that are carried, which must outlive the event, and the event."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data, QDropEvent(
        QPoint(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip


def drag(widget, *paths):
    _data, event = dropping(*paths)
    event.ignore()
    widget.dragEnterEvent(event)
    return event.isAccepted()


def drop(widget, *paths):
    _data, event = dropping(*paths)
    widget.dropEvent(event)
