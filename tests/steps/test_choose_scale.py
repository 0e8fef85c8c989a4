"""The step `choose-scale`: maps in, figures of each scale out."""

import json
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from recording import Recorder, StopAt, cancel
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score
from test_fit import GRID, truth, workspace

from music_gui.core.errors import Cancelled, InputError, ParameterError
from music_gui.core.factorization import ExactONMF, SopNMF
from music_gui.io.masked_maps import MaskedMaps, MaskedMapsWriter
from music_gui.io.scale_choice import read_scale_choice
from music_gui.io.study import Study
from music_gui.jobs.publication import digest
from music_gui.steps import choose_scale_fits, fit_maps
from music_gui.steps.choose_scale import STEP, ChooseScaleParameters, run, scale_ladder
from music_gui.steps.choose_scale_splits import make_splits
from music_gui.steps.fit import FitParameters
from music_gui.steps.fit import run as run_fit
from music_gui.steps.fit_checkpoint import FitCheckpoint
from music_gui.steps.main_job import run_steps

N_PEOPLE = 20
OUTPUT = "scale_choice/study"


def make_study(root, *, sex="FM", extra_column=True, shift=0.0):
    """Twenty people of two sites, each with two sessions, whose maps have six regions."""
    study = Study.create(root, simulated=True)
    region = truth()
    mask = region > 0
    rng = np.random.default_rng(5)
    n = 2 * N_PEOPLE
    factors = rng.lognormal(sigma=0.3, size=(n, 7))
    maps = factors[:, region[mask]] * rng.lognormal(sigma=0.15, size=(n, mask.sum()))
    maps = (maps / 2 + shift).astype(np.float32)
    lines = ["participant_id\tsession_id\tsite" + ("\tsex" if extra_column else "")]
    with MaskedMapsWriter(study.masked_maps, mask, GRID) as writer:
        for i, row in enumerate(maps):
            person, session = i // 2, f"ses-{i % 2 + 1:02d}"
            writer.append(row, f"sub-{person:02d}", session)
            cells = [f"sub-{person:02d}", session, "AB"[person % 4 == 0]]
            lines.append("\t".join(cells + [sex[person % len(sex)]] * extra_column))
    study.participants.write_text("\n".join(lines).replace("?", "n/a") + "\n")
    return study


@pytest.fixture
def study(tmp_path):
    return make_study(tmp_path / "study")


def parameters_of(**given):
    return ChooseScaleParameters.model_validate(
        {"scales": (3, 6), "n_repeats": 2, "max_epochs": 30, "batch_size": 8} | given
    )


def run_in(study, folder, progress=None, threads=1, **given):
    job = workspace(folder, progress, threads)
    result = run(study, parameters_of(**given), job)
    return result, read_scale_choice(job.output / OUTPUT)


# -- figures -------------------------------------------------------------------------------


def split_of(folder, split, repeat):
    """Positions of both parts, as the job has written them."""
    table = pd.read_csv(folder / "output" / OUTPUT / "splits.tsv", sep="\t")
    part = table[f"{split}_{repeat}"]
    return np.flatnonzero(part == "first"), np.flatnonzero(part == "second")


def estimator_of(row, seed):
    if row.algorithm == "exact-onmf":
        return ExactONMF(row.scale, 1, seed, max_epochs=30)
    return SopNMF(row.scale, 8, 30, seed, init="random")


def loss_of(X, components):
    """|X - X W W'|^2 / |X|^2, by the residual itself."""
    X, W = X.astype(float), components.T.astype(float)
    return ((X - X @ W @ W.T) ** 2).sum() / (X**2).sum()


