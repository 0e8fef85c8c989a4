"""Components as 4D images of weights."""

import tracemalloc

import nibabel as nib
import numpy as np
import pytest
from scipy.sparse import csr_array

from music_gui.core.errors import DamagedFileError, GridMismatchError, InputError
from music_gui.core.grid import Grid
from music_gui.core.progress import Silent
from music_gui.io.component_images import read_component_images, write_component_images
from music_gui.io.decomposition_npz import StoredComponents
from music_gui.io.nifti_volumes import open_volumes, write_volumes

GRID = Grid((4, 5, 3), np.array([[-2.0, 0, 0, 8], [0, 2, 0, -6], [0, 0, 2, 1], [0, 0, 0, 1]]))
C = 4


@pytest.fixture
def weights():
    """Weights as an array of images, the third component without any."""
    rng = np.random.default_rng(3)
    weights = rng.random((*GRID.shape, C)).astype(np.float32)
    weights[rng.random(weights.shape) < 0.5] = 0
    weights[0] = 0
    weights[..., 2] = 0
    return weights


@pytest.fixture
def stored(weights):
    flat = weights.reshape(-1, C)
    voxels = np.flatnonzero(flat.any(axis=1))
    return StoredComponents(csr_array(flat[voxels].T), voxels, GRID)


def saved(path, data, affine=GRID.affine):
    nib.save(nib.Nifti1Image(data, affine), path)
    return path


def test_another_program_reads_what_was_written(tmp_path, stored, weights):
    write_component_images(tmp_path / "a_probseg.nii.gz", stored, Silent())
    image = nib.load(tmp_path / "a_probseg.nii.gz")
    assert image.get_data_dtype() == np.float32
    np.testing.assert_array_equal(np.asarray(image.dataobj), weights)
    np.testing.assert_array_equal(image.affine, GRID.affine)
    assert image.header["qform_code"] == image.header["sform_code"] == 2


def test_what_was_written_comes_back(tmp_path, stored):
    path = tmp_path / "a_probseg.nii.gz"
    write_component_images(path, stored, Silent())
    read = read_component_images(path, Silent())
    np.testing.assert_array_equal(read.components.toarray(), stored.components.toarray())
    np.testing.assert_array_equal(read.voxels, stored.voxels)
    assert read.grid.is_same_as(GRID)


def test_the_same_components_give_the_same_bytes(tmp_path, stored):
    for name in ("a", "b"):
        write_component_images(tmp_path / f"{name}.nii.gz", stored, Silent())
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_what_nibabel_wrote_is_read_whatever_the_number_type(tmp_path, weights, stored):
    read = read_component_images(saved(tmp_path / "w.nii", weights.astype(">f8")), Silent())
    np.testing.assert_array_equal(read.components.toarray(), stored.components.toarray())


def test_labels_are_the_largest_weight_and_the_first_of_equals(stored, weights):
    labels = stored.label_image()
    expected = weights.argmax(axis=-1) + 1
    expected[weights.max(axis=-1) == 0] = 0
    np.testing.assert_array_equal(labels, expected)
    equal = StoredComponents(csr_array(np.ones((2, 3), np.float32)), np.arange(3), GRID)
    assert equal.label_image().ravel()[:4].tolist() == [1, 1, 1, 0]


def test_a_mask_adds_voxels_without_weight_and_must_hold_all_others(tmp_path, weights, stored):
    path = saved(tmp_path / "w.nii.gz", weights)
    mask = np.ones(GRID.shape, bool)
    read = read_component_images(path, Silent(), mask=mask, mask_grid=GRID)
    assert len(read.voxels) == mask.size
    np.testing.assert_array_equal(read.label_image(), stored.label_image())
    mask.ravel()[stored.voxels[:3]] = False
    with pytest.raises(InputError, match="3 voxels with weight lie outside the mask"):
        read_component_images(path, Silent(), mask=mask, mask_grid=GRID)
    moved = GRID.affine.copy()
    moved[0, 3] += 1
    with pytest.raises(GridMismatchError, match="another voxel grid"):
        read_component_images(path, Silent(), mask=mask, mask_grid=Grid(GRID.shape, moved))


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (np.nan, r"volume 1, voxel \(2, 3, 1\): a weight is missing \(NaN\)"),
        (np.inf, "a weight is infinite"),
        (-0.25, r"negative \(-0\.25\).*ICA"),
    ],
)
def test_what_is_no_weight_is_refused_with_its_place(tmp_path, weights, value, sentence):
    weights[2, 3, 1, 1] = value
    with pytest.raises(InputError, match=sentence):
        read_component_images(saved(tmp_path / "w.nii.gz", weights), Silent())


def test_a_label_image_given_by_mistake_is_sent_to_import_atlas(tmp_path):
    labels = np.arange(60, dtype=np.float64).reshape(GRID.shape) % 7
    with pytest.raises(InputError, match=r"label image with labels up to 6.*import-atlas"):
        read_component_images(saved(tmp_path / "a.nii.gz", labels), Silent())


def test_one_component_alone_is_refused(tmp_path, weights):
    with pytest.raises(InputError, match="one volume, not one for each component"):
        read_component_images(saved(tmp_path / "a.nii.gz", weights[..., 0]), Silent())


def test_weights_that_are_all_zero_are_refused(tmp_path, weights):
    with pytest.raises(InputError, match="all weights are zero"):
        read_component_images(saved(tmp_path / "a.nii.gz", weights * 0), Silent())


def test_a_file_that_is_cut_off_is_named(tmp_path, weights):
    path = saved(tmp_path / "w.nii", weights)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DamagedFileError, match="cut off"):
        read_component_images(path, Silent())


def test_too_few_volumes_leave_no_file(tmp_path):
    volume = np.zeros(GRID.shape, np.float32)
    with pytest.raises(InputError, match="1 volumes instead of 2"):
        write_volumes(tmp_path / "a.nii.gz", [volume], 2, GRID)
    assert not list(tmp_path.iterdir())


def test_memory_holds_a_few_volumes_however_many_there_are(tmp_path):
    grid, n = Grid((40, 40, 40), np.diag([2.0, 2, 2, 1])), 60
    volumes = (np.full(grid.shape, k, np.float32) for k in range(n))
    one = 4 * grid.n_voxels
    tracemalloc.start()
    try:
        write_volumes(tmp_path / "a.nii.gz", volumes, n, grid)
        _, written = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        with open_volumes(tmp_path / "a.nii.gz") as opened:
            assert [float(volume[0, 0, 0]) for volume in opened] == list(range(n))
        _, read = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert max(written, read) < 8 * one
