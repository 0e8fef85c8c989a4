"""Curves of compared scales, what they say, and which comparison is shown."""

import math
from dataclasses import asdict

import pytest
from scale_figures import TITLES, make_rows, store

from music_gui.io.study import Study
from music_gui.jobs.events import Event
from music_gui.jobs.job import JobSnapshot, JobSpec, JobState
from music_gui.state.background import Background
from music_gui.state.job_list import JobList
from music_gui.state.scale_choice import NEWEST, ScaleChoice
from music_gui.state.scale_curves import Spread, scale_curves, statement
from music_gui.state.study_reader import StudyReader


def curve_of(**given):
    (curve,) = scale_curves(make_rows(**given), (), TITLES)
    return curve


# -- figures -------------------------------------------------------------------------------


def test_a_figure_is_the_mean_over_repeats_with_its_deviation():
    spread = Spread.of([0.5, 0.7, 0.9])
    assert spread.mean == pytest.approx(0.7)
    assert spread.deviation == pytest.approx(0.2)
    assert spread.text(2) == "0.70 ± 0.20"
    assert Spread.of([0.5]).text(3) == "0.500"
    assert Spread.of([]).text(3) == ""


def test_each_algorithm_and_split_has_a_curve():
    rows = make_rows(("exact-onmf", "sopnmf"), ("halves", "sex"), n_repeats=2)
    curves = scale_curves(rows, (), TITLES)
    assert [curve.title for curve in curves] == [
        "exact ONMF (fast), halves", "exact ONMF (fast), women and men",
        "sopNMF (as published), halves", "sopNMF (as published), women and men",
    ]  # fmt: skip
    point = curves[0].point(16)
    assert (point.scale, point.n_repeats) == (16, 2)
    assert point.held_out_loss.mean == pytest.approx(0.0261 + 7.25e-4)
    assert point.own_loss.mean == pytest.approx(0.0261 - 2.5e-4)
    assert point.sparsity == 0.778


def test_fits_of_all_maps_make_a_curve_before_any_comparison():
    wholes = [row.whole for row in make_rows(n_repeats=1)]
    (curve,) = scale_curves([], wholes, TITLES)
    assert (curve.title, curve.split) == ("exact ONMF (fast)", "")
    assert curve.points[-1].sparsity == 0.884
    assert math.isnan(curve.points[-1].ri.mean)
    assert curve.best is None
    assert curve.as_sentence() == ""
    (curve,) = scale_curves(make_rows(n_repeats=1, scales=(2,)), wholes, TITLES)
    assert len(curve.points) == 6
    assert curve.as_sentence() == ""  # one scale says nothing


def test_the_sentence_names_the_best_scale_and_the_largest_as_good():
    said = curve_of().as_sentence()
    assert said == (
        "exact ONMF (fast), halves: agree best at C32 (RI 0.954 ± 0.005), no larger C as good; "
        "the error on held-out maps still falls at C64."
    )
    said = curve_of(scales=(2, 4, 8, 16)).as_sentence()  # 0.74 ± 0.03 at 4: limit 0.7227
    assert "agree best at C4" in said
    assert "no larger C" in said


def test_a_larger_scale_within_one_standard_error_is_named():
    rows = [
        type(row)(**asdict(row) | {"ri_mean": row.ri_mean + 0.21 * (row.scale == 64)})
        for row in make_rows()
    ]  # 0.94 at 64, against 0.954 - 0.005 / sqrt 3 = 0.951
    (curve,) = scale_curves(rows, (), TITLES)
    assert curve.largest_as_good.scale == 32
    rows = [
        type(row)(**asdict(row) | {"ri_mean": row.ri_mean + 0.222 * (row.scale == 64)})
        for row in make_rows()
    ]
    (curve,) = scale_curves(rows, (), TITLES)
    assert curve.largest_as_good.scale == 64
    assert "(RI 0.954 ± 0.005), C64 as good; " in curve.as_sentence()


def test_one_split_shows_no_spread():
    curve = curve_of(n_repeats=1)
    assert curve.largest_as_good is None
    assert "(RI 0.949); the error" in curve.as_sentence()
    assert statement([curve])[-1].startswith("One split has no spread")


def test_the_statement_has_a_line_a_curve_and_the_rule():
    rows = make_rows(("exact-onmf", "sopnmf"), ("halves", "sex"))
    lines = statement(scale_curves(rows, (), TITLES, 1000))
    assert len(lines) == 6
    assert lines[4] == (
        "sopNMF (as published): fits of 6 of 36 comparisons were stopped by the limit of epochs "
        "before they settled, and may agree less than they could."
    )
    assert "within one standard error" in lines[5]
    assert "The choice is yours" in lines[5]
    assert statement([]) == []


