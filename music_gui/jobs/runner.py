"""Supervise a study's jobs from one background thread; the workers live without it."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from music_gui import __version__
from music_gui.core.errors import JobError, MusicError
from music_gui.jobs.events import Event
from music_gui.jobs.folder import JobFolder, create_job, jobs_in, retry, worker_process
from music_gui.jobs.job import JobSnapshot, JobSpec, JobState, new_job_id, now
from music_gui.jobs.process import describe_exit, start_worker, stop_tree

OnChange = Callable[[JobSnapshot, list[Event]], None]

_POLL_SECONDS = 0.1
_POLITE_SECONDS = 0.4


class JobRunner(Protocol):
    """What the application asks of whatever runs jobs."""

    def submit(self, step: str, parameters: dict[str, Any], *, title: str) -> str:
        """Queue a job and return its id."""

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; it is gone within a second."""

    def retry(self, job_id: str) -> None:
        """Queue again a job that failed, was cancelled or was lost."""

    def stop(self) -> None:
        """Stop supervising; running workers go on."""


class LocalRunner:
    """Run jobs as processes of this machine, at most so many at a time, oldest first.

    Parameters
    ----------
    jobs_folder : Path
        ``STUDY/jobs``. Jobs found there that still run are followed; queued ones are started.
    on_change : callable
        Called from the background thread with a job's snapshot and its new events.
    max_running : int
        How many workers may run at once.
    threads : int, optional
        Threads each worker may use; all cores if not given.
    """

    def __init__(
        self,
        jobs_folder: Path,
        on_change: OnChange,
        *,
        max_running: int = 1,
        threads: int | None = None,
    ) -> None:
        self._jobs_folder = jobs_folder
        self._on_change = on_change
        self._max_running = max_running
        self._threads = threads or os.cpu_count() or 1
        self._lock = threading.RLock()
        self._folders: dict[str, JobFolder] = {}
        self._reported: dict[str, JobSnapshot] = {}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._cancel_since: dict[str, float] = {}
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._supervise, name="job-runner", daemon=True)

    def start(self) -> None:
        """Start the background thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop supervising; running workers go on."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def submit(
        self, step: str, parameters: dict[str, Any], *, title: str, recompute: bool = False
    ) -> str:
        """Queue a job.

        Parameters
        ----------
        step : str
            Name of the step.
        parameters : dict
            Its parameters, ready for JSON.
        title : str
            What the job list shows.
        recompute : bool
            Compute even if the same was computed before.

        Returns
        -------
        str
            The job's id.
        """
        spec = JobSpec(
            job_id=new_job_id(step),
            step=step,
            title=title,
            parameters=parameters,
            threads=self._threads,
            recompute=recompute,
            created=now(),
            created_with=__version__,
        )
        create_job(self._jobs_folder, spec)
        self._wake.set()
        return spec.job_id

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop.

        Raises
        ------
        JobError
            If there is no such job.
        """
        with self._lock:
            folder = self._known(job_id)
            folder.paths.cancel.touch()
        self._wake.set()

    def retry(self, job_id: str) -> None:
        """Queue again a job that failed, was cancelled or was lost.

        Raises
        ------
        JobError
            If there is no such job or its state does not allow it.
        """
        with self._lock:
            retry(self._known(job_id))
        self._wake.set()

    def _known(self, job_id: str) -> JobFolder:
        if job_id not in self._folders:
            folder = self._jobs_folder / job_id
            if not (folder / "job.json").is_file():
                raise JobError("there is no such job in this study", where=job_id)
            self._folders[job_id] = JobFolder(folder)
        return self._folders[job_id]

    def _supervise(self) -> None:
        while not self._stopping:
            with self._lock:
                self._look()
            self._wake.wait(_POLL_SECONDS)
            self._wake.clear()

    def _look(self) -> None:
        for path in jobs_in(self._jobs_folder):
            if path.name not in self._folders:
                try:
                    self._folders[path.name] = JobFolder(path)
                except JobError:
                    continue  # a damaged folder is named by the study's check, not here
        running = 0
        for job_id, folder in self._folders.items():
            if job_id in self._reported and self._is_settled(folder):
                continue
            self._follow(job_id, folder)
            running += folder.state in (JobState.RUNNING, JobState.CANCELLING)
            running += folder.state == JobState.QUEUED and job_id in self._children
        for job_id, folder in self._folders.items():
            if running >= self._max_running:
                break
            if folder.state == JobState.QUEUED and job_id not in self._children:
                self._start(job_id, folder)
                running += 1

    def _is_settled(self, folder: JobFolder) -> bool:
        return folder.state.is_final and folder.spec.job_id not in self._children

    def _start(self, job_id: str, folder: JobFolder) -> None:
        try:
            self._children[job_id] = start_worker(folder.paths.folder, folder.spec.threads)
        except OSError as error:
            failure = MusicError("the worker can't be started", why=str(error))
            folder.record("failed", failure.as_dict())

    def _follow(self, job_id: str, folder: JobFolder) -> None:
        child = self._children.get(job_id)
        code = child.poll() if child is not None else None
        dead = code is not None if child is not None else worker_process(folder.paths) is None
        snapshot, events = folder.refresh()  # after the look at the process: its last word counts
        if not snapshot.state.is_final:
            if folder.paths.cancel.exists():
                self._carry_out_cancel(job_id, folder, dead=dead)
            elif dead and (child is not None or snapshot.state != JobState.QUEUED):
                folder.record("lost", _lost(code, folder).as_dict())
            snapshot, more = folder.refresh()
            events += more
        if child is not None and dead:
            del self._children[job_id]
        if events or snapshot != self._reported.get(job_id):
            self._reported[job_id] = snapshot
            self._on_change(snapshot, events)

    def _carry_out_cancel(self, job_id: str, folder: JobFolder, *, dead: bool) -> None:
        since = self._cancel_since.setdefault(job_id, time.monotonic())
        if folder.state == JobState.RUNNING:
            folder.record("cancel_requested")
        child = self._children.get(job_id)
        if dead or (folder.state == JobState.QUEUED and child is None):
            folder.record("cancelled")
            del self._cancel_since[job_id]
        elif time.monotonic() - since > _POLITE_SECONDS:
            process = worker_process(folder.paths)
            if process is not None:
                stop_tree(process, polite_seconds=0.1)
            elif child is not None:
                child.kill()


def _lost(code: int | None, folder: JobFolder) -> JobError:
    how = describe_exit(code) if code is not None else "is gone"
    remedy = "Retry continues from the last checkpoint"
    if code == -9:
        remedy = (
            "Signal 9 comes from the system when memory runs out, or from someone who stopped "
            "the process by hand. " + remedy
        )
    return JobError(f"the worker {how} before it finished", where=folder.spec.title, remedy=remedy)
