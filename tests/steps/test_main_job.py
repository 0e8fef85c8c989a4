"""The main job on the example study finds what was put into it."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2
from watching import wait_for

from music_gui.io.atlas_dseg import read_atlas
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.nifti import read_labels
from music_gui.io.psc_table import read_psc_table
from music_gui.io.study import Study
from music_gui.io.sumstats_store import SumstatsStore
from music_gui.jobs.runner import LocalRunner
from music_gui.steps.main_job import MAIN_JOB, run_steps
from music_gui.steps.show_study import as_text, show_study

GENOME_WIDE = -np.log10(5e-8)


@pytest.fixture(scope="module")
def example(finished_example):
    """The study, and the truth behind it."""
    truth = json.loads((finished_example.source_data / "truth.json").read_text())
    return finished_example, truth


@pytest.fixture(scope="module")
def atlas(example):
    return read_atlas(example[0].atlas("study"))


@pytest.fixture(scope="module")
def psc_of_region(example, atlas):
    """Truth's region -> the PSC that shares most with it, and their Dice coefficient."""
    regions, _ = read_labels(example[0].source_data / "truth_dseg.nii.gz")
    labels = atlas.scales[32].labels
    regions = np.where(labels > 0, regions, 0)
    both = np.histogram2d(regions.ravel(), labels.ravel(), bins=np.arange(34) - 0.5)[0]
    sizes = both.sum(axis=1)[1:, None] + both.sum(axis=0)[None, 1:]
    dice = 2 * both[1:, 1:] / sizes
    return {
        region + 1: (f"C32_{best + 1}", dice[region, best])
        for region, best in enumerate(dice.argmax(axis=1))
    }


@pytest.fixture(scope="module")
def gwas(example):
    (folder,) = example[0].gwas_runs.iterdir()
    return SumstatsStore.open(folder)


def region_named(truth, name):
    return next(each for each in truth["regions"] if each["near"] == name)


def test_the_atlas_has_the_regions_that_were_simulated(psc_of_region):
    assert len({psc for psc, _ in psc_of_region.values()}) == 32
    assert min(dice for _, dice in psc_of_region.values()) > 0.9


def test_the_volumes_of_a_scale_add_up_to_the_map_inside_the_atlas(example, atlas):
    study, _ = example
    maps = MaskedMaps.open(study.masked_maps)
    table = read_psc_table(study.psc_table("study_raw"))
    inside = atlas.scales[32].labels[maps.mask] > 0
    totals = maps.maps[:, inside].sum(axis=1, dtype=np.float64) * maps.grid.voxel_volume
    np.testing.assert_allclose(table.values.sum(axis=1), totals, rtol=1e-5)


def test_each_causal_variant_is_the_top_hit_of_its_psc(example, psc_of_region, gwas):
    _, truth = example
    for causal in truth["causal_variants"]:
        psc, _ = psc_of_region[causal["region"]]
        statistics = gwas.read(psc)
        top = gwas.variants.loc[statistics["neg_log_10_p_value"].idxmax()]
        assert top["rsid"] == causal["rsid"]
        assert (top["chromosome"], top["base_pair_location"]) == (
            causal["chromosome"],
            causal["base_pair_location"],
        )
        assert statistics["neg_log_10_p_value"].max() > GENOME_WIDE + np.log10(32)


def test_no_other_place_of_the_genome_is_significant_over_all_pscs(example, psc_of_region, gwas):
    _, truth = example
    psc_and_place = {
        (psc_of_region[each["region"]][0], each["chromosome"]): each["base_pair_location"]
        for each in truth["causal_variants"]
    }
    hits = gwas.hits.loc[gwas.hits["neg_log_10_p_value"] > GENOME_WIDE + np.log10(32)]
    assert len(hits) >= len(psc_and_place)
    for hit in hits.itertuples():
        variant = gwas.variants.iloc[hit.variant_index]
        position = psc_and_place[hit.psc, variant["chromosome"]]
        assert abs(variant["base_pair_location"] - position) < 500_000


def test_the_qq_of_pscs_without_genetics_is_flat(example, psc_of_region, gwas):
    _, truth = example
    genetic = {each["region"] for each in truth["causal_variants"]}
    genetic |= {each["label"] for each in truth["regions"]
                if each["polygenic_share_of_personal_variance"]}  # fmt: skip
    inflation = []
    for region, (psc, _) in psc_of_region.items():
        if region in genetic:
            continue
        statistics = gwas.read(psc)
        p = 10.0 ** -statistics["neg_log_10_p_value"].to_numpy(np.float64)
        p = p[np.isfinite(p)]
        inflation.append(np.median(chi2.isf(p, 1)) / chi2.isf(0.5, 1))
        # 5,000 variants in blocks of LD: the median of their statistics varies by some 5 %.
        assert 0.85 < inflation[-1] < 1.15
        assert p.min() > 5e-8
        assert abs((p < 0.05).mean() - 0.05) < 0.02
    assert len(inflation) == 23
    assert abs(np.mean(inflation) - 1) < 0.03


