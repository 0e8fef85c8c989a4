"""What every test of a window needs."""

import os
import shutil
import threading
from pathlib import Path

import pytest

os.environ["QT_API"] = "pyside6"

SCREENSHOTS = Path(__file__).parent / "screenshots"


@pytest.fixture(autouse=True)
def fresh_settings(tmp_path, monkeypatch):
    """Keep the user's settings out of the tests, and the tests out of the user's settings."""
    monkeypatch.setenv("MUSIC_GUI_CONFIG", str(tmp_path / "config"))


@pytest.fixture(autouse=True)
def dark_theme():
    """Start and leave every test in the same theme."""
    from music_gui.views.widgets import palette

    palette.set_current(palette.DARK)
    yield
    palette.set_current(palette.DARK)


@pytest.fixture
def dressed(qapp):
    """The application's palette and style sheet, for a panel that is opened alone."""
    from music_gui.app.theme import ThemeSwitch

    switch = ThemeSwitch(qapp)
    switch.use("dark")
    yield switch
    switch.use("dark")


@pytest.fixture
def session(dressed):
    """A session without a study that reads inline: for a panel that is opened alone."""
    from music_gui.state.background import Background
    from music_gui.state.session import Session
    from music_gui.state.settings import Settings

    session = Session(Background(lambda call: call(), inline=True), Settings())
    yield session
    session.close_study()


@pytest.fixture
def open_widget(qtbot, session, dressed):
    """Show a widget of the session at a size; all are closed at the end, before the session."""
    from PySide6.QtCore import QEvent
    from PySide6.QtWidgets import QApplication

    opened = []

    def open_widget(widget, size):
        opened.append(widget)
        widget.resize(*size)
        with qtbot.waitExposed(widget):
            widget.show()
        return widget

    yield open_widget
    for widget in opened:
        widget.close()
        widget.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def working_driver(monkeypatch):
    """The graphics driver is known to work: it is not asked."""
    from brain_world import WorkingDriver

    from music_gui.views.brain import drawing_preparation

    monkeypatch.setattr(drawing_preparation, "GLProbe", WorkingDriver)


@pytest.fixture
def start_application(qapp, qtbot):
    """Start the application as the user does; all are closed at the end and leave no thread."""
    from music_gui.app.main import Application, make_qt_application

    running = []

    def start(study=None, *, wait_for_panels=True, size=(1500, 920)):
        application = Application(make_qt_application())
        running.append(application)
        application.window.resize(*size)
        ready = []
        application.window.panels_ready.connect(lambda: ready.append(True))
        application.window.show()
        if study is not None:
            application.session.open_study(study)
            qtbot.waitUntil(lambda: application.session.study is not None)
        if wait_for_panels:
            qtbot.waitUntil(lambda: bool(ready), timeout=30_000)
        return application

    def stop(application):
        running.remove(application)
        application.window.close()
        application.stop()
        application.window.deleteLater()
        qtbot.wait(50)

    start.stop = stop
    yield start
    for application in list(running):
        stop(application)
    names = ("job-runner", "reader", "requests")
    assert not [each.name for each in threading.enumerate() if each.name.startswith(names)]


@pytest.fixture(scope="session")
def imported_study_once(tmp_path_factory):
    """A study of 40 simulated people whose maps are imported; not to be changed."""
    from music_gui.core.progress import Silent
    from music_gui.io.study import Study
    from music_gui.steps.example_study import write_inputs
    from music_gui.steps.main_job import run_steps

    study = Study.create(tmp_path_factory.mktemp("once") / "study", "Small", simulated=True)
    write_inputs(study.source_data, Silent(), 40, 200, 1)
    assert [snapshot.state for snapshot in run_steps(study, ["import-maps"])] == ["done"]
    return study


@pytest.fixture
def imported_study(imported_study_once, tmp_path):
    """A study of 40 simulated people whose maps are imported."""
    from music_gui.io.study import Study

    shutil.copytree(imported_study_once.root, tmp_path / "my stüdy")
    return Study.open(tmp_path / "my stüdy")


@pytest.fixture
def screenshot(qtbot):
    """Save a widget's picture under tests/gui/screenshots, to be looked at."""

    def save(widget, name):
        SCREENSHOTS.mkdir(exist_ok=True)
        qtbot.wait(100)
        path = SCREENSHOTS / f"{name}.png"
        assert widget.grab().save(str(path))
        return path

    return save
