"""The job panel and the window on one job."""

import shlex

import pytest
from job_samples import ENDED, epoch, make_job, one_of_each
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel

from music_gui.io.study import Study
from music_gui.jobs.events import Event
from music_gui.jobs.job import JobState
from music_gui.state.background import Background
from music_gui.state.session import Session
from music_gui.state.settings import Settings
from music_gui.views.jobs.job_details import JobDetails
from music_gui.views.jobs.job_panel import JobPanel

pytestmark = pytest.mark.gui


class AskedRunner:
    """Notes what it is asked for."""

    def __init__(self):
        self.asked = []

    def start(self):
        pass

    def stop(self):
        pass

    def cancel(self, job_id):
        self.asked.append(("cancel", job_id))

    def retry(self, job_id):
        self.asked.append(("retry", job_id))


@pytest.fixture
def runner():
    return AskedRunner()


@pytest.fixture
def session(tmp_path, runner):
    background = Background(lambda call: call(), inline=True)
    session = Session(background, Settings(), lambda *_: runner)
    session.new_study(tmp_path / "my study", "Aging cohort")
    yield session
    session.close_study()


@pytest.fixture
def panel(session, qtbot, dressed):
    panel = JobPanel(session)
    panel.resize(470, 720)
    panel.show()
    qtbot.waitExposed(panel)
    yield panel
    panel.close()
    panel.deleteLater()


def test_without_jobs_it_says_where_jobs_come_from(panel, screenshot):
    assert panel.cards == {}
    screenshot(panel, "jobs_empty")


def test_every_state_is_shown_newest_on_top(panel, session, screenshot, dressed):
    jobs = one_of_each()
    for job in jobs:
        session.jobs.apply(job, [])
    screenshot(panel, "jobs_dark")
    dressed.use("light")
    screenshot(panel, "jobs_light")
    cards = [panel.cards[job.spec.job_id] for job in jobs]
    tops = [card.y() for card in cards]
    assert tops == sorted(tops, reverse=True)
    assert [card.cancel.isVisible() for card in cards] == [False] * 4 + [True] * 3
    assert [card.retry.isVisible() for card in cards] == [False, True, True, True] + [False] * 3
    assert "2 min 5 s left" in cards[5].accessibleName()


def test_an_error_is_said_in_plain_words_with_its_remedy(panel, session):
    job = one_of_each()[1]
    session.jobs.apply(job, [])
    labels = panel.cards[job.spec.job_id].findChildren(QLabel)
    texts = "\n".join(label.text() for label in labels if label.isVisible())
    assert "The column 'site' is missing" in texts
    assert "participants.tsv" in texts
    assert "its columns are participant_id" in texts
    assert "→ Name the column" in texts


def test_cancel_is_asked_for_once(panel, session, runner, qtbot):
    job = make_job(1, JobState.RUNNING)
    session.jobs.apply(job, [])
    card = panel.cards[job.spec.job_id]
    qtbot.mouseClick(card.cancel, Qt.MouseButton.LeftButton)
    assert runner.asked == [("cancel", job.spec.job_id)]
    assert not card.cancel.isEnabled()


def test_a_failed_job_can_be_run_again(panel, session, runner, qtbot):
    job = one_of_each()[1]
    session.jobs.apply(job, [])
    card = panel.cards[job.spec.job_id]
    qtbot.mouseClick(card.retry, Qt.MouseButton.LeftButton)
    assert runner.asked == [("retry", job.spec.job_id)]


def test_a_retried_job_loses_its_error(panel, session):
    failed = one_of_each()[1]
    session.jobs.apply(failed, [])
    session.jobs.apply(failed.model_copy(update={"state": JobState.RUNNING, "error": None}), [])
    card = panel.cards[failed.spec.job_id]
    assert not card.retry.isVisible()
    assert not card._error.isVisible()


def test_the_command_is_copied(panel, session, qtbot):
    job = one_of_each()[5]
    session.jobs.apply(job, [])
    qtbot.mouseClick(panel.cards[job.spec.job_id].copy, Qt.MouseButton.LeftButton)
    words = shlex.split(QGuiApplication.clipboard().text())
    study = Study.open(session.study.root)
    assert words == [
        "music-gui", "run", "fit", "--study", str(study.root), "--threads", "2",
        "--scales", "32", "--scales", "64",
    ]  # fmt: skip


def test_the_log_grows_while_the_job_runs(panel, session, qtbot, screenshot):
    job = make_job(1, JobState.RUNNING, "GWAS", step="gwas", started=ENDED["started"])
    session.jobs.apply(job, [Event(kind="log", data={"text": "reading the genotypes"})])
    details = panel.cards[job.spec.job_id].open_details()
    assert "reading the genotypes" in details.log.toPlainText()
    session.jobs.apply(job, [Event(kind="log", data={"text": f"block {n}"}) for n in range(200)])
    assert details.log.toPlainText().endswith("block 199")
    bar = details.log.verticalScrollBar()
    assert bar.value() == bar.maximum()
    screenshot(details, "job_log")
    bar.setValue(0)  # the user reads further up: new lines must not take him away
    session.jobs.apply(job, [Event(kind="log", data={"text": "the end"})])
    assert bar.value() == 0
    details.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_fit_shows_how_it_converges(panel, session, screenshot, dressed, qtbot, theme):
    dressed.use(theme)
    job = one_of_each()[5]
    session.jobs.apply(job, [epoch(32, number) for number in range(1, 60)])
    details = panel.cards[job.spec.job_id].open_details()
    plot = details.tabs.currentWidget()
    session.jobs.apply(job, [epoch(64, number) for number in range(1, 35)])
    qtbot.waitUntil(lambda: len(plot.plots["loss"].listDataItems()) == 2)
    x, y = plot.plots["loss"].listDataItems()[1].getData()
    assert list(x) == list(range(1, 35))
    assert y[0] == pytest.approx(0.2 + 0.45 + 0.032)
    screenshot(details, f"job_convergence_{theme}")
    details.close()


def test_the_details_close_with_the_study(panel, session, qtbot):
    job = make_job(1, JobState.RUNNING)
    session.jobs.apply(job, [])
    details = panel.cards[job.spec.job_id].open_details()
    session.close_study()
    assert not details.isVisible()
    assert panel.cards == {}


def test_a_study_with_many_jobs_shows_the_newest_first(panel, session, qtbot):
    for number in range(120):
        session.jobs.apply(make_job(number, JobState.DONE, **ENDED), [])
    newest = make_job(119, JobState.DONE).spec.job_id
    assert len(panel.cards) == 50
    assert max(panel.cards) == newest
    assert panel._older.isVisible()
    qtbot.mouseClick(panel._older, Qt.MouseButton.LeftButton)
    assert len(panel.cards) == 100
    qtbot.mouseClick(panel._older, Qt.MouseButton.LeftButton)
    assert len(panel.cards) == 120
    assert not panel._older.isVisible()


def test_a_panel_that_opens_later_shows_the_jobs_there_are(session, qtbot, dressed):
    for job in one_of_each():
        session.jobs.apply(job, [])
    late = JobPanel(session)
    assert len(late.cards) == 7
    details = JobDetails(one_of_each()[5].spec.job_id, session)
    details.close()
    late.deleteLater()
