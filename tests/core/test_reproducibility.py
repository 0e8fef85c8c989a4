"""Agreement of two sets of components, and the halves they come from."""

from itertools import permutations

import numpy as np
import pytest

from music_gui.core.errors import InputError, ParameterError
from music_gui.core.factorization.reproducibility import (
    reproducibility_index,
    split_groups,
    split_halves,
)


def test_components_agree_with_themselves_in_any_order_and_scale():
    rng = np.random.default_rng(0)
    a = rng.random((6, 400)).astype(np.float32)
    order = rng.permutation(6)
    index = reproducibility_index(a, 7 * a[order])
    np.testing.assert_allclose(index.inner_products, 1, rtol=1e-6)
    np.testing.assert_array_equal(order[index.matches], np.arange(6))
    assert index.mean == pytest.approx(1)
    assert index.standard_deviation == pytest.approx(0, abs=1e-6)


def test_components_without_a_common_voxel_do_not_agree():
    a, b = np.zeros((2, 8), np.float32), np.zeros((2, 8), np.float32)
    a[0, :2], a[1, 2:4], b[0, 4:6], b[1, 6:] = 1, 1, 1, 1
    assert reproducibility_index(a, b).mean == 0


def test_two_regions_that_share_half_their_voxels_agree_by_a_half():
    a, b = np.zeros((1, 20000), np.float32), np.zeros((1, 20000), np.float32)
    a[0, :10000] = 3
    b[0, 5000:15000] = 0.1
    assert reproducibility_index(a, b).mean == pytest.approx(0.5, rel=1e-6)


def test_a_vanished_component_counts_as_no_agreement():
    a = np.eye(3, 5, dtype=np.float32)
    b = a.copy()
    b[2] = 0
    index = reproducibility_index(a, b)
    assert index.mean == pytest.approx(2 / 3)
    assert index.median == pytest.approx(1)


def test_the_matching_is_the_best_of_all():
    rng = np.random.default_rng(1)
    a, b = rng.random((2, 5, 30)) ** 4
    index = reproducibility_index(a, b)
    cosines = (a / np.linalg.norm(a, axis=1)[:, None]) @ (b / np.linalg.norm(b, axis=1)[:, None]).T
    best = max(sum(cosines[i, j] for i, j in enumerate(p)) for p in permutations(range(5)))
    assert index.inner_products.sum() == pytest.approx(best)


def test_different_scales_are_not_compared():
    with pytest.raises(InputError, match="one scale"):
        reproducibility_index(np.ones((2, 5)), np.ones((3, 5)))


def test_halves_share_no_participant_and_miss_no_map():
    people = [f"sub-{i % 37}" for i in range(100)]
    first, second = split_halves(people, seed=3)
    assert sorted([*first, *second]) == list(range(100))
    a, b = {people[i] for i in first}, {people[i] for i in second}
    assert not a & b
    assert abs(len(a) - len(b)) <= 1


def test_halves_share_the_groups_evenly():
    sites = ["A"] * 40 + ["B"] * 10 + ["C"] * 4
    first, second = split_halves([str(i) for i in range(54)], seed=0, strata=sites)
    for site, n in (("A", 20), ("B", 5), ("C", 2)):
        assert sum(sites[i] == site for i in first) == n
        assert sum(sites[i] == site for i in second) == n


def test_the_seed_decides_the_halves():
    people = [str(i) for i in range(30)]
    same, again, other = (split_halves(people, seed)[0] for seed in (1, 1, 2))
    assert same.tolist() == again.tolist() != other.tolist()


def test_one_participant_can_not_be_halved():
    with pytest.raises(ParameterError, match="1 participant"):
        split_halves(["sub-1", "sub-1"], seed=0)


def test_maps_whose_group_is_missing_are_in_no_group():
    groups = split_groups(["F", "M", None, float("nan"), "F"])
    assert {sex: found.tolist() for sex, found in groups.items()} == {"F": [0, 4], "M": [1]}