def test_the_figures_are_those_of_the_parts_fitted_by_hand(study, tmp_path):
    algorithms = ("exact-onmf", "sopnmf")
    _, table = run_in(study, tmp_path / "job", algorithms=algorithms, split="both", init="random")
    assert len(table.rows) == 2 * 2 * 2 * 2
    X = np.array(MaskedMaps.open(study.masked_maps).maps)
    for row in table.rows:
        if row.repeat == 2:
            continue
        parts = split_of(tmp_path / "job", row.split, row.repeat)
        fits = [
            estimator_of(row, seed).fit(X[part])
            for part, seed in zip(parts, (row.seed_first, row.seed_second), strict=True)
        ]
        first, second = (fit.components_ for fit in fits)
        assert (row.n_epochs_first, row.n_epochs_second) == tuple(fit.n_iter_ for fit in fits)
        assert (row.n_first, row.n_second) == tuple(map(len, parts))
        assert row.loss_first == pytest.approx(loss_of(X[parts[0]], first), rel=1e-4)
        assert row.loss_second == pytest.approx(loss_of(X[parts[1]], second), rel=1e-4)
        assert row.loss_first_on_second == pytest.approx(loss_of(X[parts[1]], first), rel=1e-4)
        assert row.loss_second_on_first == pytest.approx(loss_of(X[parts[0]], second), rel=1e-4)
        a, b = (w / np.linalg.norm(w, axis=1)[:, None] for w in (first, second))
        products = (a @ b.T)[linear_sum_assignment(-a @ b.T)]
        assert row.ri_mean == pytest.approx(products.mean(), rel=1e-5)
        assert row.ri_median == pytest.approx(np.median(products), rel=1e-5)
        assert row.ri_sd == pytest.approx(products.std(), rel=1e-4, abs=1e-6)
        rand = adjusted_rand_score(first.argmax(axis=0), second.argmax(axis=0))
        assert row.ari == pytest.approx(rand, abs=1e-9)
        whole = estimator_of(row, 0).fit(X)
        assert row.loss == pytest.approx(whole.reconstruction_err_, rel=1e-9)
        W = whole.components_.ravel().astype(float)
        root = W.size**0.5
        hoyer = (root - W.sum() / np.linalg.norm(W)) / (root - 1)
        assert row.sparsity == pytest.approx(hoyer, rel=1e-5)
        assert row.n_vanished == row.scale - len(np.unique(whole.components_.argmax(axis=0)))


def test_the_planted_number_of_regions_repeats_best(study, tmp_path):
    result, table = run_in(study, tmp_path / "job", scales=(3, 6, 12), max_epochs=200)
    index = {C: np.mean([r.ri_mean for r in table.rows if r.scale == C]) for C in (3, 6, 12)}
    assert max(index, key=index.get) == 6
    assert index[6] > 0.99
    assert all(r.ari > 0.97 for r in table.rows if r.scale == 6)
    assert "highest reproducibility index 1.00 at C6 (exact ONMF (fast), halves)" in result.summary


def test_all_maps_are_fitted_as_the_step_fit_does(study, tmp_path):
    _, table = run_in(study, tmp_path / "job", seed=4, scales=(6,), n_repeats=1)
    job = workspace(tmp_path / "fit")
    run_fit(study, FitParameters(scales=(6,), seed=4, max_epochs=30), job)
    record = json.loads((job.output / "decompositions/study/C6/run.json").read_text())
    assert table.rows[0].loss == pytest.approx(record["reconstruction_err"], rel=1e-9)
    assert table.rows[0].sparsity == pytest.approx(record["sparsity"], rel=1e-9)


def test_nndsvd_starts_each_part_from_its_own_maps(study, tmp_path):
    _, table = run_in(study, tmp_path / "job", algorithms=("sopnmf",), scales=(6,), n_repeats=1)
    (row,) = table.rows
    X = np.array(MaskedMaps.open(study.masked_maps).maps)
    part, _ = split_of(tmp_path / "job", "halves", 1)
    fill = 0.1 / 1000**0.5  # the reference's 0.1 is for maps in thousandths
    own = SopNMF(6, 8, 30, row.seed_first, nndsvd_fill=fill).fit(X[part])
    assert row.loss_first == pytest.approx(own.reconstruction_err_, rel=1e-6)


