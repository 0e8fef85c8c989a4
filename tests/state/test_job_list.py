"""The jobs as the window shows them."""

from collections.abc import Callable
from datetime import datetime

import pytest

from music_gui.jobs.events import Event
from music_gui.jobs.job import JobSnapshot, JobState
from music_gui.state.job_list import JobList

Snapshot = Callable[..., JobSnapshot]


@pytest.fixture
def seen() -> dict[str, list]:
    return {"changed": [], "logged": [], "measured": [], "finished": []}


@pytest.fixture
def jobs(seen: dict[str, list]) -> JobList:
    jobs = JobList()
    jobs.changed.connect(lambda job_id: seen["changed"].append(job_id))
    jobs.logged.connect(lambda job_id, lines: seen["logged"].extend(lines))
    jobs.measured.connect(lambda job_id, name, values: seen["measured"].append((name, values)))
    jobs.finished.connect(lambda ended: seen["finished"].append(ended.state))
    return jobs


def test_a_job_that_runs_and_ends_is_announced_once(
    jobs: JobList, seen: dict[str, list], snapshot: Snapshot
):
    jobs.apply(snapshot(JobState.QUEUED), [])
    assert jobs.n_active == 1
    jobs.apply(snapshot(JobState.RUNNING), [])
    jobs.apply(snapshot(JobState.DONE), [])
    jobs.apply(snapshot(JobState.DONE), [])
    assert jobs.n_active == 0
    assert seen["finished"] == [JobState.DONE]
    assert len(seen["changed"]) == 3


def test_jobs_that_had_ended_before_the_study_was_opened_are_no_news(
    jobs: JobList, seen: dict[str, list], snapshot: Snapshot
):
    jobs.apply(snapshot(JobState.DONE, ended="2020-01-01T00:00:00.000+00:00"), [])
    assert seen["finished"] == []


def test_a_job_that_another_process_ran_between_two_looks_is_news(
    jobs: JobList, seen: dict[str, list], snapshot: Snapshot
):
    jobs.clear()
    jobs.apply(snapshot(JobState.DONE, ended="2999-01-01T00:00:00.000+00:00"), [])
    assert seen["finished"] == [JobState.DONE]


def test_a_retried_job_can_finish_again(jobs: JobList, seen: dict[str, list], snapshot: Snapshot):
    for state in (JobState.RUNNING, JobState.LOST, JobState.QUEUED, JobState.DONE):
        jobs.apply(snapshot(state), [])
    assert seen["finished"] == [JobState.LOST, JobState.DONE]


def test_the_log_has_the_local_time_and_plain_words(
    jobs: JobList, seen: dict[str, list], snapshot: Snapshot
):
    time = "2026-01-01T12:00:00.000+00:00"
    clock = f"{datetime.fromisoformat(time).astimezone():%H:%M:%S}"
    error = {"what": "the disk is full", "where": "/x", "remedy": "Free some space"}
    events = [
        Event(kind="claimed", time=time),
        Event(kind="log", time=time, data={"text": "epoch 1"}),
        Event(kind="progress", time=time, data={"fraction": 0.5}),
        Event(kind="warning", time=time, data={"text": "few images"}),
        Event(kind="failed", time=time, data=error),
    ]
    jobs.apply(snapshot(JobState.FAILED), events)
    assert seen["logged"] == [
        f"{clock}  claimed",
        f"{clock}  epoch 1",
        f"{clock}  Warning: few images",
        f"{clock}  failed: /x: the disk is full. Free some space.",
    ]
    assert jobs.log_of(snapshot(JobState.FAILED).spec.job_id) == seen["logged"]


def test_a_long_log_keeps_its_end(jobs: JobList, snapshot: Snapshot):
    job = snapshot(JobState.RUNNING)
    for start in range(0, 9000, 3000):
        events = [Event(kind="log", data={"text": f"{n}"}) for n in range(start, start + 3000)]
        jobs.apply(job, events)
    lines = jobs.log_of(job.spec.job_id)
    assert len(lines) == 5000
    assert lines[-1].endswith("8999")


def test_metrics_are_kept_for_a_panel_that_opens_later(
    jobs: JobList, seen: dict[str, list], snapshot: Snapshot
):
    job = snapshot(JobState.RUNNING)
    values = {"epoch": 1, "loss": 0.5}
    jobs.apply(job, [Event(kind="metric", data={"name": "fit", "values": values})])
    assert seen["measured"] == [("fit", values)]
    assert jobs.metrics_of(job.spec.job_id) == [("fit", values)]


def test_metrics_of_a_job_that_had_ended_before_are_not_replayed(
    jobs: JobList, seen: dict[str, list], snapshot: Snapshot
):
    job = snapshot(JobState.DONE, ended="2020-01-01T00:00:00.000+00:00")
    metric = Event(kind="metric", data={"name": "fit", "values": {"epoch": 1}})
    jobs.apply(job, [metric, Event(kind="log", data={"text": "kept"})])
    assert seen["measured"] == []
    assert jobs.metrics_of(job.spec.job_id) == []
    assert jobs.log_of(job.spec.job_id)[0].endswith("kept")


def test_jobs_stand_in_the_order_of_their_ids(jobs: JobList, snapshot: Snapshot):
    for job_id in ("20260102T0_fit_0", "20260101T0_fit_0"):
        jobs.apply(snapshot(JobState.QUEUED, job_id), [])
    assert [job.spec.job_id for job in jobs.jobs] == ["20260101T0_fit_0", "20260102T0_fit_0"]


def test_another_study_starts_with_an_empty_list(jobs: JobList, snapshot: Snapshot):
    cleared = []
    jobs.cleared.connect(lambda: cleared.append(True))
    jobs.apply(snapshot(JobState.RUNNING), [Event(kind="log", data={"text": "x"})])
    jobs.clear()
    assert (jobs.jobs, jobs.n_active, cleared) == ([], 0, [True])
    assert jobs.log_of(snapshot(JobState.RUNNING).spec.job_id) == []
