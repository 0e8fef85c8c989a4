"""What the menus open: dialogs, and what becomes of their answers."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QMessageBox, QTextBrowser

from music_gui.io.study import Study
from music_gui.jobs.job import JobState
from music_gui.state.catalog import Catalog
from music_gui.views.help_windows import GuideWindow, KeyboardMap
from music_gui.views.jobs.step_dialog import StepDialog

pytestmark = pytest.mark.gui


@pytest.fixture
def application(start_application):
    return start_application(wait_for_panels=False)


@pytest.fixture
def in_study(start_application, tmp_path):
    study = Study.create(tmp_path / "study", "Aging cohort")
    return start_application(study.root, wait_for_panels=False)


def opened(application, kind):
    return [each for each in application.window.findChildren(kind) if each.isVisible()]


def test_a_new_study_is_made_where_the_dialog_says(application, tmp_path, qtbot):
    dialog = application.commands.new_study()
    dialog.folder.setText(str(tmp_path / "aging"))
    dialog.name.setText("Aging cohort")
    dialog.accept_button.click()
    qtbot.waitUntil(lambda: application.session.study is not None)
    assert application.session.study.root == tmp_path / "aging"
    assert application.session.study.manifest.name == "Aging cohort"
    assert (tmp_path / "aging" / "study.json").is_file()


def test_the_example_queues_the_whole_main_job(application, tmp_path, qtbot):
    dialog = application.commands.open_example()
    dialog.folder.setText(str(tmp_path / "example"))
    dialog.accept_button.click()
    session = application.session
    qtbot.waitUntil(lambda: len(session.jobs.jobs) == 8, timeout=60_000)
    assert session.study.manifest.simulated
    assert [job.spec.step for job in session.jobs.jobs] == [
        "make-example", "import-maps", "fit", "extract", "harmonize", "gwas", "spare-train",
        "spare-score",
    ]  # fmt: skip
    application.actions.cancel_all.trigger()
    qtbot.waitUntil(lambda: session.jobs.n_active == 0, timeout=20_000)
    assert {job.state for job in session.jobs.jobs} == {JobState.CANCELLED}


def test_scoring_without_a_study_makes_one_first(application, tmp_path, qtbot, screenshot):
    dialog = application.commands.score_subject()
    dialog.folder.setText(str(tmp_path / "scores"))
    dialog.accept_button.click()
    qtbot.waitUntil(lambda: bool(opened(application, StepDialog)), timeout=60_000)
    assert application.session.study.root == tmp_path / "scores"
    (score,) = opened(application, StepDialog)
    assert score.windowTitle() == "Score a subject"
    screenshot(score, "score_dialog")
    score.reject()


def test_a_step_opens_its_dialog_and_runs(in_study, qtbot):
    in_study.actions.steps["fit"].trigger()
    qtbot.waitUntil(lambda: bool(opened(in_study, StepDialog)), timeout=60_000)
    (dialog,) = opened(in_study, StepDialog)
    dialog.run.click()
    jobs = in_study.session.jobs
    qtbot.waitUntil(lambda: bool(jobs.jobs) and jobs.n_active == 0, timeout=60_000)
    (fit,) = jobs.jobs
    assert fit.state == JobState.FAILED  # there are no maps yet: the error says so
    assert fit.error["what"]
    in_study.actions.retry_failed.trigger()
    qtbot.waitUntil(lambda: jobs.jobs[0].attempt == 2, timeout=20_000)
    qtbot.waitUntil(lambda: jobs.n_active == 0, timeout=60_000)


@pytest.mark.parametrize(
    ("button", "asked"),
    [
        ("&Score this subject", ("spare-score", {"map": "/data/one.nii.gz"})),
        ("&Import it", ("import-maps", {"files": ["/data/one.nii.gz"]})),
        ("Show it on the &template", ("shown", Path("/data/one.nii.gz"))),
        ("Cancel", None),
    ],
)
def test_one_dropped_map_may_be_meant_for_several_things(
    in_study, button, asked, monkeypatch, screenshot
):
    session, did = in_study.session, []
    monkeypatch.setattr(session, "request_step", lambda *what: did.append(what))
    monkeypatch.setattr(session, "show_map", lambda path: did.append(("shown", path)))
    session.catalog = Catalog(spare_models=("main",))
    in_study.window.files_dropped.emit([Path("/data/one.nii.gz")])
    (box,) = opened(in_study, QMessageBox)
    assert not did
    assert "one.nii.gz" in box.text()
    screenshot(box, "one_map")
    next(each for each in box.buttons() if each.text() == button).click()
    assert did == ([asked] if asked else [])


def test_dropped_maps_are_imported_where_nobody_can_be_scored(in_study, monkeypatch):
    did = []
    monkeypatch.setattr(in_study.session, "request_step", lambda *what: did.append(what))
    in_study.window.files_dropped.emit([Path("/data/one.nii.gz")])
    in_study.session.catalog = Catalog(spare_models=("main",))
    in_study.window.files_dropped.emit([Path("/data/one.nii"), Path("/data/two.nii")])
    assert [step for step, _ in did] == ["import-maps", "import-maps"]
    assert not opened(in_study, QMessageBox)


def test_the_keys_are_listed(application, screenshot):
    application.actions.keys.trigger()
    (window,) = opened(application, KeyboardMap)
    text = window.findChild(QTextBrowser).toPlainText()
    assert "Ctrl+O" in text
    assert "Open study" in text
    screenshot(window, "keyboard")
    window.close()


def test_the_guide_opens(application, screenshot):
    application.actions.guide.trigger()
    (window,) = opened(application, GuideWindow)
    assert "MuSIC GUI" in window.findChild(QTextBrowser).toPlainText()
    screenshot(window, "guide")
    window.close()


def test_it_says_what_it_is(application, screenshot):
    application.actions.about.trigger()
    (box,) = opened(application, QMessageBox)
    assert "BSD-3-Clause" in box.informativeText()
    screenshot(box, "about")
    box.close()


def test_the_fit_is_not_called_by_one_of_its_two_algorithms(application):
    fit = application.actions.steps["fit"]
    assert fit.text() == "&Fit atlas…"
    assert "exact orthogonal NMF" in fit.toolTip()
    assert "sopNMF" in fit.toolTip()
    assert "Ctrl+Shift+F" in fit.toolTip()


def test_no_dialog_is_left_behind(application):
    assert not opened(application, QDialog)
