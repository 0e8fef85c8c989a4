"""Loadings of imported maps and of new subjects."""

import json
import shutil

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import reference_cohort as cohort
from psc_study import run
from reference_study import copy_reference, make_study, write_maps

from music_gui.core.errors import Cancelled, InputError, ParameterError
from music_gui.core.factorization import ExactONMF
from music_gui.core.progress import Silent
from music_gui.io.decomposition_npz import read_components
from music_gui.io.loadings_table import read_loadings_table
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.study import Study
from music_gui.steps.apply_components import STEP
from music_gui.steps.fit import STEP as FIT
from music_gui.steps.import_components import STEP as IMPORT
from music_gui.steps.import_maps import STEP as IMPORT_MAPS
from music_gui.steps.show_study import as_text, show_study
from music_gui.steps.step import Workspace


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    """The cohort with a fit at two scales, and the package's components beside it."""
    root = tmp_path_factory.mktemp("apply")
    study = make_study(root)
    run(study, FIT, root, scales=(3, 5))
    run(study, IMPORT, root, source=(copy_reference(root),))
    return study


@pytest.fixture
def new(tmp_path):
    """The table of four new subjects' maps."""
    return write_maps(tmp_path / "new", slice(cohort.N_TRAINED, None))


def weights(study, atlas, scale):
    return read_components(study.decomposition(atlas, scale) / "components.npz")


def test_loadings_of_the_imported_maps_are_those_of_the_estimator(study, tmp_path):
    result, warnings = run(study, STEP, tmp_path)
    assert not warnings
    table, sidecar = read_loadings_table(study.loadings_table("study"))
    X = np.asarray(MaskedMaps.open(study.masked_maps).maps)
    for c in (3, 5):
        model = ExactONMF(c, random_state=0).fit(X)
        columns = [f"C{c}_{k}" for k in range(1, c + 1)]
        np.testing.assert_allclose(table[columns], model.transform(X), rtol=2e-6)
        loss = sidecar.details["relative_loss"][str(c)]
        assert loss == pytest.approx(model.reconstruction_err_, abs=1e-6)  # it has float32 sums
    assert list(table.columns[:4]) == ["participant_id", "session_id", "C3_error", "C5_error"]
    assert list(table["participant_id"]) == cohort.ids()[: cohort.N_TRAINED]
    assert sidecar.kind == "projection"
    assert sidecar.simulated
    assert result.outputs == [f"loadings/study.{kind}" for kind in ("parquet", "json", "tsv")]


def test_loadings_of_new_subjects_are_w_transposed_x(study, tmp_path, new):
    result, _ = run(study, STEP, tmp_path, participants=new, scales=(5,))
    table, sidecar = read_loadings_table(study.loadings_table("study_people"))
    W = weights(study, "study", 5).components.toarray().T.astype(np.float64)
    X = cohort.maps()[cohort.N_TRAINED :, cohort.mask()] / np.float64(cohort.RAVENS_SCALE)
    H = X @ W
    np.testing.assert_allclose(table[[f"C5_{k}" for k in range(1, 6)]], H, rtol=1e-6)
    errors = ((X - H @ W.T) ** 2).sum(axis=1) / (X**2).sum(axis=1)
    np.testing.assert_allclose(table["C5_error"], errors, rtol=1e-5)
    assert list(table["participant_id"]) == cohort.ids()[cohort.N_TRAINED :]
    assert sidecar.details["ravens_scale"] == cohort.RAVENS_SCALE
    training = sidecar.details["training_errors"]["5"]
    assert 0 < training["median"] <= training["95%"] <= training["largest"] < 1
    assert "4 maps" in result.summary


def test_the_packages_tables_come_out_of_its_components(study, tmp_path, new):
    """Of old and new maps, once brought to the unit of their files."""
    common = {"atlas": "sopnmf", "loadings": "weighted-mean"}
    run(study, STEP, tmp_path, **common)
    run(study, STEP, tmp_path, **common, participants=new)
    for ours, its in (("sopnmf", ""), ("sopnmf_people", "_new")):
        table, _ = read_loadings_table(study.loadings_table(ours))
        reference, _ = read_loadings_table(study.loadings_table(f"sopnmf_C4_sopnmf{its}"))
        columns = ["C4_1", "C4_2", "C4_3", "C4_4"]
        expected = reference[columns] / cohort.RAVENS_SCALE
        np.testing.assert_allclose(table[columns], expected, rtol=3e-6)
        assert list(table["participant_id"]) == list(reference["participant_id"])


