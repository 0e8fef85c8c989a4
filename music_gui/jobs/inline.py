"""The runner's interface without processes and threads: each job runs at once, in the caller."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from music_gui.jobs.folder import JobFolder, create_job, existing_job, retry
from music_gui.jobs.runner import OnChange, new_job


class InlineRunner:
    """A `music_gui.jobs.runner.JobRunner` for tests and scripts.

    Parameters
    ----------
    jobs_folder : Path
        ``STUDY/jobs``.
    on_change : callable
        Called with a job's snapshot and its events when the job has ended.
    work_on : callable
        Works on the job in a folder: `music_gui.steps.worker.work_on`.
    threads : int, optional
        Threads each job may use; all cores if not given.
    """

    def __init__(
        self,
        jobs_folder: Path,
        on_change: OnChange,
        work_on: Callable[[Path], int],
        *,
        threads: int | None = None,
    ) -> None:
        self._jobs_folder = jobs_folder
        self._on_change = on_change
        self._work_on = work_on
        self._threads = threads

    def start(self) -> None:
        """Do nothing: jobs run when they are submitted."""

    def stop(self) -> None:
        """Do nothing: no job runs when this can be called."""

    def submit(
        self, step: str, parameters: dict[str, Any], *, title: str, recompute: bool = False
    ) -> str:
        """Run a job to its end and return its id; a failure is a state, not an exception."""
        spec = new_job(step, parameters, title=title, threads=self._threads, recompute=recompute)
        self._run(JobFolder(create_job(self._jobs_folder, spec).folder))
        return spec.job_id

    def cancel(self, job_id: str) -> None:
        """Leave a job as it is, since it has ended.

        Raises
        ------
        JobError
            If there is no such job.
        """
        existing_job(self._jobs_folder, job_id)

    def retry(self, job_id: str) -> None:
        """Run a job again.

        Raises
        ------
        JobError
            If there is no such job or its state does not allow it.
        """
        folder = existing_job(self._jobs_folder, job_id)
        retry(folder)
        self._run(folder)

    def _run(self, folder: JobFolder) -> None:
        self._work_on(folder.paths.folder)
        self._on_change(*folder.refresh())
