"""Supervise a study's jobs from one background thread; the workers live without it."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from music_gui import __version__
from music_gui.core.errors import JobError
from music_gui.jobs.events import Event
from music_gui.jobs.folder import JobFolder, create_job, existing_job, jobs_in, retry
from music_gui.jobs.job import JobSnapshot, JobSpec, new_job_id, now
from music_gui.jobs.process import available_cores
from music_gui.jobs.supervision import SupervisedJob

OnChange = Callable[[JobSnapshot, list[Event]], None]

_POLL_SECONDS = 0.1
#: How often jobs that ended are looked at again: another application may have retried one.
_SETTLED_SECONDS = 5.0
#: A folder that changed so lately may change again without another time stamp.
_STAMP_NANOSECONDS = 3_000_000_000

_log = logging.getLogger(__name__)


class JobRunner(Protocol):
    """What the application asks of whatever runs jobs."""

    def start(self) -> None:
        """Start to supervise."""

    def submit(
        self, step: str, parameters: dict[str, Any], *, title: str, recompute: bool = False
    ) -> str:
        """Queue a job and return its id."""

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; it is gone within a second."""

    def retry(self, job_id: str) -> None:
        """Queue again a job that failed, was cancelled or was lost."""

    def stop(self) -> None:
        """Stop supervising; running workers go on."""


def new_job(
    step: str,
    parameters: dict[str, Any],
    *,
    title: str,
    threads: int | None = None,
    recompute: bool = False,
) -> JobSpec:
    """Describe a new job.

    Parameters
    ----------
    step : str
        Name of the step.
    parameters : dict
        Its parameters, ready for JSON.
    title : str
        What the job list shows.
    threads : int, optional
        Threads that it may use; all cores if not given.
    recompute : bool
        Compute even if the same was computed before.
    """
    return JobSpec(
        job_id=new_job_id(step),
        step=step,
        title=title,
        parameters=parameters,
        threads=threads or available_cores(),
        recompute=recompute,
        created=now(),
        created_with=__version__,
    )


class LocalRunner:
    """Run jobs as processes of this machine, at most so many at a time, oldest first.

    No method but `stop` waits for the background thread, so the window may call them.

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
        self._threads = threads
        self._jobs: dict[str, SupervisedJob] = {}
        self._active: dict[str, SupervisedJob] = {}
        self._unreadable: set[str] = set()
        self._retried: deque[str] = deque()
        self._looked_at_all = -math.inf
        self._folder_stamp = 0
        self._last_trouble = ""
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
        for job in self._jobs.values():
            job.detach()

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

        Raises
        ------
        JobError
            If the job can't be written.
        """
        spec = new_job(step, parameters, title=title, threads=self._threads, recompute=recompute)
        create_job(self._jobs_folder, spec)
        self._wake.set()
        return spec.job_id

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; one that has ended stays as it is.

        Raises
        ------
        JobError
            If there is no such job, or its folder can't be written.
        """
        folder = self._folder_of(job_id)
        if not folder.state.is_final:
            with _in_words(folder):
                folder.paths.cancel(folder.attempt).touch()
        self._wake.set()

    def retry(self, job_id: str) -> None:
        """Queue again a job that failed, was cancelled or was lost.

        Raises
        ------
        JobError
            If there is no such job, its state does not allow it, or it can't be written.
        """
        folder = self._folder_of(job_id)
        with _in_words(folder):
            retry(folder)
        self._retried.append(job_id)
        self._wake.set()

    def _folder_of(self, job_id: str) -> JobFolder:
        """Return a job as last seen: a fresh look at a long job's events takes too long here."""
        job = self._jobs.get(job_id)
        return existing_job(self._jobs_folder, job_id) if job is None else job.folder

    def _supervise(self) -> None:
        while not self._stopping:
            self._guarded(self._find_new)
            self._guarded(self._find_retried)
            for job_id in sorted(self._active):
                self._guarded(self._look, job_id)
            self._guarded(self._start_waiting)
            self._wake.wait(_POLL_SECONDS)
            self._wake.clear()

    def _guarded(self, action: Callable[..., None], *arguments: str) -> None:
        """Do something that a full disk or a lost network folder may make fail for a while."""
        try:
            action(*arguments)
        except Exception as error:
            trouble = f"{action.__name__} {arguments}: {error!r}"
            if trouble != self._last_trouble:
                _log.exception("a look at the jobs in %s failed", self._jobs_folder)
            self._last_trouble = trouble

    def _find_new(self) -> None:
        """Read the jobs that are new, if the folder has changed since the last look."""
        stamp = self._jobs_folder.stat().st_mtime_ns if self._jobs_folder.is_dir() else 0
        is_fresh = abs(time.time_ns() - stamp) < _STAMP_NANOSECONDS
        if stamp == self._folder_stamp and not is_fresh:
            return
        known = self._jobs.keys() | self._unreadable
        for path in jobs_in(self._jobs_folder, skip=known):
            try:
                self._jobs[path.name] = self._active[path.name] = SupervisedJob(JobFolder(path))
            except JobError:
                self._unreadable.add(path.name)
                _log.warning("the job in %s can't be read and is left out", path)
        self._folder_stamp = stamp

    def _find_retried(self) -> None:
        """Take up again the jobs that were retried here, and now and then those elsewhere."""
        while self._retried:
            if job := self._jobs.get(job_id := self._retried.popleft()):
                self._active[job_id] = job
        if time.monotonic() - self._looked_at_all < _SETTLED_SECONDS:
            return
        self._looked_at_all = time.monotonic()
        self._active |= {name: job for name, job in self._jobs.items() if job.folder.has_news()}

    def _look(self, job_id: str) -> None:
        job = self._active[job_id]
        change = job.look()
        if job.is_settled:
            del self._active[job_id]
        if change is not None:
            self._on_change(*change)

    def _start_waiting(self) -> None:
        running = sum(job.is_busy for job in self._active.values())
        for _, job in sorted(self._active.items()):
            if running >= self._max_running or self._stopping:
                return
            if job.is_waiting:
                job.start()
                running += 1


@contextmanager
def _in_words(folder: JobFolder) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise JobError(
            "the job can't be written",
            where=str(folder.paths.folder),
            why=error.strerror or str(error),
        ) from error
