"""The significance levels, held against the figures of the paper and of a calculator."""

import math

import numpy as np
import pytest

from music_gui.core.association.significance import (
    genome_wide,
    nominal,
    over_genes,
    over_pscs_of_atlas,
    over_pscs_of_scale,
)
from music_gui.core.atlas import Atlas, AtlasScale
from music_gui.core.grid import Grid


def atlas_of(present: dict[int, int]) -> Atlas:
    """An atlas of which so many PSCs of each scale have a voxel."""
    shape = (max(present.values()), 1, 1)
    scales = {}
    for scale, n in present.items():
        labels = np.zeros(shape, dtype=np.int32)
        labels[:n, 0, 0] = np.arange(1, n + 1)
        scales[scale] = AtlasScale(scale, labels)
    return Atlas("test", Grid(shape, np.eye(4)), scales)


def test_the_papers_2003_pscs_are_those_that_have_not_vanished():
    atlas = atlas_of({32: 32, 64: 64, 128: 128, 256: 256, 512: 512, 1024: 1011})
    level = over_pscs_of_atlas(atlas)
    assert level.n_tests == 2003
    assert level.describe() == "p < 0.05 / 2003 = 2.5e-05"
    assert over_pscs_of_scale(atlas.scales[1024]).n_tests == 1011
    assert over_pscs_of_scale(atlas.scales[32]).p == pytest.approx(0.0015625)


def test_levels_are_known_as_p_and_as_minus_log_10_p():
    assert nominal().describe() == "p < 0.05"
    assert nominal().neg_log_10_p == pytest.approx(1.30103, abs=1e-5)
    assert genome_wide().neg_log_10_p == pytest.approx(7.30103, abs=1e-5)
    assert genome_wide(2003).p == pytest.approx(5e-8 / 2003)
    assert over_genes(18_000).neg_log_10_p == pytest.approx(-math.log10(0.05 / 18_000))


def test_an_atlas_without_any_psc_corrects_for_nothing():
    empty = AtlasScale(4, np.zeros((2, 1, 1), dtype=np.int32))
    assert over_pscs_of_scale(empty).p == 0.05
