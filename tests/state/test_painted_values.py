"""Range and threshold of painted values, held against numbers done by hand."""

import numpy as np
import pytest

from music_gui.core.atlas import Atlas, AtlasScale
from music_gui.core.grid import Grid
from music_gui.state.painted_values import paint
from music_gui.state.psc_column import PaintStyle, PscColumn, kind_of


@pytest.fixture
def atlas() -> Atlas:
    """20 PSCs at C20, and two at C4, of which the last two have vanished."""
    fine = np.arange(1, 21, dtype=np.int32).reshape(20, 1, 1)
    coarse = np.where(fine > 10, 2, 1).astype(np.int32)
    scales = {4: AtlasScale(4, coarse), 20: AtlasScale(20, fine)}
    return Atlas("test", Grid((20, 1, 1), np.eye(4)), scales)


def column(values, **more) -> PscColumn:
    named = {f"C20_{at}": float(value) for at, value in enumerate(values, 1)}
    return PscColumn("x", named, **more)


def passing(painted) -> list[int]:
    return (np.flatnonzero(painted.passes) + 1).tolist()


def test_without_a_threshold_all_with_a_value_pass(atlas):
    painted = paint(column([1, 2, 3]), atlas, 20)
    assert (painted.low, painted.high) == (1.0, 3.0)
    assert (painted.n_values, painted.n_passed, painted.n_missing) == (3, 3, 17)
    assert painted.threshold is None


def test_vanished_components_are_not_missing_and_keep_no_value(atlas):
    painted = paint(PscColumn("x", {"C4_1": 1.0, "C4_4": 9.0}), atlas, 4)
    assert (painted.n_values, painted.n_missing, painted.high) == (1, 1, 1.5)
    assert np.isnan(painted.values[3])


def test_the_range_is_that_of_the_scale_which_is_shown(atlas):
    values = {"C4_1": 100.0, "C4_2": 300.0, "C20_1": 1.0, "C20_2": 3.0}
    assert paint(PscColumn("x", values), atlas, 4).high == 300.0
    assert paint(PscColumn("x", values), atlas, 20).high == 3.0


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("min-max", (0, 19)), ("robust", (0.38, 18.62)), ("symmetric", (-19, 19)), ("auto", (0, 19))],
)
def test_ranges(atlas, mode, expected):
    painted = paint(column(range(20), style=PaintStyle(range_mode=mode)), atlas, 20)
    assert (painted.low, painted.high) == pytest.approx(expected)


def test_diverging_values_have_a_symmetric_range_and_pass_by_size(atlas):
    style = PaintStyle(threshold="value", threshold_value=3.0)
    painted = paint(column([-4, 1, 3, 2.9], kind="diverging", style=style), atlas, 20)
    assert (painted.low, painted.high) == (-4.0, 4.0)
    assert passing(painted) == [1, 3]


def test_the_top_tenth_of_20_values_are_the_two_largest(atlas):
    painted = paint(column(range(20), style=PaintStyle(threshold="top")), atlas, 20)
    assert passing(painted) == [19, 20]
    assert painted.threshold == pytest.approx(17.1)  # the 90th percentile of 0, 1, ... 19


@pytest.mark.parametrize(
    ("threshold", "words", "n_passed"),
    [
        ("nominal", "Nominal: p < 0.05", 3),
        ("scale", "Bonferroni in the scale: p < 0.05 / 20 = 0.0025", 2),  # 20 PSCs
        ("atlas", "Bonferroni over all scales: p < 0.05 / 22 = 0.00227", 1),  # 20 and 2 of C4
        ("genome-wide", "Genome-wide: p < 5e-08", 0),
    ],
)
def test_levels_of_p(atlas, threshold, words, n_passed):
    p = -np.log10([0.04, 0.0024, 1e-5, 0.05, 0.5])
    values = column(p).values
    painted = paint(
        PscColumn("p", values, neg_log_10_p=values, style=PaintStyle(threshold=threshold)),
        atlas,
        20,
    )
    assert painted.level == words
    assert painted.n_passed == n_passed
    assert painted.threshold is not None  # the values are p: the line lies among them


def test_values_pass_by_the_p_values_that_belong_to_them(atlas):
    p = {"C20_1": 0.1, "C20_2": 9.0}
    style = PaintStyle(threshold="nominal")
    painted = paint(column([5, 1, 7], neg_log_10_p=p, style=style), atlas, 20)
    assert passing(painted) == [2]  # the third has no p
    assert painted.threshold is None


def test_a_threshold_of_p_without_p_values_lets_all_pass(atlas):
    painted = paint(column([5, 1], style=PaintStyle(threshold="scale")), atlas, 20)
    assert painted.n_passed == 2
    assert painted.level == ""


@pytest.mark.parametrize("values", [[], [3.0], [3.0, 3.0], [float("nan")], [0.0]])
@pytest.mark.parametrize("mode", ["auto", "robust", "symmetric"])
@pytest.mark.parametrize("threshold", ["none", "top", "value", "scale"])
def test_odd_columns_have_a_range_that_goes_up(atlas, values, mode, threshold):
    style = PaintStyle(range_mode=mode, threshold=threshold)
    painted = paint(column(values, style=style), atlas, 20)
    assert painted.low < painted.high
    assert painted.n_passed <= painted.n_values


def test_values_on_both_sides_of_zero_diverge():
    assert kind_of({"C4_1": -1.0, "C4_2": 2.0}) == "diverging"
    assert kind_of({"C4_1": 0.0, "C4_2": 2.0, "C4_3": float("nan")}) == "sequential"
    assert kind_of({}) == "sequential"