def test_fits_that_were_stopped_are_told():
    (curve,) = scale_curves(make_rows(("sopnmf",)), (), TITLES, 1000)
    assert curve.n_stopped == 3
    assert "fits of 3 of 18 comparisons" in statement([curve])[1]


# -- what is shown -------------------------------------------------------------------------


class World:
    def __init__(self, root):
        self.study, self.failed = Study.create(root), []
        self.jobs = JobList()
        background = Background(lambda call: call(), inline=True)
        reader = StudyReader(background, lambda: self.study, self.failed.append)
        self.choice = ScaleChoice(self.jobs, reader)

    def tell(self, job, rows):
        events = []
        for row in rows:
            facts = {"title": TITLES[row.algorithm], "max_epochs": 1000}
            events += [
                metric("scale_choice_whole", asdict(row.whole) | facts),
                metric("scale_choice", asdict(row)),
            ]
        self.jobs.apply(job, events)


def metric(name, values):
    return Event(kind="metric", data={"name": name, "values": values})


def comparing(state=JobState.RUNNING):
    spec = JobSpec(
        job_id="20260101T120000.000_choose-scale_aaaaaa", step="choose-scale", parameters={},
        title="Compare scales", threads=1, created="2026-01-01T12:00:00+00:00",
        created_with="0.1.0",
    )  # fmt: skip
    return JobSnapshot(spec=spec, state=state)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / "study")


def test_a_running_job_is_shown_as_it_grows_and_then_what_it_made(world):
    assert world.choice.shown is None
    assert not world.choice.is_preparing
    world.jobs.apply(comparing(), [])
    assert world.choice.is_preparing
    told = []
    world.choice.changed.connect(lambda: told.append(len(world.choice.shown.rows)))
    rows = make_rows()
    world.tell(comparing(), rows[:2])
    assert told[-1] == 2
    assert world.choice.shown.is_running
    assert world.choice.shown.curves[0].title == "exact ONMF (fast), halves"
    world.tell(comparing(), rows[1:7])  # after a kill it tells again what it has
    assert len(world.choice.shown.rows) == 7
    store(world.study)
    world.jobs.apply(comparing(JobState.DONE), [])
    assert len(world.choice.shown.rows) == 7  # until what it made is read
    world.choice.refresh()
    shown = world.choice.shown
    assert (shown.key, shown.is_running, len(shown.rows)) == ("study:study", False, 18)
    assert world.choice.choices == [("study:study", "study")]


def test_what_a_cancelled_job_had_found_can_still_be_seen(world):
    world.tell(comparing(), make_rows(n_repeats=1))
    world.jobs.apply(comparing(JobState.CANCELLED), [])
    assert len(world.choice.shown.rows) == 6
    store(world.study)
    world.choice.refresh()
    assert world.choice.shown.key == "study:study"
    (key, title), _ = world.choice.choices
    assert title.startswith("cancelled, ")
    world.choice.choose(key)
    assert len(world.choice.shown.rows) == 6
    world.choice.choose(NEWEST)
    assert world.choice.shown.key == "study:study"


def test_what_is_made_anew_is_read_anew(world):
    store(world.study, n_repeats=1)
    world.choice.refresh()
    assert len(world.choice.shown.rows) == 6
    store(world.study, n_repeats=2)
    world.choice.refresh()
    assert len(world.choice.shown.rows) == 12


def test_damaged_figures_are_told_once(world):
    store(world.study)
    table = world.study.scale_choice("study") / "scale_choice.tsv"
    table.write_text(table.read_text()[:500])
    world.choice.refresh()
    assert world.choice.shown is None
    assert ["can't be read" in str(error) for error in world.failed] == [True]
    world.choice.refresh()
    assert len(world.failed) == 1


def test_the_scales_of_the_studys_atlas_are_known(world):
    folder = world.study.atlas("study")
    folder.mkdir(parents=True)
    for name in ("atlas-study_scale-C32_dseg.nii.gz", ".x.atlas-study_scale-C64_dseg.nii.gz"):
        (folder / name).touch()
    world.choice.refresh()
    assert world.choice.atlas_scales == {32}


def test_another_study_shows_nothing_of_the_one_before(world):
    store(world.study)
    world.choice.refresh()
    world.choice.choose("study:study")
    world.jobs.clear()
    assert world.choice.shown is None
    assert world.choice.chosen == NEWEST
    assert world.choice.choices == []
