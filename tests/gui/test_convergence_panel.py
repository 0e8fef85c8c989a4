"""The convergence panel: curves of one fit or two, their figures, and the atlas as it forms."""

import json

import numpy as np
import pytest
from brain_world import session_without_jobs
from job_samples import ENDED, make_job
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QLabel

from music_gui.core.factorization import Epoch
from music_gui.io.masked_maps import MaskedMaps
from music_gui.jobs.events import Event
from music_gui.jobs.job import JobState
from music_gui.jobs.paths import JobPaths
from music_gui.steps.fit_preview import PreviewWriter
from music_gui.views.brain.preview_bar import PreviewBar
from music_gui.views.brain.slices_panel import SlicesPanel
from music_gui.views.convergence.convergence_panel import ConvergencePanel
from music_gui.views.widgets.icon_button import IconButton

pytestmark = pytest.mark.gui


@pytest.fixture
def session(imported_study, dressed):
    session = session_without_jobs()
    session.open_study(imported_study.root)
    yield session
    session.close_study()


@pytest.fixture
def panel(session, open_widget):
    return open_widget(ConvergencePanel(session), (1000, 520))


def epochs(scale, first, last, *, floor=0.033, seconds=0.25):
    """What a fit tells."""
    return [
        Event(
            kind="metric",
            data={
                "name": "fit",
                "values": {
                    "scale": scale,
                    "epoch": number,
                    "loss": floor + 0.05 * 0.93**number,
                    "sparsity": 0.84 - 0.4 * 0.95**number,
                    "n_vanished": number // 12,
                    "seconds": seconds * number,
                },
            },
        )
        for number in range(first, last + 1)
    ]


def fitting(number=1, state=JobState.RUNNING, **parameters):
    facts = ENDED if state.is_final else {"started": ENDED["started"]}
    return make_job(number, state, "Fit the components", parameters=parameters, **facts)


def write_preview(study, job, scale, number, turn=0):
    """Leave a preview as a running fit does: slabs from back to front."""
    maps = MaskedMaps.open(study.masked_maps)
    y = np.argwhere(maps.mask)[:, 1].astype(float)
    labels = 1 + (np.argsort(np.argsort(y)) * scale // len(y))
    labels = 1 + (labels - 1 + turn) % scale
    epoch = Epoch(number, 0.0379, 0.8, 0, labels.astype(np.int32), dict)
    scratch = JobPaths(study.jobs / job.spec.job_id).scratch
    PreviewWriter(scratch, maps.mask, maps.grid).show(scale, epoch)


def store_fit(study, atlas, scale, *, loss=0.0334, **parameters):
    """Write what a finished fit leaves in a study."""
    folder = study.decomposition(atlas, scale)
    folder.mkdir(parents=True)
    record = {
        "title": "exact ONMF (fast)", "scale": scale, "atlas": atlas, "simulated": True,
        "parameters": {"scales": [scale], "algorithm": "exact-onmf", "seed": 0, "n_init": 1}
        | parameters,
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(record))
    rows = [
        f"{number}\t{loss + 0.02 * 0.6**number:.10g}\t{0.8 + number / 1000}\t0"
        for number in range(1, 25)
    ]
    (folder / "convergence.tsv").write_text(
        "\n".join(["epoch\tloss\tsparsity\tn_vanished", *rows]) + "\n"
    )


def curves(panel, name="loss"):
    return [item.getData() for item in panel.plots._items[name]]


def texts(panel):
    table = panel.table
    return {
        table.item(row, 0).text(): [
            table.item(row, column).text() for column in range(1, table.columnCount())
        ]
        for row in range(table.rowCount())
    }


def settle(qtbot):
    qtbot.wait(450)


def test_without_a_fit_it_says_what_to_do(panel, session, screenshot):
    wanted = []
    session.step_requested.connect(lambda step, _: wanted.append(step))
    labels = [label.text() for label in panel._empty.findChildren(QLabel)]
    assert "No fit yet" in labels
    panel._empty._button.click()
    assert wanted == ["fit"]
    assert not panel.tools.save.isEnabled()
    screenshot(panel, "convergence_empty")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_running_fit_is_drawn_with_its_atlas(panel, session, qtbot, screenshot, dressed, theme):
    dressed.use(theme)
    job = fitting(scales=[16])
    write_preview(session.study, job, 16, 40)
    session.jobs.apply(job, epochs(16, 1, 40))
    settle(qtbot)
    x, y = curves(panel)[0]
    assert list(x) == list(range(1, 41))
    assert y[-1] == pytest.approx(0.033 + 0.05 * 0.93**40)
    assert panel.boxes[0].isVisible()
    assert "C16, epoch 40" in panel.boxes[0].caption.text()
    assert texts(panel)["Epochs"] == ["40 so far"]
    assert texts(panel)["Time an epoch"] == ["250 ms"]
    assert texts(panel)["seed"] == ["0"]  # its default
    screenshot(panel, f"convergence_running_{theme}")
    session.jobs.apply(job, epochs(16, 41, 60))
    settle(qtbot)
    assert len(curves(panel)[0][0]) == 60


def test_a_component_keeps_its_colour_when_the_numbers_change(panel, session, qtbot):
    job = fitting(scales=[16])
    write_preview(session.study, job, 16, 1)
    session.jobs.apply(job, epochs(16, 1, 1))
    settle(qtbot)
    before = panel.boxes[0].picture.planes
    write_preview(session.study, job, 16, 2, turn=5)
    session.previews.load(job.spec.job_id)
    after = panel.boxes[0].picture.planes
    assert after is not before
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old.labels, new.labels)


