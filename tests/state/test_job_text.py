"""What is said about a job."""

import pytest

from music_gui.jobs.job import JobState
from music_gui.state.job_text import duration_text, state_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (12_000, "3 h 20 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float, text: str):
    assert duration_text(seconds) == text


def test_each_state_is_said(snapshot):
    started, ended = "2026-01-01T12:00:00+00:00", "2026-01-01T12:02:05+00:00"
    said = {
        state: state_text(snapshot(state, started=started, ended=ended, message="32 PSCs"))
        for state in JobState
    }
    assert said[JobState.QUEUED] == "waiting for its turn"
    assert said[JobState.RUNNING] == "32 PSCs"
    assert said[JobState.DONE].startswith("32 PSCs · ")
    assert said[JobState.DONE].endswith(", took 2 min 5 s")
    assert said[JobState.FAILED].startswith("failed · ")
    assert said[JobState.LOST].startswith("lost · ")


def test_the_time_left_is_said_while_it_runs(snapshot):
    job = snapshot(JobState.RUNNING, message="epoch 3 of 9", seconds_left=125.0)
    assert state_text(job) == "epoch 3 of 9 · 2 min 5 s left"
    assert state_text(snapshot(JobState.RUNNING)) == "starting"
