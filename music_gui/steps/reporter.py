"""The progress of a running job, written to its events."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from music_gui.core.errors import Cancelled
from music_gui.core.progress import Progress
from music_gui.jobs.events import Event, append_event
from music_gui.jobs.paths import JobPaths

_LOOK_SECONDS = 0.1
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.1, 1.0


class Reporter:
    """A `music_gui.core.progress.Progress` that appends to ``events.jsonl``.

    Parameters
    ----------
    paths : JobPaths
        The job.
    attempt : int
        Number of the attempt that reports.
    """

    def __init__(self, paths: JobPaths, attempt: int = 1) -> None:
        self._events = paths.events
        self._cancel = paths.cancel(attempt)
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
        if not self._stop and moment - self._last_look > _LOOK_SECONDS:
            self._last_look = moment
            self._stop = self._cancel.exists()
        if self._stop:
            raise Cancelled

    def update(self, fraction: float, message: str = "") -> None:
        """Say how much is done; written ten times a second, in long work once a second."""
        self.check()
        moment = time.monotonic()
        elapsed = moment - self._started
        interval = min(max(elapsed / 100, _SHORTEST_SECONDS), _LONGEST_SECONDS)
        if moment - self._last_update < interval and fraction < 1.0:
            return
        self._last_update = moment
        fraction = min(max(fraction, 0.0), 1.0)
        left = elapsed * (1 - fraction) / fraction if fraction > 0.02 and elapsed > 1 else None
        self._emit_if_possible(
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
        self._emit_if_possible("metric", {"name": name, "values": values})

    def part(self, start: float, stop: float) -> Progress:
        """Return the progress of the part between two fractions."""
        return _Part(self, start, stop)

    def close(self) -> None:
        """Do nothing: overridden where the end of the job has to be shown."""

    def emit(self, kind: str, data: dict[str, Any]) -> None:
        """Append an event; overridden where events go elsewhere as well."""
        append_event(self._events, Event.model_validate({"kind": kind, "data": data}))

    def _emit_if_possible(self, kind: str, data: dict[str, Any]) -> None:
        with suppress(OSError):  # work goes on while the disk is full; its results may yet fit
            self.emit(kind, data)


class _Part:
    def __init__(self, whole: Progress, start: float, stop: float) -> None:
        self._whole, self._start, self._span = whole, start, stop - start
        self.log, self.warn, self.metric = whole.log, whole.warn, whole.metric
        self.check = whole.check

    def update(self, fraction: float, message: str = "") -> None:
        self._whole.update(self._start + self._span * min(max(fraction, 0.0), 1.0), message)

    def part(self, start: float, stop: float) -> Progress:
        return _Part(self, start, stop)
