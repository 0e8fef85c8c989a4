"""Two jobs never publish into one study at the same time, and a crash blocks no one."""

import json
import subprocess
import sys
import threading

import pytest

from music_gui.core.errors import Cancelled, JobError
from music_gui.jobs import publication
from music_gui.jobs.paths import JobPaths
from music_gui.jobs.publication import publish
from music_gui.jobs.publication_lock import publishing

NAMES = ["psc/table.parquet", "psc/table.json"]

HOLD = """
import sys, time
from pathlib import Path
from music_gui.jobs.publication_lock import publishing
with publishing(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(bare_study):
    """Another process that holds the study's lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(bare_study.jobs)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def job_with_results(study, name):
    paths = JobPaths(study.jobs / name)
    for each in NAMES:
        (paths.output(1) / each).parent.mkdir(parents=True, exist_ok=True)
        (paths.output(1) / each).write_text(name)
    return paths


def test_results_of_two_jobs_that_end_together_do_not_mix(bare_study, monkeypatch):
    """The first job is held between its two moves until the second waits."""
    move, second_waits = publication._move_in, threading.Event()

    def move_slowly(source, target, aside):
        if target.name == "table.json" and source.read_text() == "first":
            assert second_waits.wait(10)
        move(source, target, aside)

    monkeypatch.setattr(publication, "_move_in", move_slowly)
    first, second = (job_with_results(bare_study, name) for name in ("first", "second"))
    started = threading.Event()

    def publish_first():
        with monkeypatch.context() as patch:
            patch.setattr(publication, "write_json", lambda *args: (write(*args), started.set()))
            publish(first, 1, bare_study.root, NAMES, {})

    write = publication.write_json
    thread = threading.Thread(target=publish_first)
    thread.start()
    assert started.wait(10)
    publish(second, 1, bare_study.root, NAMES, {}, check=second_waits.set)
    thread.join()
    assert [(bare_study.root / name).read_text() for name in NAMES] == ["second", "second"]
    assert [(second.replaced / name).read_text() for name in NAMES] == ["first", "first"]
    assert not list(bare_study.jobs.glob(".*"))


def test_the_lock_of_a_process_that_died_is_put_aside(bare_study, holder):
    holder.kill()
    holder.wait()
    assert (bare_study.jobs / ".publishing").is_dir()
    for _ in range(2):
        with publishing(bare_study.jobs, wait=1.0):
            mark = json.loads((bare_study.jobs / ".publishing/worker.json").read_text())
            assert mark["pid"] != holder.pid
    assert not (bare_study.jobs / ".publishing").exists()


def test_waiting_too_long_ends_with_the_holder_named(bare_study, holder):
    with (
        pytest.raises(JobError, match=f"process {holder.pid} on .* Retry this job"),
        publishing(bare_study.jobs, wait=0.2),
    ):
        pytest.fail("the lock was held")
    assert [path.name for path in bare_study.jobs.glob(".*")] == [".publishing"]


def test_a_wait_can_be_cancelled(bare_study, holder):
    def cancel():
        raise Cancelled

    with pytest.raises(Cancelled), publishing(bare_study.jobs, check=cancel):
        pytest.fail("the lock was held")
    assert [path.name for path in bare_study.jobs.glob(".*")] == [".publishing"]


def test_a_failed_publication_lets_go_of_the_lock(bare_study):
    with pytest.raises(RuntimeError), publishing(bare_study.jobs):
        raise RuntimeError
    assert not list(bare_study.jobs.glob(".*"))
