"""The progress of a job on the command line: one line that moves, or plain lines in a log."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any

from music_gui.jobs.paths import JobPaths
from music_gui.steps.reporter import Reporter

_PLAIN_SECONDS = 2.0


class ConsoleLines:
    """Lines on standard error.

    On a terminal the progress is one line, drawn over and over; elsewhere a line appears every
    two seconds.
    """

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._last_line = 0.0
        self._is_line_open = False

    def log(self, text: str) -> None:
        """Print a line."""
        if self._is_line_open:
            sys.stderr.write("\r\x1b[K")
            self._is_line_open = False
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def show(self, fraction: float, message: str, seconds_left: float | None) -> None:
        """Show how much is done and how long it still takes."""
        line = progress_line(fraction, message, seconds_left)
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r\x1b[K{line[:width]}")
            sys.stderr.flush()
            self._is_line_open = True
        elif time.monotonic() - self._last_line > _PLAIN_SECONDS:
            self._last_line = time.monotonic()
            self.log(line)

    def close(self) -> None:
        """End the line that moves."""
        if self._is_line_open:
            sys.stderr.write("\n")
            sys.stderr.flush()
            self._is_line_open = False


class ConsoleReporter(Reporter):
    """A `music_gui.steps.reporter.Reporter` that writes to standard error as well."""

    def __init__(self, paths: JobPaths, attempt: int = 1) -> None:
        super().__init__(paths, attempt)
        self._console = ConsoleLines()

    def emit(self, kind: str, data: dict[str, Any]) -> None:
        """Append an event, and say it."""
        super().emit(kind, data)
        if kind == "progress":
            self._console.show(data["fraction"], data["message"], data["seconds_left"])
        elif kind == "log":
            self._console.log(str(data["text"]))
        elif kind == "warning":
            self._console.log(f"warning: {data['text']}")

    def close(self) -> None:
        """End the line that moves."""
        self._console.close()


def progress_line(fraction: float, message: str, seconds_left: float | None) -> str:
    """Say how far it is: ``" 42 %  epoch 12 of 100  (14 s left)"``."""
    left = "" if seconds_left is None else f"  ({duration(seconds_left)} left)"
    return f"{100 * fraction:3.0f} %  {message}{left}"


def duration(seconds: float) -> str:
    """Say how long: ``14 s``, ``3 min``, ``1 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
