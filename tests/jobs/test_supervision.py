"""A supervisor and the workers it can't reach: on other machines, or never started."""

import pytest

from music_gui.jobs import supervision
from music_gui.jobs.folder import JobFolder, claim
from music_gui.jobs.supervision import SupervisedJob
from music_gui.jobs.worker_mark import WorkerMark


@pytest.fixture
def elsewhere(queue, monkeypatch):
    """A job whose worker runs on another machine."""
    here = WorkerMark.of_this_process()
    there = here.model_copy(update={"host": "node17", "boot": "its own"})
    monkeypatch.setattr(WorkerMark, "of_this_process", classmethod(lambda cls: there))
    paths = queue("write-number")
    claim(paths, 1)
    monkeypatch.undo()
    return SupervisedJob(JobFolder(paths.folder))


def test_a_job_on_another_machine_is_followed_and_not_declared_dead(elsewhere):
    snapshot, _ = elsewhere.look()
    assert snapshot.state == "running"
    assert elsewhere.is_busy
    assert elsewhere.look() is None


def test_a_cancel_reaches_a_worker_on_another_machine_through_the_folder(elsewhere):
    elsewhere.look()
    elsewhere.folder.paths.cancel(1).touch()
    assert elsewhere.look()[0].state == "cancelling"
    elsewhere.folder.record("cancelled")  # what that worker writes
    assert elsewhere.look()[0].state == "cancelled"
    assert elsewhere.is_settled


def test_a_machine_that_does_not_answer_a_cancel_is_named(elsewhere, monkeypatch):
    monkeypatch.setattr(supervision, "_ELSEWHERE_SECONDS", -1.0)
    elsewhere.look()
    elsewhere.folder.paths.cancel(1).touch()
    snapshot, _ = elsewhere.look()
    assert snapshot.state == "lost"
    assert snapshot.error["what"] == "the worker on node17 does not answer"
    assert "no longer runs there" in snapshot.error["remedy"]


def test_a_worker_that_can_not_be_started_fails_the_job(queue, monkeypatch):
    def no_processes(folder, threads):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(supervision, "start_worker", no_processes)
    job = SupervisedJob(JobFolder(queue("write-number").folder))
    job.look()
    assert job.is_waiting
    job.start()
    snapshot, _ = job.look()
    assert snapshot.state == "failed"
    assert snapshot.error["what"] == "the worker can't be started"
    assert snapshot.error["why"] == "Resource temporarily unavailable"
