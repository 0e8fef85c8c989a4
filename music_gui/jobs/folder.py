"""One job's folder: making it, and reading from its files what state the job is in."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import psutil

from music_gui.core.errors import JobError
from music_gui.io.atomic import write_json
from music_gui.jobs.events import Event, EventTail, append_event
from music_gui.jobs.job import JobSnapshot, JobSpec, JobState, check_move
from music_gui.jobs.paths import JobPaths

_RESERVE_BYTES = 64 * 1024


def create_job(jobs_folder: Path, spec: JobSpec) -> JobPaths:
    """Write a new job's folder; from then on it is queued.

    The folder appears under its name only when ``job.json`` is whole, so that no one ever sees
    half a job.
    """
    jobs_folder.mkdir(parents=True, exist_ok=True)
    hidden = jobs_folder / f".{spec.job_id}"
    hidden.mkdir()
    write_json(JobPaths(hidden).spec, spec.model_dump())
    JobPaths(hidden).reserve.write_bytes(b"\0" * _RESERVE_BYTES)
    paths = JobPaths(jobs_folder / spec.job_id)
    hidden.rename(paths.folder)
    return paths


def claim(paths: JobPaths) -> None:
    """Make this process the job's worker.

    Raises
    ------
    JobError
        If another worker has claimed it.
    """
    process = psutil.Process()
    record = json.dumps({"pid": process.pid, "create_time": process.create_time()})
    try:
        descriptor = os.open(paths.worker, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError as error:
        raise JobError("another worker has taken this job", where=str(paths.folder)) from error
    with os.fdopen(descriptor, "w") as file:
        file.write(record)
    append_event(paths.events, Event(kind="claimed", data=json.loads(record)))


def worker_process(paths: JobPaths) -> psutil.Process | None:
    """Return the live process that works on the job, or None; a zombie counts as dead."""
    try:
        record = json.loads(paths.worker.read_text())
        process = psutil.Process(record["pid"])
        same = abs(process.create_time() - record["create_time"]) < 1.0
        alive = same and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except (OSError, ValueError, KeyError, psutil.Error):
        return None
    return process if alive else None


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
        self._facts: dict[str, Any] = {"state": JobState.QUEUED}

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

    @property
    def state(self) -> JobState:
        """The state at the last `refresh`."""
        state: JobState = self._facts["state"]
        return state

    def record(self, kind: str, data: dict[str, Any] | None = None) -> None:
        """Append an event in the application's name (cancel requested, lost, retried)."""
        append_event(self.paths.events, Event.model_validate({"kind": kind, "data": data or {}}))

    def _apply(self, event: Event) -> None:
        facts, data = self._facts, event.data
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
            case "cancel_requested":
                if facts["state"] == JobState.RUNNING:
                    facts["state"] = JobState.CANCELLING
            case "retried":
                check_move(facts["state"], JobState.QUEUED)
                self._facts = {"state": JobState.QUEUED}
            case "done":
                facts |= {
                    "state": JobState.DONE,
                    "ended": event.time,
                    "fraction": 1.0,
                    "seconds_left": 0.0,
                    "message": data.get("summary", ""),
                    "result": data,
                }
            case "failed" | "lost":
                facts |= {"state": JobState(event.kind), "ended": event.time, "error": data}
            case "cancelled":
                facts |= {"state": JobState.CANCELLED, "ended": event.time}


def retry(folder: JobFolder) -> None:
    """Queue a job again that failed, was cancelled or was lost; its checkpoints stay.

    Raises
    ------
    JobError
        If the job is in a state that can't be retried.
    """
    folder.refresh()
    check_move(folder.state, JobState.QUEUED)
    if worker_process(folder.paths) is not None:
        raise JobError("the job's worker is still running", where=folder.spec.job_id)
    folder.record("retried")
    folder.paths.cancel.unlink(missing_ok=True)
    if not folder.paths.reserve.exists():
        folder.paths.reserve.write_bytes(b"\0" * _RESERVE_BYTES)
    folder.paths.worker.unlink(missing_ok=True)


def jobs_in(jobs_folder: Path) -> list[Path]:
    """Return the folders of all jobs, oldest first; hidden and foreign folders are left out."""
    if not jobs_folder.is_dir():
        return []
    return sorted(
        path
        for path in jobs_folder.iterdir()
        if not path.name.startswith(".") and (path / "job.json").is_file()
    )
