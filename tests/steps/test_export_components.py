"""Components leave a study as images and as the files of the package ``sopnmf``."""

import os
import shutil
import subprocess

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import reference_cohort as cohort
from psc_study import run
from reference_study import WRITTEN, copy_reference, make_study

from music_gui.core.errors import Cancelled, ParameterError
from music_gui.core.progress import Silent
from music_gui.io.atlas_dseg import read_atlas, read_sidecars
from music_gui.io.decomposition_npz import read_components
from music_gui.io.psc_table import read_psc_table
from music_gui.io.study import Study
from music_gui.steps.apply_components import STEP as APPLY
from music_gui.steps.export_components import STEP
from music_gui.steps.extract import STEP as EXTRACT
from music_gui.steps.fit import STEP as FIT
from music_gui.steps.import_components import STEP as IMPORT
from music_gui.steps.step import Workspace


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    """The cohort with a fit at two scales, and the package's components beside it."""
    root = tmp_path_factory.mktemp("export")
    study = make_study(root)
    run(study, FIT, root, scales=(3, 5))
    run(study, IMPORT, root, source=(copy_reference(root),))
    return study


def test_the_largest_scale_is_written_as_a_4d_image_of_its_weights(study, tmp_path):
    result, _ = run(study, STEP, tmp_path)
    folder = study.exports / "study_components"
    assert result.details == {"folder": "exports/study_components", "scales": [5]}
    image = nib.load(folder / "atlas-study_scale-C5_probseg.nii.gz")
    assert image.shape == (*cohort.SHAPE, 5)
    assert image.get_data_dtype() == np.float32
    np.testing.assert_array_equal(image.affine, cohort.AFFINE)
    stored = read_components(study.decomposition("study", 5) / "components.npz")
    data = np.asarray(image.dataobj)
    for k in range(5):
        np.testing.assert_array_equal(data[..., k], stored.component_image(k))
    mask = np.asarray(nib.load(folder / "atlas-study_scale-C5_mask.nii.gz").dataobj)
    np.testing.assert_array_equal(mask, cohort.mask())


