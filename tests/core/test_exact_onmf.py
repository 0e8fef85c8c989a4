"""Exact ONMF, held against exhaustive search, singular values and planted regions."""

from itertools import product

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from music_gui.core.errors import ParameterError
from music_gui.core.factorization import ExactONMF, spherical_kmeans
from music_gui.core.factorization.blocks import BlockRunner
from music_gui.core.factorization.spherical_kmeans import (
    MemberRows,
    VoxelRows,
    assign,
    refine,
)
from music_gui.core.factorization.split_merge import merge_costs, propose, try_splits


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def planted(rng, n_images=30, n_voxels=900, C=12, noise=0.0):
    """Images of C regions of unequal size, each with its own factor, and voxels of own size."""
    region = rng.permutation(np.repeat(np.arange(C), rng.multinomial(n_voxels, [1 / C] * C)))
    factors = rng.lognormal(sigma=0.4, size=(n_images, C))
    voxels = rng.uniform(0.2, 1.5, size=n_voxels)
    X = factors[:, region] * voxels * (1 + noise * rng.normal(size=(n_images, n_voxels)))
    return np.clip(X, 0, None).astype(np.float32), region


def explained(X, labels, C):
    """Sum of the squared leading singular values of the regions."""
    return sum(
        np.linalg.norm(X[:, labels == c].astype(float), ord=2) ** 2
        for c in range(C)
        if (labels == c).any()
    )


def dense_loss(components, X):
    W = components.T.astype(float)
    return np.linalg.norm(X - (X @ W) @ W.T) ** 2 / np.linalg.norm(X.astype(float)) ** 2


@pytest.mark.parametrize("seed", range(6))
def test_noise_free_regions_are_found_exactly_from_any_start(rng, seed):
    X, region = planted(rng)
    fit = ExactONMF(12, n_init=1, random_state=seed).fit(X)
    assert adjusted_rand_score(region, fit.components_.argmax(axis=0)) == 1.0
    assert fit.reconstruction_err_ < 1e-6
    assert fit.history_["n_vanished"][-1] == 0


@pytest.mark.parametrize("seed", range(4))
def test_noisy_regions_are_found_at_the_loss_of_the_truth(rng, seed):
    X, region = planted(rng, n_images=60, noise=0.25)
    fit = ExactONMF(12, n_init=1, random_state=seed).fit(X)
    truth = 1 - explained(X, region, 12) / np.linalg.norm(X.astype(float)) ** 2
    assert fit.reconstruction_err_ <= truth * (1 + 1e-6)
    assert adjusted_rand_score(region, fit.components_.argmax(axis=0)) > 0.99


def test_no_partition_of_a_tiny_image_is_better(rng):
    X = rng.random((4, 7)).astype(np.float32)
    partitions = product(range(3), repeat=7)
    best = max(explained(X, np.array(labels), 3) for labels in partitions)
    fit = ExactONMF(3, n_init=20, random_state=0).fit(X)
    optimum = 1 - best / np.linalg.norm(X.astype(float)) ** 2
    assert fit.reconstruction_err_ == pytest.approx(optimum, rel=1e-5)


def test_components_are_orthonormal_singular_vectors_by_decreasing_energy(rng):
    X, _ = planted(rng, noise=0.2)
    fit = ExactONMF(12, random_state=0).fit(X)
    W = fit.components_.astype(float)
    np.testing.assert_allclose(W @ W.T, np.eye(12), atol=1e-6)
    energies = ((X @ W.T) ** 2).sum(axis=0)
    assert (np.diff(energies) <= 0).all()
    labels = W.argmax(axis=0)
    for c in range(12):
        leading = np.linalg.norm(X[:, labels == c].astype(float), ord=2)
        assert energies[c] == pytest.approx(leading**2, rel=1e-6)
    assert fit.reconstruction_err_ == pytest.approx(dense_loss(fit.components_, X), rel=1e-5)


