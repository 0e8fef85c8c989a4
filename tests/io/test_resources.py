"""What comes with the application, held against where it is from."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from music_gui.core.errors import MusicError
from music_gui.io.nifti import read_image, read_labels
from music_gui.io.resources import (
    GLASS_BRAIN,
    TEMPLATE_BRAIN_MASK,
    TEMPLATE_GM,
    TEMPLATE_GM_3MM,
    TEMPLATE_T1,
    resource,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nilearn import datasets


@pytest.mark.parametrize(
    ("name", "loader", "resolution"),
    [
        (TEMPLATE_T1, "load_mni152_template", 2),
        (TEMPLATE_GM, "load_mni152_gm_template", 2),
        (TEMPLATE_GM_3MM, "load_mni152_gm_template", 3),
        (TEMPLATE_BRAIN_MASK, "load_mni152_brain_mask", 2),
    ],
)
def test_the_template_is_that_of_nilearn(name, loader, resolution):
    ours = read_image(resource(name))
    theirs = getattr(datasets, loader)(resolution=resolution)
    assert ours.warnings == ()
    np.testing.assert_allclose(ours.grid.affine, theirs.affine)
    expected = np.clip(theirs.get_fdata(), 0, 1)
    assert np.abs(ours.data - expected).max() <= 0.5 / 255 + 1e-6


def test_the_glass_brain_wraps_the_brain_closely():
    with np.load(resource(GLASS_BRAIN), allow_pickle=False) as arrays:
        vertices, triangles = arrays["vertices"], arrays["triangles"]
    assert (vertices.dtype, triangles.dtype) == (np.float32, np.int32)
    assert 20_000 < len(triangles) < 40_000
    mask, grid = read_labels(resource(TEMPLATE_BRAIN_MASK))
    brain = grid.to_world(np.argwhere(mask))
    np.testing.assert_allclose(vertices.min(axis=0), brain.min(axis=0), atol=4)
    np.testing.assert_allclose(vertices.max(axis=0), brain.max(axis=0), atol=4)
    a, b, c = (vertices[triangles[:, i]].astype(float) for i in range(3))
    volume = (a * np.cross(b, c)).sum() / 6
    assert 0.95 < volume / (mask.sum() * 8) < 1.15


def test_the_template_is_small_and_its_licence_lies_beside_it():
    folder = resource("template")
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2e6
    assert "McConnell Brain Imaging Centre" in resource("template/LICENSE").read_text()


def test_a_resource_that_is_missing_says_so():
    with pytest.raises(MusicError, match="Install MuSIC GUI again"):
        resource("template/nothing.nii.gz")
