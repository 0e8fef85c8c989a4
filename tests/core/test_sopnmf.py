"""The published update, held against its equations written out with dense matrices."""

import numpy as np
import pytest

from music_gui.core.errors import ParameterError
from music_gui.core.factorization import SopNMF
from music_gui.core.factorization.blocks import BlockRunner
from music_gui.core.factorization.loss import assess
from music_gui.core.factorization.multiplicative_update import ScaledWeights, update
from music_gui.core.factorization.nndsvd import image_gram, nndsvd


def dense_update(W, X_b):
    """Eq. 2 in float64 with the d x d matrix that the product never forms; X_b is d x b."""
    XX = X_b @ X_b.T
    W = W * (XX @ W) / (W @ (W.T @ XX @ W))
    W = np.maximum(W, 1e-16)
    return W / np.linalg.norm(W, ord=2)


def dense_loss(W, X):
    """Eq. 3, relative; X is d x n."""
    return np.linalg.norm(X - W @ (W.T @ X)) ** 2 / np.linalg.norm(X) ** 2


def dense_hoyer(W):
    root = np.sqrt(W.size)
    return (root - np.abs(W).sum() / np.linalg.norm(W)) / (root - 1)


@pytest.fixture
def maps(rng):
    """40 images of 700 voxels: five regions with their own factors, and noise."""
    region = np.arange(700) % 5
    factors = rng.lognormal(sigma=0.3, size=(40, 5))
    noise = rng.normal(1, 0.1, size=(40, 700))
    return np.clip(factors[:, region] * noise, 0, None).astype(np.float32)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("batch_size", "C"), [(2, 6), (3, 6), (8, 3)], ids=["2b < C", "2b = C", "2b > C"]
)
def test_updates_are_those_of_equation_2(rng, batch_size, C, strict):
    X = rng.random((30, 2300)).astype(np.float32)  # more voxels than one block has
    W = rng.random((2300, C)).astype(np.float32)
    batches = [rng.choice(30, batch_size, replace=False) for _ in range(8)]
    weights, expected = ScaledWeights.start(W.copy()), W.astype(np.float64)
    with BlockRunner(2) as runner:
        for batch in batches:
            update(X[batch], weights, runner, strict=strict)
            expected = dense_update(expected, X[batch].T.astype(np.float64))
    ours = weights.normalized().T.astype(np.float64)
    if strict:
        assert weights.norm == pytest.approx(np.linalg.norm(weights.values, ord=2), rel=1e-6)
    else:  # the estimated norm changes the scale alone
        ours /= np.linalg.norm(ours, ord=2)
    assert np.linalg.norm(ours - expected) / np.linalg.norm(expected) < 3e-6


def test_loss_sparsity_and_labels_are_those_of_the_dense_matrices(rng, maps):
    W = rng.random((700, 9)).astype(np.float32) ** 4
    weights = ScaledWeights.start(W.copy())
    with BlockRunner(1) as runner:
        result = assess(maps, float((maps.astype(float) ** 2).sum()), weights, runner)
    normalized = W.astype(np.float64) / np.linalg.norm(W.astype(np.float64), ord=2)
    assert result.loss == pytest.approx(dense_loss(normalized, maps.T), rel=1e-6)
    assert result.sparsity == pytest.approx(dense_hoyer(normalized), rel=1e-6)
    np.testing.assert_array_equal(result.labels, W.argmax(axis=1) + 1)
    assert result.n_vanished == 9 - len(np.unique(result.labels))


def test_a_voxel_whose_weights_are_all_at_the_floor_belongs_to_no_component(maps):
    maps[:, 100] = 0
    fit = SopNMF(3, 20, 30, random_state=0).fit(maps)
    assert (fit.components_[:, 100] == 0).all()
    epochs = []
    SopNMF(3, 20, 2, random_state=0).fit(maps, callback=epochs.append)
    assert epochs[-1].labels[100] == 0
    assert (np.delete(epochs[-1].labels, 100) > 0).all()


def test_a_batch_of_all_images_is_opnmf(maps):
    start = nndsvd_of(maps, 4)
    expected = start.astype(np.float64)
    for _ in range(12):
        expected = dense_update(expected, maps.T.astype(np.float64))
    fit = SopNMF(4, batch_size=len(maps), max_epochs=12, tol=0.0).fit(maps)
    order = np.argsort(
        -((expected**2).sum(axis=0) * ((maps @ expected) ** 2).sum(axis=0)), kind="stable"
    )
    np.testing.assert_allclose(fit.components_, expected.T[order], rtol=2e-3, atol=1e-7)
    assert fit.reconstruction_err_ == pytest.approx(dense_loss(expected, maps.T), rel=1e-5)
    larger = SopNMF(4, batch_size=10**6, max_epochs=12, tol=0.0).fit(maps)
    np.testing.assert_array_equal(larger.components_, fit.components_)


def test_each_epoch_uses_every_image_once_in_batches_of_the_references_sizes(maps, monkeypatch):
    seen = []

    def note(images, weights, runner, *, strict):
        seen.append(images)
        update(images, weights, runner, strict=strict)

    monkeypatch.setattr("music_gui.core.factorization.sopnmf_course.update", note)
    SopNMF(2, batch_size=16, max_epochs=2, random_state=3).fit(maps)
    assert [len(batch) for batch in seen] == [20, 20, 20, 20]
    for epoch in (seen[:2], seen[2:]):
        rows = np.concatenate(epoch)
        np.testing.assert_array_equal(rows[rows[:, 0].argsort()], maps[maps[:, 0].argsort()])
    assert not np.array_equal(seen[0], seen[2])


