"""One job's folder: making it, claiming it, and reading from it what state the job is in."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Collection
from pathlib import Path
from typing import Any

from music_gui.core.errors import JobError
from music_gui.io.atomic import write_json
from music_gui.jobs.events import Event, EventTail, append_event
from music_gui.jobs.job import JobSnapshot, JobSpec, JobState, check_move
from music_gui.jobs.paths import JobPaths
from music_gui.jobs.worker_mark import WorkerMark

_RESERVE_BYTES = 64 * 1024


def create_job(jobs_folder: Path, spec: JobSpec, *, claimed: bool = False) -> JobPaths:
    """Write a new job's folder; from then on it is queued.

    The folder appears under its name only when it is whole, so that no one ever sees half a job.

    Parameters
    ----------
    jobs_folder : Path
        ``STUDY/jobs``.
    spec : JobSpec
        What is asked for.
    claimed : bool
        The calling process works on the job itself; no one else gets a chance to take it.

    Raises
    ------
    JobError
        If the folder can't be written.
    """
    hidden = JobPaths(jobs_folder / f".{spec.job_id}")
    paths = JobPaths(jobs_folder / spec.job_id)
    try:
        hidden.folder.mkdir(parents=True)
        write_json(hidden.spec, spec.model_dump())
        hidden.reserve.write_bytes(os.urandom(_RESERVE_BYTES))
        if claimed:
            claim(hidden, 1)
        hidden.folder.rename(paths.folder)
    except OSError as error:
        shutil.rmtree(hidden.folder, ignore_errors=True)
        raise JobError(
            "the job can't be written", where=str(jobs_folder), why=error.strerror or str(error)
        ) from error
    return paths


def claim(paths: JobPaths, attempt: int) -> None:
    """Make this process the worker of an attempt at the job.

    A folder with the process's mark is renamed into place: on every file system one of two
    processes that try at the same time fails, and nobody sees a claim without its mark.

    Raises
    ------
    JobError
        If another worker has claimed it.
    """
    place = paths.claim(attempt)
    mine = place.with_name(f".{uuid.uuid4().hex}")
    mark = WorkerMark.of_this_process()
    mine.mkdir(parents=True)
    write_json(mine / paths.worker(attempt).name, mark.model_dump())
    try:
        mine.rename(place)
    except OSError as error:
        shutil.rmtree(mine, ignore_errors=True)
        if place.is_dir():
            raise JobError("another worker has taken this job", where=str(paths.folder)) from error
        raise
    append_event(paths.events, Event(kind="claimed", data=mark.model_dump()))


class JobFolder:
    """A job as its files tell it, followed as they grow.

    Parameters
    ----------
    folder : Path
        ``STUDY/jobs/JOB_ID``.

    Raises
    ------
    JobError
        If ``job.json`` can't be read.
    """

    def __init__(self, folder: Path) -> None:
        self.paths = JobPaths(folder)
        try:
            self.spec = JobSpec.model_validate_json(self.paths.spec.read_bytes())
        except (OSError, ValueError) as error:
            raise JobError(
                "the job's description can't be read", where=str(self.paths.spec), why=str(error)
            ) from error
        self._tail = EventTail(self.paths.events)
        self._facts: dict[str, Any] = {"state": JobState.QUEUED, "attempt": 1}

    def refresh(self) -> tuple[JobSnapshot, list[Event]]:
        """Read what is new.

        Returns
        -------
        snapshot : JobSnapshot
            The job as it stands now.
        events : list of Event
            The events since the last call.
        """
        events = self._tail.read()
        for event in events:
            self._apply(event)
        return JobSnapshot(spec=self.spec, **self._facts), events

    def has_news(self) -> bool:
        """Tell whether events came since the last `refresh`, without reading them."""
        return self._tail.has_news()

    @property
    def state(self) -> JobState:
        """The state at the last `refresh`."""
        state: JobState = self._facts["state"]
        return state

    @property
    def attempt(self) -> int:
        """Number of the current attempt at the last `refresh`, counted from 1."""
        return int(self._facts["attempt"])

    def worker(self) -> WorkerMark | None:
        """Return the process that claimed the current attempt; None if none has."""
        try:
            return WorkerMark.model_validate_json(self.paths.worker(self.attempt).read_bytes())
        except (OSError, ValueError):
            return None

    @property
    def is_cancel_wanted(self) -> bool:
        """Whether the user asked the current attempt to stop."""
        return self.paths.cancel(self.attempt).exists()

    @property
    def is_publication_interrupted(self) -> bool:
        """Whether results were moved into the study when the last attempt's worker died."""
        return self.state == JobState.LOST and self.paths.publication.exists()

    def record(self, kind: str, data: dict[str, Any] | None = None) -> None:
        """Append an event in the application's name (cancel requested, lost, retried)."""
        append_event(self.paths.events, Event.model_validate({"kind": kind, "data": data or {}}))

    def _apply(self, event: Event) -> None:
        """Take an event in; one that can't follow on the state is passed over.

        Two applications may write to one job: both report a dead worker, or one reports it while
        its last word is on the way. What the worker itself says of its end counts.
        """
        facts, data, state = self._facts, event.data, self.state
        if state == JobState.DONE or (state.is_final and event.kind not in ("retried", "done")):
            return
        match event.kind:
            case "claimed":
                facts |= {"state": JobState.RUNNING, "started": event.time}
            case "progress":
                facts |= {
                    "fraction": data.get("fraction", 0.0),
                    "message": data.get("message", ""),
                    "seconds_left": data.get("seconds_left"),
                }
            case "warning":
                facts["warnings"] = (*facts.get("warnings", ()), str(data.get("text", "")))
            case "cancel_requested" if state == JobState.RUNNING:
                facts["state"] = JobState.CANCELLING
            case "retried" if state.is_final:
                self._facts = {"state": JobState.QUEUED, "attempt": self.attempt + 1}
            case "done":
                facts |= {
                    "state": JobState.DONE,
                    "ended": event.time,
                    "fraction": 1.0,
                    "seconds_left": 0.0,
                    "message": data.get("summary", ""),
                    "error": None,
                    "result": data,
                }
            case "failed" | "lost":
                facts |= {"state": JobState(event.kind), "ended": event.time, "error": data}
            case "cancelled":
                facts |= {"state": JobState.CANCELLED, "ended": event.time}


