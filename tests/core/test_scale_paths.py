"""Overlap of scales, by hand and on the published atlas."""

from pathlib import Path

import numpy as np
import pytest

from music_gui.core.atlas import Atlas, AtlasScale, nesting
from music_gui.core.atlas.scale_paths import ScalePaths, scale_paths
from music_gui.core.errors import InputError
from music_gui.core.grid import Grid

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "music_atlas"

#: A row a scale, a column a voxel. C4_3 has vanished; the last voxel has a PSC at C8 alone.
COARSE = [1, 1, 1, 1, 2, 2, 0, 0]
MIDDLE = [1, 1, 2, 4, 4, 4, 0, 0]
FINE = [1, 2, 3, 4, 5, 0, 0, 8]


@pytest.fixture
def paths() -> ScalePaths:
    images = {2: COARSE, 4: MIDDLE, 8: FINE}
    scales = {
        scale: AtlasScale(scale, np.array(labels, dtype=np.int32).reshape(2, 2, 2))
        for scale, labels in images.items()
    }
    return scale_paths(Atlas("test", Grid((2, 2, 2), np.eye(4)), scales))


def test_each_voxel_lies_on_one_path(paths):
    assert paths.scales == (2, 4, 8)
    assert paths.n_voxels.sum() == 7  # the one outside all PSCs is left out
    assert paths.sizes(2).tolist() == [1, 4, 2]
    assert paths.sizes(4).tolist() == [1, 2, 1, 0, 3]


def test_children_and_parents_with_their_shares(paths):
    children = paths.overlaps("C2_1", 4)
    assert [(each.name, each.n_voxels, each.share) for each in children] == [
        ("C4_1", 2, 0.5), ("C4_2", 1, 0.25), ("C4_4", 1, 0.25),
    ]  # fmt: skip
    assert [each.share_of_other for each in children] == [1.0, 1.0, pytest.approx(1 / 3)]
    parents = paths.overlaps("C4_4", 2)
    assert [(each.name, each.n_voxels) for each in parents] == [("C2_2", 2), ("C2_1", 1)]


def test_voxels_of_no_psc_are_told(paths):
    (child, lost) = paths.overlaps("C2_2", 8)
    assert (child.name, child.share) == ("C8_5", 0.5)
    assert (lost.name, lost.n_voxels) == ("", 1)
    assert np.isnan(lost.share_of_other)


def test_a_vanished_psc_overlaps_with_nothing(paths):
    assert paths.overlaps("C4_3", 2) == ()
    assert paths.of("C4_3").n_voxels.size == 0


def test_nesting_over_paths_is_that_over_voxels(paths):
    by_voxel = nesting(np.array(MIDDLE), np.array(FINE), n_coarse=4, n_fine=8)
    by_path = paths.nesting(4, 8)
    np.testing.assert_array_equal(by_path.shares, by_voxel.shares)
    np.testing.assert_array_equal(by_path.weights, by_voxel.weights)


def test_another_scale_is_refused_by_name(paths):
    with pytest.raises(InputError, match="no scale C = 16"):
        paths.overlaps("C2_1", 16)


@pytest.mark.shared_data
def test_the_published_scales_divide_up_the_same_84090_voxels(published):
    atlas, paths = published, scale_paths(published)
    assert paths.n_voxels.sum() == 84_090
    assert np.count_nonzero(paths.sizes(1024)[1:]) == 1011
    coarse, fine = atlas.scales[32].labels, atlas.scales[1024].labels
    inside = coarse == 4
    expected = np.bincount(fine[inside], minlength=1025)
    found = paths.overlaps("C32_4", 1024)
    assert {each.name: each.n_voxels for each in found} == {
        f"C1024_{label}": int(expected[label]) for label in np.flatnonzero(expected)
    }
    assert sum(each.share for each in found) == pytest.approx(1.0)
