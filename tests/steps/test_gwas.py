"""The GWAS step from files to files, with both engines."""

import time

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from gwas_study import CAUSAL, MODERATE, PSCS, N, Told, make_gwas_study, run_gwas, write_table

from music_gui.core.errors import Cancelled, InputError, ParameterError
from music_gui.io.genotypes import Genotypes, write_bed
from music_gui.io.participants_tsv import read_participants, write_participants
from music_gui.io.psc_table import (
    PscSidecar,
    make_psc_table,
    read_psc_table,
    write_psc_table,
)
from music_gui.io.study import Study
from music_gui.io.sumstats_store import SumstatsStore
from music_gui.steps import gwas_engines
from music_gui.steps.gwas import STEP, GwasParameters


@pytest.fixture
def study(tmp_path):
    return make_gwas_study(tmp_path / "study")


def assert_same_results(first: SumstatsStore, second: SumstatsStore) -> None:
    """Same variants, same n, beta, SE and -log10 p within 1e-4 relative."""
    pd.testing.assert_frame_equal(first.variants, second.variants)
    assert first.pscs == second.pscs
    for psc in first.pscs:
        np.testing.assert_array_equal(first.sample_sizes(psc), second.sample_sizes(psc))
        one, other = first.read(psc).to_numpy(np.float64), second.read(psc).to_numpy(np.float64)
        np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=0)


def test_it_runs_without_any_parameter_and_finds_the_causal_variants(study, tmp_path):
    result, folder = run_gwas(study, tmp_path / "job")
    assert result.outputs == ["gwas/study_harmonized"]
    store = SumstatsStore.open(folder)
    top = store.hits.sort_values("neg_log_10_p_value").iloc[-1]
    assert (top["psc"], store.variants["rsid"][top["variant_index"]]) == ("C4_1", f"rs{CAUSAL}")
    assert top["neg_log_10_p_value"] > 308
    of_c2_1 = store.hits[store.hits["psc"] == "C2_1"]["variant_index"]
    assert store.variants["rsid"][of_c2_1].tolist() == [f"rs{MODERATE}"]
    assert result.details["hits_5e-8_per_C"] == 2
    assert "5 PSCs, 69 variants, 140 participants: 2 hits at 5e-8" in result.summary


def test_the_store_says_how_it_was_made(study, tmp_path):
    progress = Told()
    _, folder = run_gwas(study, tmp_path / "job", progress=progress, maf=0.05)
    made = SumstatsStore.open(folder).description
    assert made.simulated
    assert made.covariates == ("age", "age^2", "sex[M]", "age:sex[M]", "age^2:sex[M]", "icv")
    assert made.coding == {"sex": "F"}
    assert made.genotypes == "sourcedata/genotypes/example.bed"
    assert made.counts == {
        "psc_table": 150, "genotypes": 145, "both": 140, "analysed": 140,
        "variants": 80, "autosomal_variants": 70, "tested_variants": 69,
    }  # fmt: skip
    text = "\n".join(progress.lines)
    assert "10 only in the PSC table (sub-0001, sub-0002" in text
    assert "5 only in the genotypes (other-0" in text
    assert "10 variants are not on autosomes" in text
    assert "1 PSCs are missing or the same for everyone: left out (C4_3)" in text


def test_results_are_those_of_statsmodels_from_the_files(study, tmp_path):
    _, folder = run_gwas(study, tmp_path / "job", table="study_raw")
    store = SumstatsStore.open(folder)
    genotypes = Genotypes.open(study.source_data / "genotypes/example")
    people = read_participants(study.participants).set_index("participant_id")
    people["age2"] = (people["age"] - 67) ** 2  # the same span as any other square
    values = read_psc_table(study.psc_table("study_raw")).table.set_index("participant_id")
    for index in (0, 20, 68):
        variant = store.variants.iloc[index]
        row = int(variant["base_pair_location"]) // 1000 - 1
        data = people.assign(y=values["C4_4"], g=np.nan)
        dosage = genotypes.read(np.array([row]))[:, 0]
        data["g"] = pd.Series(dosage, index=genotypes.samples["iid"]).reindex(data.index)
        data = data.dropna(subset=["y", "g"])
        fit = smf.ols("y ~ age * sex + age2 * sex + icv + site + g", data).fit()
        found = store.read("C4_4").iloc[index]
        assert found["beta"] == pytest.approx(fit.params["g"], rel=1e-5)
        assert found["standard_error"] == pytest.approx(fit.bse["g"], rel=1e-5)
        assert found["neg_log_10_p_value"] == pytest.approx(-np.log10(fit.pvalues["g"]), rel=1e-4)
        assert store.sample_sizes("C4_4")[index] == fit.nobs
        called = dosage[genotypes.samples["iid"].isin(people.index)]
        assert variant["effect_allele_frequency"] == pytest.approx(np.nanmean(called) / 2)


