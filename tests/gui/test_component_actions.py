"""Components from the menu: the export is about the atlas and scale that are shown."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from music_gui.core.atlas import AtlasScale
from music_gui.core.grid import Grid
from music_gui.core.surface import build_label_surface
from music_gui.io.atlas_dseg import ScaleSource, write_scale, write_surface
from music_gui.io.atomic import write_json
from music_gui.io.decomposition_npz import StoredComponents, write_stored_components
from music_gui.io.study import Study
from music_gui.jobs.job import JobState
from music_gui.views.jobs.step_dialog import StepDialog

pytestmark = pytest.mark.gui

GRID = Grid((12, 12, 12), np.diag([8.0, 8, 8, 1]))
SCALES = (2, 4)


@pytest.fixture
def application(start_application, tmp_path, qtbot):
    """A window with a study whose atlas has components at two scales."""
    study = Study.create(tmp_path / "study")
    inside = np.zeros(GRID.shape, bool)
    inside[2:10, 2:10, 2:10] = True
    for c in SCALES:
        slab = np.arange(inside.sum()) * c // inside.sum()
        weights = (slab == np.arange(c)[:, None]) / np.sqrt(inside.sum() / c)
        stored = StoredComponents(
            csr_array(weights.astype(np.float32)), np.flatnonzero(inside), GRID
        )
        folder = study.decomposition("study", c)
        write_stored_components(folder / "components.npz", stored)
        write_json(folder / "run.json", {"scale": c, "atlas": "study"})
        scale = AtlasScale(c, stored.label_image())
        write_scale(study.atlas("study"), "study", scale, GRID, sidecar=ScaleSource(source="test"))
        surface = build_label_surface(scale.labels, GRID)
        write_surface(study.atlas("study"), "study", c, surface)
    application = start_application(study.root, wait_for_panels=False)
    qtbot.waitUntil(lambda: application.session.scene.atlas is not None, timeout=30_000)
    return application


def dialogs(application):
    return [each for each in application.window.findChildren(StepDialog) if each.isVisible()]


def test_the_export_is_filled_in_with_what_is_shown_and_runs(application, qtbot, screenshot):
    application.session.scene.set_scale(4)
    application.actions.steps["export-components"].trigger()
    qtbot.waitUntil(lambda: bool(dialogs(application)), timeout=60_000)
    (dialog,) = dialogs(application)
    assert dialog.answers() == {"atlas": "study", "scales": [4]}
    screenshot(dialog, "export_components")
    dialog.run.click()
    jobs = application.session.jobs
    qtbot.waitUntil(lambda: bool(jobs.jobs) and jobs.n_active == 0, timeout=60_000)
    (job,) = jobs.jobs
    assert job.state == JobState.DONE, job.error
    folder = application.session.study.exports / "study_components"
    assert (folder / "atlas-study_scale-C4_probseg.nii.gz").is_file()


def test_an_atlas_without_components_fills_nothing_in(application, qtbot):
    study = application.session.study
    study.decomposition("study", 2).rename(study.root / "elsewhere")
    application.session.scene.set_scale(2)
    application.actions.steps["export-components"].trigger()
    qtbot.waitUntil(lambda: bool(dialogs(application)), timeout=60_000)
    (dialog,) = dialogs(application)
    assert not dialog.answers()
    dialog.reject()
