"""Jobs when the machine misbehaves: killed processes, full and read-only disks, damaged files."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from watching import wait_for

from music_gui.core.errors import JobError
from music_gui.io.study import Study
from music_gui.jobs.folder import JobFolder
from music_gui.jobs.paths import JobPaths
from music_gui.jobs.runner import LocalRunner, new_job
from music_gui.steps.show_study import as_text, show_study
from music_gui.steps.worker import run_job

pytestmark = pytest.mark.usefixtures("fake_registry")

FAKES = Path(__file__).parents[1] / "fakes"


def submit(watched, step, **parameters):
    return watched.runner.submit(step, parameters, title=step)


def run_here(study, step, **parameters):
    return run_job(study, new_job(step, parameters, title=step, threads=1))


def numbers(study):
    """The two results of `write-number`, which belong together."""
    texts = [(study.root / "psc" / name).read_text() for name in ("number.txt", "square.txt")]
    return tuple(map(int, texts))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def bare_study(request, tmp_path):
    """The study of the fixtures `watch` and `queue`: on the small disk if the test has one."""
    if "small_disk" in request.fixturenames:
        return Study.create(request.getfixturevalue("small_disk") / "study")
    return Study.create(tmp_path / "my stüdy")


def fill(path):
    """Use up all space that is left."""
    with path.open("wb", buffering=0) as file:
        for size in (2**16, 2**10, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return path


# -- killed ---------------------------------------------------------------------------------


def test_killing_the_application_loses_nothing(bare_study, watch):
    """Kill -9 of the application in mid-job: the worker goes on and is found again."""
    script = (
        "import sys, time; from pathlib import Path\n"
        "from music_gui.jobs import process, runner\n"
        "import fake_steps\n"
        "process.application_command = lambda: fake_steps.FAKE_APPLICATION\n"
        "application = runner.LocalRunner(Path(sys.argv[1]), lambda *news: None, threads=1)\n"
        "application.start()\n"
        "application.submit('write-number', {'number': 5, 'seconds': 2.5}, title='x')\n"
        "application.submit('write-number', {'number': 6}, title='y')\n"
        "time.sleep(600)\n"
    )
    application = subprocess.Popen(
        [sys.executable, "-c", script, str(bare_study.jobs)],
        env=os.environ | {"PYTHONPATH": str(FAKES)},
    )
    first, _ = wait_for(
        lambda: bare_study.jobs.is_dir() and len(list(bare_study.jobs.glob("[!.]*"))) == 2
        and sorted(bare_study.jobs.glob("[!.]*")),
    )  # fmt: skip
    worker = wait_for(lambda: JobFolder(first).worker())
    os.kill(application.pid, signal.SIGKILL)
    application.wait()
    time.sleep(0.2)
    assert worker.is_alive

    watched = watch()
    running = watched.wait(first.name, "running", "done")
    assert running.state == "running"
    assert watched.wait(first.name, "done").message == "wrote 5"
    waiting = wait_for(lambda: [each for each in _ids(watched) if each != first.name])[0]
    assert watched.wait(waiting, "done").message == "wrote 6"
    assert JobFolder(first).refresh()[0].attempt == 1


def _ids(watched):
    return list(dict.fromkeys(snapshot.spec.job_id for snapshot, _ in list(watched.changes)))


def test_a_worker_killed_between_two_moves_is_finished_by_the_application(bare_study, watch):
    for name in ("one.txt", "two.txt"):
        (bare_study.root / name).write_text("old")
    watched = watch()
    job_id = submit(watched, "die-between-moves")
    done = watched.wait(job_id, "done")
    assert (done.attempt, done.message, done.error) == (2, "moved both", None)
    assert [(bare_study.root / f"{n}.txt").read_text() for n in ("one", "two")] == ["new", "new"]
    assert not JobPaths(bare_study.jobs / job_id).publication.exists()


def test_a_cancel_that_comes_between_two_moves_is_too_late(bare_study, queue, watch):
    paths = queue("die-between-moves")
    command = [sys.executable, str(FAKES / "fake_application.py"), "worker"]
    subprocess.run([*command, str(paths.folder)])
    paths.cancel(1).touch()
    watched = watch()
    assert watched.wait(paths.folder.name, "done").attempt == 2
    assert [(bare_study.root / f"{n}.txt").read_text() for n in ("one", "two")] == ["new", "new"]


@pytest.mark.parametrize("delay", [0.2, 0.45, 0.55, 0.65])
def test_a_worker_killed_at_any_moment_never_leaves_half_a_result(bare_study, queue, delay):
    run_here(bare_study, "write-number", number=3)
    paths = queue("write-number", number=7, seconds=0.05)
    command = [sys.executable, str(FAKES / "fake_application.py"), "worker"]
    worker = subprocess.Popen([*command, str(paths.folder)])
    time.sleep(delay)
    worker.kill()
    worker.wait()
    run_here(bare_study, "fail")  # whatever comes next finishes what was half moved
    assert numbers(bare_study) in ((3, 9), (7, 49))
    runner = LocalRunner(bare_study.jobs, lambda *news: None)
    runner.start()
    try:
        folder = JobFolder(paths.folder)
        final = wait_for(lambda: (s := folder.refresh()[0]).state.is_final and s)
        assert final.state in ("lost", "done")
        if final.state == "lost":
            runner.retry(paths.folder.name)
            wait_for(lambda: folder.refresh()[0].state == "done")
    finally:
        runner.stop()
    assert numbers(bare_study) == (7, 49)


# -- full disk --------------------------------------------------------------------------------


def test_a_job_that_fills_the_disk_fails_with_a_sentence_and_the_study_stays(
    small_disk, bare_study, watch
):
    run_here(bare_study, "write-number", number=4)
    watched = watch()
    job_id = submit(watched, "fill-disk")
    failed = watched.wait(job_id, "failed")
    assert failed.error["what"] == "the disk is full"
    assert failed.error["remedy"].startswith("Free some space and retry the job")
    study = Study.open(bare_study.root)
    assert numbers(study) == (4, 16)
    assert "failed: the disk is full" in as_text(show_study(study))
    assert watched.wait(submit(watched, "write-number", number=5), "done").message == "wrote 5"


def test_a_disk_that_others_fill_while_a_job_runs_stops_only_that_job(
    small_disk, bare_study, watch
):
    watched = watch()
    job_id = submit(watched, "write-number", number=4, seconds=1.5)
    watched.wait(job_id, "running")
    filler = fill(small_disk / "someone's film")
    failed = watched.wait(job_id, "failed")
    assert failed.error["what"] == "the disk is full"
    assert Study.open(bare_study.root).manifest == bare_study.manifest
    with pytest.raises(JobError, match=r"the job can't be written\. No space left on device"):
        submit(watched, "write-number", number=9)
    filler.unlink()
    watched.runner.retry(job_id)
    assert watched.wait(job_id, "done").message == "wrote 4"
    assert {path.name for path in bare_study.jobs.iterdir()} == {job_id}


def test_a_worker_that_finds_the_disk_full_can_be_retried(small_disk, bare_study, queue, watch):
    paths = queue("write-number", number=4)
    filler = fill(small_disk / "film")
    watched = watch()
    time.sleep(1.0)
    filler.unlink()
    ended = watched.wait(paths.folder.name, "lost", "failed", "done")
    if ended.state != "done":  # the worker had not even come to its claim while it was full
        watched.runner.retry(paths.folder.name)
    assert watched.wait(paths.folder.name, "done").message == "wrote 4"


# -- where nothing can be written ---------------------------------------------------------------


def test_a_study_on_a_read_only_disk_can_be_looked_at(small_disk, bare_study, watch):
    done = run_here(bare_study, "write-number", number=4)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    watched = watch()
    assert watched.wait(done.spec.job_id, "done").message == "wrote 4"
    with pytest.raises(JobError, match=r"the job can't be written\. Read-only file system"):
        submit(watched, "write-number")
    assert show_study(Study.open(bare_study.root))["jobs"][0]["state"] == "done"


def test_a_study_that_vanishes_and_comes_back_is_followed_again(bare_study, watch, caplog):
    """A network folder that drops out for a moment, or a folder renamed by mistake."""
    watched = watch()
    run_here(bare_study, "write-number", number=4)
    away = bare_study.root.rename(bare_study.root.with_name("away"))
    time.sleep(0.3)
    away.rename(bare_study.root)
    assert watched.wait(submit(watched, "write-number", number=5), "done").message == "wrote 5"


@pytest.mark.parametrize(
    "name", ["ä" * 40 + " " + "b" * 40 + "/" + "c d" * 60, "it's $HOME; rm -rf *", "-x", "日本語"]
)
def test_any_path_will_do(tmp_path, name):
    study = Study.create(tmp_path / name)
    changes = []
    runner = LocalRunner(study.jobs, lambda *news: changes.append(news[0].state), threads=1)
    runner.start()
    try:
        runner.submit("write-number", {"number": 4}, title="x")
        wait_for(lambda: "done" in changes)
    finally:
        runner.stop()
    assert numbers(study) == (4, 16)


# -- damaged files --------------------------------------------------------------------------------


def test_damaged_jobs_do_not_keep_others_from_running(bare_study, queue, watch):
    for name in ("job.json", "events.jsonl", "attempts/1/worker.json"):
        for content in (b"", b"\0" * 99, b'{"a', b"[1]\n"):
            path = queue("leave-the-study").folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if name == "events.jsonl":
                (path.parent / "cancel-1").touch()  # to end it without a worker
    watched = watch()
    assert watched.wait(submit(watched, "write-number", number=5), "done").message == "wrote 5"
    shown = show_study(bare_study)["jobs"]
    assert len(shown) == 13
    assert sum("job's description can't be read" in job.get("error", "") for job in shown
               if "id" not in job) == 4  # fmt: skip


def test_a_damaged_list_of_moves_is_named(bare_study, queue, watch):
    paths = queue("write-number")
    paths.publication.write_text('{"attempt": 1')
    watched = watch()
    failed = watched.wait(paths.folder.name, "failed")
    assert "wait to be moved into the study is damaged" in failed.error["what"]
    paths.publication.unlink()
    watched.runner.retry(paths.folder.name)
    assert watched.wait(paths.folder.name, "done").message == "wrote 1"
