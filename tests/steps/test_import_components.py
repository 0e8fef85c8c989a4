"""Components from elsewhere come into a study."""

import json

import nibabel as nib
import numpy as np
import pytest
import reference_cohort as cohort
from psc_study import run
from reference_study import WRITTEN, copy_reference, make_study, write_mask

from music_gui.core.errors import GridMismatchError, InputError, ParameterError
from music_gui.io.atlas_dseg import read_atlas, read_sidecars, read_surface
from music_gui.io.decomposition_npz import read_components
from music_gui.io.loadings_table import read_loadings_table
from music_gui.io.psc_table import read_psc_table
from music_gui.io.study import Study
from music_gui.state.fit_run import find_stored_fits
from music_gui.steps.extract import STEP as EXTRACT
from music_gui.steps.import_components import STEP

W_FILE = WRITTEN / "NMF" / "component_4" / "W.npy"
W = np.load(W_FILE)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A study with the maps, into which the package's folder was imported."""
    root = tmp_path_factory.mktemp("whole")
    study = make_study(root)
    result, warnings = run(study, STEP, root, source=(copy_reference(root),))
    return study, result, warnings


@pytest.fixture
def study(tmp_path) -> Study:
    return Study.create(tmp_path / "study")


def save_weights(path, weights=None, affine=cohort.AFFINE):
    """Save W of the package as a 4D image, as nibabel writes it."""
    if weights is None:
        weights = np.zeros((*cohort.SHAPE, 4), np.float32)
        weights[cohort.mask()] = W
    nib.save(nib.Nifti1Image(weights, affine), path)
    return path


def test_the_packages_folder_becomes_decomposition_atlas_and_loadings(whole):
    study, result, warnings = whole
    assert result.summary == "Imported components as atlas sopnmf: 4 PSCs (C4)"
    assert not warnings
    stored = read_components(study.decomposition("sopnmf", 4) / "components.npz")
    np.testing.assert_array_equal(stored.components.toarray(), W.T)
    its = nib.load(W_FILE.with_name("components_atlas.nii.gz"))
    atlas = read_atlas(study.atlas("sopnmf"))
    np.testing.assert_array_equal(atlas.scales[4].labels, np.asarray(its.dataobj))
    assert read_surface(study.atlas("sopnmf"), 4).volume > 0
    table, sidecar = read_loadings_table(study.loadings_table("sopnmf_C4_sopnmf_new"))
    assert sidecar.kind == "weighted-mean"
    assert table["C4_1"].iloc[0] == pytest.approx(569.92126)
    record = json.loads((study.decomposition("sopnmf", 4) / "run.json").read_bytes())
    assert record["spectral_norm"] == pytest.approx(1, abs=1e-5)
    assert record["title"] == "imported from component_4 of sopnmf"


def test_what_comes_downstream_works_with_it(whole, tmp_path):
    study, _, _ = whole
    run(study, EXTRACT, tmp_path, atlas="sopnmf")
    table = read_psc_table(study.psc_table("sopnmf_raw"))
    labels = read_atlas(study.atlas("sopnmf")).scales[4].labels
    first = cohort.maps()[0][labels == 1].sum(dtype=np.float64)
    expected = first / cohort.RAVENS_SCALE * 14**3
    assert table.table["C4_1"].iloc[0] == pytest.approx(expected, rel=1e-6)


def test_a_4d_image_becomes_the_same(study, tmp_path):
    path = save_weights(tmp_path / "atlas-Mine_desc-W.nii.gz")
    result, warnings = run(study, STEP, tmp_path, source=(path,))
    assert result.details["atlas"] == "Mine"
    assert not warnings
    stored = read_components(study.decomposition("Mine", 4) / "components.npz")
    np.testing.assert_array_equal(stored.components.toarray(), W.T)
    np.testing.assert_array_equal(stored.mask, cohort.mask())
    assert not read_sidecars(study.atlas("Mine"))[4].simulated


def test_importing_twice_gives_the_same_bytes(study, tmp_path):
    contents = []
    for _ in range(2):
        result, _ = run(study, STEP, tmp_path, source=(W_FILE.parent,))
        names = sorted(result.outputs)
        files = [study.root / name for name in names]
        files += sorted((study.decomposition("sopnmf", 4)).iterdir())
        contents.append({path.name: path.read_bytes() for path in files if path.is_file()})
    assert contents[0] == contents[1]
    assert len(contents[0]) == 10


