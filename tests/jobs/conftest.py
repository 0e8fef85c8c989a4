"""A study with fake steps, and runners that are stopped at the end of a test."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import fake_application
import fake_steps
from watching import Watched

from music_gui.io.study import Study
from music_gui.jobs import process
from music_gui.jobs.folder import create_job
from music_gui.jobs.runner import new_job


@pytest.fixture
def study(tmp_path):
    """An empty study whose path has a space and a letter beyond ASCII."""
    return Study.create(tmp_path / "my stüdy")


@pytest.fixture(autouse=True)
def fake_registry(monkeypatch):
    """The fake steps in this process and in the workers that it starts."""
    fake_application.install(monkeypatch.setitem, sys.modules)
    monkeypatch.setattr(process, "application_command", lambda: fake_steps.FAKE_APPLICATION)


@pytest.fixture
def queue(study):
    """Write a job's folder and return its paths."""

    def add(step, *, claimed=False, **parameters):
        spec = new_job(step, parameters, title=step, threads=1)
        return create_job(study.jobs, spec, claimed=claimed)

    return add


@pytest.fixture
def watch(study):
    """Start runners on the study; they are stopped at the end."""
    started = []

    def start(**options):
        started.append(Watched(study, **options))
        return started[-1]

    yield start
    for watched in started:
        watched.runner.stop()
