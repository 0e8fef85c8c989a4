"""The regression of many phenotypes on many variants against statsmodels, one by one."""

import numpy as np
import pytest
import statsmodels.api as sm

from music_gui.core.association.linear import ErrorCode, allele_frequency, associate
from music_gui.core.association.phenotypes import group_phenotypes
from music_gui.core.association.scan import block_size, is_common, scan
from music_gui.core.errors import Cancelled
from music_gui.core.progress import Silent

N, M, P = 260, 24, 6


@pytest.fixture
def world():
    """Genotypes with missing calls, covariates, phenotypes with a strong and a weak effect."""
    rng = np.random.default_rng(3)
    genotypes = rng.binomial(2, rng.uniform(0.05, 0.5, M), (N, M)).astype(np.float64)
    genotypes[:, 0] = 1.0  # the same for everyone
    genotypes[:, 1] = rng.binomial(2, 0.3, N)  # no call missing
    genotypes[:150, 2] = np.nan  # most calls missing
    genotypes[:, 3] = np.nan
    lost = rng.random((N, M)) < 0.02
    lost[:, :4] = False
    genotypes[lost] = np.nan
    design = np.column_stack([np.ones(N), rng.normal(size=(N, 3)), rng.integers(0, 2, N)])
    phenotypes = rng.normal(5000, 400, (N, P)) + 300 * design[:, [1]]
    phenotypes[:, 1] += 9000 * np.nan_to_num(genotypes[:, 5], nan=1.0)  # p far below 1e-300
    phenotypes[7:40, 3] = np.nan
    phenotypes[7:40, 4] = np.nan
    phenotypes[100, 5] = np.nan
    return genotypes, design, phenotypes


def reference(genotype, design, phenotype):
    there = ~np.isnan(genotype) & ~np.isnan(phenotype)
    fit = sm.OLS(phenotype[there], np.column_stack([design[there], genotype[there]])).fit()
    return fit.params[-1], fit.bse[-1], fit.pvalues[-1], int(there.sum())


def test_beta_se_and_p_are_those_of_statsmodels_with_calls_and_phenotypes_missing(world):
    genotypes, design, phenotypes = world
    before = genotypes.copy()
    compared = 0
    for group in group_phenotypes(phenotypes, design):
        result = associate(genotypes[group.rows], group)
        for variant in np.flatnonzero(result.error_code == ErrorCode.NONE):
            for place, column in enumerate(group.columns):
                beta, se, p, n = reference(genotypes[:, variant], design, phenotypes[:, column])
                assert result.n[variant] == n
                assert result.beta[variant, place] == pytest.approx(beta, rel=1e-7)
                assert result.standard_error[variant, place] == pytest.approx(se, rel=1e-7)
                value = result.neg_log_10_p_value[variant, place]
                if p > 0:
                    assert value == pytest.approx(-np.log10(p), rel=1e-6)
                else:
                    assert value > 300
                compared += 1
    assert compared == (M - 2) * P
    np.testing.assert_array_equal(genotypes, before)


def test_phenotypes_missing_for_the_same_people_are_one_group(world):
    _, design, phenotypes = world
    groups = group_phenotypes(phenotypes, design)
    assert [group.columns.tolist() for group in groups] == [[0, 1, 2], [3, 4], [5]]
    assert [len(group.rows) for group in groups] == [N, N - 33, N - 1]


def test_a_variant_without_variation_or_calls_is_not_tested_and_says_why(world):
    genotypes, design, phenotypes = world
    group = group_phenotypes(phenotypes, design)[0]
    result = associate(genotypes, group)
    assert result.error_code[0] == ErrorCode.CONST_ALLELE
    assert result.error_code[3] == ErrorCode.TOO_FEW_SAMPLES
    assert result.n[3] == 0
    assert np.isnan(result.beta[[0, 3]]).all()
    assert np.isnan(result.neg_log_10_p_value[[0, 3]]).all()


def test_a_variant_that_a_covariate_predicts_is_not_tested():
    rng = np.random.default_rng(0)
    genotype = rng.binomial(2, 0.4, (200, 1)).astype(np.float64)
    near = genotype + rng.normal(0, 0.05, (200, 1))  # R^2 = 0.995, VIF = 200
    group = group_phenotypes(rng.normal(size=(200, 2)), np.hstack([np.ones((200, 1)), near]))[0]
    assert associate(genotype, group).error_code == ErrorCode.VIF_TOO_HIGH
    assert associate(genotype, group, max_vif=500).error_code == ErrorCode.NONE


def test_a_covariate_lost_with_the_missing_calls_is_reported_not_guessed():
    rng = np.random.default_rng(0)
    design = np.column_stack([np.ones(80), np.arange(80) < 3])  # a site of three people
    genotype = rng.binomial(2, 0.4, (80, 1)).astype(np.float64)
    genotype[:3] = np.nan
    group = group_phenotypes(rng.normal(size=(80, 2)), design)[0]
    result = associate(genotype, group)
    assert result.error_code == ErrorCode.RANK_DEFICIENT
    assert np.isnan(result.beta).all()


def test_a_phenotype_that_the_covariates_explain_gives_no_result():
    rng = np.random.default_rng(0)
    design = np.column_stack([np.ones(50), rng.normal(size=50)])
    phenotypes = np.column_stack([rng.normal(size=50), 4000 + 3 * design[:, 1], np.full(50, 7.0)])
    group = group_phenotypes(phenotypes, design)[0]
    result = associate(rng.binomial(2, 0.4, (50, 3)).astype(np.float64), group)
    assert np.isfinite(result.neg_log_10_p_value[:, 0]).all()
    assert np.isnan(result.neg_log_10_p_value[:, 1:]).all()
    assert np.isnan(result.beta[:, 1:]).all()