def test_the_loss_axis_does_not_start_at_zero(panel, session, qtbot):
    session.jobs.apply(fitting(scales=[16]), epochs(16, 30, 60))
    settle(qtbot)
    low, high = panel.plots.plots["loss"].viewRange()[1]
    assert 0.025 < low < 0.034
    assert high < 0.05


def test_the_axes_grow_with_the_fit_until_the_user_zooms(panel, session, qtbot):
    job = fitting(scales=[16])
    plot = panel.plots.plots["loss"]
    session.jobs.apply(job, epochs(16, 1, 20))
    settle(qtbot)
    before = plot.viewRange()
    session.jobs.apply(job, epochs(16, 21, 22))
    settle(qtbot)
    assert plot.viewRange() == before  # not with every epoch
    session.jobs.apply(job, epochs(16, 23, 60))
    settle(qtbot)
    assert plot.viewRange()[0][1] > 60
    assert plot.viewRange()[1][0] < 0.033 + 0.05 * 0.93**60
    assert panel.plots.plots["n_vanished"].viewRange()[0] == plot.viewRange()[0]
    plot.vb.setXRange(10, 12, padding=0)
    plot.vb.sigRangeChangedManually.emit([True, True])
    assert panel.plots.plots["sparsity"].viewRange()[0] == [10, 12]
    session.jobs.apply(job, epochs(16, 61, 90))
    settle(qtbot)
    assert plot.viewRange()[0] == [10, 12]
    panel.plots.show_all()
    settle(qtbot)
    assert plot.viewRange()[0][0] < 0.1
    assert plot.viewRange()[0][1] > 90


def test_two_runs_are_compared(panel, session, qtbot, screenshot, dressed):
    store_fit(session.study, "study", 16)
    store_fit(session.study, "other", 16, loss=0.031, n_init=10, seed=3)
    session.refresh()
    state = session.convergence
    assert [each.title for each in state.choices] == ["C16, atlas other", "C16, atlas study"]
    state.choose(0, "study:decompositions/study/C16")
    state.choose(1, "study:decompositions/other/C16")
    settle(qtbot)
    assert len(curves(panel)) == 2
    shown = texts(panel)
    assert shown["Best loss"] == ["0.03340", "0.03100"]
    assert shown["B against A"] == ["", "−7.19 %"]
    assert shown["seed"] == ["0", "3"]
    assert shown["n init"] == ["1", "10"]
    assert "algorithm" not in shown
    for theme in ("dark", "light"):
        dressed.use(theme)
        settle(qtbot)
        screenshot(panel, f"convergence_compared_{theme}")
    state.exchange()
    settle(qtbot)
    assert texts(panel)["seed"] == ["3", "0"]
    state.choose(1, None)
    settle(qtbot)
    assert len(curves(panel)) == 1


def test_the_boxes_choose(panel, session, qtbot):
    store_fit(session.study, "study", 16)
    session.refresh()
    session.jobs.apply(fitting(scales=[16]), epochs(16, 1, 20))
    first, second = (chooser.box for chooser in panel.choosers)
    assert first.currentText().startswith("Newest: C16, running")
    assert second.currentText() == "none"
    second.setFocus()
    place = second.findText("C16, atlas study")
    second.setCurrentIndex(place)
    second.activated.emit(place)
    settle(qtbot)
    assert session.convergence.run(1).atlas == "study"
    assert len(curves(panel)) == 2


def test_the_newest_fit_moves_on_to_the_next_scale(panel, session, qtbot):
    job = fitting(scales=[8, 16])
    session.jobs.apply(job, epochs(8, 1, 10))
    settle(qtbot)
    assert session.convergence.run(0).scale == 8
    session.jobs.apply(job, epochs(16, 1, 3))
    settle(qtbot)
    assert session.convergence.run(0).scale == 16
    assert "Newest: C16" in panel.choosers[0].box.currentText()
    session.convergence.choose(0, f"job:{job.spec.job_id}:8")
    settle(qtbot)
    assert len(curves(panel)[0][0]) == 10


