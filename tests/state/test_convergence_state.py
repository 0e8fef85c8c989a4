"""Runs that are compared, components that keep their numbers, previews that come and go."""

import numpy as np
import pytest

from music_gui.core.grid import Grid
from music_gui.io.convergence_log import ConvergenceLog
from music_gui.state.fit_run import FitRun, GrowingLog
from music_gui.state.label_matching import numbered_like
from music_gui.state.label_picture import PictureFrame
from music_gui.state.run_comparison import compare_runs
from music_gui.state.run_table import curves_table
from music_gui.state.slice_sampler import SliceSampler


def run(losses, title="a run", seconds=1.0, **facts):
    rows = [
        {"epoch": number, "loss": loss, "sparsity": 0.5, "seconds": seconds * number}
        for number, loss in enumerate(losses, start=1)
    ]
    return FitRun("key", title, ConvergenceLog.of(rows), **facts)


def figures(*runs):
    return {row.name: row.values for row in compare_runs(list(runs))}


def test_the_best_epoch_is_not_always_the_last():
    shown = figures(run([0.5, 0.3, 0.31]))
    assert shown["Best epoch"] == ("2",)
    assert shown["Best loss"] == ("0.30000",)
    assert shown["Last loss"] == ("0.31000",)
    assert shown["Vanished"] == ("–",)


def test_only_parameters_that_differ_are_named():
    a = run([0.5], parameters={"seed": 0, "n_init": 1, "strict": False, "scales": [8]})
    b = run([0.4], parameters={"seed": 0, "n_init": 5, "strict": True, "scales": [16]})
    shown = figures(a, b)
    assert shown["n init"] == ("1", "5")
    assert shown["strict"] == ("no", "yes")
    assert "seed" not in shown
    assert shown["B against A"] == ("", "−20.00 %")
    assert figures(a)["seed"] == ("0",)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0123, "12.3 ms"), (0.25, "250 ms"), (2.5, "2.50 s"), (90.0, "1 min 30 s")],
)
def test_the_time_of_an_epoch_is_said(seconds, text):
    assert figures(run([0.5, 0.4, 0.3], seconds=seconds))["Time an epoch"] == (text,)


def test_a_run_without_epochs_or_losses_can_be_compared():
    nothing = run([])
    unknown = run([None, None])
    shown = figures(nothing, unknown)
    assert shown["Last loss"] == ("–", "–")
    assert shown["B against A"] == ("", "–")
    assert unknown.log.best is None
    assert len(nothing.shown_loss(as_share=True)) == 0


def test_losses_as_shares_begin_with_one():
    np.testing.assert_allclose(run([0.4, 0.2]).shown_loss(as_share=True), [1, 0.5])
    np.testing.assert_allclose(run([0.4, 0.2]).shown_loss(as_share=False), [0.4, 0.2])


def test_epochs_that_a_killed_fit_repeats_count_once():
    log = GrowingLog()
    for number in (1, 2, 3, 4, 3, 4, 5):
        log.add({"epoch": number, "loss": 1 / number})
    np.testing.assert_array_equal(log.log().epoch, [1, 2, 3, 4, 5])


def test_the_table_has_a_row_an_epoch():
    lines = curves_table([run([0.5, 0.25], "a"), run([0.125], "b")]).splitlines()
    assert lines[1].split("\t") == ["a", "1", "0.5", "0.5", "n/a", "1"]
    assert lines[3].split("\t")[:3] == ["b", "1", "0.125"]
    assert len(lines) == 4


def test_renumbered_components_get_their_numbers_back():
    rng = np.random.default_rng(2)
    before = rng.integers(0, 65, 5000).astype(np.int32)
    permutation = np.concatenate([[0], rng.permutation(64) + 1]).astype(np.int32)
    np.testing.assert_array_equal(numbered_like(permutation[before], before, 64), before)


def test_the_partition_stays_whatever_the_numbers():
    rng = np.random.default_rng(3)
    before = rng.integers(0, 9, 400).astype(np.int32)
    labels = rng.integers(0, 9, 400).astype(np.int32)
    after = numbered_like(labels, before, 8)
    pairs = set(zip(labels.tolist(), after.tolist(), strict=True))
    assert len(pairs) == len({old for old, _ in pairs}) == len({new for _, new in pairs})
    assert (0, 0) in pairs


def test_the_larger_overlap_keeps_the_number():
    before = np.repeat(np.array([1, 2], np.int32), [10, 10])
    labels = np.repeat(np.array([2, 1, 3], np.int32), [7, 3, 10])  # 1 was split, 2 became 3
    after = numbered_like(labels, before, 3)
    np.testing.assert_array_equal(after, np.repeat([1, 3, 2], [7, 3, 10]))


def test_the_planes_of_a_picture_show_the_mask_from_three_sides():
    grid = Grid((20, 30, 10), np.diag([-2.0, 2.0, 3.0, 1.0]))  # stored from right to left
    mask = np.zeros(grid.shape, dtype=bool)
    mask[4:16, 5:25, 2:8] = True
    mask[10] = False  # nothing between the hemispheres
    labels = np.where(mask, 1, 0).astype(np.int32)
    labels[4:8] *= 2  # the low indices are the right side
    sagittal, coronal, axial = PictureFrame.of(mask, grid).cut(SliceSampler(labels, grid))
    assert sagittal.labels.shape == (20, 6)
    assert sagittal.labels.all()
    assert coronal.labels.shape == (12, 6)
    assert axial.labels.shape == (12, 20)
    assert sagittal.size == (40.0, 18.0)
    assert axial.size == (24.0, 40.0)
    assert (axial.labels[-4:] == 2).all()  # ascending in x: right at the end
