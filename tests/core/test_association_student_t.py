"""-log10 p of Student's t against closed forms, far beyond where p underflows."""

from decimal import Decimal, getcontext

import numpy as np
import pytest

from music_gui.core.association.student_t import neg_log_10_p_value, neg_log_10_p_values

BOTH = pytest.mark.parametrize("function", [neg_log_10_p_value, neg_log_10_p_values])


def exact_for_even_df(t: float, df: int) -> float:
    """Abramowitz and Stegun 26.7.4, with enough digits that 1 - A keeps its own."""
    getcontext().prec = 1500
    square = Decimal(t) ** 2
    cos_square = Decimal(df) / (Decimal(df) + square)
    term, total = Decimal(1), Decimal(1)
    for k in range(1, df // 2):
        term *= cos_square * (2 * k - 1) / (2 * k)
        total += term
    p = 1 - (1 - cos_square).sqrt() * total
    return float(-p.log10())


@BOTH
def test_one_degree_of_freedom_is_the_cauchy_distribution(function):
    t = np.array([1e-9, 1e-3, 0.5, 1, 3, 39.9, 40.1, 1e4, 1e12])
    expected = -np.log1p(-2 / np.pi * np.arctan(t)) / np.log(10)
    expected[3:] = -np.log10(2 / np.pi * np.arctan(1 / t[3:]))
    assert function(t, 1) == pytest.approx(expected, rel=1e-6)
    assert neg_log_10_p_value(t, 1) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(
    ("t", "df"), [(2.0, 10), (8.0, 400), (37.0, 400), (60.0, 400), (45.0, 2000), (900.0, 400)]
)
def test_it_is_exact_where_p_is_below_the_smallest_double(t, df):
    expected = exact_for_even_df(t, df)
    assert neg_log_10_p_value(np.array([t, -t]), df) == pytest.approx([expected] * 2, rel=1e-11)


def test_p_of_1e_minus_300_is_crossed_without_a_step():
    t = np.linspace(36.0, 38.5, 2001)
    value = neg_log_10_p_value(t, 33_541)
    assert value[0] < 280 < 300 < value[-1]
    assert np.abs(np.diff(value, n=3)).max() < 1e-9


def test_a_large_sample_is_the_normal_distribution():
    # Two-sided normal p-values of z = 1.96 and 5.45.
    expected = -np.log10([0.04999579029644087, 5.037022e-08])
    assert neg_log_10_p_value(np.array([1.96, 5.45]), 1e9) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("df", [30.0, 400.0, 33_541.0])
def test_the_fast_way_agrees_with_the_exact_one(df):
    t = np.concatenate([10.0 ** np.arange(-12, 2, 0.05), np.linspace(-41, 41, 5_001)])
    t = t.reshape(-1, 1).repeat(2, axis=1)
    exact = neg_log_10_p_value(t, df)
    assert neg_log_10_p_values(t, df) == pytest.approx(exact, rel=1e-8, abs=0)


@BOTH
def test_nothing_known_stays_nothing_known(function):
    t = np.full(6000, np.nan)
    t[1], t[2] = 0.0, np.inf
    value = function(t, 100.0)
    assert np.isnan(value[0])
    assert value[1] == 0
    assert np.isposinf(value[2])
