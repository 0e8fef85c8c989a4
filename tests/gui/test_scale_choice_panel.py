"""The panel "Choosing C": curves, words, table, and the way to the brain."""

import time
from dataclasses import asdict

import numpy as np
import pyqtgraph as pg
import pytest
from brain_world import session_without_jobs
from job_samples import ENDED, make_job
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QTextDocumentFragment
from PySide6.QtWidgets import QLabel
from scale_figures import SCALES, TITLES, make_rows, store

from music_gui.io.study import Study
from music_gui.jobs.events import Event
from music_gui.jobs.job import JobState
from music_gui.views.scales.scale_choice_panel import ScaleChoicePanel

pytestmark = pytest.mark.gui

BOTH = {"algorithms": ("exact-onmf", "sopnmf"), "splits": ("halves", "sex")}


@pytest.fixture
def session(tmp_path, dressed):
    Study.create(tmp_path / "study", simulated=True)
    session = session_without_jobs()
    session.open_study(tmp_path / "study")
    yield session
    session.close_study()


@pytest.fixture
def panel(session, open_widget):
    return open_widget(ScaleChoicePanel(session), (900, 680))


def show(panel, session, qtbot, **given):
    rows = store(session.study, **given)
    session.refresh()
    qtbot.wait(300)
    return rows


def lines(panel, name):
    """The curves of a plot: dotted ones first."""
    items = panel.plots.widgets[name].plotItem.items
    return [item.getData() for item in items if isinstance(item, pg.PlotDataItem)]


def add_scale_to_atlas(study, scale):
    folder = study.atlas("study")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"atlas-study_scale-C{scale}_dseg.nii.gz").touch()


def test_without_figures_it_says_what_to_do(panel, session, screenshot):
    wanted = []
    session.step_requested.connect(lambda step, _: wanted.append(step))
    assert "No scales compared yet" in [label.text() for label in panel.findChildren(QLabel)]
    panel._empty._button.click()
    assert wanted == ["choose-scale"]
    screenshot(panel, "scales_empty")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_figures_are_drawn_against_c(panel, session, qtbot, screenshot, dressed, theme):
    dressed.use(theme)
    rows = show(panel, session, qtbot)
    (own, held_out) = lines(panel, "loss")
    np.testing.assert_allclose(held_out[0], np.log2(SCALES))
    means = [np.mean([r.held_out_loss for r in rows if r.scale == C]) for C in SCALES]
    np.testing.assert_allclose(held_out[1], means)
    assert (own[1] < held_out[1]).all()
    (median, mean) = lines(panel, "ri")
    assert mean[1][4] == pytest.approx(0.954)
    assert median[1][4] == pytest.approx(0.994, abs=0.01)
    assert len(lines(panel, "ari")) == len(lines(panel, "sparsity")) == 1
    bars = [
        item
        for item in panel.plots.widgets["ri"].plotItem.items
        if isinstance(item, pg.ErrorBarItem)
    ]
    np.testing.assert_allclose(bars[0].opts["height"][4], 2 * 0.005)
    assert "agree best at C32 (RI 0.954 ± 0.005)" in panel.statement.text()
    assert "exact" in panel.legend.text()
    screenshot(panel, f"scales_{theme}")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_algorithms_and_splits_have_curves_of_their_own(
    panel, session, qtbot, screenshot, dressed, theme
):
    dressed.use(theme)
    show(panel, session, qtbot, **BOTH)
    assert len(lines(panel, "ri")) == 8
    items = panel.plots.widgets["ari"].plotItem.items
    looks = {
        (item.opts["pen"].color().name(), item.opts["pen"].style(), item.opts["symbol"])
        for item in items
        if isinstance(item, pg.PlotDataItem)
    }
    assert len(looks) == 4
    panel.choose_scale(32)
    screenshot(panel, f"scales_both_{theme}")
    panel.resize(1150, 330)
    qtbot.wait(100)
    assert panel.height() == 330  # as high as a dock at the foot of the window
    screenshot(panel, f"scales_both_low_{theme}")


@pytest.mark.parametrize(
    ("size", "n_columns"), [((900, 680), 2), ((645, 290), 2), ((320, 900), 1), ((2200, 300), 4)]
)
def test_the_plots_stand_as_their_place_allows(panel, session, qtbot, size, n_columns):
    show(panel, session, qtbot)
    panel.resize(*size)
    qtbot.wait(50)
    assert panel.plots._n_columns == n_columns


def test_in_a_dock_at_the_foot_all_is_readable(panel, session, qtbot, screenshot):
    show(panel, session, qtbot, splits=("halves", "sex"))
    panel.resize(645, 290)
    qtbot.wait(100)
    for widget in panel.plots.widgets.values():
        assert widget.plotItem.vb.height() > 40
    screenshot(panel, "scales_in_the_dock")


def test_the_axis_names_powers_of_two(panel, session, qtbot):
    show(panel, session, qtbot)
    axis = panel.plots.widgets["loss"].plotItem.getAxis("bottom")
    assert axis.tickStrings([1.0, 5.0, 10.0], 1, 1) == ["2", "32", "1024"]


def readout(panel):
    return QTextDocumentFragment.fromHtml(panel.readout.text()).toPlainText()


