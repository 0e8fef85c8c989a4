"""Follow one job: start its worker, carry out a cancel, notice a worker's death."""

from __future__ import annotations

import shutil
import subprocess
import time

from music_gui.core.errors import JobError
from music_gui.jobs.events import Event
from music_gui.jobs.folder import JobFolder, retry
from music_gui.jobs.job import JobSnapshot, JobState
from music_gui.jobs.process import describe_exit, detach, kill_group, start_worker, stop_tree

#: How long a worker has to stop by itself after a cancel; with the kill it is within a second.
_POLITE_SECONDS = 0.4
#: How long a worker on another machine has to answer a cancel before it is given up.
_ELSEWHERE_SECONDS = 10.0
#: How much of the end of a dead worker's log is shown.
_LOG_TAIL_CHARACTERS = 400


class SupervisedJob:
    """A job as its supervisor sees it: its folder, and its worker if one was started from here.

    Parameters
    ----------
    folder : JobFolder
        The job.

    Attributes
    ----------
    folder : JobFolder
        The job as it stood at the last look.
    """

    def __init__(self, folder: JobFolder) -> None:
        self.folder = folder
        self._child: subprocess.Popen[bytes] | None = None
        self._child_attempt = 0
        self._exit_status: int | None = None
        self._reported: JobSnapshot | None = None
        self._cancel_since: float | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more happens unless someone retries the job."""
        return self._reported is not None and self.folder.state.is_final and self._child is None

    @property
    def is_waiting(self) -> bool:
        """Whether the job may be started."""
        return (
            self.folder.state == JobState.QUEUED
            and self._child is None
            and self._ended_with is None
            and self.folder.worker() is None
        )

    @property
    def is_busy(self) -> bool:
        """Whether a worker is at it, wherever it was started."""
        return not self.folder.state.is_final and not self.is_waiting

    def start(self) -> None:
        """Start a worker; if that fails the job fails."""
        try:
            self._child = start_worker(self.folder.paths.folder, self.folder.spec.threads)
            self._child_attempt, self._exit_status = self.folder.attempt, None
        except OSError as error:
            failure = JobError("the worker can't be started", why=error.strerror or str(error))
            self.folder.record("failed", failure.as_dict())

    def detach(self) -> None:
        """Let a running worker go on alone."""
        if self._child is not None:
            detach(self._child)
            self._child = None

    def look(self) -> tuple[JobSnapshot, list[Event]] | None:
        """See what has happened since the last look, and act on it.

        Returns
        -------
        tuple or None
            The job as it stands and its new events; None if nothing has changed.
        """
        attempt, dead = self.folder.attempt, self._is_worker_dead()
        snapshot, events = self.folder.refresh()  # after the look: the worker's last word counts
        if not snapshot.state.is_final and snapshot.attempt == attempt:
            self._act(dead=dead)
        snapshot, more = self.folder.refresh()
        if self.folder.is_publication_interrupted:
            retry(self.folder)
            snapshot, last = self.folder.refresh()
            more += last
        events += more
        if not events and snapshot == self._reported:
            return None
        self._reported = snapshot
        return snapshot, events

    def _is_worker_dead(self) -> bool:
        worker = self.folder.worker()
        dead = worker is not None and not worker.is_alive
        if self._child is not None and self._child.poll() is not None:
            self._exit_status, self._child = self._child.returncode, None
        return dead or (worker is None and self._ended_with is not None)

    @property
    def _ended_with(self) -> int | None:
        """How the worker that was started from here for the current attempt ended, if it has."""
        return self._exit_status if self._child_attempt == self.folder.attempt else None

    def _act(self, *, dead: bool) -> None:
        folder = self.folder
        if dead and folder.worker() is not None and folder.paths.publication.exists():
            self._give_up("lost")  # only to be resumed: too late for a cancel
        elif folder.is_cancel_wanted:
            self._carry_out_cancel(dead=dead)
        else:
            self._cancel_since = None  # a worker that stopped by itself may have been retried
            if dead:
                self._give_up("lost")

    def _carry_out_cancel(self, *, dead: bool) -> None:
        if self._cancel_since is None:
            self._cancel_since = time.monotonic()
        waited = time.monotonic() - self._cancel_since
        worker = self.folder.worker()
        if self.folder.state == JobState.RUNNING:
            self.folder.record("cancel_requested")
        if dead or self.is_waiting:
            self._give_up("cancelled")
        elif worker is not None and worker.is_elsewhere:
            if waited > _ELSEWHERE_SECONDS:
                self._give_up("lost")
        elif waited > _POLITE_SECONDS:
            if worker is not None:
                stop_tree(worker.pid, polite_seconds=0)
            elif self._child is not None:
                self._child.kill()

    def _give_up(self, kind: str) -> None:
        """Write the last event in the place of a worker that can't."""
        folder = self.folder
        worker = folder.worker()
        if worker is not None and worker.leads_group and not worker.is_elsewhere:
            kill_group(worker.pid)
        if not folder.paths.publication.exists():
            shutil.rmtree(folder.paths.output(folder.attempt), ignore_errors=True)
        folder.record(kind, self._lost().as_dict() if kind == "lost" else None)
        self._cancel_since = None

    def _lost(self) -> JobError:
        worker, title, code = self.folder.worker(), self.folder.spec.title, self._ended_with
        if worker is not None and worker.is_elsewhere:
            return JobError(
                f"the worker on {worker.host} does not answer",
                where=title,
                remedy="Make sure that it no longer runs there before you retry",
            )
        how = describe_exit(code) if code is not None else "is gone"
        why, remedy = "", "Retry continues from the last checkpoint"
        if code == -9:
            why = (
                "signal 9 comes from the system when memory runs out, or from someone who "
                "stopped the process by hand"
            )
        elif code is not None:
            why = self._log_tail()
        return JobError(f"the worker {how} before it finished", where=title, why=why, remedy=remedy)

    def _log_tail(self) -> str:
        try:
            text = self.folder.paths.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1][-_LOG_TAIL_CHARACTERS:] if lines else ""
