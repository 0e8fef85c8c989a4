"""What the tests of the state share."""

from collections.abc import Callable
from typing import Any

import pytest

from music_gui.jobs.job import JobSnapshot, JobSpec, JobState


def _snapshot(
    state: JobState, job_id: str = "20260101T000000_fit_000000", **facts: Any
) -> JobSnapshot:
    spec = JobSpec(
        job_id=job_id, step="fit", title="Fit", parameters={}, threads=1,
        created="2026-01-01T00:00:00+00:00", created_with="0.1.0",
    )  # fmt: skip
    return JobSnapshot(spec=spec, state=state, **facts)


@pytest.fixture
def snapshot() -> Callable[..., JobSnapshot]:
    """Makes a job as it stood at one moment."""
    return _snapshot