def test_scaled_weights_are_taken_with_a_warning(study, tmp_path):
    weights = np.zeros((*cohort.SHAPE, 4), np.float32)
    weights[cohort.mask()] = W / W.max()
    path = save_weights(tmp_path / "a_C4.nii.gz", weights)
    _, (warning,) = run(study, STEP, tmp_path, source=(path,))
    assert "largest singular value" in warning


def test_weights_on_another_grid_than_the_maps_are_refused(whole, tmp_path):
    study, _, _ = whole
    moved = cohort.AFFINE.copy()
    moved[0, 3] += 14
    path = save_weights(tmp_path / "x_C4.nii.gz", affine=moved)
    with pytest.raises(GridMismatchError, match=r"than the study's maps.*14\.00 mm apart"):
        run(study, STEP, tmp_path, source=(path,))


def test_a_folder_with_only_a_pickle_gives_the_atlas_and_says_how_to_get_the_rest(study, tmp_path):
    folder = copy_reference(tmp_path)
    weights = folder / "NMF" / "component_4" / "W.npy"
    weights.unlink()
    weights.with_name("nmf_model.pickle").write_bytes(b"\x80\x04.")
    result, (warning,) = run(study, STEP, tmp_path, source=(folder,))
    assert "of C4 the labels only" in result.summary
    assert "numpy.save('W.npy'" in warning
    assert read_atlas(study.atlas("sopnmf")).scales[4].present == ("C4_1", "C4_2", "C4_3", "C4_4")
    assert not study.decompositions.exists()
    weights.with_name("components_atlas.nii.gz").unlink()
    with pytest.raises(InputError, match="in a pickle, which is not opened"):
        run(study, STEP, tmp_path, source=(folder,))


def test_a_checkpoint_given_itself_is_refused(study, tmp_path):
    path = tmp_path / "nmf_model.pickle"
    path.write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match=r"any program when it is opened.*W\.npy"):
        run(study, STEP, tmp_path, source=(path,))


def test_a_label_image_given_by_mistake_is_sent_to_import_atlas(study, tmp_path):
    with pytest.raises(InputError, match="import-atlas"):
        run(study, STEP, tmp_path, source=(W_FILE.with_name("components_atlas.nii.gz"),))


def test_other_files_and_nothing_at_all_are_refused(study, tmp_path):
    (tmp_path / "a.csv").write_text("x")
    with pytest.raises(InputError, match="no image of components"):
        run(study, STEP, tmp_path, source=(tmp_path / "a.csv",))
    with pytest.raises(InputError, match="no such file or folder"):
        run(study, STEP, tmp_path, source=(tmp_path / "gone.nii.gz",))
    with pytest.raises(ParameterError, match="--source"):
        run(study, STEP, tmp_path)


def test_two_sources_of_one_scale_are_refused(study, tmp_path):
    sources = (save_weights(tmp_path / "atlas-A_C4.nii.gz"), W_FILE.parent)
    with pytest.raises(ParameterError, match="two sources have 4 components"):
        run(study, STEP, tmp_path, source=sources, name="both")


def test_the_studys_own_atlas_is_not_overwritten(study, tmp_path):
    path = save_weights(tmp_path / "atlas-study_scale-C4_probseg.nii.gz")
    result, _ = run(study, STEP, tmp_path, source=(path,))
    assert result.details["atlas"] == "imported"
    with pytest.raises(ParameterError, match="'study'"):
        run(study, STEP, tmp_path, source=(path,), name="study")


def test_a_mask_can_be_given(study, tmp_path):
    folder = copy_reference(tmp_path)
    (folder / "NMF" / "component_4" / "components_atlas.nii.gz").unlink()
    run(study, STEP, tmp_path, source=(folder,), mask=write_mask(tmp_path))
    stored = read_components(study.decomposition("sopnmf", 4) / "components.npz")
    np.testing.assert_array_equal(stored.components.toarray(), W.T)


def test_imported_components_are_no_fit_that_could_be_plotted(whole):
    study, _, _ = whole
    assert find_stored_fits(study) == ()
