"""PSC volumes against known sums and a second implementation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from music_gui.core.atlas import Atlas, AtlasScale
from music_gui.core.errors import GridMismatchError, InputError
from music_gui.core.grid import Grid
from music_gui.core.psc import PscExtractor, extract_volumes, name_not_finite

SHAPE = (12, 14, 10)
AFFINE = np.array([[3.0, 0, 0, -18], [0, 3, 0, -20], [0, 0, 3, -12], [0, 0, 0, 1]])
GRID = Grid(SHAPE, AFFINE)
SCALES = (4, 9)


@pytest.fixture
def atlas() -> Atlas:
    """Two scales that label different voxels; C9_6 has vanished."""
    rng = np.random.default_rng(0)
    scales = {}
    for c in SCALES:
        labels = rng.integers(0, c + 1, SHAPE)
        labels[:2] = labels[-2:] = labels[:, :2] = labels[:, -2:] = 0
        labels[..., 0] = labels[..., -1] = 0
        if c == 9:
            labels[labels == 6] = 0
        scales[c] = AtlasScale(c, labels.astype(np.int32))
    return Atlas("tiny", GRID, scales)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(1).random(SHAPE, dtype=np.float32)


def independent_volumes(image: np.ndarray, atlas: Atlas) -> np.ndarray:
    sums = [
        ndimage.sum_labels(image.astype(np.float64), s.labels, range(1, c + 1))
        for c, s in atlas.scales.items()
    ]
    return np.concatenate(sums) * 27.0


def shifted(grid: Grid, voxels: float) -> Grid:
    affine = grid.affine.copy()
    affine[:3, 3] += voxels * 3.0
    return Grid(grid.shape, affine)


def test_volumes_agree_with_scipy_and_vanished_pscs_are_missing(atlas, image):
    volumes = extract_volumes(image, atlas)
    expected = independent_volumes(image, atlas)
    vanished = atlas.names.index("C9_6")
    assert np.isnan(volumes[vanished])
    present = np.arange(len(volumes)) != vanished
    np.testing.assert_allclose(volumes[present], expected[present], rtol=1e-12)


def test_a_voxel_full_of_tissue_counts_its_volume(atlas):
    extractor = PscExtractor(atlas)
    measured = extractor.measure(np.ones(SHAPE, dtype=np.float32))
    present = extractor.n_voxels > 0
    np.testing.assert_allclose(measured.volumes[present], 27 * extractor.n_voxels[present])
    np.testing.assert_allclose(measured.means[present], 1)


def test_the_mean_is_the_tissue_a_voxel(atlas, image):
    measured = PscExtractor(atlas).measure(image)
    labels = atlas.scales[4].labels
    assert measured.means[2] == pytest.approx(image[labels == 3].mean(dtype=np.float64))


def test_memory_order_does_not_matter(atlas, image):
    extractor = PscExtractor(atlas)
    np.testing.assert_array_equal(
        extractor.measure(image).volumes, extractor.measure(np.asfortranarray(image)).volumes
    )


@pytest.mark.parametrize("axes", [(0,), (0, 1), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_the_same_map_stored_otherwise_has_the_same_volumes(atlas, image, axes, order):
    affine = AFFINE.copy()
    for axis in axes:
        affine[:3, 3] += affine[:3, axis] * (SHAPE[axis] - 1)
        affine[:3, axis] *= -1
    turned = np.flip(image, axes).transpose(order)
    extractor = PscExtractor(atlas, Grid(turned.shape, affine[:, [*order, 3]]))
    np.testing.assert_array_equal(extractor.measure(turned).volumes, extract_volumes(image, atlas))


def test_a_map_with_more_air_around_it_has_the_same_volumes(atlas, image):
    padded = np.pad(image, 3)
    affine = AFFINE.copy()
    affine[:3, 3] -= 9
    extractor = PscExtractor(atlas, Grid(padded.shape, affine))
    np.testing.assert_array_equal(extractor.measure(padded).volumes, extract_volumes(image, atlas))


def test_a_map_that_was_cropped_into_the_atlas_is_refused(atlas):
    affine = AFFINE.copy()
    affine[0, 3] += 12
    with pytest.raises(GridMismatchError, match="lie outside it"):
        PscExtractor(atlas, Grid((8, 14, 10), affine))


@pytest.mark.parametrize("voxels", [0.25, 0.6, 1.5, 10 / 3])
def test_a_shifted_map_of_equal_shape_is_refused(atlas, voxels):
    with pytest.raises(GridMismatchError, match="mm apart"):
        PscExtractor(atlas, shifted(GRID, voxels))


def test_a_shift_below_half_a_voxel_can_be_allowed_and_is_told(atlas, image):
    extractor = PscExtractor(atlas, shifted(GRID, 0.25), max_shift=0.25)
    assert extractor.shift_mm == pytest.approx(0.75 * np.sqrt(3))
    np.testing.assert_array_equal(extractor.measure(image).volumes, extract_volumes(image, atlas))
    with pytest.raises(GridMismatchError):
        PscExtractor(atlas, shifted(GRID, 0.3), max_shift=0.25)


def test_another_voxel_size_is_refused_even_where_voxels_coincide(atlas):
    affine = AFFINE.copy()
    affine[:3, :3] /= 3
    with pytest.raises(GridMismatchError, match="shape"):
        PscExtractor(atlas, Grid((36, 42, 30), affine))


def test_a_sheared_grid_is_refused(atlas):
    affine = AFFINE.copy()
    affine[0, 1] = 3
    with pytest.raises(GridMismatchError):
        PscExtractor(atlas, Grid(SHAPE, affine))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_psc_with_a_voxel_without_value_is_missing_and_named(atlas, image, bad):
    labels = atlas.scales[4].labels
    voxels = np.argwhere(labels == 2)[:3]
    image[tuple(voxels.T)] = bad
    image[0, 0, 0] = np.nan  # outside every PSC
    extractor = PscExtractor(atlas)
    measured = extractor.measure(image)
    assert np.isnan(measured.volumes[extractor.names.index("C4_2")])
    assert np.isfinite(measured.volumes[extractor.names.index("C4_1")])
    assert measured.n_not_finite[extractor.names.index("C4_2")] == 3
    assert "C4_2 (3 voxels)" in name_not_finite(extractor.names, measured)
    assert measured.n_not_finite[: len(atlas.scales[4].names)].sum() == 3


def test_a_whole_map_says_nothing_of_missing_voxels(atlas, image):
    extractor = PscExtractor(atlas)
    assert name_not_finite(extractor.names, extractor.measure(image)) == ""


def test_rows_of_a_mask_give_what_the_image_gives(atlas, image):
    mask = np.any([scale.labels > 0 for scale in atlas.scales.values()], axis=0)
    mask[0] = True
    rows = PscExtractor(atlas).for_rows_of(mask)
    np.testing.assert_array_equal(
        rows.measure(image[mask]).volumes, PscExtractor(atlas).measure(image).volumes
    )


def test_a_mask_that_lacks_labelled_voxels_is_refused_with_their_number(atlas):
    mask = np.any([scale.labels > 0 for scale in atlas.scales.values()], axis=0)
    mask[tuple(np.argwhere(mask)[:7].T)] = False
    extractor = PscExtractor(atlas)
    assert extractor.n_outside(mask) == 7
    with pytest.raises(InputError, match="7 of"):
        extractor.for_rows_of(mask)


def test_a_map_of_another_shape_is_refused(atlas):
    with pytest.raises(InputError, match="shape"):
        PscExtractor(atlas).measure(np.zeros((3, 3, 3)))
    rows = PscExtractor(atlas).for_rows_of(np.ones(SHAPE, dtype=bool))
    with pytest.raises(InputError, match="shape"):
        rows.measure(np.zeros(7))


def test_values_of_float32_are_summed_in_float64():
    labels = np.ones((200, 200, 50), dtype=np.int32)
    atlas = Atlas("one", Grid(labels.shape, np.eye(4)), {1: AtlasScale(1, labels)})
    image = np.full(labels.shape, 0.1, dtype=np.float32)
    assert extract_volumes(image, atlas)[0] == pytest.approx(2e6 * float(np.float32(0.1)), rel=1e-9)