@pytest.mark.tool("plink2")
@pytest.mark.parametrize("maf", [0.0, 0.2])
def test_both_engines_agree_with_calls_and_phenotypes_missing(study, tmp_path, maf):
    built_in, plink = (
        SumstatsStore.open(run_gwas(study, tmp_path / engine, engine=engine, maf=maf)[1])
        for engine in ("built-in", "plink2")
    )
    assert_same_results(built_in, plink)
    assert built_in.description.errors == plink.description.errors
    assert built_in.description.errors == ({"CONST_ALLELE": 5} if maf == 0 else {})
    assert plink.read("C4_1")["neg_log_10_p_value"].max() > 308
    assert plink.description.engine_version.startswith("2.")


@pytest.mark.tool("plink2")
def test_both_engines_agree_without_covariates_and_with_ranks(study, tmp_path):
    options = {"covariates": ("none",), "transform": "inverse-normal", "scales": (2,)}
    built_in, plink = (
        SumstatsStore.open(run_gwas(study, tmp_path / engine, engine=engine, **options)[1])
        for engine in ("built-in", "plink2")
    )
    assert built_in.pscs == ["C2_1", "C2_2"]
    assert_same_results(built_in, plink)


@pytest.mark.tool("plink2")
def test_plink_in_several_batches_gives_the_same(study, tmp_path, monkeypatch):
    whole = SumstatsStore.open(run_gwas(study, tmp_path / "whole", engine="plink2")[1])
    monkeypatch.setattr(gwas_engines, "_RESULTS_PER_RUN", 2 * 70)
    parts = SumstatsStore.open(run_gwas(study, tmp_path / "parts", engine="plink2")[1])
    assert_same_results(whole, parts)


@pytest.mark.tool("plink2")
@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("prefix", "missing"), [("1kg/1kg", 0.01), ("regenie_example/regenie", 0.03)]
)
def test_both_engines_agree_on_real_genotypes(tmp_path, pytestconfig, prefix, missing):
    source = Genotypes.open(pytestconfig.rootpath.parent / "shared/data/genotypes" / prefix)
    rng = np.random.default_rng(0)
    n, n_pscs = source.n_samples, 55
    rows = np.sort(rng.choice(source.n_variants, min(600, source.n_variants), replace=False))
    calls = source.read(rows)
    values = rng.normal(5000, 400, (n, n_pscs))
    values[:, 0] += 3000 * calls[:, 7]
    values[10:60, 1] = values[15:50, 2] = np.nan
    calls[:, ::2][rng.random(calls[:, ::2].shape) < missing] = -127
    study = Study.create(tmp_path / "study")
    ids = source.samples["iid"].tolist()
    path = study.source_data / "genotypes/g.bed"
    write_bed(path, calls.astype(np.int8), iid=ids, variants=source.variants.iloc[rows])
    people = pd.DataFrame({"participant_id": ids, "session_id": "ses-01"})
    people["age"], people["sex"] = rng.uniform(45, 85, n), rng.choice(["F", "M"], n)
    for number in range(1, 11):
        people[f"PC{number}"] = rng.normal(size=n)
    write_participants(study.participants, people)
    write_named_table(study, ids, values)
    stores = [
        SumstatsStore.open(run_gwas(study, tmp_path / engine, engine=engine)[1])
        for engine in ("built-in", "plink2")
    ]
    assert len(stores[0].pscs) == n_pscs
    assert stores[0].read("C64_1")["neg_log_10_p_value"].max() > 300
    assert_same_results(*stores)


def write_named_table(study, ids, values):
    names = [f"C64_{number + 1}" for number in range(values.shape[1])]
    sidecar = PscSidecar(name="study_raw", atlas="study", atlas_hashes={})
    write_psc_table(
        study.psc_table("study_raw"),
        make_psc_table(ids, ["ses-01"] * len(ids), names, values, sidecar),
    )


def test_the_same_run_gives_the_same_bytes(study, tmp_path):
    first, second = (run_gwas(study, tmp_path / name)[1] for name in ("a", "b"))
    files = [path.relative_to(first) for path in first.rglob("*.*")]
    assert len(files) >= 8
    for file in files:
        assert (first / file).read_bytes() == (second / file).read_bytes()