def test_a_perfect_fit_is_finite():
    genotype = np.tile([0.0, 1.0, 2.0], 30)[:, None]
    group = group_phenotypes(3 * genotype + 1, np.ones((90, 1)))[0]
    result = associate(genotype, group)
    assert result.beta[0, 0] == pytest.approx(3.0)
    assert 500 < result.neg_log_10_p_value[0, 0] < np.inf


def test_large_means_and_small_spreads_lose_no_digits():
    rng = np.random.default_rng(0)
    design = np.column_stack([np.ones(100), rng.normal(1.5e6, 1e2, 100)])
    genotype = rng.binomial(2, 0.3, (100, 1)).astype(np.float64)
    noise = rng.normal(size=(100, 1))
    group = group_phenotypes(noise + 1e7, design)[0]
    beta, se, _, _ = reference(
        genotype[:, 0], np.column_stack([np.ones(100), design[:, 1] - 1.5e6]), noise[:, 0]
    )
    result = associate(genotype, group)
    assert result.beta[0, 0] == pytest.approx(beta, rel=1e-6)
    assert result.standard_error[0, 0] == pytest.approx(se, rel=1e-6)


def test_a_covariate_that_is_constant_among_those_with_the_phenotype_costs_no_degree_of_freedom():
    rng = np.random.default_rng(0)
    site = (np.arange(90) < 10).astype(float)
    phenotype = rng.normal(size=(90, 1))
    phenotype[:10] = np.nan
    genotype = rng.binomial(2, 0.3, (90, 1)).astype(np.float64)
    group = group_phenotypes(phenotype, np.column_stack([np.ones(90), site]))[0]
    _, se, _, _ = reference(genotype[:, 0], np.ones((90, 1)), phenotype[:, 0])
    assert group.rank == 1
    result = associate(genotype[group.rows], group)
    assert result.standard_error[0, 0] == pytest.approx(se, rel=1e-9)


def test_null_phenotypes_give_uniform_p_values_and_no_inflation():
    rng = np.random.default_rng(11)
    n, m, p = 300, 500, 1000
    genotypes = rng.binomial(2, rng.uniform(0.1, 0.5, m), (n, m)).astype(np.float64)
    genotypes[rng.random((n, m)) < 0.001] = np.nan
    group = group_phenotypes(
        rng.normal(size=(n, p)), np.column_stack([np.ones(n), rng.normal(size=(n, 5))])
    )[0]
    values = associate(genotypes, group).neg_log_10_p_value
    count = values.size
    for level in (1, 2, 3, 4):
        expected = count * 10.0**-level
        # Phenotypes share the variants: allow five standard deviations.
        assert (values > level).sum() == pytest.approx(expected, abs=5 * np.sqrt(expected))
    medians = 10 ** -np.median(values, axis=0)
    assert np.mean(medians) == pytest.approx(0.5, abs=0.005)


def test_allele_frequencies_count_calls_only():
    genotypes = np.array([[0, 2, np.nan], [1, 2, np.nan], [np.nan, 2, np.nan], [2, 2, np.nan]])
    frequency, n_called = allele_frequency(genotypes)
    np.testing.assert_allclose(frequency, [0.5, 1.0, np.nan])
    np.testing.assert_array_equal(n_called, [3, 4, 0])


def test_a_frequency_equal_to_the_limit_is_common_enough():
    assert is_common(np.array([0.1, 0.3 / 3, 0.9, 0.0999, np.nan]), 0.1).tolist() == [
        True, True, True, False, False,
    ]  # fmt: skip
    assert is_common(np.array([0.0, np.nan]), 0.0).all()


def test_scanning_in_blocks_gives_what_one_block_gives(world):
    genotypes, design, phenotypes = world
    groups = group_phenotypes(phenotypes, design)
    blocks = list(
        scan(
            lambda start, stop: genotypes[:, start:stop].copy(),
            M,
            groups,
            size=7,
            first=0,
            min_maf=0.05,
            max_vif=50,
            progress=Silent(),
        )
    )
    assert [block.first for block in blocks] == [0, 7, 14, 21]
    tested = np.concatenate([block.tested for block in blocks])
    assert not tested[[0, 3]].all()
    for number, group in enumerate(groups):
        whole = associate(genotypes[np.ix_(group.rows, tested)], group)
        parts = np.concatenate([block.results[number].beta for block in blocks])
        np.testing.assert_allclose(parts, whole.beta, rtol=1e-9)


def test_a_scan_stops_when_asked():
    class Stopping(Silent):
        def check(self):
            raise Cancelled

    group = group_phenotypes(np.random.default_rng(0).normal(size=(20, 1)), np.ones((20, 1)))
    reading = scan(
        lambda start, stop: np.ones((20, stop - start)),
        10, group, size=5, first=0, min_maf=0, max_vif=50, progress=Stopping(),
    )  # fmt: skip
    with pytest.raises(Cancelled):
        next(reading)


def test_blocks_fit_memory_and_time():
    assert block_size(500, 50) == 512
    assert block_size(500_000, 10) == 64
    assert 64 <= block_size(33_541, 2_050) < 100
