"""The main window, started as the user starts it."""

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QDialog

from music_gui.core.errors import InputError
from music_gui.io.study import Study
from music_gui.views.jobs.job_panel import JobPanel
from music_gui.views.panels import PANELS, Panel
from music_gui.views.widgets import palette
from music_gui.views.widgets.crash_dialog import CrashDialog
from music_gui.views.widgets.empty_state import EmptyState

pytestmark = pytest.mark.gui


@pytest.fixture
def study(tmp_path):
    return Study.create(tmp_path / "my stüdy", "Aging cohort", simulated=True)


def drop(widget, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    widget.dropEvent(
        QDropEvent(
            QPoint(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )  # fmt: skip


def test_without_a_study_it_says_what_to_do_first(start_application):
    window = start_application(wait_for_panels=False).window
    assert window.welcome.isVisible()
    assert not window.docks.isVisible()
    assert not window.toolbar.isVisible()
    assert window.windowTitle() == "MuSIC GUI"


def test_an_opened_study_shows_all_panels(start_application, study):
    window = start_application(study.root).window
    assert window.docks.isVisible()
    assert window.windowTitle() == "Aging cohort — MuSIC GUI"
    for panel in PANELS:
        assert type(window.docks.widget(panel.name)).__name__ == panel.widget


def test_closing_the_study_brings_the_welcome_page_back(start_application, study, qtbot):
    application = start_application(study.root, wait_for_panels=False)
    application.actions.close.trigger()
    assert application.window.welcome.isVisible()
    assert str(study.root) in application.settings.recent_studies
    assert not application.actions.steps["fit"].isEnabled()
    application.actions.open.setEnabled(True)
    application.commands.open_recent(str(study.root))
    qtbot.waitUntil(lambda: application.session.study is not None)
    assert application.window.docks.isVisible()
    assert application.actions.steps["fit"].isEnabled()


@pytest.mark.parametrize("close_study_first", [False, True])
def test_a_hidden_dock_stays_hidden_after_a_new_start(start_application, study, close_study_first):
    first = start_application(study.root, wait_for_panels=False)
    qq = first.window.dock_actions()[[panel.name for panel in PANELS].index("qq")]
    qq.trigger()
    assert not first.window.docks.widget("qq").isVisible()
    if close_study_first:
        first.actions.close.trigger()
    start_application.stop(first)
    second = start_application(study.root, wait_for_panels=False)
    assert not second.window.docks.widget("qq").isVisible()
    second.actions.reset_layout.trigger()
    assert second.window.docks.widget("qq").isVisible()


def test_the_size_of_the_window_is_remembered(start_application):
    first = start_application(wait_for_panels=False, size=(1111, 777))
    start_application.stop(first)
    second = start_application(wait_for_panels=False, size=(1111, 777))
    assert second.settings.window_geometry == first.settings.window_geometry


def test_the_theme_changes_at_once_and_is_remembered(start_application, study, qapp):
    application = start_application(study.root, wait_for_panels=False)
    application.actions.themes["light"].trigger()
    assert palette.current() is palette.LIGHT
    assert qapp.palette().window().color().name() == palette.LIGHT.window
    start_application.stop(application)
    assert start_application(wait_for_panels=False).settings.theme == "light"
    assert palette.current() is palette.LIGHT


def test_a_folder_that_is_no_study_is_explained(start_application, tmp_path, qtbot):
    application = start_application(wait_for_panels=False)
    application.session.open_study(tmp_path)
    notice = application.window.notice
    qtbot.waitUntil(notice.isVisible)
    assert "study.json" in notice.accessibleName()
    qtbot.keyClick(application.window, Qt.Key.Key_Escape)
    assert not notice.isVisible()


def test_a_dropped_study_opens(start_application, study, qtbot):
    application = start_application(wait_for_panels=False)
    drop(application.window, study.root)
    qtbot.waitUntil(lambda: application.session.study is not None)


def test_maps_dropped_without_a_study_ask_for_one(start_application, tmp_path):
    application = start_application(wait_for_panels=False)
    (tmp_path / "a.nii.gz").touch()
    drop(application.window, tmp_path / "a.nii.gz")
    assert "no study is open" in application.window.notice.accessibleName()


def test_dropped_maps_open_the_import_filled_in(start_application, study, tmp_path, qtbot):
    application = start_application(study.root, wait_for_panels=False)
    maps = [tmp_path / "a.nii.gz", tmp_path / "b.nii"]
    drop(application.window, *maps)
    dialog = wait_for_dialog(application.window, qtbot)
    assert dialog.editors["files"].value() == [str(path) for path in maps]
    dialog.reject()


def wait_for_dialog(window, qtbot):
    def dialogs():
        return [each for each in window.findChildren(QDialog) if each.isVisible()]

    qtbot.waitUntil(lambda: bool(dialogs()), timeout=20_000)
    return dialogs()[0]


def test_no_two_actions_share_a_shortcut(start_application):
    actions = start_application(wait_for_panels=False).actions.all()
    keys = [action.shortcut().toString() for action in actions]
    assert len(keys) > 20
    assert len(set(keys)) == len(keys)


def test_every_step_stands_in_the_analysis_menu(start_application):
    from music_gui.steps.registry import STEP_MODULES

    application = start_application(wait_for_panels=False)
    assert set(application.actions.steps) == set(STEP_MODULES) - {"make-example"}


def test_a_panel_whose_libraries_are_missing_says_so(start_application, study, monkeypatch):
    load = Panel.load

    def fail_for_3d(panel):
        if panel.name == "scene":
            raise InputError("libGL.so.1 is missing", remedy="Install libgl1")
        return load(panel)

    monkeypatch.setattr(Panel, "load", fail_for_3d)
    docks = start_application(study.root).window.docks
    assert isinstance(docks.widget("scene"), EmptyState)
    assert "Install libgl1" in docks.widget("scene").accessibleName()
    assert isinstance(docks.widget("jobs"), JobPanel)


def test_a_fault_of_the_program_is_shown_without_the_subjects_data(start_application, qtbot):
    application = start_application(wait_for_panels=False)
    try:
        raise ZeroDivisionError("sub-0007 is 83 years old")
    except ZeroDivisionError:
        kind, error, trace = sys.exc_info()
    for _ in range(2):  # the same fault again opens no second dialog
        application.crash_hook._on_exception(kind, error, trace)
    dialog = wait_for_dialog(application.window, qtbot)
    assert isinstance(dialog, CrashDialog)
    assert len(application.window.findChildren(CrashDialog)) == 1
    text = dialog.report
    assert "ZeroDivisionError" in text
    assert "test_main_window.py" in text
    assert "0007" not in text
    assert str(Path.home()) not in text
    dialog.reject()


def test_it_can_be_opened_and_closed_many_times(start_application, study):
    for wait_for_panels in (True, False, True):
        start_application.stop(start_application(study.root, wait_for_panels=wait_for_panels))


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768)])
def test_it_fits_the_screen(start_application, study, screenshot, theme, size, qtbot):
    application = start_application(study.root, size=size)
    application.settings.theme = theme
    window = application.window
    assert (window.width(), window.height()) == size
    screenshot(window, f"main_window_{theme}_{size[0]}")
    application.session.close_study()
    screenshot(window, f"welcome_{theme}_{size[0]}")
