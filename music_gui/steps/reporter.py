"""The progress of a running job, written to its events."""

from __future__ import annotations

import time
from typing import Any

from music_gui.core.errors import Cancelled
from music_gui.core.progress import Progress
from music_gui.jobs.events import Event, append_event
from music_gui.jobs.paths import JobPaths

_INTERVAL_SECONDS = 0.1


class Reporter:
    """A `music_gui.core.progress.Progress` that appends to ``events.jsonl``.

    Parameters
    ----------
    paths : JobPaths
        The job.
    """

    def __init__(self, paths: JobPaths) -> None:
        self._paths = paths
        self._started = time.monotonic()
        self._last_update = 0.0
        self._last_look = 0.0
        self._stop = False

    def request_stop(self) -> None:
        """Make the next `check` raise; safe in a signal handler."""
        self._stop = True

    def check(self) -> None:
        """Raise `Cancelled` if a signal or the job's ``cancel`` file asks for a stop."""
        moment = time.monotonic()
        if not self._stop and moment - self._last_look > _INTERVAL_SECONDS:
            self._last_look = moment
            self._stop = self._paths.cancel.exists()
        if self._stop:
            raise Cancelled

    def update(self, fraction: float, message: str = "") -> None:
        """Say how much is done; written at most ten times a second."""
        self.check()
        moment = time.monotonic()
        if moment - self._last_update < _INTERVAL_SECONDS and fraction < 1.0:
            return
        self._last_update = moment
        fraction = min(max(fraction, 0.0), 1.0)
        elapsed = moment - self._started
        left = elapsed * (1 - fraction) / fraction if fraction > 0.02 and elapsed > 1 else None
        self.emit(
            "progress",
            {
                "fraction": round(fraction, 4),
                "message": message,
                "seconds_left": None if left is None else round(left, 1),
            },
        )

    def log(self, text: str) -> None:
        """Add a line to the log."""
        self.emit("log", {"text": text})

    def warn(self, text: str) -> None:
        """Add a warning that stays with the result."""
        self.emit("warning", {"text": text})

    def metric(self, name: str, values: dict[str, Any]) -> None:
        """Publish numbers that a panel draws."""
        self.check()
        self.emit("metric", {"name": name, "values": values})

    def part(self, start: float, stop: float) -> Progress:
        """Return the progress of the part between two fractions."""
        return _Part(self, start, stop)

    def emit(self, kind: str, data: dict[str, Any]) -> None:
        """Append an event; overridden where events go elsewhere as well."""
        append_event(self._paths.events, Event.model_validate({"kind": kind, "data": data}))


class _Part:
    def __init__(self, whole: Progress, start: float, stop: float) -> None:
        self._whole, self._start, self._span = whole, start, stop - start
        self.log, self.warn, self.metric = whole.log, whole.warn, whole.metric
        self.check = whole.check

    def update(self, fraction: float, message: str = "") -> None:
        self._whole.update(self._start + self._span * min(max(fraction, 0.0), 1.0), message)

    def part(self, start: float, stop: float) -> Progress:
        return _Part(self, start, stop)