def test_a_dropped_table_is_compared_with_the_fit(panel, session, qtbot, tmp_path):
    session.jobs.apply(fitting(scales=[16]), epochs(16, 1, 20))
    path = tmp_path / "theirs.csv"
    path.write_text("Iteration,Loss,Sparsity\n1,0.09,0.3\n2,0.08,0.4\n3,0.075,0.45\n")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    panel.dropEvent(
        QDropEvent(
            QPointF(50, 50), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )  # fmt: skip
    settle(qtbot)
    assert texts(panel)["Last loss"][1] == "0.07500"
    assert session.settings.convergence_files == (str(path),)
    assert "theirs.csv" in panel.choosers[1].box.currentText()
    assert "Vanished" in texts(panel)


def test_what_is_dropped_on_any_part_comes_to_the_panel(panel, session, qtbot):
    store_fit(session.study, "study", 16)
    session.refresh()
    settle(qtbot)
    for part in (*panel.plots.widgets.values(), panel.table, panel.readout):
        taker = panel.childAt(part.mapTo(panel, part.rect().center()))
        while taker is not panel and not taker.acceptDrops():
            taker = taker.parentWidget()
        assert taker is panel, part


def test_the_table_is_copied(panel, session, qtbot):
    session.jobs.apply(fitting(scales=[16]), epochs(16, 1, 20))
    settle(qtbot)
    qtbot.keyClick(panel.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0] == "\tA"
    assert "Epochs\t20 so far" in lines


def test_losses_of_other_units_are_drawn_as_shares(panel, session, qtbot, tmp_path):
    session.jobs.apply(fitting(scales=[16]), epochs(16, 1, 20))
    path = tmp_path / "absolute.tsv"
    path.write_text("epoch\tloss\n1\t5000\n2\t4000\n")
    session.convergence.open_log(path)
    settle(qtbot)
    assert panel.tools.shares.isChecked()
    assert not panel.tools.shares.isEnabled()
    assert list(curves(panel)[1][1]) == [1.0, 0.8]
    assert "B against A" not in texts(panel)


def test_a_table_without_losses_is_refused_in_words(panel, session, tmp_path):
    said = []
    session.failed.connect(said.append)
    path = tmp_path / "participants.tsv"
    path.write_text("participant_id\tage\nsub-1\t44\n")
    session.convergence.open_log(path)
    assert said[0].what == "this table has no column loss"
    assert said[0].where == str(path)
    assert session.settings.convergence_files == ()


def test_logarithmic_axes_are_remembered(panel, session, qtbot):
    session.jobs.apply(fitting(scales=[16]), epochs(16, 1, 50))
    settle(qtbot)
    panel.tools.log_loss.click()
    panel.tools.log_epochs.click()
    settle(qtbot)
    assert session.settings.convergence_log_loss
    assert session.settings.convergence_log_epochs
    x, y = curves(panel)[0]
    assert x[9] == pytest.approx(1.0)
    assert y[9] == pytest.approx(np.log10(0.033 + 0.05 * 0.93**10))
    later = ConvergencePanel(session)
    assert later.tools.log_loss.isChecked()
    later.deleteLater()


def test_the_read_out_follows_the_mouse(panel, session, qtbot):
    session.jobs.apply(fitting(scales=[16]), epochs(16, 1, 40))
    settle(qtbot)
    assert panel.readout.text().startswith("A  epoch 40:  loss 0.0")
    widget = panel.plots.widgets["sparsity"]
    box = widget.plotItem.vb
    place = box.mapViewToScene(QPointF(12.2, 0.6))
    qtbot.mouseMove(widget.viewport(), widget.mapFromScene(place))
    widget.scene().sigMouseMoved.emit(place)
    qtbot.wait(80)
    assert "epoch 12:" in panel.readout.text()
    assert f"{0.84 - 0.4 * 0.95**12:.4f}" in panel.readout.text()
    assert [line.value() for line in panel.plots._lines] == [12, 12, 12]


def test_curves_are_saved_as_picture_drawing_and_table(panel, session, qtbot, tmp_path):
    session.jobs.apply(fitting(scales=[16]), epochs(16, 1, 3))
    settle(qtbot)
    for name in ("png", "svg", "tsv"):
        panel.save(tmp_path / f"curves.{name}")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    drawing = (tmp_path / "curves.svg").read_text()
    assert "<svg" in drawing
    assert "sparsity" in drawing
    assert "<image" not in drawing  # lines, not a picture of them
    table = (tmp_path / "curves.tsv").read_text().splitlines()
    assert table[0].split("\t") == ["run", "epoch", "loss", "sparsity", "n_vanished", "seconds"]
    assert len(table) == 4
    assert table[1].split("\t")[1:] == ["1", "0.0795", "0.46", "0", "0.25"]


def test_the_preview_is_shown_in_the_slices_and_gives_way(panel, session, qtbot):
    job = fitting(scales=[16])
    write_preview(session.study, job, 16, 3)
    session.jobs.apply(job, epochs(16, 1, 3))
    settle(qtbot)
    box = panel.boxes[0]
    box.button.click()
    assert session.previews.in_brain.epoch == 3
    assert box.button.text() == "Hide in the brain"
    write_preview(session.study, job, 16, 9)
    session.previews.load(job.spec.job_id)
    assert session.previews.in_brain.epoch == 9  # it follows the fit
    box.button.click()
    assert session.previews.in_brain is None
    box.button.click()
    session.jobs.apply(job.model_copy(update={"state": JobState.DONE}), [])
    assert session.previews.in_brain is None
    settle(qtbot)
    assert not box.isVisible()


def test_the_slices_show_the_preview_in_place_of_the_atlas(
    panel, session, qtbot, screenshot, dressed
):
    session.load_template()
    slices = SlicesPanel(session)
    slices.resize(520, 560)
    slices.show()
    qtbot.waitExposed(slices)
    job = fitting(scales=[16])
    write_preview(session.study, job, 16, 3)
    session.jobs.apply(job, epochs(16, 1, 3))
    settle(qtbot)
    bar = slices.findChild(PreviewBar)
    assert not bar.isVisible()
    panel.boxes[0].button.click()
    qtbot.wait(50)
    assert bar.isVisible()
    assert bar.name.text() == "Fit under way: C16, epoch 3, loss 0.0379"
    session.jobs.apply(job.model_copy(update={"state": JobState.CANCELLED}), [])
    assert bar.name.text() == "Fit that was stopped: C16, epoch 3, loss 0.0379"
    middle = slices.views[2]
    preview = session.previews.in_brain
    inside = MaskedMaps.open(session.study.masked_maps)
    voxel = np.argwhere(inside.mask)[len(np.argwhere(inside.mask)) // 2]
    x, y, z = (float(each) for each in inside.grid.to_world(voxel))
    session.scene.look_at((x, y, z))
    component = int(preview.sampler.value(np.array([x, y, z])))
    assert f"component {component}" in slices._readout.text()
    middle.chosen.emit((x, y, z))
    assert session.scene.selected is None
    for theme in ("dark", "light"):
        dressed.use(theme)
        qtbot.wait(50)
        screenshot(slices, f"convergence_in_slices_{theme}")
    bar.findChild(IconButton).click()
    assert not bar.isVisible()
    assert session.previews.in_brain is None
    slices.close()
    slices.deleteLater()


def test_a_stopped_fit_still_shows_its_last_preview_after_a_restart(panel, session, qtbot):
    job = fitting(state=JobState.LOST, scales=[16])
    write_preview(session.study, job, 16, 7)
    paths = JobPaths(session.study.jobs / job.spec.job_id)
    paths.spec.write_text(job.spec.model_dump_json())
    paths.events.write_text("".join(event.model_dump_json() + "\n" for event in epochs(16, 1, 7)))
    session.jobs.apply(job, epochs(16, 1, 7))
    session.convergence.choose(0, f"job:{job.spec.job_id}:16")
    settle(qtbot)
    assert len(curves(panel)[0][0]) == 7
    assert "epoch 7" in panel.boxes[0].caption.text()


def test_another_study_starts_afresh(panel, session, qtbot):
    session.jobs.apply(fitting(scales=[16]), epochs(16, 1, 3))
    settle(qtbot)
    session.close_study()
    settle(qtbot)
    assert session.convergence.run(0) is None
    assert panel._pages.currentIndex() == 0
    assert not panel.boxes[0].isVisible()


def test_a_narrow_panel_stacks(panel, session, qtbot, screenshot):
    session.jobs.apply(fitting(scales=[16]), epochs(16, 1, 40))
    panel.resize(430, 760)
    settle(qtbot)
    assert panel.splitter.orientation() == Qt.Orientation.Vertical
    screenshot(panel, "convergence_narrow")


def test_the_dock_is_small(panel, session, qtbot, screenshot):
    store_fit(session.study, "study", 16)
    session.refresh()
    session.jobs.apply(fitting(scales=[16]), epochs(16, 1, 40))
    session.convergence.choose(1, "study:decompositions/study/C16")
    panel.resize(700, 330)
    settle(qtbot)
    screenshot(panel, "convergence_small")
    assert panel.plots.width() > 300
