"""The files of the public package ``sopnmf``, as the program itself wrote them."""

import pickle
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import reference_cohort as cohort

from music_gui.core.atlas import Atlas, AtlasScale
from music_gui.core.errors import GridMismatchError, InputError
from music_gui.core.progress import Silent
from music_gui.core.psc import PscExtractor
from music_gui.io.sopnmf_layout import write_sopnmf_loadings, write_sopnmf_scale
from music_gui.io.sopnmf_package import (
    find_sopnmf_scales,
    read_sopnmf_atlas,
    read_sopnmf_loadings,
    read_sopnmf_weights,
)

#: Made by the program; see make_outputs.py in it.
WRITTEN = Path(__file__).parent / "sopnmf_0.0.4"
W = np.load(WRITTEN / "NMF" / "component_4" / "W.npy", allow_pickle=False)


@pytest.fixture
def folder(tmp_path):
    """A copy of the program's folder that a test may change."""
    shutil.copytree(WRITTEN / "NMF", tmp_path / "out" / "NMF")
    return tmp_path / "out"


@pytest.fixture
def scale(folder):
    (scale,) = find_sopnmf_scales(folder)
    return scale


@pytest.mark.parametrize("inside", ["", "NMF", "NMF/component_4"])
def test_its_output_folder_is_understood_at_every_level(folder, inside):
    (scale,) = find_sopnmf_scales(folder / inside)
    assert scale.scale == 4
    assert scale.folder == folder / "NMF" / "component_4"
    assert [path.name for path in scale.loadings] == [
        "loading_coefficient.tsv",
        "loading_coefficient_new.tsv",
    ]


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no results of the package sopnmf"):
        find_sopnmf_scales(tmp_path)


def test_weights_are_read_to_the_bit(scale):
    stored = read_sopnmf_weights(scale)
    np.testing.assert_array_equal(stored.components.toarray(), W.T)
    np.testing.assert_array_equal(stored.mask, cohort.mask())
    np.testing.assert_allclose(stored.grid.affine, cohort.AFFINE)


def test_our_labels_of_its_weights_are_its_labels(scale):
    labels, grid = read_sopnmf_atlas(scale)
    stored = read_sopnmf_weights(scale)
    np.testing.assert_array_equal(stored.label_image(), labels)
    np.testing.assert_allclose(grid.affine, cohort.AFFINE)
    assert np.bincount(labels.ravel())[1:].sum() == cohort.mask().sum()


def test_its_loadings_are_weighted_means_of_the_files_values(scale):
    """Our W'x over the sums of the weights gives its tables, for old and new maps."""
    stored = read_sopnmf_weights(scale)
    X = cohort.maps()[:, cohort.mask()].astype(np.float64)
    sums = W.sum(axis=0, dtype=np.float64)
    ours = (stored.components.astype(np.float64) @ X.T).T / sums
    trained, new = (read_sopnmf_loadings(path) for path in scale.loadings)
    np.testing.assert_allclose(trained.iloc[:, 2:], ours[: cohort.N_TRAINED], rtol=2e-6)
    np.testing.assert_allclose(new.iloc[:, 2:], ours[cohort.N_TRAINED :], rtol=2e-6)
    assert list(new.columns) == ["participant_id", "session_id", "C4_1", "C4_2", "C4_3", "C4_4"]
    assert list(new["participant_id"]) == cohort.ids()[cohort.N_TRAINED :]


def test_its_psc_sums_are_our_psc_volumes(scale):
    labels, grid = read_sopnmf_atlas(scale)
    extractor = PscExtractor(Atlas("its", grid, {4: AtlasScale(4, labels)}))
    table = pd.read_csv(scale.folder / "atlas_components_signal.tsv", sep="\t")
    sums = table[[f"component_{k}_sum" for k in range(1, 5)]].to_numpy()
    ours = [
        extractor.measure(image / np.float32(cohort.RAVENS_SCALE)).volumes
        for image in cohort.maps()[: cohort.N_TRAINED]
    ]
    np.testing.assert_allclose(ours, sums / cohort.RAVENS_SCALE * grid.voxel_volume, rtol=1e-6)


