"""Finished components: which weights count, and what a fit needs."""

import tracemalloc

import numpy as np
import pytest

from music_gui.core.factorization import (
    BlockRunner,
    ExactONMF,
    SopNMF,
    drop_negligible,
    image_gram,
    sparsity,
)


def test_weights_too_small_to_be_seen_in_a_loading_are_dropped():
    components = np.array([[1, 1e-3, 2e-7, 5e-8], [1e-3, 2e-10, 5e-11, 0]], np.float32)
    drop_negligible(components)
    np.testing.assert_array_equal(components != 0, [[1, 1, 1, 0], [1, 1, 0, 0]])


def test_dropping_them_changes_neither_loadings_nor_loss():
    rng = np.random.default_rng(0)
    X = rng.lognormal(size=(30, 500)).astype(np.float32)
    fit = SopNMF(6, 10, 200, random_state=0).fit(X)
    before = fit.transform(X)
    n_before = np.count_nonzero(fit.components_)
    drop_negligible(fit.components_)
    assert np.count_nonzero(fit.components_) < n_before
    np.testing.assert_allclose(fit.transform(X), before, rtol=1e-6)


@pytest.mark.parametrize(
    ("components", "expected"),
    [
        (np.ones((3, 4)), 0.0),
        (np.eye(1, 12).reshape(3, 4), 1.0),
        (np.eye(4), (4 - 2) / (4 - 1)),  # (sqrt(16) - 4/2) / (sqrt(16) - 1)
        (np.zeros((2, 2)), 0.0),
    ],
    ids=["all equal", "one", "orthonormal", "none"],
)
def test_sparsity_is_hoyers(components, expected):
    assert sparsity(components.astype(np.float32)) == pytest.approx(expected)


def test_scales_can_share_the_gram_matrix():
    X = np.random.default_rng(0).random((20, 300)).astype(np.float32)
    with BlockRunner(1) as runner:
        gram = image_gram(X, runner)
    for C in (3, 7):
        shared = SopNMF(C, 5, 3, random_state=0).fit(X, gram=gram)
        alone = SopNMF(C, 5, 3, random_state=0).fit(X)
        assert shared.components_.tobytes() == alone.components_.tobytes()


@pytest.mark.parametrize(
    "estimator",
    [
        SopNMF(64, 16, 2, random_state=0, n_jobs=1),
        SopNMF(64, 16, 2, random_state=0, init="random", n_jobs=1),
        ExactONMF(64, 1, 0, n_jobs=1),
        ExactONMF(4, 1, 0, n_jobs=1),
    ],
    ids=["sopnmf", "random start", "exact", "few components"],
)
def test_the_forecast_of_memory_holds_and_is_not_far_off(estimator):
    X = np.random.default_rng(0).lognormal(size=(200, 40_000)).astype(np.float32)
    tracemalloc.start()
    estimator.fit(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    forecast = estimator.forecast_bytes(*X.shape)
    assert 0.5 * forecast < peak < 1.25 * forecast + 20e6  # and the blocks under way