def test_a_cancelled_run_goes_on_where_it_stopped(study, tmp_path, monkeypatch):
    monkeypatch.setattr(gwas_engines, "block_size", lambda n, columns: 8)
    monkeypatch.setattr(gwas_engines, "_COMMIT_SECONDS", 0.0)
    expected = run_gwas(study, tmp_path / "whole")[1]

    class Stopping(Told):
        def update(self, fraction, message=""):
            if message.startswith("variant 40"):
                raise Cancelled

        def part(self, start, stop):
            return self

    with pytest.raises(Cancelled):
        run_gwas(study, tmp_path / "job", progress=Stopping())
    (tmp_path / "job/output").rmdir()
    progress = Told()
    _, folder = run_gwas(study, tmp_path / "job", progress=progress)
    assert "going on at variant 40" in progress.lines
    for file in expected.rglob("*.*"):
        assert file.read_bytes() == (folder / file.relative_to(expected)).read_bytes()


def test_raw_pscs_get_the_site_as_a_covariate_and_harmonised_ones_do_not(study, tmp_path):
    raw = SumstatsStore.open(run_gwas(study, tmp_path / "raw", table="study_raw")[1])
    assert raw.description.covariates[-2:] == ("site[South]", "site[West]")
    harmonized = SumstatsStore.open(run_gwas(study, tmp_path / "harmonized")[1])
    assert not any("site" in name for name in harmonized.description.covariates)


def test_components_from_a_further_table_become_covariates(study, tmp_path):
    rng = np.random.default_rng(0)
    people = read_participants(study.participants)
    table = pd.DataFrame({"IID": people["participant_id"], "PC1": rng.normal(size=N)})
    table["PC2"] = rng.normal(size=N)
    table.iloc[:-4].to_csv(tmp_path / "pcs.csv", index=False)
    _, folder = run_gwas(study, tmp_path / "job", covariate_table=tmp_path / "pcs.csv")
    made = SumstatsStore.open(folder).description
    assert made.covariates[-2:] == ("PC1", "PC2")
    assert made.counts["analysed"] == 136
    assert any("4 participants lack a covariate" in note for note in made.notes)


def test_scales_and_pscs_choose_what_is_tested(study, tmp_path):
    _, folder = run_gwas(study, tmp_path / "a", scales=(2,), pscs=("C4_2",))
    assert SumstatsStore.open(folder).pscs == ["C2_1", "C2_2", "C4_2"]


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"scales": (8,)}, "no scale 8.*It has 2, 4"),
        ({"pscs": ("C4_9",)}, "no PSC C4_9.*Did you mean C4_"),
        ({"covariates": ("age", "weight")}, "no column named weight.*icv"),
        ({"covariates": ("age^",)}, "'age\\^' is not a covariate"),
        ({"table": "other"}, "no PSC table named other"),
    ],
)
def test_what_does_not_exist_is_named_with_what_does(study, tmp_path, parameters, text):
    with pytest.raises(ParameterError, match=text):
        run_gwas(study, tmp_path / "job", **parameters)


def test_pscs_that_all_vanished_are_refused(study, tmp_path):
    write_table(study, "study_raw", np.full((N, len(PSCS)), np.nan), None)
    with pytest.raises(InputError, match="no PSC varies between the participants"):
        run_gwas(study, tmp_path / "job", table="study_raw")


def test_genotypes_have_to_be_named_where_there_are_several(study, tmp_path):
    folder = study.source_data / "genotypes"
    (folder / "second.bed").write_bytes(b"")
    with pytest.raises(ParameterError, match=r"say which genotypes to use.*there are 2 sets"):
        run_gwas(study, tmp_path / "job")
    _, results = run_gwas(study, tmp_path / "named", genotypes=folder / "example.fam")
    assert SumstatsStore.open(results).description.genotypes.endswith("example.bed")


def test_the_inputs_are_all_files_that_decide_the_result(study, tmp_path):
    names = {path.name for path in STEP.inputs(study, GwasParameters())}
    assert names == {
        "participants.tsv", "study_harmonized.parquet", "study_harmonized.json",
        "example.bed", "example.bim", "example.fam",
    }  # fmt: skip
    further = GwasParameters(covariate_table=tmp_path / "pcs.tsv")
    assert tmp_path / "pcs.tsv" in STEP.inputs(study, further)


def test_a_cancel_is_granted_within_a_second(study, tmp_path):
    asked = []

    class Late(Told):
        def check(self):
            if asked:
                raise Cancelled

        def update(self, fraction, message=""):
            self.check()
            if message.startswith("variant"):
                asked.append(time.monotonic())

        def part(self, start, stop):
            return self

    with pytest.raises(Cancelled):
        run_gwas(study, tmp_path / "job", progress=Late())
    assert time.monotonic() - asked[0] < 1.0
