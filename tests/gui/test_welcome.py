"""The welcome page."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QToolButton

from music_gui.io.study import Study
from music_gui.state.background import Background
from music_gui.state.session import Session
from music_gui.state.settings import Settings
from music_gui.views.study_folder_dialog import StudyFolderDialog
from music_gui.views.welcome import Welcome

pytestmark = pytest.mark.gui


@pytest.fixture
def session(tmp_path):
    session = Session(Background(lambda call: call(), inline=True), Settings())
    yield session
    session.close_study()


@pytest.fixture
def page(session, qtbot, dressed):
    page = Welcome(session)
    page.resize(1366, 700)
    page.show()
    qtbot.waitExposed(page)
    yield page
    page.close()
    page.deleteLater()


def rows(page):
    """The recent studies that are listed, from top to bottom."""
    found = [each for each in page.findChildren(QPushButton) if each.objectName() == "recentRow"]
    return [each for each in found if each.isVisible()]


def test_the_three_first_things_can_be_reached_with_the_keyboard(page, qtbot):
    clicked = []
    for card in (page.example, page.new, page.score):
        card.clicked.connect(lambda _=False, card=card: clicked.append(card.accessibleName()))
        card.setFocus()
        qtbot.keyClick(card, Qt.Key.Key_Space)
    assert clicked == ["Open the example study", "New study", "Score a subject"]


def test_recent_studies_are_listed_newest_first(page, session, qtbot, screenshot):
    for number in range(3):
        session.settings.remember_study(Path(f"/data/cohorts/a rather long folder {number}"))
    qtbot.waitUntil(lambda: len(rows(page)) == 3)
    tops = {row.accessibleName()[-1]: row.y() for row in rows(page)}
    assert tops["2"] < tops["1"] < tops["0"]
    screenshot(page, "welcome_recent")


def test_a_click_on_a_recent_study_opens_it(page, session, qtbot, tmp_path):
    study = Study.create(tmp_path / "study")
    session.settings.remember_study(study.root)
    qtbot.waitUntil(lambda: len(rows(page)) == 1)
    qtbot.mouseClick(rows(page)[0], Qt.MouseButton.LeftButton)
    assert session.study == study


def test_a_recent_study_that_is_gone_is_explained(page, session, qtbot):
    failures = []
    session.failed.connect(failures.append)
    session.settings.remember_study(Path("/nowhere/study"))
    qtbot.waitUntil(lambda: len(rows(page)) == 1)
    qtbot.mouseClick(rows(page)[0], Qt.MouseButton.LeftButton)
    assert failures[0].what == "this folder is not a study"
    assert session.study is None


def test_a_study_can_be_taken_off_the_list(page, session, qtbot):
    session.settings.remember_study(Path("/data/one"))
    session.settings.remember_study(Path("/data/two"))
    qtbot.waitUntil(lambda: len(rows(page)) == 2)
    remove = rows(page)[0].findChildren(QToolButton)
    button = next(each for each in remove if each.accessibleName().startswith("Take off"))
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(rows(page)) == 1)
    assert len(session.settings.recent_studies) == 1


@pytest.fixture
def folder_dialog(tmp_path, qtbot, dressed):
    place = tmp_path / "my-study"
    dialog = StudyFolderDialog("New study", "A folder.", "Make the study", place, "My study")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    dialog.show()
    qtbot.waitExposed(dialog)
    yield dialog
    dialog.close()
    dialog.deleteLater()


def test_the_folder_of_a_new_study_follows_its_name(folder_dialog, qtbot, tmp_path, screenshot):
    chosen = []
    folder_dialog.chosen.connect(lambda root, name: chosen.append((root, name)))
    qtbot.keyClicks(folder_dialog.name, "Age & size/2026")
    assert folder_dialog.folder.text() == str(tmp_path / "Age---size-2026")
    screenshot(folder_dialog, "new_study")
    folder_dialog.accept_button.click()
    assert chosen == [(tmp_path / "Age---size-2026", "Age & size/2026")]


def test_a_folder_that_is_in_use_is_refused_before_it_is_tried(folder_dialog, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    folder_dialog.folder.setText(str(tmp_path / "full"))
    assert "holds something" in folder_dialog.problem.text()
    assert not folder_dialog.accept_button.isEnabled()
    folder_dialog.folder.setText("")
    assert not folder_dialog.accept_button.isEnabled()
    folder_dialog.folder.setText(str(tmp_path / "new"))
    assert folder_dialog.accept_button.isEnabled()
