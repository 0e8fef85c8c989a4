"""Loadings and reconstruction errors of single maps."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from music_gui.core.factorization import ExactONMF
from music_gui.core.factorization.projection import Projection


@pytest.fixture
def W():
    rng = np.random.default_rng(5)
    W = rng.random((60, 4)) * (rng.random((60, 4)) < 0.4)
    return (W / np.linalg.norm(W, 2)).astype(np.float32)


@pytest.fixture
def x():
    return np.random.default_rng(6).random(60).astype(np.float32)


def test_loadings_are_the_inner_products_and_the_residual_is_the_rest(W, x):
    projected = Projection(csr_array(W.T)).project(x)
    dense = W.astype(np.float64)
    np.testing.assert_allclose(projected.loadings, dense.T @ x, rtol=1e-13)
    rest = np.linalg.norm(x - dense @ dense.T @ x) ** 2
    assert projected.residual == pytest.approx(rest, rel=1e-12)
    assert projected.error == pytest.approx(rest / np.linalg.norm(x.astype(float)) ** 2, rel=1e-6)


def test_a_map_made_of_orthogonal_components_has_no_error():
    W = np.zeros((60, 3))
    W[:20, 0], W[20:35, 1], W[35:, 2] = 20**-0.5, 15**-0.5, 25**-0.5
    projected = Projection(csr_array(W.T)).project(W @ [3.0, 1.0, 2.0])
    np.testing.assert_allclose(projected.loadings, [3, 1, 2], rtol=1e-12)
    assert projected.error == pytest.approx(0, abs=1e-12)


def test_an_empty_map_has_no_error_to_speak_of(W):
    projected = Projection(csr_array(W.T)).project(np.zeros(60, np.float32))
    assert not projected.loadings.any()
    assert np.isnan(projected.error)


def test_loadings_of_the_fitted_maps_are_those_of_the_estimator():
    X = np.random.default_rng(7).random((12, 90)).astype(np.float32)
    model = ExactONMF(5, random_state=0).fit(X)
    projection = Projection(csr_array(model.components_))
    projected = [projection.project(x) for x in X]
    np.testing.assert_allclose([p.loadings for p in projected], model.transform(X), rtol=2e-6)
    loss = sum(p.residual for p in projected) / sum(p.squared_norm for p in projected)
    assert loss == pytest.approx(model.reconstruction_err_, rel=1e-5)


def test_the_largest_singular_value_is_that_of_lapack(W):
    scaled = csr_array(3 * W.T)
    expected = 3 * np.linalg.norm(W.astype(np.float64), 2)
    assert Projection(scaled).largest_singular_value() == pytest.approx(expected, rel=1e-6)
    assert Projection(csr_array((2, 5), dtype=np.float32)).largest_singular_value() == 0
