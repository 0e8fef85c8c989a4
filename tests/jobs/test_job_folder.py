"""A job's folder: made whole, claimed once, understood after anything that can happen."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from music_gui.core.errors import JobError
from music_gui.io.study import Study
from music_gui.jobs import folder as folder_module
from music_gui.jobs.folder import JobFolder, claim, create_job, jobs_in, retry
from music_gui.jobs.job import JobState, check_move, new_job_id
from music_gui.jobs.runner import new_job

LEGAL_ENDS = ("done", "failed", "cancelled", "lost")


@pytest.fixture
def job(bare_study):
    spec = new_job("fit", {"scales": [32]}, title="Fit", threads=2)
    return JobFolder(create_job(bare_study.jobs, spec).folder)


def state_after(job, *kinds):
    for kind in kinds:
        job.record(kind)
    snapshot, _ = job.refresh()
    return snapshot.state


def test_a_new_job_is_queued_and_remembers_what_was_asked_for(job):
    snapshot, events = job.refresh()
    assert (snapshot.state, snapshot.attempt, events) == ("queued", 1, [])
    assert snapshot.spec.parameters == {"scales": [32]}
    assert snapshot.spec.threads == 2


def test_no_one_sees_half_a_job(bare_study, monkeypatch):
    seen = []
    write = folder_module.write_json

    def look_and_write(path, value):
        seen.append(jobs_in(bare_study.jobs))
        write(path, value)

    monkeypatch.setattr(folder_module, "write_json", look_and_write)
    create_job(bare_study.jobs, new_job("fit", {}, title="Fit"), claimed=True)
    assert seen == [[], []]  # before the description, before the claim
    assert len(jobs_in(bare_study.jobs)) == 1


def test_a_job_that_does_not_fit_on_the_disk_leaves_nothing(bare_study, monkeypatch):
    def full(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(JobError, match=r"the job can't be written\. No space left"):
        create_job(bare_study.jobs, new_job("fit", {}, title="Fit"))
    assert list(bare_study.jobs.iterdir()) == []


def test_ids_sort_by_time_and_name_the_step():
    ids = [new_job_id("spare-train") for _ in range(3)]
    assert len(set(ids)) == 3
    assert all("_spare-train_" in each for each in ids)
    assert [each[:19] for each in ids] == sorted(each[:19] for each in ids)


def test_foreign_and_hidden_folders_are_no_jobs(bare_study, job):
    (bare_study.jobs / "notes").mkdir()
    (bare_study.jobs / ".half").mkdir()
    (bare_study.jobs / ".half" / "job.json").write_text("{}")
    (bare_study.jobs / "readme.txt").write_text("hello")
    assert jobs_in(bare_study.jobs) == [job.paths.folder]
    assert jobs_in(bare_study.jobs, skip={job.paths.folder.name}) == []
    assert jobs_in(bare_study.root / "nowhere") == []


def test_a_damaged_description_is_named(job):
    job.paths.spec.write_text('{"job_id": "x"')
    with pytest.raises(JobError, match=r"job\.json: the job's description can't be read"):
        JobFolder(job.paths.folder)


@pytest.mark.parametrize("end", LEGAL_ENDS)
def test_a_job_ends_as_its_worker_says(job, end):
    assert state_after(job, "claimed", end) == end


def test_the_last_word_of_the_worker_counts_not_what_others_took_it_for(job):
    assert state_after(job, "claimed", "lost", "lost", "done", "cancelled", "lost") == "done"


def test_what_comes_after_the_end_is_passed_over(job):
    assert state_after(job, "claimed", "cancelled", "progress", "claimed") == "cancelled"


def test_two_windows_that_retry_at_once_queue_one_attempt(job):
    assert state_after(job, "claimed", "failed", "retried", "retried") == "queued"
    assert job.attempt == 2


def test_a_retry_starts_afresh(job):
    job.record("claimed")
    job.record("warning", {"text": "odd"})
    job.record("progress", {"fraction": 0.5, "message": "half", "seconds_left": 3})
    job.record("failed", {"what": "no"})
    snapshot, _ = job.refresh()
    assert snapshot.warnings == ("odd",)
    retry(job)
    snapshot, _ = job.refresh()
    assert (snapshot.fraction, snapshot.message, snapshot.warnings) == (0.0, "", ())
    assert snapshot.error is None


@pytest.mark.parametrize("kinds", [(), ("claimed",), ("claimed", "done")])
def test_only_a_job_that_ended_badly_can_be_retried(job, kinds):
    state_after(job, *kinds)
    with pytest.raises(JobError, match="can't become queued"):
        retry(job)


def test_a_job_given_up_while_its_worker_lives_can_not_be_retried(job):
    claim(job.paths, 1)
    state_after(job, "lost")
    with pytest.raises(JobError, match="worker is still running"):
        retry(job)


@pytest.mark.parametrize("old", JobState)
@pytest.mark.parametrize("new", JobState)
def test_a_move_is_legal_exactly_if_it_can_happen(old, new):
    running = {"running": {"cancelling", "done", "failed", "cancelled", "lost"}}
    legal = running | {
        "queued": {"running", "cancelled", "failed", "lost"},
        "cancelling": {"cancelled", "done", "failed", "lost"},
        "failed": {"queued"},
        "cancelled": {"queued"},
        "lost": {"queued"},
        "done": set(),
    }
    if new in legal[old]:
        check_move(old, new)
    else:
        with pytest.raises(JobError, match=f"a job that is {old} can't become {new}"):
            check_move(old, new)


def test_a_job_is_claimed_once(job):
    claim(job.paths, 1)
    assert job.worker().pid == os.getpid()
    with pytest.raises(JobError, match="another worker has taken this job"):
        claim(job.paths, 1)
    claim(job.paths, 2)
    assert job.refresh()[0].state == "running"


def test_of_many_processes_one_gets_the_job(job):
    script = (
        "import sys; from pathlib import Path\n"
        "from music_gui.core.errors import JobError\n"
        "from music_gui.jobs.folder import claim\n"
        "from music_gui.jobs.paths import JobPaths\n"
        "sys.stdin.read(1)\n"
        "try:\n    claim(JobPaths(Path(sys.argv[1])), 1); print('mine')\n"
        "except JobError: print('taken')\n"
    )
    command = [sys.executable, "-c", script, str(job.paths.folder)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        process.stdin.write("go")
        process.stdin.flush()
    answers = sorted(process.communicate(timeout=30)[0].strip() for process in processes)
    assert answers == ["mine", "taken", "taken", "taken"]
    assert [path.name for path in (job.paths.folder / "attempts").iterdir()] == ["1"]


def test_a_study_that_was_copied_keeps_its_jobs(bare_study, job, tmp_path):
    state_after(job, "claimed", "done")
    bare_study.root.rename(tmp_path / "elsewhere")
    moved = Study.open(tmp_path / "elsewhere")
    (path,) = jobs_in(moved.jobs)
    assert JobFolder(path).refresh()[0].state == "done"
