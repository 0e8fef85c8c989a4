"""Summary statistics survive the disk in both layouts, and odd files are refused."""

import json

import numpy as np
import pandas as pd
import pytest

from music_gui.core.association.linear import Association, ErrorCode
from music_gui.core.errors import InputError
from music_gui.core.progress import Silent
from music_gui.io.sumstats_store import GwasDescription, SumstatsStore
from music_gui.io.sumstats_writer import SumstatsWriter

PSCS = ("C2_1", "C2_2", "C32_7")
GROUPS = (0, 1, 0)
M = 10
TESTED = np.array([True, True, False, True, True, True, False, True, True, True])


def variants() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "chromosome": ["1"] * 6 + ["2"] * 4,
            "base_pair_location": [100, 200, 300, 400, 500, 600, 100, 200, 300, 400],
            "rsid": [f"rs{number}" for number in range(M)],
            "effect_allele": ["A"] * M,
            "other_allele": ["G"] * M,
        }
    )


def result(first: int, count: int, n_pscs: int, seed: int, n: int) -> Association:
    rng = np.random.default_rng([first, seed])
    shape = (count, n_pscs)
    beta, p = rng.normal(size=shape), rng.exponential(size=shape)
    code = np.zeros(count, np.uint8)
    if first == 0:
        code[1] = ErrorCode.CONST_ALLELE
        beta[1] = p[1] = np.nan
        p[0, 0] = 1234.5  # far beyond the smallest double
    return Association(beta, np.abs(beta) / 2, p, np.full(count, n, np.int32), code)


def describe(found):
    found = dict(found)
    counts = {"tested_variants": found.pop("n_tested")}
    return GwasDescription(
        name="test", engine="built-in", engine_version="1", table="study_raw", atlas="study",
        genotypes="g.bed", covariates=("age",), coding={}, transform="none", min_maf=0.01,
        max_vif=50, counts=counts, effect_allele="A1", notes=(), simulated=True, **found,
    )  # fmt: skip


def fill(writer: SumstatsWriter, first: int, stop: int) -> None:
    rows = first + np.flatnonzero(TESTED[first:stop])
    writer.write_variants(
        slice(first, stop), np.linspace(0.1, 0.4, M)[first:stop], TESTED[first:stop]
    )
    writer.write(rows, 0, np.array([0, 2]), result(first, len(rows), 2, 0, 100))
    writer.write(rows, 1, np.array([1]), result(first, len(rows), 1, 1, 90))
    writer.commit(stop)


@pytest.fixture
def folder(tmp_path):
    writer = SumstatsWriter(tmp_path / "scratch", PSCS, GROUPS, M, "key")
    fill(writer, 0, 6)
    fill(writer, 6, M)
    writer.finish(tmp_path / "gwas", variants(), describe, hit_threshold=2.0, progress=Silent())
    return tmp_path / "gwas"


def test_a_psc_is_read_in_the_order_of_the_variants(folder):
    store = SumstatsStore.open(folder)
    assert store.pscs == list(PSCS)
    assert store.variants["rsid"].tolist() == [f"rs{k}" for k in np.flatnonzero(TESTED)]
    expected = np.concatenate([result(0, 5, 2, 0, 1).beta[:, 1], result(6, 3, 2, 0, 1).beta[:, 1]])
    np.testing.assert_array_equal(store.read("C32_7")["beta"], expected.astype(np.float32))
    assert store.read("C2_1").columns.tolist() == ["beta", "standard_error", "neg_log_10_p_value"]


def test_names_are_those_of_gwas_ssf(folder):
    assert SumstatsStore.open(folder).variants.columns.tolist() == [
        "chromosome", "base_pair_location", "rsid", "effect_allele", "other_allele",
        "effect_allele_frequency", "n", "error_code",
    ]  # fmt: skip


def test_a_p_value_beyond_all_doubles_is_kept(folder):
    store = SumstatsStore.open(folder)
    assert store.read("C2_1")["neg_log_10_p_value"][0] == 1234.5
    assert store.hits["neg_log_10_p_value"].max() == 1234.5


def test_one_variant_of_all_pscs_is_the_same_as_psc_by_psc(folder):
    store = SumstatsStore.open(folder)
    for index in range(store.n_variants):
        across = store.variant(index)
        assert across["psc"].tolist() == list(PSCS)
        for psc, row in across.set_index("psc").iterrows():
            np.testing.assert_array_equal(row, store.read(psc).iloc[index])


