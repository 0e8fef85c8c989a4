"""The event file: appended to, followed, and readable after a crash."""

import errno
import json
import math
import os
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from music_gui.jobs.events import Event, EventTail, append_event, jsonable


@pytest.fixture
def events(tmp_path):
    return tmp_path / "events.jsonl"


def log(text):
    return Event(kind="log", data={"text": text})


def texts(found):
    return [event.data["text"] for event in found]


def test_only_new_events_are_read(events):
    tail = EventTail(events)
    assert tail.read() == []
    append_event(events, log("one"))
    append_event(events, log("two\nlines and \u2028 such"))
    assert texts(tail.read()) == ["one", "two\nlines and \u2028 such"]
    assert tail.read() == []
    append_event(events, log("three"))
    assert texts(tail.read()) == ["three"]


def test_a_line_still_being_written_waits(events):
    tail = EventTail(events)
    line = json.dumps(log("whole").model_dump()).encode() + b"\n"
    with events.open("ab") as file:
        file.write(line[:10])
        file.flush()
        assert tail.read() == []
        file.write(line[10:])
    assert texts(tail.read()) == ["whole"]


def test_a_torn_line_costs_only_itself(events):
    append_event(events, log("before"))
    with events.open("ab") as file:
        file.write(b'{"kind": "log", "da')
    append_event(events, log("after"))
    with events.open("ab") as file:
        file.write(b'{"kind": "of another version"}\n\xff\xfe\n\n')
    append_event(events, log("last"))
    assert texts(EventTail(events).read()) == ["before", "after", "last"]


def test_a_line_that_does_not_fit_is_an_error_and_the_next_one_is_whole(events, monkeypatch):
    append_event(events, log("before"))
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    with pytest.raises(OSError, match="No space left") as caught:
        append_event(events, log("lost"))
    assert caught.value.errno == errno.ENOSPC
    monkeypatch.undo()
    append_event(events, log("after"))
    assert texts(EventTail(events).read()) == ["before", "after"]


def test_values_of_steps_become_plain_json():
    given = {
        "r2": np.float64(0.5),
        "n": np.int64(3),
        "shifts": np.array([[1.0, np.nan]], dtype=np.float32),
        "loss": math.inf,
        "ok": np.True_,
        "path": Path("a/b"),
        "pair": (1, {2}),
        4: date(2026, 1, 2),
        "none": None,
    }
    assert jsonable(given) == {
        "r2": 0.5,
        "n": 3,
        "shifts": [[1.0, None]],
        "loss": None,
        "ok": True,
        "path": "a/b",
        "pair": [1, [2]],
        "4": "2026-01-02",
        "none": None,
    }


def test_the_file_is_json_that_other_programs_read(events):
    append_event(events, Event(kind="metric", data={"loss": float("nan"), "name": "W\udcff"}))
    line = json.loads(events.read_text(), parse_constant=pytest.fail)
    assert line["data"]["loss"] is None
