"""What a job tells: a file of JSON objects, one a line, that is only ever appended to."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from music_gui.jobs.job import now

Kind = Literal[
    "claimed",  # a worker took the job
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
    """Append one event in a single write, so that lines of two writers never mix."""
    line = json.dumps(event.model_dump(), ensure_ascii=False, default=str) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


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
        for line in data[:whole].splitlines():
            try:
                events.append(Event.model_validate_json(line))
            except ValidationError:
                continue  # torn by a full disk or a crash: the lines around it still count
        return events
