"""The axis of the Manhattan plot and the points of the QQ plot."""

import numpy as np
from scipy import stats

from music_gui.core.association.genome_axis import (
    chromosome_rank,
    density_raster,
    genome_axis,
    quantile_plot,
)


def test_chromosomes_stand_in_the_order_of_the_karyotype():
    names = ["MT", "10", "X", "2", "chr1", "Y", "GL000192"]
    assert sorted(names, key=chromosome_rank) == ["chr1", "2", "10", "X", "Y", "MT", "GL000192"]


def test_variants_keep_their_order_and_distance_within_a_chromosome():
    chromosome = np.array(["2", "1", "2", "1"], dtype=object)
    axis = genome_axis(chromosome, np.array([500, 100, 800, 350]))
    assert axis.chromosomes == ("1", "2")
    assert axis.x[1] == 0
    assert axis.x[3] == 250
    np.testing.assert_allclose(axis.x[2] - axis.x[0], 300)
    assert axis.x[0] > axis.x[3]
    np.testing.assert_array_equal(axis.chromosome_index, [1, 0, 1, 0])
    np.testing.assert_allclose(axis.centres, [125, axis.x[0] + 150])


def test_an_axis_without_variants_is_empty():
    axis = genome_axis(np.array([], dtype=object), np.array([], dtype=int))
    assert axis.chromosomes == ()
    assert len(axis.x) == 0


def test_uniform_p_values_lie_on_the_diagonal():
    n = 1000
    p = np.arange(1, n + 1) / (n + 1)
    plot = quantile_plot(-np.log10(p))
    np.testing.assert_allclose(plot.observed, plot.expected, atol=1e-12)


def test_the_band_is_that_of_the_order_statistics_of_uniform_p_values():
    n = 500
    plot = quantile_plot(-np.log10(np.arange(1, n + 1) / (n + 1)))
    # the smallest of n uniform p-values: P(min > t) = (1 - t)^n
    low_p = 1 - 0.975 ** (1 / n)
    np.testing.assert_allclose(plot.band_high[-1], -np.log10(low_p), rtol=1e-10)
    inside = stats.uniform.rvs(size=(2000, n), random_state=3)
    smallest = -np.log10(inside.min(axis=1))
    share = np.mean((smallest > plot.band_low[-1]) & (smallest < plot.band_high[-1]))
    assert abs(share - 0.95) < 0.02


def test_thinning_never_loses_a_top_hit():
    rng = np.random.default_rng(0)
    values = -np.log10(rng.uniform(size=100_000))
    values[1234] = 80.0
    plot = quantile_plot(values, n_points=2000)
    assert len(plot.observed) <= 2000
    assert plot.observed[-1] == 80.0
    np.testing.assert_allclose(plot.observed[-1000:], np.sort(values)[-1000:])
    assert np.all(np.diff(plot.expected) > 0)


def test_missing_p_values_are_left_out():
    plot = quantile_plot(np.array([np.nan, 1.0, np.nan]))
    np.testing.assert_allclose(plot.observed, [1.0])
    np.testing.assert_allclose(plot.expected, -np.log10(0.5))
    assert len(quantile_plot(np.array([np.nan])).observed) == 0


def test_the_raster_counts_as_numpy_does():
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-1, 11, 5000), rng.uniform(-1, 4, 5000)
    y[7] = np.nan
    counts = density_raster(x, y, (0.0, 10.0, 0.0, 3.0), (40, 12))
    expected, _, _ = np.histogram2d(x, np.nan_to_num(y, nan=-9), (40, 12), ((0, 10), (0, 3)))
    np.testing.assert_array_equal(counts, expected)