def test_the_loss_of_an_iteration_is_that_of_its_directions(rng):
    X, _ = planted(rng, noise=0.3)
    with BlockRunner(1) as runner:
        rows = VoxelRows.of(X, runner)
        directions = spherical_kmeans.random_directions(rows, 5, rng)
        labels, weights = assign(rows, directions, runner)
        partition = refine(rows, labels, weights, 5, runner)
    scores = X.T.astype(float) @ directions.T
    np.testing.assert_array_equal(labels, scores.argmax(axis=1))
    np.testing.assert_allclose(weights, scores.max(axis=1), rtol=1e-5)
    residual = sum(
        np.linalg.norm(x - (x @ u) * u) ** 2
        for x, u in zip(X.T.astype(float), partition.directions[labels].astype(float), strict=True)
    )
    assert rows.squared_norm - partition.energies.sum() == pytest.approx(residual, rel=1e-4)
    power = X[:, labels == 2].astype(float)
    expected = power @ (power.T @ (power @ scores[labels == 2, 2]))
    np.testing.assert_allclose(
        partition.directions[2], expected / np.linalg.norm(expected), rtol=1e-4
    )


def test_alternation_never_raises_the_loss(rng):
    X, _ = planted(rng, noise=0.4)
    fit = ExactONMF(8, n_init=1, random_state=2, split_merge=False, tol=0.0, max_epochs=60)
    losses = fit.fit(X).history_["loss"]
    assert (np.diff(losses) <= 1e-7).all()  # float32 rounding of the weights


def test_split_and_merge_moves_lower_the_loss_of_alternation(rng):
    X, _ = planted(rng, noise=0.2, C=25)
    for seed in range(3):
        plain = ExactONMF(25, 1, seed, split_merge=False).fit(X).reconstruction_err_
        moved = ExactONMF(25, 1, seed).fit(X).reconstruction_err_
        assert moved < plain


def test_merge_costs_are_exact_for_components_of_rank_one(rng):
    u, v = rng.random((2, 6))
    a, b = rng.random(3), rng.random(2)
    first, second = np.outer(u, a), np.outer(v, b)
    energies = np.array([np.linalg.norm(first) ** 2, np.linalg.norm(second) ** 2])
    directions = np.stack([u / np.linalg.norm(u), v / np.linalg.norm(v)]).astype(np.float32)
    merged = np.linalg.norm(np.hstack([first, second]), ord=2) ** 2
    assert merge_costs(directions, energies)[0, 1] == pytest.approx(
        energies.sum() - merged, rel=1e-5
    )


def test_splitting_a_component_of_two_regions_gains_their_difference(rng):
    X, region = planted(rng, C=2)
    with BlockRunner(1) as runner:
        rows = VoxelRows.of(X, runner)
        labels = np.zeros(900, np.int32)
        start = np.sqrt(rows.squared_norms).astype(np.float32)
        one = refine(rows, labels, start, 1, runner, n_steps=50)
        splits = try_splits(rows, one, runner)
    gain = explained(X, region, 2) - explained(X, labels, 1)
    assert splits.gains[0] == pytest.approx(gain, rel=1e-4)


def test_a_move_frees_the_superfluous_component_and_splits_the_mixed_one(rng):
    X, region = planted(rng, C=3)
    labels = np.where(region == 0, 0, 2).astype(np.int32)  # 1 and 2 share a component
    labels[np.flatnonzero(region == 0)[::2]] = 1  # and 0 has two
    with BlockRunner(1) as runner:
        rows = VoxelRows.of(X, runner)
        start = np.sqrt(rows.squared_norms).astype(np.float32)
        stuck = refine(rows, labels, start, 3, runner, n_steps=50)
        proposal = propose(rows, stuck, 3, runner)
        moved, _ = assign(rows, proposal.directions, runner)
    assert proposal.n_moves == 1
    assert adjusted_rand_score(region, moved) == 1.0


def test_a_component_too_large_to_hold_is_read_in_parts(rng, monkeypatch):
    X, _ = planted(rng)
    members = np.arange(0, 900, 3)
    with BlockRunner(1) as runner:
        rows = VoxelRows.of(X, runner)
        whole = MemberRows(rows, members, runner)
        monkeypatch.setattr(spherical_kmeans, "_CACHED_VALUES", 30 * 64)
        parts = MemberRows(rows, members, runner)
        direction, weights = X[:, 0], X[0, members]
        np.testing.assert_allclose(parts.project(direction), whole.project(direction), rtol=1e-5)
        np.testing.assert_allclose(parts.combine(weights), whole.combine(weights), rtol=1e-5)
        np.testing.assert_allclose(whole.combine(weights), X[:, members] @ weights, rtol=1e-5)