def test_text_holds_the_same_numbers(study, tmp_path):
    run(study, STEP, tmp_path)
    table, _ = read_loadings_table(study.loadings_table("study"))
    text = pd.read_csv(study.loadings_table("study").with_suffix(".tsv"), sep="\t")
    pd.testing.assert_frame_equal(text, table, check_dtype=False, rtol=1e-8)
    result, _ = run(study, STEP, tmp_path, text=False)
    assert len(result.outputs) == 2


def test_a_map_unlike_the_training_ones_is_pointed_out(study, tmp_path, new):
    """Its regions change places inside the mask; the others of the new maps are like the old."""
    path = new.parent / "sub-18.nii.gz"
    image = nib.load(path)
    data = np.asarray(image.dataobj).copy()
    data[cohort.mask()] = data[cohort.mask()][::-1] * np.linspace(0.2, 1.8, cohort.mask().sum())
    nib.save(nib.Nifti1Image(data, image.affine), path)
    result, (warning,) = run(study, STEP, tmp_path, participants=new, scales=(5,))
    assert list(result.details["unlike_training"]) == ["sub-18 ses-01"]
    assert "reconstructed much worse than all maps" in warning
    assert "sub-18 ses-01: C5 error" in warning
    assert "1 maps are unlike" in result.summary


def test_maps_that_can_not_be_used_are_left_out_by_name(study, tmp_path, new):
    images = {name: nib.load(new.parent / f"{name}.nii.gz") for name in cohort.ids()[16:19]}
    data = {name: np.asarray(image.dataobj).copy() for name, image in images.items()}
    data["sub-17"][5, 4, 4] = np.nan
    data["sub-18"] -= 200
    affine = {name: image.affine.copy() for name, image in images.items()}
    affine["sub-19"][:3, 3] /= 2
    for name in images:
        nib.save(nib.Nifti1Image(data[name], affine[name]), new.parent / f"{name}.nii.gz")
    result, warnings = run(study, STEP, tmp_path, participants=new)
    reasons = result.details["left_out"]
    assert "1 voxels of the mask hold no value (NaN)" in reasons["sub-17 ses-01"]
    assert "negative" in reasons["sub-18 ses-01"]
    assert "another voxel grid" in reasons["sub-19 ses-01"]
    assert result.details["n_maps"] == 1
    assert len([text for text in warnings if text.startswith("left out")]) == 3


def test_maps_in_two_units_do_not_mix(study, tmp_path, new):
    write_maps(new.parent, slice(cohort.N_TRAINED, cohort.N_TRAINED + 1), scale=0.001)
    table = write_maps(tmp_path / "table", slice(cohort.N_TRAINED, None))
    shutil.copy(table, new)
    result, _ = run(study, STEP, tmp_path, participants=new)
    assert list(result.details["left_out"]) == ["sub-17 ses-01"]
    assert "multiplied by 1" in result.details["left_out"]["sub-17 ses-01"]
    assert np.isfinite(result.details["relative_loss"]["3"])


def test_no_usable_map_is_an_error_that_says_why(study, tmp_path, new):
    for path in new.parent.glob("*.nii.gz"):
        path.unlink()
    with pytest.raises(InputError, match=r"no map could be used.*sub-17.*does not exist"):
        run(study, STEP, tmp_path, participants=new)


def test_maps_stored_in_another_order_have_the_same_loadings(study, tmp_path, new):
    run(study, STEP, tmp_path, participants=new, name="straight")
    for path in new.parent.glob("*.nii.gz"):
        image = nib.load(path)
        turned = nib.as_closest_canonical(image)
        assert not np.array_equal(turned.affine, image.affine)
        nib.save(turned, path)
    run(study, STEP, tmp_path, participants=new, name="turned")
    one, two = (read_loadings_table(study.loadings_table(n))[0] for n in ("straight", "turned"))
    pd.testing.assert_frame_equal(one, two)