def test_the_mouse_reads_values(panel, session, qtbot):
    show(panel, session, qtbot)
    panel.plots.hovered.emit(32, "ri")
    text = readout(panel)
    assert text.startswith("C32")
    assert "RI 0.954 ± 0.005, median 0.994, ARI 0.754 ± 0.005" in text
    assert "held-out error 0.02215 ± 0.00005, own 0.02115" in text
    assert panel.plots._lines["ari"].isVisible()
    panel.plots.hovered.emit(None, "")
    assert not panel.plots._lines["ari"].isVisible()
    show(panel, session, qtbot, **BOTH)
    panel.plots.hovered.emit(64, "ari")
    assert "─●─ ARI 0.530 ± 0.030" in readout(panel)
    assert readout(panel).count("ARI") == 4


def test_a_click_near_a_scale_finds_it(panel, session, qtbot):
    show(panel, session, qtbot)
    chosen = []
    panel.plots.chosen.connect(chosen.append)
    widget = panel.plots.widgets["ri"]
    place = widget.plotItem.vb.mapViewToScene(pg.Point(4.1, 0.7))
    qtbot.mouseClick(widget.viewport(), Qt.MouseButton.LeftButton, pos=widget.mapFromScene(place))
    assert chosen == [16]


def test_a_scale_of_the_atlas_is_shown_in_the_brain(panel, session, qtbot, monkeypatch):
    add_scale_to_atlas(session.study, 32)
    show(panel, session, qtbot)
    shown, wanted = [], []
    monkeypatch.setattr(session, "show_atlas", lambda *given: shown.append(given))
    session.step_requested.connect(lambda *given: wanted.append(given))
    panel.choose_scale(32)
    assert shown == [("study", 32)]
    assert panel.button.text() == "Show C32 in the brain"
    panel.choose_scale(16)
    assert len(shown) == 1
    assert panel.button.text() == "Fit C16…"
    panel.button.click()
    assert wanted == [("fit", {"scales": [16], "algorithm": "exact-onmf"})]


def test_the_table_is_sorted_and_copied(panel, session, qtbot):
    show(panel, session, qtbot, **BOTH)
    table = panel.table
    assert table.model().rowCount() == 24
    column = [each.title for each in table._columns].index("RI")
    table.sortByColumn(column, Qt.SortOrder.DescendingOrder)
    table.selectRow(0)
    table.copy()
    title, row, end = QGuiApplication.clipboard().text().split("\n")
    assert title.startswith("C\tAlgorithm, split\tSplits\tRI\t±\t")
    assert row.startswith("32\texact ONMF (fast), halves\t3\t0.954\t0.005\t")
    assert end == ""
    panel._copy()
    assert QGuiApplication.clipboard().text().count("\n") == 25


def test_a_row_marks_its_scale_in_the_plots(panel, session, qtbot):
    show(panel, session, qtbot)
    panel.table.selectRow(3)
    assert panel.plots._lines["ri"].value() == 4
    assert panel.button.text() == "Fit C16…"


def test_all_figures_are_saved_as_text(panel, session, qtbot, tmp_path):
    show(panel, session, qtbot)
    panel.save(tmp_path / "saved.tsv")
    expected = (session.study.scale_choice("study") / "scale_choice.tsv").read_text()
    assert (tmp_path / "saved.tsv").read_text() == expected


def test_a_running_comparison_is_drawn_as_it_grows(panel, session, qtbot, screenshot):
    job = make_job(
        1, JobState.RUNNING, "Compare scales", step="choose-scale", started=ENDED["started"]
    )
    session.jobs.apply(job, [])
    qtbot.wait(300)
    assert "No figures yet" in [label.text() for label in panel.findChildren(QLabel)]
    rows = make_rows()
    facts = {"title": TITLES["exact-onmf"], "max_epochs": 1000}

    def tell(name, values):
        event = Event(kind="metric", data={"name": name, "values": values})
        session.jobs.apply(job, [event])

    for row in rows[:6]:
        tell("scale_choice_whole", asdict(row.whole) | facts)
    qtbot.wait(300)
    assert len(lines(panel, "sparsity")[0][0]) == 6
    assert lines(panel, "ri") == []
    for row in rows[:9]:
        tell("scale_choice", asdict(row))
    qtbot.wait(300)
    assert len(lines(panel, "ri")[1][0]) == 6
    assert "More comparisons are being computed." in panel.statement.text()
    screenshot(panel, "scales_running")


def test_one_of_several_comparisons_is_chosen(panel, session, qtbot):
    show(panel, session, qtbot)
    assert not panel.box.isVisible()
    show(panel, session, qtbot, name="other", n_repeats=1)
    assert panel.box.isVisible()
    assert panel._shown.key == "study:other"
    panel.box.setCurrentIndex(panel.box.findData("study:study"))
    panel.box.activated.emit(panel.box.currentIndex())
    qtbot.wait(300)
    assert panel._shown.key == "study:study"


def test_simulated_data_are_marked(panel, session, qtbot):
    show(panel, session, qtbot)
    badges = [label for label in panel.findChildren(QLabel) if label.text() == "simulated"]
    assert badges[0].isVisible()


def test_a_figure_more_does_not_hold_the_window_up(panel, session, qtbot):
    show(panel, session, qtbot, **BOTH)
    panel._refresh()
    started = time.perf_counter()
    panel._refresh()
    assert time.perf_counter() - started < 0.3  # 30 ms on a free machine


def test_closing_the_study_empties_it(panel, session, qtbot):
    show(panel, session, qtbot)
    session.close_study()
    qtbot.wait(300)
    assert panel._pages.currentIndex() == 0
