"""What a job tells: a file of JSON objects, one a line, that is only ever appended to."""

from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from music_gui.jobs.job import now

Kind = Literal[
    "claimed",  # a worker took the job: its WorkerMark
    "progress",  # fraction, message, seconds_left
    "log",  # text
    "warning",  # text
    "metric",  # name, values
    "cancel_requested",
    "retried",
    "done",  # summary, outputs, details
    "failed",  # the error's parts
    "cancelled",
    "lost",  # the error's parts
]


class Event(BaseModel):
    """One line of ``events.jsonl``."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    time: str = Field(default_factory=now)
    data: dict[str, Any] = Field(default_factory=dict)


def append_event(path: Path, event: Event) -> None:
    """Append one event in a single write, so that lines of two writers never mix.

    A line that a full disk or a crash tore off is ended first: it costs itself, not its
    successor.

    Raises
    ------
    OSError
        If the line can't be written whole.
    """
    line = json.dumps(jsonable(event.model_dump()), ensure_ascii=False, allow_nan=False) + "\n"
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        size = os.fstat(descriptor).st_size
        if size:
            os.lseek(descriptor, size - 1, os.SEEK_SET)
            if os.read(descriptor, 1) != b"\n":
                line = "\n" + line
        data = line.encode(errors="replace")
        if os.write(descriptor, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(descriptor)


def jsonable(value: Any) -> Any:
    """Return a value as JSON has it.

    Numbers and arrays of numpy become plain ones, numbers that JSON lacks (NaN, infinities)
    become None, and whatever else is unknown becomes its text.
    """
    if isinstance(value, dict):
        return {str(key): jsonable(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable(each) for each in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if hasattr(value, "tolist"):
        return jsonable(value.tolist())
    return str(value)


class EventTail:
    """Read an event file as it grows; a line still being written waits for the next look.

    Parameters
    ----------
    path : Path
        The file; it may not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def has_news(self) -> bool:
        """Tell whether something was appended since the last call of `read`, without reading."""
        try:
            return self._path.stat().st_size > self._offset
        except FileNotFoundError:
            return False

    def read(self) -> list[Event]:
        """Return the events that were appended since the last call; a torn line is passed over."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data.rfind(b"\n") + 1
        self._offset += whole
        events = []
        for line in data[:whole].split(b"\n"):
            try:
                events.append(Event.model_validate_json(line))
            except ValidationError:
                continue  # torn by a full disk or a crash: the lines around it still count
        return events
