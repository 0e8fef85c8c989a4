"""Follow a runner in a test: wait for what it tells."""

import time

import psutil

from music_gui.jobs.runner import LocalRunner


class Watched:
    """A runner and what it has told."""

    def __init__(self, study, **options):
        self.changes = []
        self.runner = LocalRunner(study.jobs, self._note, threads=1, **options)
        self.runner.start()

    def _note(self, snapshot, events):
        self.changes.append((snapshot, events))

    def states(self, job_id):
        """The states a job went through, each named once in a row."""
        states = []
        for snapshot, _ in list(self.changes):
            if snapshot.spec.job_id == job_id and states[-1:] != [snapshot.state]:
                states.append(snapshot.state)
        return states

    def snapshot(self, job_id):
        return [each for each, _ in list(self.changes) if each.spec.job_id == job_id][-1]

    def wait(self, job_id, *states, seconds=20.0):
        """Wait until a job is in one of these states and return its snapshot."""
        return wait_for(
            lambda: self.states(job_id)[-1:] and self.snapshot(job_id).state in states
            and self.snapshot(job_id), seconds,
        )  # fmt: skip


def wait_for(condition, seconds=20.0):
    """Wait until a condition gives something true, and return that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("waited in vain")


def is_running(pid):
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