def test_voxels_that_are_zero_everywhere_belong_to_no_component(rng):
    X, region = planted(rng, C=4)
    X[:, :50] = 0
    epochs = []
    fit = ExactONMF(4, random_state=0).fit(X, callback=epochs.append)
    assert (fit.components_[:, :50] == 0).all()
    assert (epochs[-1].labels[:50] == 0).all()
    assert adjusted_rand_score(region[50:], fit.components_[:, 50:].argmax(axis=0)) == 1.0


def test_more_components_than_the_data_hold_vanish_and_are_counted(rng):
    X, region = planted(rng, C=2)
    X = np.round(X / X.max() * 64) / 64  # few different voxels
    X[:, region == 0], X[:, region == 1] = X[:, :1] + 1, X[:, -1:] * 2 + np.arange(30)[:, None]
    fit = ExactONMF(5, random_state=0).fit(X)
    present = fit.components_.any(axis=1)
    assert present.tolist() == [True, True, False, False, False]
    assert fit.history_["n_vanished"][-1] == 3
    assert fit.reconstruction_err_ == pytest.approx(0, abs=1e-6)


def test_the_best_of_several_starts_is_kept(rng):
    X, _ = planted(rng, noise=0.5, C=20)
    fit = ExactONMF(9, n_init=5, random_state=4, split_merge=False).fit(X)
    assert len(fit.start_losses_) == 5
    assert len(np.unique(fit.start_losses_)) > 1
    assert fit.reconstruction_err_ <= fit.start_losses_.min() * (1 + 1e-6)
    assert fit.history_["loss"].min() == fit.start_losses_.min()


def test_a_warm_start_goes_on_from_its_components(rng):
    X, region = planted(rng, noise=0.1)
    truth = np.eye(12, dtype=np.float32)[:, region]
    fit = ExactONMF(12, init=truth).fit(X)
    assert fit.n_iter_ <= 4
    assert adjusted_rand_score(region, fit.components_.argmax(axis=0)) == 1.0


def test_partial_fit_assigns_and_refines_once(rng):
    X, _ = planted(rng, noise=0.1)
    fit = ExactONMF(12, random_state=0).partial_fit(X)
    losses = [dense_loss(fit.components_, X)]
    for _ in range(4):
        losses.append(dense_loss(fit.partial_fit(X).components_, X))
    assert (np.diff(losses) <= 1e-7).all()
    assert fit.n_iter_ == 5
    history = ExactONMF(12, 1, 0, split_merge=False, max_epochs=5, tol=0.0).fit(X).history_
    assert losses[-1] == pytest.approx(history["loss"][-1], rel=1e-3)


def test_fortran_ordered_maps_are_not_copied(rng):
    X, _ = planted(rng)
    turned = np.asfortranarray(X)
    with BlockRunner(1) as runner:
        assert np.shares_memory(VoxelRows.of(turned, runner).values, turned)
    np.testing.assert_array_equal(
        ExactONMF(6, random_state=0).fit(turned).components_,
        ExactONMF(6, random_state=0).fit(X).components_,
    )


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"n_components": -1}, "n_components is -1"),
        ({"n_components": 901}, "more than the 900 voxels"),
        ({"n_init": 0}, "n_init is 0"),
        ({"max_epochs": True}, "max_epochs is True"),
        ({"tol": 1.0}, "tol is 1.0"),
        ({"init": "nndsvd"}, "no start named 'nndsvd'"),
    ],
    ids=["n_components", "scale", "n_init", "max_epochs", "tol", "init"],
)
def test_a_wrong_parameter_is_named(rng, wrong, text):
    X, _ = planted(rng)
    with pytest.raises(ParameterError, match=text):
        ExactONMF(**{"n_components": 2, **wrong}).fit(X)
