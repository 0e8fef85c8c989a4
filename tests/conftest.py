"""What tests of all kinds share: markers that skip by name, and a study of fake steps."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "fakes"))
import fake_application
import fake_steps
from watching import Watched

from music_gui.io.study import Study
from music_gui.jobs import process
from music_gui.jobs.folder import create_job
from music_gui.jobs.runner import new_job

SHARED = Path(__file__).parents[2] / "shared"


def pytest_runtest_setup(item):
    """Skip, by name, what needs something that is not here."""
    for mark in item.iter_markers("tool"):
        (program,) = mark.args
        if shutil.which(program) is None:
            pytest.skip(f"the program {program} is not installed")
    if item.get_closest_marker("shared_data") and not SHARED.is_dir():
        pytest.skip("the real data do not stand beside the checkout")


@pytest.fixture(scope="session")
def published():
    """The published atlas with all its scales: for tests marked ``shared_data``."""
    from music_gui.core.atlas import Atlas
    from music_gui.io.label_images import find_label_images, read_label_image

    images = [read_label_image(p) for p in find_label_images([SHARED / "data" / "music_atlas"])[0]]
    return Atlas("MuSIC", images[0].grid, {each.scale.scale: each.scale for each in images})


@pytest.fixture
def bare_study(tmp_path):
    """An empty study whose path has a space and a letter beyond ASCII."""
    return Study.create(tmp_path / "my stüdy")


@pytest.fixture
def fake_registry(monkeypatch):
    """Put the fake steps into this process and into the workers that it starts."""
    fake_application.install(monkeypatch.setitem, sys.modules)
    monkeypatch.setattr(process, "application_command", lambda: fake_steps.FAKE_APPLICATION)


@pytest.fixture
def queue(bare_study):
    """Write a job's folder and return its paths."""

    def add(step, *, claimed=False, **parameters):
        spec = new_job(step, parameters, title=step, threads=1)
        return create_job(bare_study.jobs, spec, claimed=claimed)

    return add


@pytest.fixture
def watch(bare_study):
    """Start runners on the study; they are stopped at the end."""
    started = []

    def start(**options):
        started.append(Watched(bare_study, **options))
        return started[-1]

    yield start
    for watched in started:
        watched.runner.stop()


@pytest.fixture(scope="session")
def small_example(tmp_path_factory):
    """The inputs of a small example study: 40 people, 200 variants. Copy it before you write."""
    from music_gui.core.progress import Silent
    from music_gui.steps.example_study import SEED, write_inputs

    study = Study.create(tmp_path_factory.mktemp("small") / "example", simulated=True)
    write_inputs(study.source_data, Silent(), 40, 200, SEED)
    return study


@pytest.fixture(scope="session")
def finished_example(tmp_path_factory):
    """The example study after the whole main job. Copy it before you write."""
    from music_gui.steps.main_job import MAIN_JOB, create_example, run_steps

    study = create_example(tmp_path_factory.mktemp("finished") / "example")
    for snapshot in run_steps(study, ["make-example", *MAIN_JOB]):
        assert snapshot.state == "done", snapshot.error
    return study
