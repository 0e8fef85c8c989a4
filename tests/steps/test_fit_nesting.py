"""The step `fit` with scales that nest: what it finds, reports, and keeps after a kill."""

import json
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from recording import Recorder, StopAt, cancel
from sklearn.metrics import adjusted_rand_score
from test_fit import workspace

from music_gui.core.atlas import nesting
from music_gui.core.errors import Cancelled, InputError, ParameterError
from music_gui.core.grid import Grid
from music_gui.io.atlas_dseg import read_atlas
from music_gui.io.masked_maps import MaskedMapsWriter
from music_gui.io.study import Study
from music_gui.jobs.publication import digest
from music_gui.steps import fit_scale
from music_gui.steps.fit import FitParameters, run
from music_gui.steps.fit_checkpoint import FitCheckpoint

GRID = Grid((14, 12, 10), np.diag([4.0, 4.0, 4.0, 1.0]))
N_IMAGES = 24


def planted_labels():
    """Three parents, slabs along the first axis, with 2, 3 and 4 children along the second."""
    parent, child = np.zeros(GRID.shape, int), np.zeros(GRID.shape, int)
    first = 0
    for number, n_children in enumerate((2, 3, 4)):
        slab = slice(1 + 4 * number, 5 + 4 * number)
        parent[slab] = number + 1
        child[slab] = first + 1 + (np.arange(12) * n_children // 12)[None, :, None]
        first += n_children
    parent[:, :, [0, -1]] = child[:, :, [0, -1]] = 0
    return parent, child


def make_study(root):
    study = Study.create(root)
    parent, child = planted_labels()
    mask = parent > 0
    rng = np.random.default_rng(8)
    logarithm = rng.normal(0, 0.4, (N_IMAGES, 4))[:, parent[mask]]
    logarithm += rng.normal(0, 0.15, (N_IMAGES, 10))[:, child[mask]]
    logarithm += rng.normal(0, 0.1, logarithm.shape)
    maps = np.exp(logarithm).astype(np.float32) / 3
    with MaskedMapsWriter(study.masked_maps, mask, GRID) as writer:
        for i, row in enumerate(maps):
            writer.append(row, f"sub-{i:02d}", "ses-01")
    lines = ["participant_id\tsession_id\tpath\n"]
    lines += [f"sub-{i:02d}\tses-01\tscans/{i}.nii.gz\n" for i in range(N_IMAGES)]
    study.participants.write_text("".join(lines))
    return study


@pytest.fixture
def study(tmp_path):
    return make_study(tmp_path / "study")


def test_planted_scales_nest_in_the_planted_parents(study, tmp_path):
    job = workspace(tmp_path / "job")
    result = run(study, FitParameters(scales=(3, 5, 9), nested="strict"), job)
    atlas = read_atlas(job.output / "atlases/study")
    parent, child = planted_labels()
    assert adjusted_rand_score(parent.ravel(), atlas.scales[3].labels.ravel()) == 1
    assert adjusted_rand_score(child.ravel(), atlas.scales[9].labels.ravel()) == 1
    folder = job.output / "decompositions/study/C9"
    record = json.loads((folder / "run.json").read_text())["nesting"]
    assert (record["mode"], record["coarser_scale"]) == ("strict", 5)
    assert record["share_in_best_parent"] == {"mean": 1.0, "median": 1.0, "overall": 1.0}
    assert 0.9 < record["free_fit"]["share_in_best_parent"]["overall"] <= 1
    loss = result.details["scales"]["9"]["loss"]
    assert record["relative_cost_in_loss"] == pytest.approx(loss / record["free_fit"]["loss"] - 1)
    assert result.details["scales"]["9"]["nesting"] == record
    assert result.details["scales"]["3"]["nesting"] is None
    assert not (job.output / "decompositions/study/C3/nesting.tsv").exists()
    said = r"C9 lies 100 % within its parents of C5 \([\d.]+ % if fitted by itself\), at a loss \d"
    assert re.search(said, result.summary)


def test_the_table_names_each_childs_parents_with_their_shares(study, tmp_path):
    job = workspace(tmp_path / "job")
    run(study, FitParameters(scales=(5, 7)), job)
    table = pd.read_csv(job.output / "decompositions/study/C7/nesting.tsv", sep="\t")
    assert list(table) == ["child", "parent", "share"]
    atlas = read_atlas(job.output / "atlases/study")
    counted = nesting(atlas.scales[5].labels, atlas.scales[7].labels)
    for name, rows in table.groupby("child"):
        child = int(name.removeprefix("C7_")) - 1
        assert rows["share"].is_monotonic_decreasing
        assert rows["parent"].iloc[0] == f"C5_{counted.parents[child]}"
        assert rows["share"].sum() == pytest.approx(1, abs=0.01)
        assert rows["share"].iloc[0] == pytest.approx(counted.best_shares[child], abs=0.1)


def test_free_scales_are_compared_without_another_fit(study, tmp_path):
    job = workspace(tmp_path / "job")
    result = run(study, FitParameters(scales=(3, 9)), job)
    record = result.details["scales"]["9"]["nesting"]
    assert record["mode"] == "no"
    assert "free_fit" not in record
    assert "C9 lies" in result.summary
    assert not (job.scratch / "C9_free.npz").exists()


def test_the_comparison_can_be_left_out(study, tmp_path):
    job = workspace(tmp_path / "job")
    parameters = FitParameters(scales=(3, 9), nested="start", compare_nested=False)
    record = run(study, parameters, job).details["scales"]["9"]["nesting"]
    assert record["mode"] == "start"
    assert "free_fit" not in record
    assert not (job.scratch / "C9_free.npz").exists()


def test_the_free_fit_beside_is_the_one_that_no_nesting_makes(study, tmp_path):
    plain = run(study, FitParameters(scales=(3, 9)), workspace(tmp_path / "plain"))
    nested = run(study, FitParameters(scales=(3, 9), nested="start"), workspace(tmp_path / "job"))
    free = nested.details["scales"]["9"]["nesting"]["free_fit"]
    alone = plain.details["scales"]["9"]
    assert free["loss"] == alone["loss"]
    assert free["share_in_best_parent"] == alone["nesting"]["share_in_best_parent"]


def test_sopnmf_starts_from_splits_but_keeps_no_borders(study, tmp_path):
    parameters = {"scales": (3, 9), "algorithm": "sopnmf", "batch_size": 8, "max_epochs": 60}
    job = workspace(tmp_path / "job")
    result = run(study, FitParameters(nested="start", **parameters), job)
    record = result.details["scales"]["9"]["nesting"]
    assert record["share_in_best_parent"]["overall"] > 0.8
    assert record["free_fit"]["loss"] > 0
    with pytest.raises(ParameterError, match=r"can't keep to the borders.*--nested start"):
        run(study, FitParameters(nested="strict", **parameters), workspace(tmp_path / "refused"))


def test_progress_never_goes_back(study, tmp_path):
    progress = Recorder()
    parameters = FitParameters(scales=(3, 5, 9), nested="strict")
    run(study, parameters, workspace(tmp_path / "job", progress))
    fractions = [fraction for fraction, _ in progress.fractions]
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1
    messages = " ".join(message for _, message in progress.fractions)
    assert "C9 by itself: iteration 1" in messages
    for scale in (3, 5, 9):  # of the fits that are kept
        told = [values["epoch"] for _, values in progress.metrics if values["scale"] == scale]
        assert told == list(range(1, len(told) + 1))


ALGORITHMS = {
    "exact": {"algorithm": "exact-onmf", "n_init": 2},
    "exact from splits": {"algorithm": "exact-onmf", "nested": "start"},
    "exact strict": {"algorithm": "exact-onmf", "nested": "strict"},
    "sopnmf": {"algorithm": "sopnmf"},
    "sopnmf from splits": {"algorithm": "sopnmf", "nested": "start"},
}


def parameters_of(algorithm):
    return FitParameters(scales=(3, 5, 7), batch_size=8, max_epochs=5, **ALGORITHMS[algorithm])


def same_files(result, one, other):
    return all(digest(one / name) == digest(other / name) for name in result.outputs)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_stopped_early_or_late_and_retried_it_makes_the_same_files(
    study, tmp_path, monkeypatch, algorithm
):
    monkeypatch.setattr(fit_scale, "FitCheckpoint", partial(FitCheckpoint, seconds_between=0))
    parameters = parameters_of(algorithm)
    progress = StopAt(-1, cancel)
    whole = run(study, parameters, workspace(tmp_path / "whole", progress))
    n_epochs = -1 - progress.left
    assert n_epochs > 12
    for epoch in {1, 4, n_epochs // 2, n_epochs - 4, n_epochs}:
        job = tmp_path / f"job{epoch}"
        with pytest.raises(Cancelled):
            run(study, parameters, workspace(job, StopAt(epoch, cancel)))
        (job / "output").rename(job / "discarded")
        retried = run(study, parameters, workspace(job))
        assert retried == whole
        assert same_files(whole, job / "output", tmp_path / "whole/output")


KILLED = """
import os, signal, sys
from functools import partial
from pathlib import Path
sys.path.append("../fakes")
import test_fit_nesting as tests
from music_gui.steps import fit_scale

fit_scale.FitCheckpoint = partial(tests.FitCheckpoint, seconds_between=0)
parameters = tests.FitParameters.model_validate_json(sys.argv[3])
killer = tests.StopAt(11, partial(os.kill, os.getpid(), signal.SIGKILL))
tests.run(
    tests.Study.open(Path(sys.argv[1])), parameters, tests.workspace(Path(sys.argv[2]), killer)
)
"""


@pytest.mark.parametrize("algorithm", ["exact", "exact strict", "sopnmf from splits"])
def test_a_process_killed_in_mid_fit_loses_nothing(study, tmp_path, algorithm):
    parameters = parameters_of(algorithm)
    arguments = [study.root, tmp_path / "job", parameters.model_dump_json()]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, arguments)], cwd=Path(__file__).parent, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    (tmp_path / "job/output").rename(tmp_path / "discarded")
    progress = Recorder()
    retried = run(study, parameters, workspace(tmp_path / "job", progress))
    assert "went on from a checkpoint" in " ".join(progress.logs)
    run(study, parameters, workspace(tmp_path / "whole"))
    assert same_files(retried, tmp_path / "job/output", tmp_path / "whole/output")