def retry(folder: JobFolder) -> None:
    """Queue a job again that failed, was cancelled or was lost; its checkpoints stay.

    Parameters
    ----------
    folder : JobFolder
        The job; its state at the last `JobFolder.refresh` counts.

    Raises
    ------
    JobError
        If the job is in a state that can't be retried, or was given up while its worker lives.
    """
    check_move(folder.state, JobState.QUEUED)
    worker = folder.worker()
    if folder.state == JobState.LOST and worker is not None and worker.is_alive:
        raise JobError("the job's worker is still running", where=folder.spec.job_id)
    if not folder.paths.reserve.exists():
        folder.paths.reserve.write_bytes(os.urandom(_RESERVE_BYTES))
    folder.record("retried")


def existing_job(jobs_folder: Path, job_id: str) -> JobFolder:
    """Return a job of a study as it stands.

    Raises
    ------
    JobError
        If there is no such job.
    """
    if not (jobs_folder / job_id / "job.json").is_file():
        raise JobError("there is no such job in this study", where=job_id)
    folder = JobFolder(jobs_folder / job_id)
    folder.refresh()
    return folder


def jobs_in(jobs_folder: Path, *, skip: Collection[str] = ()) -> list[Path]:
    """Return the folders of all jobs, oldest first; hidden and foreign folders are left out.

    Parameters
    ----------
    jobs_folder : Path
        ``STUDY/jobs``; it may not exist yet.
    skip : collection of str
        Names to pass over without a look.
    """
    try:
        with os.scandir(jobs_folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name not in skip)
    except FileNotFoundError:
        return []
    return [
        jobs_folder / name
        for name in names
        if not name.startswith(".") and (jobs_folder / name / "job.json").is_file()
    ]
