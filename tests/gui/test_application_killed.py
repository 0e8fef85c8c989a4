"""Kill the application in the middle of a fit: nothing is lost, and the next start goes on."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from music_gui.jobs.folder import JobFolder, create_job
from music_gui.jobs.job import JobState
from music_gui.jobs.runner import new_job
from music_gui.steps.main_job import run_steps

pytestmark = pytest.mark.gui


@pytest.fixture
def fit(imported_study):
    parameters = {
        "scales": [16], "algorithm": "sopnmf", "max_epochs": 120, "patience": 120,
    }  # fmt: skip
    return JobFolder(
        create_job(imported_study.jobs, new_job("fit", parameters, title="Fit")).folder
    )


def wait_for_epochs(job, n):
    """Wait until the fit has told of n more epochs; returns its worker's process id."""
    end, seen, pid = time.monotonic() + 90, 0, None
    while time.monotonic() < end:
        _, events = job.refresh()
        for event in events:
            seen += event.kind == "metric"
            pid = event.data["pid"] if event.kind == "claimed" else pid
        if seen >= n:
            return pid
        time.sleep(0.05)
    raise AssertionError(f"the fit told of {seen} epochs only")


def test_a_fit_goes_on_and_is_found_again(imported_study, fit, start_application, qtbot):
    application = subprocess.Popen(
        [sys.executable, "-m", "music_gui", "open", str(imported_study.root)], env=os.environ
    )
    pid = wait_for_epochs(fit, 3)
    application.send_signal(signal.SIGKILL)
    application.wait()
    assert psutil.pid_exists(pid)
    assert psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    wait_for_epochs(fit, 2)  # nobody looks on, and it works all the same
    session = start_application(imported_study.root).session
    job_id = fit.spec.job_id
    qtbot.waitUntil(lambda: session.jobs.job(job_id) is not None, timeout=10_000)
    assert session.jobs.job(job_id).state == JobState.RUNNING
    qtbot.waitUntil(lambda: session.jobs.job(job_id).state.is_final, timeout=120_000)
    done = session.jobs.job(job_id)
    assert done.state == JobState.DONE
    assert done.attempt == 1
    epochs = [values["epoch"] for name, values in session.jobs.metrics_of(job_id) if name == "fit"]
    assert epochs == list(range(1, len(epochs) + 1))  # none was told twice, none is missing
    qtbot.waitUntil(lambda: session.scene.atlas is not None, timeout=20_000)
    assert session.scene.scale == 16


def test_a_fit_that_ended_meanwhile_is_shown_as_done(imported_study, start_application, qtbot):
    (done,) = run_steps(imported_study, ["fit"])
    session = start_application(imported_study.root).session
    qtbot.waitUntil(lambda: session.scene.atlas is not None, timeout=20_000)
    assert session.jobs.job(done.spec.job_id).state == JobState.DONE
    assert "study" in session.catalog.atlases