def test_a_checkpoint_of_another_seed_is_passed_over(study, tmp_path):
    for algorithm in ("exact-onmf", "sopnmf"):
        job = tmp_path / algorithm
        common = {"scales": (5,), "algorithm": algorithm, "batch_size": 8, "max_epochs": 3}
        run(study, FitParameters(seed=1, **common), workspace(job))
        (job / "output").rename(job / "discarded")
        progress = Recorder()
        result = run(study, FitParameters(seed=2, **common), workspace(job, progress))
        assert "starting anew" in " ".join(progress.logs)
        assert "differs in random_state" in " ".join(progress.logs)
        run(study, FitParameters(seed=2, **common), workspace(job / "anew"))
        assert same_files(result, job / "output", job / "anew/output")


@pytest.mark.parametrize("algorithm", ["exact-onmf", "sopnmf"])
@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda maps: maps[3, :7].fill(np.nan), r"sub-03 .* scans/3.nii.gz \(7 voxels\): .* NaN"),
        (lambda maps: maps[3, :7].fill(-1), r"sub-03 .* scans/3.nii.gz \(7 voxels\): Negative"),
        (lambda maps: maps[3].fill(0.5), r"sub-03 .* scans/3.nii.gz \(\d+ voxels\): .*same value"),
        (lambda maps: maps[3].fill(0), r"sub-03 .* scans/3.nii.gz \(\d+ voxels\): .*same value"),
        (lambda maps: maps.fill(0), r"scans/0.nii.gz \(\d+ voxels\).* 19 more: .*same value"),
        (lambda maps: np.copyto(maps, maps[:1]), r"scans/0.nii.gz \(\d+ .*images are the same"),
    ],
    ids=["nan", "negative", "constant", "zero", "all zero", "all the same"],
)
def test_maps_that_cannot_be_factorised_are_named_with_their_file(tmp_path, algorithm, spoil, text):
    study = make_study(tmp_path / "study")
    spoil(np.load(study.masked_maps / "maps.npy", mmap_mode="r+"))  # import refuses most of these
    with pytest.raises(InputError, match=text):
        run(study, FitParameters(scales=(4,), algorithm=algorithm), workspace(tmp_path / "job"))