def test_hits_are_all_results_above_the_threshold(folder):
    store = SumstatsStore.open(folder)
    expected = [
        (psc, index)
        for psc in PSCS
        for index in np.flatnonzero(store.read(psc)["neg_log_10_p_value"] >= 2.0)
    ]
    assert list(zip(store.hits["psc"], store.hits["variant_index"], strict=True)) == expected
    assert len(expected) >= 1


def test_sample_sizes_are_those_of_the_psc(folder):
    store = SumstatsStore.open(folder)
    assert store.sample_sizes("C2_1").tolist() == [100] * 8
    assert store.sample_sizes("C2_2").tolist() == [90] * 8
    assert store.variants["n"].tolist() == [100] * 8


def test_what_could_not_be_tested_says_why(folder):
    store = SumstatsStore.open(folder)
    assert store.variants["error_code"].tolist() == ["", "CONST_ALLELE", *[""] * 6]
    assert np.isnan(store.read("C2_2")["beta"][1])
    assert store.description.errors == {"CONST_ALLELE": 3}


def test_a_region_has_both_its_ends(folder):
    store = SumstatsStore.open(folder)
    assert store.variants.iloc[store.region("1", 200, 500)]["rsid"].tolist() == [
        "rs1",
        "rs3",
        "rs4",
    ]
    assert len(store.region("3", 0, 10**9)) == 0


def test_lambda_is_kept_for_each_psc(folder):
    store = SumstatsStore.open(folder)
    assert all(np.isfinite(store.lambda_gc(psc)) for psc in PSCS)


def test_a_psc_that_was_not_tested_is_named(folder):
    with pytest.raises(InputError, match="PSC C2_9 was not part of this GWAS"):
        SumstatsStore.open(folder).read("C2_9")


def test_an_interrupted_run_goes_on_and_gives_the_same_bytes(folder, tmp_path):
    scratch = tmp_path / "again"
    fill(SumstatsWriter(scratch, PSCS, GROUPS, M, "key"), 0, 6)
    resumed = SumstatsWriter(scratch, PSCS, GROUPS, M, "key")
    assert resumed.n_done == 6
    fill(resumed, 6, M)
    resumed.finish(tmp_path / "b", variants(), describe, hit_threshold=2.0, progress=Silent())
    for path in folder.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(folder)).read_bytes()


def test_what_another_run_left_is_thrown_away(tmp_path):
    fill(SumstatsWriter(tmp_path, PSCS, GROUPS, M, "key"), 0, 6)
    assert SumstatsWriter(tmp_path, PSCS, GROUPS, M, "other key").n_done == 0


def test_nothing_tested_is_an_empty_store(tmp_path):
    writer = SumstatsWriter(tmp_path / "s", PSCS, GROUPS, M, "key")
    writer.finish(tmp_path / "g", variants(), describe, hit_threshold=5.0, progress=Silent())
    store = SumstatsStore.open(tmp_path / "g")
    assert len(store.variants) == len(store.read("C2_1")) == len(store.hits) == 0
    assert np.isnan(store.lambda_gc("C2_1"))


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(InputError, match="no GWAS results in this folder"):
        SumstatsStore.open(tmp_path)


def test_a_newer_format_is_refused(folder):
    path = folder / "gwas.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 99}))
    with pytest.raises(InputError, match="newer version"):
        SumstatsStore.open(folder)


def test_a_damaged_description_is_refused(folder):
    (folder / "gwas.json").write_text("{}")
    with pytest.raises(InputError, match="description of the GWAS is damaged"):
        SumstatsStore.open(folder)


def test_a_file_of_another_run_is_not_mixed_in(folder, tmp_path):
    writer = SumstatsWriter(tmp_path / "s", PSCS, GROUPS, M, "key")
    fill(writer, 0, 6)
    fill(writer, 6, M)
    other = variants().assign(effect_allele="C")
    writer.finish(tmp_path / "o", other, describe, hit_threshold=2.0, progress=Silent())
    (tmp_path / "o/statistics/C2_1.parquet").replace(folder / "statistics/C2_1.parquet")
    with pytest.raises(InputError, match="another variants table"):
        SumstatsStore.open(folder).read("C2_1")


@pytest.mark.parametrize("name", ["statistics/C2_1.parquet", "by_variant.npy"])
def test_a_truncated_file_is_named(folder, name):
    path = folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    store = SumstatsStore.open(folder)
    with pytest.raises(InputError, match=name):
        store.read("C2_1") if "C2_1" in name else store.variant(0)