def test_the_best_weights_of_all_epochs_are_kept(maps):
    fit = SopNMF(6, batch_size=2, max_epochs=40, random_state=1, init="random").fit(maps)
    losses = fit.history_["loss"]
    assert np.argmin(losses) < len(losses) - 1, "the last epoch should not be the best here"
    assert fit.reconstruction_err_ == losses.min()
    assert dense_loss(fit.components_.T.astype(float), maps.T) == pytest.approx(
        losses.min(), rel=1e-5
    )


def test_it_stops_after_some_epochs_without_a_lower_loss(maps):
    fit = SopNMF(5, batch_size=10, max_epochs=2000, random_state=0, patience=7, tol=1e-4)
    losses = fit.fit(maps).history_["loss"]
    assert fit.n_iter_ == len(losses) < 2000
    lowest, idle = losses[0], 0
    for epoch, loss in enumerate(losses[1:], start=2):
        lowest, idle = (loss, 0) if loss < lowest * (1 - 1e-4) else (lowest, idle + 1)
        assert (idle == 7) == (epoch == len(losses))


def test_planted_regions_are_found(maps):
    fit = SopNMF(5, batch_size=10, max_epochs=300, random_state=0).fit(maps)
    labels = fit.components_.argmax(axis=0)
    pairs = set(zip(labels.tolist(), (np.arange(700) % 5).tolist(), strict=True))
    assert len(pairs) == 5
    assert np.linalg.norm(fit.components_, ord=2) == pytest.approx(1, rel=1e-5)


def test_components_stand_by_decreasing_energy(maps):
    W = SopNMF(5, 10, 50, random_state=0).fit(maps).components_.astype(float)
    energies = (W**2).sum(axis=1) * ((maps @ W.T) ** 2).sum(axis=0)
    assert (np.diff(energies) <= 0).all()


def test_partial_fit_does_one_update(rng, maps):
    start = rng.random((700, 4)).astype(np.float32)
    fit = SopNMF(4, init=start.T)
    expected = start.astype(np.float64)
    for batch in (maps[:16], maps[16:30], maps[30:31]):
        fit.partial_fit(batch)
        expected = dense_update(expected, batch.T.astype(np.float64))
    np.testing.assert_allclose(fit.components_, expected.T, rtol=1e-4, atol=1e-8)
    assert fit.n_iter_ == 3


def nndsvd_of(X, C, **options):
    with BlockRunner(1) as runner:
        return nndsvd(X, C, runner, **options)


def dense_nndsvd(X, C, fill=0.1):
    """Boutsidis and Gallopoulos' table 1 on the singular vectors of X (d x n)."""
    U, S, Vt = np.linalg.svd(X, full_matrices=False)
    W = np.zeros((len(X), C))
    W[:, 0] = np.sqrt(S[0]) * np.abs(U[:, 0])
    for c in range(1, C):
        halves = [(np.maximum(sign * U[:, c], 0), np.maximum(sign * Vt[c], 0)) for sign in (1, -1)]
        terms = [np.linalg.norm(u) * np.linalg.norm(v) for u, v in halves]
        u = halves[int(terms[1] > terms[0])][0]
        W[:, c] = np.sqrt(S[c] * max(terms)) * u / np.linalg.norm(u)
    W[W < 1e-10] = fill
    return W


def test_nndsvd_by_the_gram_matrix_is_that_by_the_svd(maps):
    X = maps[:20]  # the last of 20 singular values is 1/100 of the first
    np.testing.assert_allclose(
        nndsvd_of(X, 20), dense_nndsvd(X.T.astype(float), 20), rtol=1e-3, atol=1e-5
    )


def test_nndsvd_of_maps_in_another_unit_is_the_same_start_with_a_scaled_fill(maps):
    ravens = nndsvd_of(maps * 1000, 6)
    fraction = nndsvd_of(maps, 6, fill=0.1 / np.sqrt(1000))
    np.testing.assert_allclose(ravens / np.sqrt(1000), fraction, rtol=1e-4, atol=1e-6)


def test_the_gram_matrix_is_exact_to_double_precision(rng):
    X = rng.random((300, 5000)).astype(np.float32)
    with BlockRunner(2) as runner:
        gram = image_gram(X, runner)
    expected = X.astype(np.float64) @ X.T.astype(np.float64)
    np.testing.assert_allclose(gram, expected, rtol=1e-13)
    np.testing.assert_array_equal(gram, gram.T)


def test_more_components_than_images_need_the_random_start(maps):
    with pytest.raises(ParameterError, match=r"can't make 12 components.*random start"):
        SopNMF(12).fit(maps[:10])
    fit = SopNMF(12, init="random", max_epochs=2, random_state=0).fit(maps[:10])
    assert fit.components_.shape == (12, 700)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"n_components": 0}, "n_components is 0"),
        ({"n_components": 701}, "more than the 700 voxels"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"max_epochs": 2.5}, "max_epochs is 2.5"),
        ({"tol": -1}, "tol is -1"),
        ({"init": "zeros"}, "no start named 'zeros'"),
        ({"init": np.ones((2, 5))}, "warm start has shape"),
        ({"nndsvd_fill": -0.1}, "nndsvd_fill is negative"),
        ({"n_jobs": 0}, "n_jobs is 0"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_parameter_is_named(maps, wrong, text):
    with pytest.raises(ParameterError, match=text):
        SopNMF(**{"n_components": 2, **wrong}).fit(maps)