def test_fits_that_were_stopped_too_early_are_told(study, tmp_path):
    class Warned(Recorder):
        def __init__(self):
            super().__init__()
            self.warnings = []

        def warn(self, text):
            self.warnings.append(text)

    early, settled = Warned(), Warned()
    given = {"algorithms": ("exact-onmf", "sopnmf"), "n_repeats": 1}
    run_in(study, tmp_path / "job", early, max_epochs=5, **given)
    assert "sopNMF (as published): fits of 2 of 2 comparisons were stopped" in early.warnings[-1]
    run_in(study, tmp_path / "settled", settled, max_epochs=1000, scales=(6,), n_repeats=1)
    assert settled.warnings == []


def test_no_two_parts_share_a_seed(study, tmp_path):
    _, table = run_in(study, tmp_path / "job", split="both", n_repeats=2)
    seeds = [seed for row in table.rows for seed in (row.seed_first, row.seed_second)]
    assert len(set(seeds)) == len(seeds)
    assert 0 not in seeds


# -- splits --------------------------------------------------------------------------------


def test_a_participant_is_never_in_both_parts_and_groups_are_shared(study):
    maps = MaskedMaps.open(study.masked_maps)
    splits = make_splits(study, maps, "both", 3, seed=1)
    assert [(s.kind, s.repeat) for s in splits.all] == [
        ("halves", 1), ("halves", 2), ("halves", 3), ("sex", 1), ("sex", 2), ("sex", 3)
    ]  # fmt: skip
    assert splits.stratified_by == ("site", "sex")
    table = pd.read_csv(study.participants, sep="\t")
    for split in splits.all:
        people = [{maps.participant_ids[i] for i in part} for part in split.parts]
        assert not people[0] & people[1]
        assert sorted([*split.first, *split.second]) == list(range(maps.n_images))
        if split.kind == "halves":
            counts = [table.iloc[part].groupby(["site", "sex"]).size() for part in split.parts]
            assert (counts[0] - counts[1]).abs().max() <= 2  # one participant
    assert set(table.sex[splits.all[3].first]) == {"F"}
    assert set(table.sex[splits.all[3].second]) == {"M"}
    assert splits.all[0].first.tolist() != splits.all[1].first.tolist()


def test_sex_is_asked_for_only_where_it_is_needed(tmp_path):
    study = make_study(tmp_path / "study", extra_column=False)
    _, table = run_in(study, tmp_path / "job")
    assert table.record["stratified_by"] == ["site"]
    with pytest.raises(InputError, match=r"can't be split by sex.*does not tell it.*Import the"):
        run_in(study, tmp_path / "job2", split="sex")
    study.participants.unlink()
    _, table = run_in(study, tmp_path / "job3")
    assert table.record["stratified_by"] == []


@pytest.mark.parametrize(
    ("sex", "reason"),
    [
        ("F?M", "missing for 14 of 40 maps: sub-01, sub-04, sub-07, sub-10, sub-13 and 2 more"),
        ("F", "it is F for all 40 maps"),
    ],
)
def test_missing_sex_is_refused_with_what_to_do(tmp_path, sex, reason):
    study = make_study(tmp_path / "study", sex=sex)
    with pytest.raises(InputError, match=reason) as refused:
        run_in(study, tmp_path / "job", split="both")
    assert "--split halves" in refused.value.remedy
    assert refused.value.where == str(study.participants)


def test_sex_that_changes_between_sessions_is_refused(study, tmp_path):
    text = study.participants.read_text()
    study.participants.write_text(text.replace("sub-03\tses-02\tA\tM", "sub-03\tses-02\tA\tF"))
    with pytest.raises(InputError, match="differs between sessions of a participant: sub-03"):
        run_in(study, tmp_path / "job", split="sex")


# -- scales --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_smallest", "n_voxels", "expected"),
    [
        (120, 52686, (2, 4, 8, 16, 32, 64)),
        (128, 52686, (2, 4, 8, 16, 32, 64, 128)),
        (10**5, 84090, (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)),
        (100, 90, (2, 4, 8)),
        (2, 5, (2,)),
    ],
)
def test_the_ladder_ends_where_maps_or_voxels_do(n_smallest, n_voxels, expected):
    assert scale_ladder(n_smallest, n_voxels) == expected


