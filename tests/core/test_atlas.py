"""Labels, names and identity of an atlas."""

from __future__ import annotations

import numpy as np
import pytest

from music_gui.core.atlas import (
    Atlas,
    AtlasScale,
    argmax_labels,
    label_hash,
    parse_psc_name,
    psc_name,
)
from music_gui.core.errors import InputError
from music_gui.core.grid import Grid

AFFINE = np.array([[2.0, 0, 0, -10], [0, 2, 0, -20], [0, 0, 2, -30], [0, 0, 0, 1]])


def scale_of(labels: np.ndarray, c: int) -> AtlasScale:
    return AtlasScale(c, labels.astype(np.int32))


def flipped(labels: np.ndarray, affine: np.ndarray, axes: tuple[int, ...]):
    """Store the same anatomy with some axes running the other way."""
    affine = affine.copy()
    for axis in axes:
        affine[:3, 3] += affine[:3, axis] * (labels.shape[axis] - 1)
        affine[:3, axis] *= -1
    return np.flip(labels, axes), affine


def test_names_round_trip():
    assert psc_name(1024, 394) == "C1024_394"
    assert parse_psc_name("C1024_394") == (1024, 394)


@pytest.mark.parametrize(
    "name", ["", "C32", "32_4", "C32_", "C_4", "C32_x", "c32_4", "C32_4_1", "C32_²", "C32_4\n"]
)
def test_other_names_are_refused_by_name(name):
    with pytest.raises(InputError, match="C32_4"):
        parse_psc_name(name)


def test_a_voxel_belongs_to_its_largest_weight_the_first_of_equals_and_nobody_at_zero():
    weights = np.array([[0.1, 0.5, 0.0, 0.3], [0.2, 0.5, 0.0, 0.1], [0.0, 0.1, 0.0, 0.2]])
    assert argmax_labels(weights).tolist() == [2, 1, 0, 1]


def test_vanished_components_are_named_and_keep_their_place():
    labels = np.zeros((3, 3, 3))
    labels[0, 0, 0], labels[1, 1, 1], labels[1, 1, 2] = 1, 4, 4
    scale = scale_of(labels, 5)
    assert scale.vanished == ("C5_2", "C5_3", "C5_5")
    assert scale.present == ("C5_1", "C5_4")
    assert scale.voxel_counts.tolist() == [1, 0, 0, 2, 0]
    atlas = Atlas("x", Grid((3, 3, 3), AFFINE), {5: scale})
    assert len(atlas.names) == 5
    assert atlas.vanished == scale.vanished
    assert atlas.centre_of("C5_2") is None


@pytest.mark.parametrize("wrong", [-1, 6])
def test_labels_beyond_the_scale_are_refused(wrong):
    labels = np.zeros((2, 2, 2))
    labels[0, 0, 0] = wrong
    with pytest.raises(InputError, match="between 0 and 5"):
        scale_of(labels, 5)


def test_a_scale_with_names_needs_one_for_each_label():
    with pytest.raises(InputError, match="2 names"):
        AtlasScale(3, np.zeros((2, 2, 2), np.int32), ("Hippocampus", "Amygdala"))


def test_a_scale_of_another_shape_does_not_join_the_atlas():
    with pytest.raises(InputError, match="shape"):
        Atlas("x", Grid((3, 3, 3), AFFINE), {2: scale_of(np.zeros((2, 2, 2)), 2)})


def test_the_centre_of_a_horseshoe_lies_in_it():
    labels = np.zeros((7, 7, 3))
    labels[1:6, 1, 1] = labels[1:6, 5, 1] = labels[1, 1:6, 1] = 1
    scale = scale_of(labels, 1)
    assert labels[tuple(scale.centre_voxels[0])] == 1


def test_centres_agree_with_a_search_voxel_by_voxel():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 12, (9, 8, 7))
    scale = scale_of(labels, 12)
    for label in range(1, 12):
        voxels = np.argwhere(labels == label)
        distances = ((voxels - voxels.mean(axis=0)) ** 2).sum(axis=1)
        found = ((scale.centre_voxels[label - 1] - voxels.mean(axis=0)) ** 2).sum()
        assert found == pytest.approx(distances.min(), abs=1e-9)
    assert scale.centre_voxels[11].tolist() == [-1, -1, -1]


def test_the_psc_under_the_crosshair_is_found_in_world_space_and_outside_there_is_none():
    labels = np.zeros((4, 5, 6))
    labels[1, 2, 3] = 2
    atlas = Atlas("x", Grid((4, 5, 6), AFFINE), {2: scale_of(labels, 2)})
    assert atlas.psc_at(np.array([-8.0, -16.0, -24.0]), 2) == "C2_2"
    assert atlas.psc_at(np.array([-7.1, -16.9, -24.9]), 2) == "C2_2"
    assert atlas.psc_at(np.array([-10.0, -16.0, -24.0]), 2) is None
    assert atlas.psc_at(np.array([500.0, 0.0, 0.0]), 2) is None
    assert atlas.centre_of("C2_2").tolist() == [-8.0, -16.0, -24.0]


@pytest.mark.parametrize("axes", [(0,), (0, 1), (0, 1, 2), (2,)])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("oblique", [False, True])
def test_the_same_labels_stored_otherwise_are_the_same_atlas(axes, order, oblique):
    labels = np.random.default_rng(1).integers(0, 5, (4, 5, 6))
    affine = AFFINE.copy()
    if oblique:
        c, s = np.cos(0.3), np.sin(0.3)
        affine[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ affine[:3, :3]
    turned, turned_affine = flipped(labels, affine, axes)
    turned, turned_affine = turned.transpose(order), turned_affine[:, [*order, 3]]
    assert label_hash(scale_of(labels, 4), Grid((4, 5, 6), affine)) == label_hash(
        scale_of(turned, 4), Grid(turned.shape, turned_affine)
    )


def test_an_atlas_that_differs_in_one_voxel_its_place_or_its_scale_is_another():
    labels = np.random.default_rng(1).integers(0, 5, (4, 5, 6))
    grid = Grid((4, 5, 6), AFFINE)
    shifted = AFFINE.copy()
    shifted[0, 3] += 1
    changed = labels.copy()
    changed[0, 0, 0] = (changed[0, 0, 0] + 1) % 5
    hashes = {
        label_hash(scale_of(labels, 4), grid),
        label_hash(scale_of(changed, 4), grid),
        label_hash(scale_of(labels, 5), grid),
        label_hash(scale_of(labels, 4), Grid((4, 5, 6), shifted)),
        label_hash(scale_of(np.flip(labels, 0), 4), grid),
    }
    assert len(hashes) == 5