def test_a_pickle_is_never_opened_and_it_says_what_to_do(scale, tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "opened",)

    scale.weights.unlink()
    (scale.folder / "nmf_model.pickle").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(InputError, match=r"can run any program.*numpy\.save\('W\.npy'"):
        read_sopnmf_weights(scale)
    scale.weights.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(InputError, match="no array of numbers"):
        read_sopnmf_weights(scale)
    np.save(scale.weights, np.array([Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="no array of numbers"):
        read_sopnmf_weights(scale)
    assert not (tmp_path / "opened").exists()


def test_weights_that_do_not_give_the_atlas_are_refused(scale):
    np.save(scale.weights, W[::-1].copy())
    with pytest.raises(GridMismatchError, match="W does not give the labels"):
        read_sopnmf_weights(scale)


def test_a_mask_of_another_size_is_refused(scale, tmp_path):
    mask = cohort.mask().astype(np.uint8)
    mask[5, 4, 4] = 0
    nib.save(nib.Nifti1Image(mask, cohort.AFFINE), tmp_path / "m.nii.gz")
    with pytest.raises(InputError, match=r"the mask has 286 voxels"):
        read_sopnmf_weights(scale, tmp_path / "m.nii.gz")


def test_without_the_atlas_the_mask_says_where_the_rows_lie(scale):
    scale.atlas.unlink()
    stored = read_sopnmf_weights(scale, WRITTEN / "mask.nii.gz")
    np.testing.assert_array_equal(stored.components.toarray(), W.T)
    with pytest.raises(InputError, match="nothing says which voxels"):
        read_sopnmf_weights(scale)


@pytest.mark.parametrize("value", [-1.0, np.nan])
def test_a_weight_that_none_can_have_is_named(scale, value):
    wrong = W.copy()
    wrong[7, 2] = value
    np.save(scale.weights, wrong)
    with pytest.raises(InputError, match="row 7, column 2"):
        read_sopnmf_weights(scale)


def test_another_table_is_no_table_of_loadings(scale):
    with pytest.raises(InputError, match="no table of loadings"):
        read_sopnmf_loadings(scale.folder / "reconstruction_error.tsv")


def test_what_we_write_is_what_it_writes(scale, tmp_path):
    """Images voxel by voxel, with its number type; tables number by number."""
    stored, target = read_sopnmf_weights(scale), tmp_path / "component_4"
    labels = AtlasScale(4, stored.label_image())
    write_sopnmf_scale(target, stored, labels, Silent())
    for name in ("components_atlas.nii.gz", "component_1.nii.gz"):
        its, ours = nib.load(scale.folder / name), nib.load(target / name)
        assert ours.get_data_dtype() == its.get_data_dtype() == np.float64
        np.testing.assert_array_equal(np.asarray(ours.dataobj), np.asarray(its.dataobj))
        np.testing.assert_array_equal(ours.affine, its.affine)
    np.testing.assert_array_equal(np.load(target / "W.npy"), W)

    its_table = pd.read_csv(scale.folder / "loading_coefficient.tsv", sep="\t")
    its_error = pd.read_csv(scale.folder / "reconstruction_error.tsv", sep="\t")
    X = cohort.maps()[: cohort.N_TRAINED, cohort.mask()].astype(np.float64)
    residual = float(np.linalg.norm(X - (X @ W) @ W.T))
    loadings = X @ W.astype(np.float64) / W.sum(axis=0)
    write_sopnmf_loadings(target, its_table.iloc[:, :3], loadings, residual)
    written = pd.read_csv(target / "loading_coefficient.tsv", sep="\t")
    pd.testing.assert_frame_equal(written, its_table, rtol=2e-6)
    error = pd.read_csv(target / "reconstruction_error.tsv", sep="\t")
    pd.testing.assert_frame_equal(error, its_error, rtol=1e-6)
