"""What a running step says arrives as events: not too often, and never at its cost."""

import os
import time

import pytest

from music_gui.core.errors import Cancelled
from music_gui.jobs.events import EventTail
from music_gui.steps.console import duration, progress_line
from music_gui.steps.reporter import Reporter


@pytest.fixture
def paths(queue):
    return queue("write-number")


@pytest.fixture
def reporter(paths):
    return Reporter(paths)


def test_progress_is_written_ten_times_a_second_at_most_and_at_the_end(paths, reporter):
    started = time.monotonic()
    n_updates = 0
    while time.monotonic() - started < 0.5:
        reporter.update((time.monotonic() - started) / 0.6)
        n_updates += 1
    reporter.update(1.0, "ready")
    written = EventTail(paths.events).read()
    assert n_updates > 50
    assert 3 <= len(written) <= 7
    assert written[-1].data == {"fraction": 1.0, "message": "ready", "seconds_left": None}


def test_the_time_left_is_that_at_the_pace_so_far(paths, reporter, monkeypatch):
    moment = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: moment + 30)
    reporter.update(0.25)
    assert EventTail(paths.events).read()[0].data["seconds_left"] == pytest.approx(90, abs=0.5)


def test_parts_of_parts_add_up(paths, reporter, monkeypatch):
    half = reporter.part(0.5, 1.0)
    quarter = half.part(0.5, 1.0)
    for step, (part, fraction) in enumerate([(reporter, 0.1), (half, 0.2), (quarter, 0.5)]):
        now = time.monotonic() + 10 * (step + 1)
        monkeypatch.setattr(time, "monotonic", lambda now=now: now)
        part.update(fraction)
    fractions = [event.data["fraction"] for event in EventTail(paths.events).read()]
    assert fractions == [0.1, 0.6, 0.875]


def test_a_fraction_out_of_range_is_brought_into_it(paths, reporter):
    reporter.update(7.0)
    assert EventTail(paths.events).read()[0].data["fraction"] == 1.0


@pytest.mark.parametrize("how", ["signal", "file"])
def test_a_cancel_is_noticed_by_everything_that_reports(paths, reporter, how):
    reporter.check()
    if how == "signal":
        reporter.request_stop()
    else:
        paths.cancel(1).touch()
        time.sleep(0.11)
    part = reporter.part(0, 0.5)
    for say in (reporter.check, lambda: part.update(0.5), lambda: part.metric("loss", {})):
        with pytest.raises(Cancelled):
            say()


def test_the_cancel_of_an_earlier_attempt_does_not_count(paths):
    paths.cancel(1).touch()
    Reporter(paths, attempt=2).check()


def test_progress_that_can_not_be_written_does_not_stop_the_work(reporter, monkeypatch):
    def full(descriptor, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    reporter.update(0.5)
    reporter.metric("loss", {"epoch": 1})
    with pytest.raises(OSError, match="No space left"):
        reporter.warn("this belongs to the result")


def test_lines_for_people():
    assert progress_line(0.42, "epoch 12 of 100", 14.2) == " 42 %  epoch 12 of 100  (14 s left)"
    assert progress_line(1, "ready", None) == "100 %  ready"
    assert [duration(s) for s in (0.4, 89, 180, 3900)] == ["0 s", "89 s", "3 min", "65 min"]
    assert duration(7500) == "2 h 05 min"
