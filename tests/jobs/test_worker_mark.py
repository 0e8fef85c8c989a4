"""A worker is found again after a restart, and never mistaken for another process."""

import json
import os
import subprocess
import sys

import psutil
import pytest

from music_gui.jobs import worker_mark
from music_gui.jobs.worker_mark import WorkerMark


@pytest.fixture
def mine():
    return WorkerMark.of_this_process()


def test_a_living_process_is_found(mine):
    assert mine.is_alive
    assert mine.process().pid == os.getpid()
    assert not mine.is_elsewhere


def test_a_process_that_ended_is_not(mine):
    script = (
        "from music_gui.jobs.worker_mark import WorkerMark\n"
        "print(WorkerMark.of_this_process().model_dump_json())"
    )
    text = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, start_new_session=True
    ).stdout
    ended = WorkerMark.model_validate(json.loads(text))
    assert ended.leads_group
    assert not ended.is_alive


def test_a_zombie_counts_as_dead():
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, but not reaped
    started = worker_mark._started(psutil.Process(child.pid))
    mark = WorkerMark.of_this_process().model_copy(update={"pid": child.pid, "started": started})
    assert mark.process() is None
    child.wait()


def test_another_process_with_the_same_number_is_not_taken_for_it(mine):
    assert not mine.model_copy(update={"started": "1"}).is_alive


def test_a_restart_of_the_machine_ends_all_its_workers(mine):
    assert not mine.model_copy(update={"boot": "an earlier one"}).is_alive


def test_a_worker_on_another_machine_is_taken_to_run(mine):
    other = mine.model_copy(update={"host": "node17", "boot": "its own"})
    assert other.is_elsewhere
    assert other.is_alive
    assert other.process() is None


def test_a_machine_that_was_renamed_is_still_the_same(mine):
    assert mine.model_copy(update={"host": "laptop-at-home"}).is_alive


def test_setting_the_clock_does_not_kill_a_worker(mine, monkeypatch):
    monkeypatch.setattr(psutil, "boot_time", lambda: 0.0)
    monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: 0.0, raising=False)
    assert mine.is_alive
