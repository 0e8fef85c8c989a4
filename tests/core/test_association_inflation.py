"""Genomic inflation and the inverse normal transform against their definitions."""

import numpy as np
import pytest
from scipy import stats

from music_gui.core.association.inflation import genomic_inflation
from music_gui.core.association.inverse_normal import rank_inverse_normal


def test_lambda_of_uniform_p_values_is_one():
    p = (np.arange(1, 100_000) - 0.5) / 99_999
    assert genomic_inflation(-np.log10(p)) == pytest.approx(1.0, abs=1e-4)


def test_lambda_of_inflated_statistics_is_their_inflation():
    chi_square = 1.3 * stats.chi2.ppf((np.arange(1, 10_000) - 0.5) / 9_999, 1)
    assert genomic_inflation(-stats.chi2.logsf(chi_square, 1) / np.log(10)) == pytest.approx(
        1.3, abs=1e-3
    )


def test_lambda_passes_over_variants_that_were_not_tested():
    assert genomic_inflation(np.array([np.nan, -np.log10(0.5), np.nan])) == pytest.approx(1.0)
    assert np.isnan(genomic_inflation(np.array([np.nan])))


def test_lambda_of_a_median_beyond_all_doubles_is_finite():
    assert np.isfinite(genomic_inflation(np.full(3, 900.0, dtype=np.float32)))


def test_ranks_become_normal_quantiles_and_missing_values_stay_missing():
    values = np.array([[5.0], [np.nan], [1.0], [100.0], [1.0]])
    # Blom: (r - 3/8) / (n + 1/4) of ranks 3, 1.5, 4, 1.5 among four.
    expected = stats.norm.ppf((np.array([3, 1.5, 4, 1.5]) - 0.375) / 4.25)
    result = rank_inverse_normal(values)
    assert np.isnan(result[1, 0])
    np.testing.assert_allclose(result[[0, 2, 3, 4], 0], expected)