def test_components_beyond_the_mask_of_the_maps_are_read_from_the_files(study, tmp_path):
    """The mask of the import leaves voxels out that the package's components have."""
    narrow = Study.create(tmp_path / "narrow")
    mask = cohort.mask()
    mask[:, :, 4] = False
    mask_path = str(tmp_path / "narrow.nii.gz")
    nib.save(nib.Nifti1Image(mask.astype(np.uint8), cohort.AFFINE), mask_path)
    table = write_maps(tmp_path / "maps", slice(cohort.N_TRAINED))
    run(narrow, IMPORT_MAPS, tmp_path, participants=table, mask=mask_path, min_likeness=0)
    run(narrow, IMPORT, tmp_path, source=(copy_reference(tmp_path),))
    run(narrow, STEP, tmp_path)
    run(study, STEP, tmp_path, atlas="sopnmf", name="whole")
    ours, _ = read_loadings_table(narrow.loadings_table("sopnmf"))
    whole, _ = read_loadings_table(study.loadings_table("whole"))
    pd.testing.assert_frame_equal(ours, whole, rtol=1e-6)
    assert tmp_path / "maps" / "sub-01.nii.gz" in STEP.inputs(narrow, STEP.parameters())


def test_new_maps_need_no_imported_ones(study, tmp_path, new):
    fresh = Study.create(tmp_path / "fresh")
    run(fresh, IMPORT, tmp_path, source=(copy_reference(tmp_path),))
    result, _ = run(fresh, STEP, tmp_path, folder=new.parent)
    assert result.details["training_errors"] == {}
    assert fresh.loadings_table("sopnmf_new").is_file()
    with pytest.raises(InputError, match="Import the maps first"):
        run(fresh, STEP, tmp_path)


def test_the_same_maps_give_the_same_bytes_with_any_number_of_threads(study, tmp_path, new):
    contents = []
    for threads in (1, 3):
        output = tmp_path / f"threads{threads}"
        workspace = Workspace(output, tmp_path, tmp_path / "log", Silent(), threads)
        STEP.run(study, STEP.parameters(participants=new), workspace)
        contents.append([path.read_bytes() for path in sorted(output.rglob("*.*"))])
    assert contents[0] == contents[1]
    assert json.loads((output / "loadings" / "study_people.json").read_bytes())["atlas"] == "study"


def test_what_decides_the_result_is_named(study, new):
    inputs = STEP.inputs(study, STEP.parameters(participants=new))
    assert new in inputs
    assert new.parent / "sub-20.nii.gz" in inputs
    assert study.decomposition("study", 3) / "components.npz" in inputs


def test_a_cancel_stops_it(study, tmp_path, new):
    class Impatient(Silent):
        def update(self, fraction, message=""):
            if "reading and projecting" in message:
                raise Cancelled

    workspace = Workspace(tmp_path / "out", tmp_path, tmp_path / "log", Impatient(), 2)
    with pytest.raises(Cancelled):
        STEP.run(study, STEP.parameters(participants=new), workspace)
    assert not (tmp_path / "out").exists()


def test_a_scale_that_is_not_there_is_named(study, tmp_path):
    with pytest.raises(ParameterError, match="no components of scale 9"):
        run(study, STEP, tmp_path, scales=(9,))


@pytest.mark.parametrize("damage", ["sidecar", "table"])
def test_tables_are_listed_and_damaged_ones_named(study, tmp_path, damage):
    run(study, STEP, tmp_path, name="kept")
    run(study, STEP, tmp_path, name="broken")
    path = study.loadings_table("broken")
    (path if damage == "table" else path.with_suffix(".json")).write_bytes(b"x")
    content = show_study(study)
    assert content["loadings"]["kept"]["rows"] == cohort.N_TRAINED
    assert "kept: projections on atlas study, 16 imported maps" in as_text(content)
    assert "error" in content["loadings"]["broken"]
    with pytest.raises(InputError, match="the table of loadings is damaged"):
        read_loadings_table(path)
    path.unlink()
    path.with_suffix(".json").unlink()
    with pytest.raises(InputError, match="no such table of loadings"):
        read_loadings_table(path)
