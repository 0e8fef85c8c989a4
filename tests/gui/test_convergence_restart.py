"""A fit that outlives the window is drawn again when the window is back."""

import pytest

from music_gui.jobs.job import JobState

pytestmark = pytest.mark.gui

ENDLESS = {"scales": [16], "algorithm": "sopnmf", "max_epochs": 100_000, "patience": 100_000}


def test_the_preview_is_there_again_after_a_restart(
    start_application, imported_study, qtbot, screenshot
):
    first = start_application(imported_study.root)
    first.session.submit("fit", ENDLESS, title="Fit sopNMF")
    panel = first.window.docks.widget("convergence")
    qtbot.waitUntil(lambda: panel.boxes[0].preview is not None, timeout=60_000)
    seen = panel.boxes[0].preview
    start_application.stop(first)

    again = start_application(imported_study.root)
    try:
        panel = again.window.docks.widget("convergence")
        qtbot.waitUntil(lambda: panel.boxes[0].preview is not None, timeout=60_000)
        assert panel.boxes[0].preview.job_id == seen.job_id
        assert panel.boxes[0].preview.epoch >= seen.epoch
        run = again.session.convergence.run(0)
        assert run.is_running
        assert list(run.log.epoch[:3]) == [1, 2, 3]  # all of the curve, not only what is new
        again.window.docks.raise_dock("convergence")
        screenshot(again.window, "convergence_restart")
    finally:
        again.session.cancel(seen.job_id)
        qtbot.waitUntil(
            lambda: again.session.jobs.job(seen.job_id).state == JobState.CANCELLED, timeout=30_000
        )
    qtbot.wait(300)
    assert panel.boxes[0].preview is not None  # what a stopped fit has left can still be seen