def test_scales_that_the_parts_can_not_have_are_refused_before_any_fit(study, tmp_path):
    with pytest.raises(ParameterError, match="number of maps of the smaller part, 20"):
        run_in(study, tmp_path / "job", scales=(6, 32), algorithms=("exact-onmf", "sopnmf"))
    assert not list((tmp_path / "job/scratch").iterdir())
    with pytest.raises(ParameterError, match="number of voxels, 960"):
        run_in(study, tmp_path / "job2", scales=(1000,))


@pytest.mark.parametrize("wrong", [{"scales": (1,)}, {"algorithms": ()}, {"split": "thirds"}])
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        parameters_of(**wrong)


def test_without_maps_it_says_to_import_them(tmp_path):
    study = Study.create(tmp_path / "study")
    with pytest.raises(InputError, match="Import the maps first"):
        run_in(study, tmp_path / "job")
    assert len(STEP.inputs(study, parameters_of())) == 2


# -- files ---------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_threads(study, tmp_path):
    given = {"algorithms": ("exact-onmf", "sopnmf"), "split": "both", "n_repeats": 1}
    digests = []
    for threads in (1, 2):
        folder = tmp_path / f"job{threads}"
        run_in(study, folder, threads=threads, **given)
        digests.append(digest(folder / "output" / OUTPUT))
    assert digests[0] == digests[1]
    run_in(study, tmp_path / "other", seed=1, **given)
    assert digest(tmp_path / "other/output" / OUTPUT) != digests[0]


def test_the_record_says_how_it_was_made(study, tmp_path):
    result, table = run_in(study, tmp_path / "job", n_repeats=1)
    assert result.outputs == [OUTPUT]
    assert table.record["algorithms"] == {"exact-onmf": "exact ONMF (fast)"}
    assert table.record["maps_checksum"] == MaskedMaps.open(study.masked_maps).checksum
    assert table.record["parameters"]["scales"] == [3, 6]
    assert table.record["n_participants"] == N_PEOPLE
    assert table.record["simulated"] is True
    assert set(table.record["columns"]) == set(
        (tmp_path / "job/output" / OUTPUT / "scale_choice.tsv")
        .read_text()
        .split("\n")[0]
        .split("\t")
    )


def test_parts_larger_than_the_memory_go_to_scratch_disk(study, tmp_path, monkeypatch):
    given = {"algorithms": ("exact-onmf", "sopnmf"), "n_repeats": 1}
    run_in(study, tmp_path / "memory", **given)
    monkeypatch.setattr(fit_maps, "_MAPS_SHARE", 0.0)
    run_in(study, tmp_path / "disk", **given)
    assert (tmp_path / "disk/scratch/part_first.f4").stat().st_size == 4 * 20 * 960
    assert digest(tmp_path / "disk/output" / OUTPUT) == digest(tmp_path / "memory/output" / OUTPUT)


# -- telling, stopping, going on -----------------------------------------------------------


def test_every_comparison_is_told_as_it_is_written(study, tmp_path):
    progress = Recorder()
    _, table = run_in(study, tmp_path / "job", progress)
    told = [values for name, values in progress.metrics if name == "scale_choice"]
    wholes = [values for name, values in progress.metrics if name == "scale_choice_whole"]
    assert [each["scale"] for each in wholes] == [3, 6]
    assert [(each["repeat"], each["scale"]) for each in told] == [(1, 3), (1, 6), (2, 3), (2, 6)]
    assert [each["ri_mean"] for each in told] == pytest.approx([r.ri_mean for r in table.rows])
    assert json.dumps(progress.metrics)
    fractions = [fraction for fraction, _ in progress.fractions]
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1
    messages = " ".join(message for _, message in progress.fractions)
    assert "C6, halves 2 of 2, second part: iteration 1" in messages


