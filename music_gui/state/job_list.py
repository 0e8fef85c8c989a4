"""The jobs of the open study as the window shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psygnal import Signal

from music_gui.core.errors import MusicError
from music_gui.jobs.events import Event
from music_gui.jobs.job import JobSnapshot, now

_MOST_LINES = 5000


class JobList:
    """Snapshots, logs and metrics of all jobs, newest last.

    Signals
    -------
    changed(job_id)
        A job is new or stands elsewhere than before.
    logged(job_id, lines)
        New lines of its log.
    measured(job_id, name, values)
        A job published numbers to draw while it runs.
    finished(snapshot)
        A job has ended since the study was opened.
    cleared()
        Another study was opened.
    """

    changed = Signal(str)
    logged = Signal(str, list)
    measured = Signal(str, str, dict)
    finished = Signal(object)
    cleared = Signal()

    def __init__(self) -> None:
        self._jobs: dict[str, JobSnapshot] = {}
        self._lines: dict[str, list[str]] = defaultdict(list)
        self._metrics: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        self._since = now()

    @property
    def jobs(self) -> list[JobSnapshot]:
        """All jobs, oldest first."""
        return [self._jobs[job_id] for job_id in sorted(self._jobs)]

    @property
    def n_active(self) -> int:
        """Number of jobs that are queued or running."""
        return sum(not job.state.is_final for job in self._jobs.values())

    def job(self, job_id: str) -> JobSnapshot | None:
        """Return one job."""
        return self._jobs.get(job_id)

    def log_of(self, job_id: str) -> list[str]:
        """Return the lines a job has logged."""
        return self._lines[job_id]

    def metrics_of(self, job_id: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the numbers a job has published, in order.

        None of a job that had ended before the study was opened (`Session.load_metrics`).
        """
        return self._metrics[job_id]

    def clear(self) -> None:
        """Forget all jobs."""
        self._jobs.clear()
        self._lines.clear()
        self._metrics.clear()
        self._since = now()
        self.cleared.emit()

    def apply(self, snapshot: JobSnapshot, events: Sequence[Event]) -> None:
        """Take in what the runner saw of one job."""
        job_id = snapshot.spec.job_id
        before = self._jobs.get(job_id)
        self._jobs[job_id] = snapshot
        if before is None and snapshot.state.is_final and not self._ended_just_now(None, snapshot):
            # A long import has published a hundred thousand: they are read when asked for.
            events = [event for event in events if event.kind != "metric"]
        lines = [line for event in events if (line := _line(event))]
        if lines:
            kept = self._lines[job_id]
            kept.extend(lines)
            del kept[:-_MOST_LINES]
            self.logged.emit(job_id, lines)
        for event in events:
            if event.kind == "metric":
                name, values = str(event.data["name"]), event.data["values"]
                self._metrics[job_id].append((name, values))
                self.measured.emit(job_id, name, values)
        if snapshot != before:
            self.changed.emit(job_id)
        if snapshot.state.is_final and self._ended_just_now(before, snapshot):
            self.finished.emit(snapshot)

    def _ended_just_now(self, before: JobSnapshot | None, snapshot: JobSnapshot) -> bool:
        if before is None:  # run to its end by another process between two looks
            return (snapshot.ended or "") > self._since
        return not before.state.is_final


def _line(event: Event) -> str:
    clock = f"{datetime.fromisoformat(event.time).astimezone():%H:%M:%S}"
    match event.kind:
        case "log" | "warning":
            mark = "Warning: " if event.kind == "warning" else ""
            return f"{clock}  {mark}{event.data.get('text', '')}"
        case "progress" | "metric":
            return ""
        case "failed" | "lost":
            return f"{clock}  {event.kind}: {MusicError.from_dict(event.data)}"
        case "done":
            return f"{clock}  {event.data.get('summary', 'done')}"
        case _:
            return f"{clock}  {event.kind.replace('_', ' ')}"
