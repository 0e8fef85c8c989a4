"""A job: what was asked for, the state it is in, and which moves between states are legal."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from music_gui.core.errors import JobError


class JobState(StrEnum):
    """Where a job stands; `lost` means that its worker died without a word."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_final(self) -> bool:
        """Whether the job no longer runs and will not run unless it is retried."""
        return self in _FINAL


_FINAL = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.LOST})

_LEGAL: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset(
        {JobState.RUNNING, JobState.CANCELLED, JobState.FAILED, JobState.LOST}
    ),
    JobState.RUNNING: frozenset(
        {JobState.CANCELLING, JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.LOST}
    ),
    JobState.CANCELLING: frozenset(
        {JobState.CANCELLED, JobState.DONE, JobState.FAILED, JobState.LOST}
    ),
    JobState.DONE: frozenset(),
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED}),
    JobState.LOST: frozenset({JobState.QUEUED}),
}


def check_move(old: JobState, new: JobState) -> None:
    """Refuse a change of state that can't happen.

    Raises
    ------
    JobError
        If a job in state ``old`` can't come to ``new``.
    """
    if new not in _LEGAL[old]:
        raise JobError(f"a job that is {old} can't become {new}")


def now() -> str:
    """Return the time now, UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def new_job_id(step: str) -> str:
    """Return an id that sorts by time and names the step: ``20261125T101500.042_fit_3f2a9c``."""
    moment = datetime.now(UTC)
    time = f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 1000:03d}"
    return f"{time}_{step}_{uuid.uuid4().hex[:6]}"


class JobSpec(BaseModel):
    """What was asked for: ``job.json``, written once and never changed.

    Attributes
    ----------
    job_id : str
        Name of the job's folder.
    step : str
        Name of the step, as in ``music-gui run STEP``.
    title : str
        What the job list shows.
    parameters : dict
        The step's parameters, ready for JSON.
    threads : int
        Threads that the numerical libraries may use; part of the job, since sums depend on it.
    recompute : bool
        Compute even if the same inputs and parameters were computed before.
    created : str
        UTC, ISO 8601.
    created_with : str
        Version of the application.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    job_id: str
    step: str
    title: str
    parameters: dict[str, Any]
    threads: int = Field(ge=1)
    recompute: bool = False
    created: str
    created_with: str


class JobSnapshot(BaseModel):
    """All that a view needs to draw a job, as it stood at one moment."""

    model_config = ConfigDict(frozen=True)

    spec: JobSpec
    state: JobState
    attempt: int = 1
    fraction: float = 0.0
    message: str = ""
    started: str | None = None
    ended: str | None = None
    seconds_left: float | None = None
    error: dict[str, str] | None = None
    warnings: tuple[str, ...] = ()
    result: dict[str, Any] | None = None