def test_spare_separates_the_patients_out_of_sample(example):
    study, _ = example
    (folder,) = study.spare_models.iterdir()
    predictions = pd.read_csv(folder / "predictions.tsv", sep="\t")
    auc = []
    for _, fold in predictions.groupby("repeat"):
        patients = fold.loc[fold["diagnosis"] == "PT", "score"].to_numpy()
        controls = fold.loc[fold["diagnosis"] == "CN", "score"].to_numpy()
        difference = patients[:, None] - controls[None, :]
        auc.append((difference > 0).mean() + (difference == 0).mean() / 2)
    assert np.mean(auc) > 0.85


def test_spare_weighs_the_regions_that_the_disease_shrinks(example, psc_of_region):
    study, truth = example
    (path,) = study.spare_models.glob("*/*.spare.json")
    features = json.loads(path.read_text())["features"]
    pattern = {each["name"]: each["pattern"] for each in features}
    found = [pattern[psc_of_region[each["label"]][0]] for each in truth["regions"]]
    put_in = [each["disease_effect"] for each in truth["regions"]]
    assert np.corrcoef(found, put_in)[0, 1] > 0.9
    worst = {psc_of_region[region_named(truth, name)["label"]][0]
             for name in ("hippocampus", "temporal pole")}  # fmt: skip
    assert set(sorted(pattern, key=pattern.get)[:2]) == worst


def test_the_held_out_patient_scores_like_a_patient(example):
    study, _ = example
    (path,) = study.scores.glob("*/score.json")
    score = json.loads(path.read_text())
    assert score["simulated"] is True
    assert score["status"] == "scored"
    assert score["score"]["low"] > 0


def test_harmonisation_removes_the_sites_and_keeps_age(example):
    study, _ = example
    people = pd.read_csv(study.participants, sep="\t")
    site = pd.get_dummies(people["site"]).to_numpy(float)
    age, icv = people["age"] - 65, people["icv"] / 1e6
    others = [people["sex"] == "F", people["diagnosis"] == "PT", icv]
    ones = np.ones(len(people))
    site_and_age = {}
    for name in ("study_raw", "study_harmonized"):
        values = read_psc_table(study.psc_table(name)).values
        site_and_age[name] = (
            _explained(site, values, beyond=[ones, age, age**2, *others]),
            _explained(np.column_stack([age, age**2]), values, beyond=[*site.T, *others]),
        )
    (site_raw, age_raw), (site_now, age_now) = site_and_age.values()
    assert site_raw > 0.05
    assert site_now < 0.005
    assert age_now > 0.9 * age_raw


def _explained(columns, values, *, beyond):
    """Median over PSCs of the share of the variance left by some columns that others explain."""

    def rest(design):
        return values - design @ np.linalg.lstsq(design, values, rcond=None)[0]

    known = np.column_stack(beyond).astype(float)
    left, least = rest(known), rest(np.column_stack([known, columns]))
    return np.median(1 - (least**2).sum(axis=0) / (left**2).sum(axis=0))


def test_every_part_of_the_study_is_shown_and_called_simulated(example):
    study, _ = example
    content = show_study(study)
    assert content["cohort"]["n_maps"] == 240
    (scale,) = content["atlases"]["study"]["scales"].values()
    assert len(scale["pscs"]) + len(scale["vanished"]) == 32
    assert content["psc_tables"]["study_raw"]["rows"] == 240
    assert content["psc_tables"]["study_harmonized"]["harmonized"]
    (gwas,) = content["gwas"].values()
    assert gwas["n_variants"] > 4500
    assert gwas["n_pscs"] == 32
    (model,) = content["spare_models"].values()
    assert (model["n_patients"], model["n_controls"]) == (80, 160)
    assert [job["state"] for job in content["jobs"]] == ["done"] * (1 + len(MAIN_JOB))
    for kind in ("psc_tables", "gwas", "spare_models", "scores", "decompositions"):
        for each in content[kind].values():
            assert each["simulated"] is True
    assert scale["simulated"] is True
    text = as_text(content)
    assert "[simulated]" in text
    assert "32 PSCs" in text
    assert "can't be read" not in text


def test_running_it_again_computes_nothing(example, tmp_path):
    study, _ = example
    copy = Study.open(shutil.copytree(study.root, tmp_path / "copy"))
    for snapshot in run_steps(copy, ["make-example", *MAIN_JOB]):
        assert snapshot.message.endswith("(as computed before)")


def test_window_and_command_line_give_the_same_bytes(small_example, tmp_path):
    """Workers of the window, `music-gui run`: one seed, one atlas, one PSC table."""
    steps = ("import-maps", "fit", "extract")
    by_hand, by_window = (
        Study.open(shutil.copytree(small_example.root, tmp_path / name))
        for name in ("by_hand", "by_window")
    )
    for step in steps:
        command = [sys.executable, "-m", "music_gui", "run", step, "--study", str(by_hand.root)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    ended = []
    runner = LocalRunner(by_window.jobs, lambda job, _: job.state.is_final and ended.append(job))
    for step in steps:
        runner.submit(step, {}, title=step)
    runner.start()
    try:
        wait_for(lambda: len(ended) == len(steps), seconds=120)
    finally:
        runner.stop()
    assert [job.state for job in ended] == ["done"] * len(steps)
    for folder in ("cohort", "decompositions", "atlases", "psc"):
        names = {path.relative_to(by_hand.root) for path in by_hand.root.glob(f"{folder}/**/*.*")}
        assert names
        for name in names:
            if (by_hand.root / name).is_file():
                same = (by_hand.root / name).read_bytes() == (by_window.root / name).read_bytes()
                assert same, name
