"""Deviations and differences, held against SciPy's t test and numbers done by hand."""

import numpy as np
import pytest
from scipy import stats

from music_gui.core.association.group_difference import group_difference, z_scores
from music_gui.core.errors import InputError


def test_a_z_score_counts_standard_deviations_of_the_group():
    group = np.array([[1.0, 10.0], [2.0, 10.0], [3.0, 10.0]])
    scores = z_scores(np.array([4.0, 11.0]), group)
    assert scores[0] == 2.0  # mean 2, standard deviation 1
    assert np.isnan(scores[1])  # the group does not vary


def test_missing_values_of_the_group_are_left_out():
    group = np.array([[1.0, np.nan], [np.nan, np.nan], [3.0, 5.0]])
    scores = z_scores(np.array([2.0, 5.0]), group)
    assert scores[0] == 0.0
    assert np.isnan(scores[1])


def test_groups_differ_as_students_t_says():
    rng = np.random.default_rng(3)
    first, second = rng.normal(0.3, 1, (40, 5)), rng.normal(0, 1.2, (55, 5))
    first[:7, 2] = np.nan
    found = group_difference(first, second)
    expected = stats.ttest_ind(first, second, nan_policy="omit")
    np.testing.assert_allclose(found.neg_log_10_p, -np.log10(expected.pvalue), rtol=1e-9)
    pooled = np.sqrt((39 * first[:, 0].var(ddof=1) + 54 * second[:, 0].var(ddof=1)) / 93)
    assert found.standardized[0] == pytest.approx(
        (first[:, 0].mean() - second[:, 0].mean()) / pooled
    )
    assert found.n_first.tolist() == [40, 40, 33, 40, 40]


def test_a_difference_beyond_the_smallest_double_keeps_its_size():
    first, second = np.full((300, 1), 100.0), np.zeros((300, 1))
    first[::2] += 1e-3
    second[::2] += 1e-3
    assert 1000 < group_difference(first, second).neg_log_10_p[0] < np.inf


def test_a_psc_that_vanished_has_no_difference():
    values = np.array([[1.0, np.nan], [2.0, np.nan], [4.0, np.nan]])
    found = group_difference(values, values + 1)
    assert np.isnan(found.standardized[1])
    assert np.isnan(found.neg_log_10_p[1])


def test_a_group_of_one_is_refused():
    with pytest.raises(InputError, match="too small"):
        group_difference(np.ones((1, 2)), np.ones((5, 2)))
