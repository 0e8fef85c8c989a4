"""The step `fit`: maps in, decompositions and atlas out."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from recording import Recorder
from sklearn.metrics import adjusted_rand_score

from music_gui.core.errors import InputError, ParameterError
from music_gui.core.factorization import ExactONMF
from music_gui.core.grid import Grid
from music_gui.io.atlas_dseg import read_atlas, read_sidecars, read_surface
from music_gui.io.decomposition_npz import read_components
from music_gui.io.masked_maps import MaskedMaps, MaskedMapsWriter
from music_gui.io.study import Study
from music_gui.jobs.publication import digest
from music_gui.steps import fit_maps
from music_gui.steps.fit import STEP, FitParameters, run
from music_gui.steps.step import Workspace

GRID = Grid((14, 12, 10), np.diag([4.0, 4.0, 4.0, 1.0]))
N_IMAGES = 24


def truth():
    """Six slabs inside a mask that leaves a border free."""
    region = np.zeros(GRID.shape, int)
    region[1:13, 1:11, 1:9] = 1 + np.arange(12)[:, None, None] // 2
    return region


@pytest.fixture
def study(tmp_path):
    return make_study(tmp_path / "study")


def make_study(root, spoil=None):
    study = Study.create(root, simulated=True)
    region = truth()
    mask = region > 0
    rng = np.random.default_rng(5)
    factors = rng.lognormal(sigma=0.3, size=(N_IMAGES, 7))
    maps = factors[:, region[mask]] * rng.lognormal(sigma=0.1, size=(N_IMAGES, mask.sum()))
    maps = maps.astype(np.float32) / 2
    if spoil:
        spoil(maps)
    with MaskedMapsWriter(study.masked_maps, mask, GRID) as writer:
        for i, row in enumerate(maps):
            writer.append(row, f"sub-{i:02d}", "ses-01")
    return study


def workspace(root, progress=None, threads=1):
    (root / "output").mkdir(parents=True)
    (root / "scratch").mkdir(exist_ok=True)
    return Workspace(
        root / "output", root / "scratch", root / "log.txt", progress or Recorder(), threads
    )


def test_without_parameters_it_fits_c32_by_exact_onmf(study, tmp_path):
    result = run(study, FitParameters(), workspace(tmp_path / "job"))
    assert result.details["algorithm"] == "exact-onmf"
    assert list(result.details["scales"]) == ["32"]
    assert "exact ONMF (fast)" in result.summary
    assert set(result.outputs) == {
        "decompositions/study/C32",
        "atlases/study/atlas-study_scale-C32_dseg.nii.gz",
        "atlases/study/atlas-study_scale-C32_dseg.tsv",
        "atlases/study/atlas-study_scale-C32_dseg.json",
        "atlases/study/atlas-study_scale-C32_surface.npz",
    }
    for name in result.outputs:
        assert (tmp_path / "job" / "output" / name).exists()


@pytest.mark.parametrize(
    "parameters",
    [
        {"algorithm": "exact-onmf"},
        {"algorithm": "sopnmf", "batch_size": 8, "max_epochs": 400},
    ],
    ids=lambda parameters: parameters["algorithm"],
)
def test_planted_regions_become_the_atlas(study, tmp_path, parameters):
    job = workspace(tmp_path / "job")
    run(study, FitParameters(scales=(6,), **parameters), job)
    atlas = read_atlas(job.output / "atlases" / "study")
    labels, region = atlas.scales[6].labels, truth()
    np.testing.assert_array_equal(labels > 0, region > 0)
    assert adjusted_rand_score(region[region > 0], labels[region > 0]) == 1.0
    assert len(np.unique(read_surface(job.output / "atlases" / "study", 6).labels)) == 6


def test_the_files_say_what_was_done(study, tmp_path):
    job = workspace(tmp_path / "job")
    result = run(study, FitParameters(scales=(6,), seed=3, n_init=4), job)
    maps = MaskedMaps.open(study.masked_maps)
    folder = job.output / "decompositions/study/C6"
    record = json.loads((folder / "run.json").read_text())
    direct = ExactONMF(6, 4, 3).fit(maps.maps)
    assert record["reconstruction_err"] == pytest.approx(direct.reconstruction_err_, rel=1e-9)
    assert record["maps_checksum"] == maps.checksum
    assert record["seed"] == 3
    assert record["simulated"] is True
    assert len(record["start_losses"]) == 4
    assert record["title"] == "exact ONMF (fast)"
    assert result.details["scales"]["6"]["loss"] == record["reconstruction_err"]
    history = pd.read_csv(folder / "convergence.tsv", sep="\t")
    assert list(history) == ["epoch", "loss", "sparsity", "n_vanished"]
    np.testing.assert_allclose(history["loss"], direct.history_["loss"], rtol=1e-9)
    stored = read_components(folder / "components.npz")
    np.testing.assert_array_equal(stored.components.toarray(), direct.components_)
    np.testing.assert_array_equal(stored.voxels, np.flatnonzero(maps.mask))
    sidecar = read_sidecars(job.output / "atlases" / "study")[6]
    assert sidecar.maps_checksum == maps.checksum
    assert sidecar.simulated
    assert sidecar.source == "fitted by exact ONMF (fast) on 24 maps, seed 3"


def test_a_scale_of_other_maps_begins_a_new_generation_of_the_atlas(study, tmp_path):
    atlas = tmp_path / "job" / "output" / "atlases" / "study"
    run(study, FitParameters(scales=(5,)), workspace(tmp_path / "job"))
    first = read_sidecars(atlas)[5]
    shutil.copytree(atlas, study.atlas("study"))
    run(study, FitParameters(scales=(6,)), workspace(tmp_path / "second"))
    path = study.atlas("study") / "atlas-study_scale-C5_dseg.json"
    path.write_text(first.model_copy(update={"maps_checksum": "others"}).model_dump_json())
    run(study, FitParameters(scales=(6,)), workspace(tmp_path / "third"))
    written = [
        read_sidecars(tmp_path / job / "output" / "atlases" / "study")[6].generation
        for job in ("second", "third")
    ]
    assert (first.generation, *written) == (0, 0, 1)


def test_a_fit_into_another_atlas_leaves_the_decompositions_of_the_first(study, tmp_path):
    outputs = [
        set(
            run(study, FitParameters(scales=(5,), atlas=atlas), workspace(tmp_path / atlas)).outputs
        )
        for atlas in ("study", "other")
    ]
    assert "decompositions/other/C5" in outputs[1]
    assert not outputs[0] & outputs[1]


def test_vanished_components_are_named(study, tmp_path):
    job = workspace(tmp_path / "job")
    parameters = FitParameters(scales=(12,), algorithm="sopnmf", batch_size=8, max_epochs=150)
    result = run(study, parameters, job)
    scale = read_atlas(job.output / "atlases" / "study").scales[12]
    assert result.details["scales"]["12"]["vanished"] == list(scale.vanished)
    record = json.loads((job.output / "decompositions/study/C12/run.json").read_text())
    assert record["vanished"] == list(scale.vanished)


def test_the_atlas_is_the_argmax_of_the_stored_components(study, tmp_path):
    job = workspace(tmp_path / "job")
    run(study, FitParameters(scales=(5,), algorithm="sopnmf", max_epochs=20), job)
    stored = read_components(job.output / "decompositions/study/C5/components.npz")
    labels = read_atlas(job.output / "atlases/study").scales[5].labels.ravel()
    weights = stored.components.toarray()
    np.testing.assert_array_equal(labels[stored.voxels], weights.argmax(axis=0) + 1)


def test_every_epoch_is_told(study, tmp_path):
    progress = Recorder()
    run(study, FitParameters(scales=(4, 6), n_init=2), workspace(tmp_path / "job", progress))
    assert {name for name, _ in progress.metrics} == {"fit"}
    for scale in (4, 6):
        told = [values for _, values in progress.metrics if values["scale"] == scale]
        assert [values["epoch"] for values in told] == list(range(1, len(told) + 1))
        assert set(told[0]) == {"scale", "epoch", "loss", "sparsity", "n_vanished", "seconds"}
    assert json.dumps(progress.metrics)
    fractions = [fraction for fraction, _ in progress.fractions]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] < 0.01
    assert fractions[-1] <= 1
    assert any("C6: start 1 of 2, iteration 1" in message for _, message in progress.fractions)
    assert "needs" in progress.logs[0]


def test_scales_are_sorted_and_fitted_once():
    assert FitParameters(scales=(64, 32, 64)).scales == (32, 64)


@pytest.mark.parametrize("scales", [(), (1, 4), (0,)])
def test_impossible_scales_are_refused(scales):
    with pytest.raises(ValueError, match="scales"):
        FitParameters(scales=scales)


def test_the_same_seed_gives_the_same_files_with_any_number_of_threads(study, tmp_path):
    for algorithm in ("exact-onmf", "sopnmf"):
        parameters = FitParameters(
            scales=(6,), algorithm=algorithm, batch_size=8, max_epochs=12, n_init=2
        )
        digests = []
        for threads in (1, 2):
            root = tmp_path / f"{algorithm}{threads}"
            result = run(study, parameters, workspace(root, threads=threads))
            digests.append([digest(root / "output" / name) for name in result.outputs])
        assert digests[0] == digests[1]


def test_a_damaged_checkpoint_is_passed_over(study, tmp_path):
    parameters = FitParameters(scales=(4,))
    run(study, parameters, workspace(tmp_path / "whole"))
    job = tmp_path / "job"
    (job / "scratch").mkdir(parents=True)
    (job / "scratch" / "C4.npz").write_bytes(b"PK not a zip file")
    result = run(study, parameters, workspace(job))
    for name in result.outputs:
        assert digest(job / "output" / name) == digest(tmp_path / "whole/output" / name)


def test_a_checkpoint_of_maps_that_were_imported_anew_is_passed_over(study, tmp_path):
    parameters = FitParameters(scales=(4,), algorithm="sopnmf", max_epochs=3)
    job = tmp_path / "job"
    run(study, parameters, workspace(job))
    (job / "output").rename(tmp_path / "old")
    other = make_study(tmp_path / "other", lambda maps: np.multiply(maps, 2, out=maps))
    progress = Recorder()
    run(other, parameters, workspace(job, progress))
    assert "starting anew" in " ".join(progress.logs)


def test_maps_larger_than_the_memory_stay_on_disk(study, tmp_path, monkeypatch):
    in_memory = run(study, FitParameters(scales=(6,)), workspace(tmp_path / "a"))
    monkeypatch.setattr(fit_maps, "_MAPS_SHARE", 0.0)
    progress = Recorder()
    run(study, FitParameters(scales=(6,)), workspace(tmp_path / "b", progress))
    assert "stay on disk" in " ".join(progress.logs)
    assert (tmp_path / "b" / "scratch" / "voxel_major.f4").exists()
    for name in in_memory.outputs:
        assert digest(tmp_path / "a/output" / name) == digest(tmp_path / "b/output" / name)


def test_a_scale_that_would_not_fit_the_memory_is_refused(study, tmp_path, monkeypatch):
    monkeypatch.setattr(ExactONMF, "forecast_bytes", lambda *shape, **given: 10**15)
    with pytest.raises(ParameterError, match=r"needs 1000000\.0 GB.*are free"):
        run(study, FitParameters(scales=(6,)), workspace(tmp_path / "job"))


def test_more_components_than_maps_need_another_start(study, tmp_path):
    parameters = FitParameters(scales=(32,), algorithm="sopnmf")
    with pytest.raises(ParameterError, match=r"number of maps, 24.*--init random"):
        run(study, parameters, workspace(tmp_path / "job"))
    parameters = FitParameters(scales=(32,), algorithm="sopnmf", init="random", max_epochs=2)
    run(study, parameters, workspace(tmp_path / "job2"))


def test_more_components_than_voxels_are_refused(study, tmp_path):
    with pytest.raises(ParameterError, match="number of voxels, 960"):
        run(study, FitParameters(scales=(1000,)), workspace(tmp_path / "job"))


def test_without_imported_maps_it_says_to_import_them(tmp_path):
    study = Study.create(tmp_path / "study")
    with pytest.raises(InputError, match="Import the maps first"):
        run(study, FitParameters(), workspace(tmp_path / "job"))
    assert [path.exists() for path in STEP.inputs(study, FitParameters())] == [False]


def test_a_name_that_is_no_folder_name_is_refused(study, tmp_path):
    with pytest.raises(Exception, match="can't be a name"):
        run(study, FitParameters(atlas="../x"), workspace(tmp_path / "job"))