def test_stopped_anywhere_and_retried_it_writes_the_same_table(study, tmp_path, monkeypatch):
    monkeypatch.setattr(
        choose_scale_fits, "FitCheckpoint", partial(FitCheckpoint, seconds_between=0)
    )
    given = {"algorithms": ("exact-onmf", "sopnmf"), "n_repeats": 1, "max_epochs": 6}
    progress = StopAt(-1, cancel)
    run_in(study, tmp_path / "whole", progress, **given)
    n_epochs = -1 - progress.left
    for epoch in {1, n_epochs // 2, n_epochs - 7, n_epochs}:
        job = tmp_path / f"job{epoch}"
        with pytest.raises(Cancelled):
            run_in(study, job, StopAt(epoch, cancel), **given)
        (job / "output").rename(job / "discarded")
        again = StopAt(-1, cancel)
        run_in(study, job, again, **given)
        assert -1 - again.left <= n_epochs - epoch + 1  # what is done is not done again
        assert digest(job / "output" / OUTPUT) == digest(tmp_path / "whole/output" / OUTPUT)


KILLED = """
import os, signal, sys
from functools import partial
from pathlib import Path
sys.path.append("../fakes")
import test_choose_scale as tests

tests.choose_scale_fits.FitCheckpoint = partial(tests.FitCheckpoint, seconds_between=0)
killer = tests.StopAt(40, partial(os.kill, os.getpid(), signal.SIGKILL))
tests.run_in(tests.Study.open(Path(sys.argv[1])), Path(sys.argv[2]), killer)
"""


def test_a_killed_process_loses_nothing(study, tmp_path):
    run_in(study, tmp_path / "whole")
    job = tmp_path / "job"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(study.root), str(job)],
        cwd=Path(__file__).parent,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    (job / "output").rename(job / "discarded")
    progress = Recorder()
    run_in(study, job, progress)
    assert "went on from a checkpoint" in " ".join(progress.logs)
    assert digest(job / "output" / OUTPUT) == digest(tmp_path / "whole/output" / OUTPUT)


def test_what_was_finished_of_other_maps_is_done_anew(study, tmp_path):
    run_in(study, tmp_path / "job")
    (tmp_path / "job/output").rename(tmp_path / "old")
    other = make_study(tmp_path / "other", shift=0.3)
    run_in(other, tmp_path / "job")
    run_in(other, tmp_path / "anew")
    assert digest(tmp_path / "job/output" / OUTPUT) == digest(tmp_path / "anew/output" / OUTPUT)
    assert digest(tmp_path / "job/output" / OUTPUT) != digest(tmp_path / "old" / OUTPUT)


def test_it_stops_within_a_second(study, tmp_path):
    class Impatient(Recorder):
        asked = None
        longest = 0.0

        def check(self):
            now = time.monotonic()
            self.longest = max(self.longest, now - (self.asked or now))
            self.asked = now

        def update(self, fraction, message=""):
            super().update(fraction, message)
            self.check()

    progress = Impatient()
    run_in(study, tmp_path / "job", progress)
    assert progress.longest < 0.5


def test_the_example_study_shows_halves_that_agree(small_example, tmp_path):
    import shutil

    study = Study.open(shutil.copytree(small_example.root, tmp_path / "example"))
    (imported,) = run_steps(study, ["import-maps"])
    assert imported.state == "done"
    _, table = run_in(study, tmp_path / "job", scales=(2, 8), split="both", n_repeats=1)
    assert [(r.split, r.scale) for r in table.rows] == [
        ("halves", 2), ("halves", 8), ("sex", 2), ("sex", 8)
    ]  # fmt: skip
    assert table.record["n_images"] == 40
    for row in table.rows:
        assert row.loss_first < row.loss_second_on_first
        assert row.loss_second < row.loss_first_on_second
        assert 0 < row.ri_mean <= 1
    assert table.rows[0].loss > table.rows[1].loss
