"""Scales that nest: what lies in what, and fits that start from splits or keep to borders."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from music_gui.core.atlas import argmax_labels, nesting
from music_gui.core.errors import InputError, ParameterError
from music_gui.core.factorization import BlockRunner, ExactONMF, SopNMF, voxel_energies
from music_gui.core.factorization.parent_regions import ParentRegions
from music_gui.core.factorization.spherical_kmeans import VoxelRows
from music_gui.core.factorization.splitting import split_regions

#: Children of each of the four planted parents: no two scales are multiples.
CHILDREN = [2, 3, 3, 5]
PARENT_OF = np.repeat(np.arange(4), CHILDREN)


def planted(n_images=60, n_voxels=1300, noise=0.1, child_sd=0.2, seed=2):
    """Maps of 13 regions that nest in 4: each child varies with its parent and by itself."""
    rng = np.random.default_rng(seed)
    child = rng.permutation(np.arange(n_voxels) % len(PARENT_OF))
    logarithm = rng.normal(0, 0.5, (n_images, 4))[:, PARENT_OF]
    logarithm += rng.normal(0, child_sd, (n_images, len(PARENT_OF)))
    X = np.exp(logarithm)[:, child] * rng.uniform(0.3, 1.5, n_voxels)
    X *= np.exp(noise * rng.normal(size=X.shape))
    return X.astype(np.float32), child


def labels_of(fit):
    return argmax_labels(fit.components_)


def test_shares_parents_and_their_means_are_those_counted_by_hand():
    coarse = np.array([1, 1, 1, 2, 2, 2, 0, 0])
    fine = np.array([1, 1, 2, 2, 2, 3, 3, 0])
    found = nesting(coarse, fine, n_coarse=3, n_fine=4)
    np.testing.assert_allclose(
        found.shares, [[1, 0, 0], [1 / 3, 2 / 3, 0], [0, 1 / 2, 0], [0, 0, 0]]
    )
    assert found.parents.tolist() == [1, 2, 2, 0]
    np.testing.assert_allclose(found.best_shares, [1, 2 / 3, 1 / 2, np.nan])
    assert found.mean == pytest.approx((1 + 2 / 3 + 1 / 2) / 3)
    assert found.median == pytest.approx(2 / 3)
    assert found.overall == pytest.approx((2 + 2 + 1) / 7)


def test_voxels_count_by_their_weight():
    coarse, fine = np.array([[1, 2], [2, 2]]), np.array([[1, 1], [2, 2]])
    found = nesting(coarse, fine, np.array([[3.0, 1.0], [0.5, 0.5]]))
    np.testing.assert_allclose(found.shares, [[0.75, 0.25], [0, 1]])
    assert found.overall == pytest.approx(4 / 5)


def test_a_child_outside_all_parents_has_none():
    found = nesting(np.array([0, 1]), np.array([1, 2]))
    assert found.parents.tolist() == [0, 1]
    assert found.best_shares.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((np.ones(3, int), np.ones(4, int)), "different shapes"),
        ((np.ones(3, int), np.ones(3, int), np.ones(2)), "different shapes"),
        ((np.ones(3, int), np.zeros(3, int)), "no voxels"),
        ((np.array([-1, 1]), np.ones(2, int)), "run from -1"),
    ],
    ids=["shapes", "weights", "empty", "negative"],
)
def test_labels_that_cannot_be_compared_are_refused(arguments, text):
    with pytest.raises(InputError, match=text):
        nesting(*arguments)


def test_more_labels_than_the_scale_has_are_refused():
    with pytest.raises(InputError, match="between 0 and 2"):
        nesting(np.array([1, 3]), np.array([1, 1]), n_coarse=2)


@pytest.mark.parametrize("nested", ["start", "strict"])
def test_planted_children_are_found_in_their_planted_parents(nested):
    X, child = planted()
    coarse = ExactONMF(4, random_state=0).fit(X)
    assert adjusted_rand_score(PARENT_OF[child], labels_of(coarse)) == 1.0
    fine = ExactONMF(13, random_state=0, nested=nested).fit(X, coarser=labels_of(coarse))
    assert adjusted_rand_score(child, labels_of(fine)) == 1.0
    found = nesting(labels_of(coarse), labels_of(fine))
    assert found.mean == found.median == found.overall == 1
    siblings = found.parents[labels_of(fine)[np.unique(child, return_index=True)[1]] - 1]
    for first in range(13):
        for second in range(13):
            same = PARENT_OF[first] == PARENT_OF[second]
            assert (siblings[first] == siblings[second]) == same


def test_fits_of_their_own_nest_where_the_data_do():
    X, _ = planted()
    fits = [ExactONMF(C, random_state=C).fit(X) for C in (4, 13)]
    assert nesting(*map(labels_of, fits)).overall == 1


@pytest.mark.parametrize("scales", [(3, 4, 5, 13), (5, 7, 12), (2, 20)])
def test_no_component_crosses_a_border_at_any_scale(scales):
    X, _ = planted(noise=0.4)
    X[:, :40] = 0  # voxels of no tissue belong to no component
    coarse = labels_of(ExactONMF(scales[0], random_state=0).fit(X))
    for C in scales[1:]:
        fit = ExactONMF(C, random_state=0, nested="strict").fit(X, coarser=coarse)
        fine = labels_of(fit)
        assert nesting(coarse, fine, n_fine=C).shares.max(axis=1).tolist() == [1.0] * C
        np.testing.assert_array_equal(fine > 0, coarse > 0)
        W = fit.components_.astype(float)
        np.testing.assert_allclose(W @ W.T, np.eye(C), atol=1e-6)
        coarse = fine


def test_nesting_costs_loss_where_the_data_do_not_nest():
    """Halves against thirds of the voxels: strict keeps the halves, free ones cross them."""
    rng = np.random.default_rng(4)
    third = np.repeat(np.arange(3), 200)
    half = np.repeat(np.arange(2), 300) + 1
    X = rng.lognormal(sigma=0.5, size=(40, 3))[:, third] * rng.lognormal(0, 0.1, (40, 600))
    X = X.astype(np.float32)
    free, start, strict = (
        ExactONMF(3, random_state=0, nested=nested).fit(X, coarser=coarser)
        for nested, coarser in (("start", None), ("start", half), ("strict", half))
    )
    assert nesting(half, labels_of(strict)).overall == 1
    assert nesting(half, labels_of(free)).overall < 0.9
    assert adjusted_rand_score(third, labels_of(free)) == 1
    assert adjusted_rand_score(third, labels_of(start)) == 1
    assert start.reconstruction_err_ == pytest.approx(free.reconstruction_err_, rel=1e-4)
    assert strict.reconstruction_err_ > 1.5 * free.reconstruction_err_


def test_strictly_nested_children_are_singular_vectors_and_no_voxel_wants_to_move():
    X, _ = planted(noise=0.4)
    coarse = labels_of(ExactONMF(4, random_state=0).fit(X))
    fit = ExactONMF(9, random_state=0, nested="strict", tol=0.0).fit(X, coarser=coarse)
    labels, H = labels_of(fit), fit.transform(X)
    directions = H / np.linalg.norm(H, axis=0)
    parents = nesting(coarse, labels).parents
    scores = X.T @ directions
    scores[parents[None, :] != coarse[:, None]] = -1
    assert (scores.argmax(axis=1) + 1 == labels).mean() > 0.99
    for c in range(9):
        leading = np.linalg.norm(X[:, labels == c + 1].astype(float), ord=2)
        assert np.linalg.norm(H[:, c]) == pytest.approx(leading, rel=1e-5)


def test_a_parent_may_gain_children_that_another_loses():
    """The split that begins gives each of two parents two; the data have three and one."""
    X, child = planted(noise=0.05)
    inside = np.isin(child, [0, 2, 3, 4])
    coarse = np.where(child == 0, 1, 2)[inside]
    fit = ExactONMF(4, random_state=0, nested="strict").fit(X[:, inside], coarser=coarse)
    assert adjusted_rand_score(child[inside], labels_of(fit)) == 1


def test_regions_are_split_where_it_gains_most():
    X, child = planted(noise=0.0)
    with BlockRunner(1) as runner:
        rows = VoxelRows.of(X, runner)
        parents = ParentRegions.of(PARENT_OF[child] + 1, rows)
        partition, owners = split_regions(rows, parents, 13, runner)
    np.testing.assert_array_equal(owners[partition.labels], PARENT_OF[child])
    assert adjusted_rand_score(child, partition.labels) > 0.8


def test_voxels_that_do_not_differ_are_not_split():
    X = np.repeat(np.random.default_rng(0).random((20, 3)).astype(np.float32), 4, axis=1)
    coarse = np.repeat([1, 2, 3], 4)
    fit = ExactONMF(6, random_state=0, nested="strict").fit(X, coarser=coarse)
    assert np.count_nonzero(fit.components_.any(axis=1)) < 6
    assert nesting(coarse, labels_of(fit), n_fine=6).overall == 1


def test_the_published_update_starts_from_splits():
    X, child = planted()
    coarse = PARENT_OF[child] + 1
    fit = SopNMF(13, 20, 150, random_state=0).fit(X, coarser=coarse)
    assert adjusted_rand_score(child, labels_of(fit)) > 0.95
    assert nesting(coarse, labels_of(fit), n_fine=13).overall > 0.95
    first = fit.history_["loss"][0]
    assert first < SopNMF(13, 20, 1, random_state=0).fit(X).history_["loss"][0]


def test_the_energy_of_a_voxel_is_its_squared_length():
    X, _ = planted(n_images=7)
    expected = (X.astype(float) ** 2).sum(axis=0)
    with BlockRunner(2) as runner:
        for array in (X, np.asfortranarray(X)):
            np.testing.assert_allclose(voxel_energies(array, runner), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("coarser", "text"),
    [
        (np.ones(5, int), r"shape \(5,\)"),
        (np.ones(1300), "type float64"),
        (np.zeros(1300, int), "name no region"),
        (np.arange(1300) % 9 + 1, "8 components are fewer than the 9 regions"),
    ],
    ids=["shape", "type", "empty", "finer"],
)
@pytest.mark.parametrize("estimator", [ExactONMF(8), SopNMF(8)], ids=["exact", "sopnmf"])
def test_labels_that_nothing_can_nest_in_are_refused(estimator, coarser, text):
    with pytest.raises(ParameterError, match=text):
        estimator.fit(planted()[0], coarser=coarser)


def test_a_way_of_nesting_that_is_none_is_refused():
    with pytest.raises(ParameterError, match="nested is 'loosely'"):
        ExactONMF(2, nested="loosely").fit(planted()[0])
