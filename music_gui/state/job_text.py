"""What is said about a job, in words."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from music_gui.jobs.job import JobSnapshot, JobState

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def duration_text(seconds: float) -> str:
    """Write a duration in two units at most: ``4 s``, ``2 min 5 s``, ``3 h 20 min``."""
    total = max(round(seconds), 0)
    for (size, unit), (smaller, smaller_unit) in pairwise(_UNITS):
        if total >= size:
            rest = total % size // smaller
            return f"{total // size} {unit}" + (f" {rest} {smaller_unit}" if rest else "")
    return f"{total} s"


def state_text(job: JobSnapshot) -> str:
    """Say in one line where a job stands: ``epoch 34 of 100 · 2 min left``."""
    match job.state:
        case JobState.QUEUED:
            return "waiting for its turn"
        case JobState.RUNNING:
            parts = [job.message or "starting"]
            if job.seconds_left is not None:
                parts.append(f"{duration_text(job.seconds_left)} left")
            return " · ".join(parts)
        case JobState.CANCELLING:
            return "stopping…"
        case JobState.DONE:
            return " · ".join(part for part in (job.message, _when(job)) if part)
        case _:
            return " · ".join(part for part in (str(job.state), _when(job)) if part)


def _when(job: JobSnapshot) -> str:
    if job.ended is None:
        return ""
    ended = datetime.fromisoformat(job.ended).astimezone()
    today = datetime.now().astimezone().date()
    text = f"{ended:%H:%M}" if ended.date() == today else f"{ended:%d %b %Y %H:%M}"
    if job.started is not None:
        seconds = (ended - datetime.fromisoformat(job.started)).total_seconds()
        text += f", took {duration_text(seconds)}"
    return text
