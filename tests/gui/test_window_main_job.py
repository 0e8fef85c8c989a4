"""The main job through the real window: example study, atlas, GWAS, SPARE."""

import json

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from music_gui.jobs.job import JobState
from music_gui.steps.main_job import MAIN_JOB
from music_gui.views.study_folder_dialog import StudyFolderDialog

pytestmark = pytest.mark.gui


@pytest.fixture
def example(start_application, tmp_path, qtbot):
    """The application after the example study was made from the welcome page."""
    application = start_application(size=(1680, 1000))
    failures = []
    application.session.failed.connect(failures.append)
    qtbot.mouseClick(application.window.welcome.example, Qt.MouseButton.LeftButton)
    (dialog,) = application.window.findChildren(StudyFolderDialog)
    dialog.folder.setText(str(tmp_path / "example"))
    qtbot.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: application.session.study is not None)
    jobs = application.session.jobs
    qtbot.waitUntil(lambda: len(jobs.jobs) == 1 + len(MAIN_JOB), timeout=20_000)
    qtbot.waitUntil(lambda: jobs.n_active == 0, timeout=280_000)
    session = application.session
    qtbot.waitUntil(
        lambda: not session.background.is_busy and session.association.result is not None,
        timeout=20_000,
    )
    assert failures == []
    return application


@pytest.mark.timeout(420)
def test_the_main_job_runs_and_every_panel_shows_its_truth(
    example, finished_example, qtbot, screenshot
):
    session, window = example.session, example.window
    states = {job.spec.step: job.state for job in session.jobs.jobs}
    assert states == dict.fromkeys(["make-example", *MAIN_JOB], JobState.DONE)
    assert_same_results(session.study, finished_example)
    assert_top_hit_is_causal(session)
    assert session.scene.surface is not None
    assert session.spare.score["status"] == "scored"
    qtbot.wait(800)
    screenshot(window, "main-window")
    check_brain_follows_a_click_in_the_list(session, window, qtbot)
    check_variant_follows_a_click(session, window, qtbot)
    window.docks.raise_dock("spare")
    screenshot(window, "main-window_spare")
    session.paint("SPARE weight")
    window.docks.raise_dock("cohort")
    qtbot.wait(500)
    screenshot(window, "main-window_painted")
    example.theme.use("light")
    qtbot.wait(500)
    screenshot(window, "main-window_light")


def assert_same_results(study, other):
    """The window and the command line give the same bytes from the same seed."""
    names = [
        path.relative_to(other.root)
        for folder in (other.atlases, other.psc_tables, other.gwas_runs, other.spare_models)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    assert len(names) > 40
    different = [
        str(name)
        for name in names
        if (study.root / name).read_bytes() != (other.root / name).read_bytes()
    ]
    assert different == []


def assert_top_hit_is_causal(session):
    """The PSC that the study opens at has a causal variant at its top."""
    truth = json.loads((session.study.source_data / "truth.json").read_text())
    result = session.association.result
    top = int(np.nanargmax(result.neg_log_10_p_value))
    causal = {each["rsid"] for each in truth["causal_variants"]}
    assert result.variants["rsid"].iloc[top] in causal


def check_brain_follows_a_click_in_the_list(session, window, qtbot):
    table = window.docks.widget("psc").table
    row = table.model().index(4, 1)
    qtbot.mouseClick(
        table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(row).center()
    )
    selected = session.scene.selected
    assert selected == table.model().index(4, 1).data()
    assert session.scene.psc_at_crosshair == selected
    qtbot.waitUntil(
        lambda: (
            session.association.result is not None and session.association.result.psc == selected
        )
    )


def check_variant_follows_a_click(session, window, qtbot):
    plot = window.docks.widget("manhattan").plot
    result = session.association.result
    top = int(np.nanargmax(result.neg_log_10_p_value))
    place = plot.plotItem.vb.mapViewToScene(
        QPointF(result.axis.x[top], result.neg_log_10_p_value[top])
    )
    point = plot.mapFromScene(place)
    qtbot.mouseMove(plot.viewport(), point)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(point.x(), point.y()))
    qtbot.waitUntil(lambda: session.association.variant is not None, timeout=3000)
    chosen = session.association.variant
    assert result.neg_log_10_p_value[chosen] == pytest.approx(result.neg_log_10_p_value[top])
