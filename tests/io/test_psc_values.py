"""Tables of PSC values as users have them, this way round and that."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from music_gui.core.errors import InputError
from music_gui.io.p_values import (
    names_neg_log_10_p,
    names_p_values,
    neg_log_10_p_of_z,
    read_p_values,
)
from music_gui.io.psc_names import KnownPscs, recognize_name
from music_gui.io.psc_values import read_psc_values, write_psc_values

HERITABILITY = Path(__file__).parents[2].parent / "shared/data/bridgeport/heritability_C32.tsv"

KNOWN = KnownPscs({4: 4, 8: 8}, frozenset({"C8_3"}))


@pytest.fixture
def write(tmp_path):
    def save(text: str, name: str = "table.tsv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding=encoding)
        return path

    return save


def values_of(read, name):
    return next(column for column in read.columns if column.name == name).values


@pytest.mark.shared_data
def test_the_published_heritability_keeps_its_smallest_p_values():
    read = read_psc_values(HERITABILITY, KnownPscs({32: 32}))
    heritability, p = read.columns
    assert (heritability.name, heritability.quantity) == ("Heritability", "value")
    assert heritability.values["C32_4"] == 0.671003
    assert (p.name, p.quantity, len(p.values)) == ("Pvalue", "neg_log_10_p", 32)
    assert p.values["C32_1"] == pytest.approx(216.26970, abs=1e-5)  # 5.373974556056489e-217
    assert len(p.at_least) == 2  # printed as 0.0
    assert {p.values[psc] for psc in p.at_least} == {323.306}
    assert "Pvalue is printed as 0 for" in read.notes[0]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("C32_4", "C32_4"), ("c32-4", "C32_4"), ("MINA32_4", "C32_4"),
        ("MuSIC_C1024_017", "C1024_17"), ("32_4", "C32_4"), ("PSC C32_4", "C32_4"),
        ("sub-0001", None), ("1.5", None), ("rs12", None), ("2024-11-25", None), ("", None),
    ],
)  # fmt: skip
def test_names_of_other_tools_are_understood(text, name):
    assert recognize_name(text) == name


def test_p_values_are_read_from_their_digits():
    read = read_p_values(["0.05", "1e-318", "2.5E-400", "1", "NA", "0.0", "<1e-300"])
    np.testing.assert_allclose(
        read.neg_log_10_p, [1.30103, 318, 399.60206, 0, np.nan, 399.60206, 300], atol=1e-5
    )
    assert read.at_least.tolist() == [False, False, False, False, False, True, True]


def test_a_p_of_0_in_a_column_of_three_decimals_means_less_than_half_a_thousandth():
    read = read_p_values(["0.034", "0.000", "0.512"])
    assert read.neg_log_10_p[1] == pytest.approx(-np.log10(0.0005))
    assert read.at_least.tolist() == [False, True, False]


@pytest.mark.parametrize("cells", [["0.1", "1.2"], ["0.1", "-0.1"], ["0.1", "low"]])
def test_what_can_be_no_p_is_not_read_as_one(cells):
    assert read_p_values(cells) is None


def test_columns_of_p_are_known_by_their_names():
    assert all(map(names_p_values, ["P", "Pvalue", "p_value", "p.val", "h2_pval", "P_LRT"]))
    assert all(map(names_neg_log_10_p, ["LOG10P", "neg_log_10_p_value", "mlogp", "-log10(p)"]))
    assert not any(map(names_p_values, ["population", "psc", "LOG10P", "prevalence", "beta"]))


def test_p_of_a_z_score_beyond_the_smallest_double_is_finite():
    z = np.array([1.96, -1.96, 40.0, 0.0])
    small = -np.log10(2 * stats.norm.sf(1.96))
    large = -(np.log(2) + stats.norm.logsf(40)) / np.log(10)
    np.testing.assert_allclose(neg_log_10_p_of_z(z), [small, small, large, 0.0])
    assert 349 < neg_log_10_p_of_z(z)[2] < 350


def test_a_p_of_0_is_computed_from_effect_and_standard_error(write):
    read = read_psc_values(
        write("psc\tbeta\tse\tp\nC4_1\t4\t0.1\t0\nC4_2\t0.1\t0.1\t0.317\n"), KNOWN
    )
    p = read.columns[-1]
    assert p.values["C4_1"] == pytest.approx(349.136, abs=1e-3)  # log p of 40 by DLMF 7.12.1
    assert not p.at_least


def test_a_row_a_psc_with_semicolons_and_decimal_commas(write):
    read = read_psc_values(write("Name;h2;Gene\nC4_1;0,5;APOE\nC4_2;NA;TP53\n", "t.csv"), KNOWN)
    assert [column.name for column in read.columns] == ["h2"]
    assert values_of(read, "h2") == {"C4_1": 0.5}


def test_pscs_of_other_atlases_and_vanished_ones_are_named(write):
    text = "psc\tx\nC4_1\t1\nC4_9\t2\nC8_3\t3\nC16_1\t4\nC8_2\t5\n"
    read = read_psc_values(write(text), KNOWN)
    assert values_of(read, "x") == {"C4_1": 1.0, "C8_2": 5.0}
    assert "this atlas has no C4_9, C16_1: left out" in read.notes
    assert "C8_3 vanished from this atlas: left out" in read.notes


def test_numbers_alone_belong_to_the_scale_of_the_file_name(write):
    read = read_psc_values(write("IDP\tloci\n1\t7\n2\t0\n3\t1\n4\t2\n", "loci_C4.tsv"), KNOWN)
    assert values_of(read, "loci") == {"C4_1": 7, "C4_2": 0, "C4_3": 1, "C4_4": 2}
    assert "IDP was read as numbers of PSCs at C = 4" in read.notes


def test_numbers_alone_beside_a_column_of_scales(write):
    read = read_psc_values(write("C\tpsc\tx\n4\t1\t0.1\n8\t1\t0.2\n8\t2\t0.3\n"), KNOWN)
    assert values_of(read, "x") == {"C4_1": 0.1, "C8_1": 0.2, "C8_2": 0.3}


def test_a_column_a_psc_with_one_row(write):
    read = read_psc_values(write("C4_1,C4_2,C4_3,C4_4\n1,2,3,nan\n", "subject.csv"), KNOWN)
    assert [column.name for column in read.columns] == ["subject"]
    assert values_of(read, "subject") == {"C4_1": 1, "C4_2": 2, "C4_3": 3}


def test_a_column_a_psc_with_a_row_a_participant(write):
    text = "participant_id\tC4_1\tC4_2\nsub-1\t1\t10\nsub-2\t3\tn/a\n"
    read = read_psc_values(write(text), KNOWN)
    assert [column.name for column in read.columns] == ["Mean of 2 rows", "sub-1", "sub-2"]
    assert values_of(read, "Mean of 2 rows") == {"C4_1": 2, "C4_2": 10}
    assert values_of(read, "sub-2") == {"C4_1": 3}


def test_parquet_and_packed_text_are_read_too(tmp_path):
    frame = pd.DataFrame({"psc": ["C4_1", "C4_2"], "z": [1.5, np.nan], "n": [3, 4]})
    frame.to_parquet(tmp_path / "t.parquet")
    read = read_psc_values(tmp_path / "t.parquet", KNOWN)
    assert values_of(read, "z") == {"C4_1": 1.5}
    (tmp_path / "t.tsv.gz").write_bytes(gzip.compress(b"psc\tz\nC4_1\t2\n"))
    assert values_of(read_psc_values(tmp_path / "t.tsv.gz", KNOWN), "z") == {"C4_1": 2}


def test_log10_p_below_zero_is_turned_around(write):
    read = read_psc_values(write("psc\tlog10p\nC4_1\t-8\nC4_2\t-1\n"), KNOWN)
    assert read.columns[0].quantity == "neg_log_10_p"
    assert values_of(read, "log10p") == {"C4_1": 8, "C4_2": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("psc\tx\nC4_1\t1\nC4_1\t2\n", "C4_1 occur more than once"),
        ("gene\tx\nAPOE\t1\n", "does not name the PSCs"),
        ("psc\tname\nC4_1\tthalamus\n", "no column of numbers"),
        ("psc\tx\nC4_1\tNA\n", "no number for any PSC"),
        ("psc\tx\n", "no rows"),
    ],
)
def test_other_tables_are_refused_with_a_reason(write, text, message):
    with pytest.raises(InputError, match=message) as refusal:
        read_psc_values(write(text), KNOWN)
    assert "table.tsv" in refusal.value.where


def test_an_excel_workbook_and_a_damaged_package_are_refused(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"PK\x03\x04rest")
    with pytest.raises(InputError, match="Excel"):
        read_psc_values(tmp_path / "t.csv")
    (tmp_path / "t.tsv.gz").write_bytes(gzip.compress(b"psc\tz\nC4_1\t2\n")[:-6])
    with pytest.raises(InputError, match="damaged"):
        read_psc_values(tmp_path / "t.tsv.gz")
    (tmp_path / "t.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match="Parquet"):
        read_psc_values(tmp_path / "t.parquet")


def test_what_is_written_is_read_back_to_the_last_bit(tmp_path):
    values = [0.1 + 0.2, 1e-300, 5.0, float("nan")]
    columns = {
        "psc": ["C4_1", "C4_2", "C4_3", "C4_4"],
        "x": values,
        "ok": [True, False, True, False],
    }
    write_psc_values(tmp_path / "t.tsv", columns)
    assert (tmp_path / "t.tsv").read_text().splitlines()[3:] == [
        "C4_3\t5\ttrue",
        "C4_4\tn/a\tfalse",
    ]
    read = read_psc_values(tmp_path / "t.tsv", KNOWN)
    assert values_of(read, "x") == {"C4_1": 0.1 + 0.2, "C4_2": 1e-300, "C4_3": 5.0}