def test_its_table_names_every_volume(study, tmp_path):
    run(study, STEP, tmp_path)
    folder = study.exports / "study_components"
    table = pd.read_csv(folder / "atlas-study_scale-C5_probseg.tsv", sep="\t")
    assert list(table["name"]) == [f"C5_{k}" for k in range(1, 6)]
    counts = read_atlas(study.atlas("study")).scales[5].voxel_counts
    assert table["n_voxels"].tolist() == counts.tolist()
    data = np.asarray(nib.load(folder / "atlas-study_scale-C5_probseg.nii.gz").dataobj)
    np.testing.assert_allclose(table["weight_sum"], data.sum(axis=(0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(table["weight_max"], data.max(axis=(0, 1, 2)), rtol=1e-6)


def test_single_images_are_the_volumes(study, tmp_path):
    run(study, STEP, tmp_path, scales=(3,), single_images=True)
    folder = study.exports / "study_components"
    data = np.asarray(nib.load(folder / "atlas-study_scale-C3_probseg.nii.gz").dataobj)
    single = folder / "atlas-study_scale-C3_components"
    assert len(list(single.iterdir())) == 3
    image = nib.load(single / "atlas-study_scale-C3_label-0002_probseg.nii.gz")
    np.testing.assert_array_equal(np.asarray(image.dataobj), data[..., 1])


def test_exporting_one_scale_leaves_another_and_gives_the_same_bytes(study, tmp_path):
    run(study, STEP, tmp_path, scales=(3, 5))
    before = {path.name: path.read_bytes() for path in (study.exports).rglob("*.gz")}
    run(study, STEP, tmp_path, scales=(5,))
    assert {path.name: path.read_bytes() for path in (study.exports).rglob("*.gz")} == before


def test_what_was_exported_comes_back_the_same(study, tmp_path):
    run(study, STEP, tmp_path, scales=(3, 5))
    folder = study.exports / "study_components"
    sources = tuple(sorted(folder.glob("*_probseg.nii.gz")))
    result, warnings = run(study, IMPORT, tmp_path, source=sources, name="again")
    assert not warnings
    assert result.details["scales"] == [3, 5]
    for c in (3, 5):
        one, two = (
            (study.decomposition(name, c) / "components.npz").read_bytes()
            for name in ("study", "again")
        )
        assert one == two
        hashes = [read_sidecars(study.atlas(name))[c].hash for name in ("study", "again")]
        assert hashes[0] == hashes[1]
        assert read_sidecars(study.atlas("again"))[c].simulated


def test_the_packages_own_components_leave_as_it_wrote_them(study, tmp_path):
    run(study, STEP, tmp_path, atlas="sopnmf", layout="sopnmf")
    folder = study.exports / "sopnmf_sopnmf" / "NMF" / "component_4"
    its_folder = WRITTEN / "NMF" / "component_4"
    for name in ("components_atlas.nii.gz", "component_1.nii.gz"):
        its, ours = nib.load(its_folder / name), nib.load(folder / name)
        np.testing.assert_array_equal(np.asarray(ours.dataobj), np.asarray(its.dataobj))
    np.testing.assert_array_equal(np.load(folder / "W.npy"), np.load(its_folder / "W.npy"))
    assert len(list(folder.glob("component_*.nii.gz"))) == 4
    assert not list(folder.glob("*.pickle"))
    assert "pickle.dump" in (folder / "README.txt").read_text()


def test_the_studys_fit_leaves_with_the_tables_the_package_would_write(study, tmp_path):
    """In the unit of the maps' files, where 1000 is a whole voxel."""
    run(study, STEP, tmp_path, layout="sopnmf", scales=(5,))
    root = study.exports / "study_sopnmf" / "NMF"
    W = np.load(root / "component_5" / "W.npy").astype(np.float64)
    X = cohort.maps()[: cohort.N_TRAINED, cohort.mask()].astype(np.float64)
    table = pd.read_csv(root / "component_5" / "loading_coefficient.tsv", sep="\t")
    np.testing.assert_allclose(table.iloc[:, 3:], X @ W / W.sum(axis=0), rtol=1e-6)
    error = pd.read_csv(root / "component_5" / "reconstruction_error.tsv", sep="\t")
    expected = np.linalg.norm(X - X @ W @ W.T)
    assert error["reconstruction_error"].item() == pytest.approx(expected, rel=1e-6)
    participants = pd.read_csv(root / "participant.tsv", sep="\t")
    assert list(participants["participant_id"]) == cohort.ids()[: cohort.N_TRAINED]
    for path in participants["path"]:
        assert nib.load(path).shape == cohort.SHAPE


def test_components_of_other_maps_leave_without_tables(study, tmp_path):
    run(study, STEP, tmp_path, atlas="sopnmf", layout="sopnmf")
    folder = study.exports / "sopnmf_sopnmf" / "NMF"
    assert not list(folder.rglob("*.tsv"))


def test_a_scale_or_atlas_that_is_not_there_is_named(study, tmp_path):
    with pytest.raises(ParameterError, match=r"no components of scale 7.*Choose from 3, 5"):
        run(study, STEP, tmp_path, scales=(7,))
    with pytest.raises(ParameterError, match="atlas other has no components"):
        run(study, STEP, tmp_path, atlas="other")


@pytest.mark.parametrize("step", [STEP, APPLY])
def test_an_empty_study_says_what_to_do_first(tmp_path, step):
    with pytest.raises(ParameterError, match=r"no components.*`fit`.*`import-components`"):
        run(Study.create(tmp_path / "s"), step, tmp_path)
    assert not list(step.inputs(Study.open(tmp_path / "s"), step.parameters()))[1:]


def test_a_cancelled_export_leaves_nothing_half_written(study, tmp_path):
    class Impatient(Silent):
        def update(self, fraction, message=""):
            if "component 3" in message:
                raise Cancelled

    workspace = Workspace(tmp_path / "out", tmp_path / "scratch", tmp_path / "log", Impatient(), 1)
    with pytest.raises(Cancelled):
        STEP.run(study, STEP.parameters(), workspace)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


#: Run by the package's own Python in the folder of an export: W becomes the pickle that it wants
#: (as README.txt says), its functions run, and we compare.
_PROGRAM = """
import os, pickle, sys, warnings
import numpy
warnings.simplefilter("ignore")
from sopnmf.opnmf_post import apply_to_test
out, C, table = sys.argv[1], int(sys.argv[2]), sys.argv[3]
folder = os.path.join(out, "NMF", f"component_{C}")
W = numpy.load(os.path.join(folder, "W.npy"))
with open(os.path.join(folder, "nmf_model.pickle"), "wb") as file:
    pickle.dump({"iter": 0, "num_component": W.shape[1], "W": W}, file)
mask = os.path.join(folder, "tissue_binary_mask.nii.gz")
apply_to_test(out, C, mask, table, output_suffix="its")
"""


@pytest.mark.skipif(
    "SOPNMF_PYTHON" not in os.environ,
    reason="SOPNMF_PYTHON names no Python that has the package sopnmf 0.0.4",
)
def test_the_package_itself_reads_what_we_write(study, tmp_path):
    """It extracts PSCs with our atlas and computes its loadings with our W, as we do ours."""
    run(study, STEP, tmp_path, layout="sopnmf", scales=(5,))
    out = tmp_path / "out"
    shutil.copytree(study.exports / "study_sopnmf", out)
    words = [os.environ["SOPNMF_PYTHON"], "-c", _PROGRAM, out, "5", out / "NMF/participant.tsv"]
    subprocess.run(list(map(str, words)), check=True, capture_output=True)
    folder = out / "NMF" / "component_5"
    its = pd.read_csv(folder / "loading_coefficient_its.tsv", sep="\t")
    ours = pd.read_csv(folder / "loading_coefficient.tsv", sep="\t")
    pd.testing.assert_frame_equal(ours, its, rtol=3e-6)
    signal = pd.read_csv(folder / "atlas_components_signal_its.tsv", sep="\t")
    run(study, EXTRACT, tmp_path)
    volumes = read_psc_table(study.psc_table("study_raw"))
    for k in range(1, 6):
        sums = signal[f"component_{k}_sum"].to_numpy() / cohort.RAVENS_SCALE * 14**3
        np.testing.assert_allclose(volumes.table[f"C5_{k}"], sums, rtol=1e-6)
