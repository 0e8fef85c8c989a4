"""Participants tables as users really have them; each test names where its kind was reported."""

import numpy as np
import pytest

from music_gui.core.errors import InputError
from music_gui.io.participants_tsv import read_participants, read_participants_table


def read(folder, text, encoding="utf-8", **options):
    path = folder / "table.tsv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return read_participants_table(path, **options)


class TestIds:
    """permGWAS#7, containers#21, TrajGWAS.jl#47."""

    def test_leading_zeros_are_kept(self, tmp_path):
        table = read(tmp_path, "participant_id\tsession_id\n007\t01\n0010\t02\n").table
        assert table["participant_id"].tolist() == ["007", "0010"]
        assert table["session_id"].tolist() == ["01", "02"]

    def test_ids_of_digits_only_with_one_missing_do_not_become_decimals(self, tmp_path):
        read_in = read(tmp_path, "participant_id\tage\n1001\t60\n\t61\n")
        assert read_in.table["participant_id"][0] == "1001"
        assert read_in.problems == {1: "it has no participant_id"}

    @pytest.mark.parametrize(
        "text",
        [
            "participant_id\tage\nS1 \t60\n  S2\t61\n",
            "participant_id\tage\r\nS1\t60\r\nS2\t61\r\n",
            "\ufeffparticipant_id\tage\nS1\t60\nS2\t61\n",
            "participant_id\tage\nS1\u00a0\t60\n\u200bS2\t61\n",
            "participant_id\tage\n\"S1\"\t60\n'S2'\t61\n".replace("'", '"'),
            'participant_id\tage\n="S1"\t60\n="S2"\t61\n',
            "participant_id\tage\rS1\t60\rS2\t61\r",
        ],
        ids=["spaces", "CRLF", "BOM", "invisible", "quotes", "spreadsheet", "old Mac"],
    )
    def test_ids_that_look_alike_are_alike(self, tmp_path, text):
        assert read(tmp_path, text).table["participant_id"].tolist() == ["S1", "S2"]

    def test_of_a_plink_table_the_iid_counts_and_the_fid_stays_text(self, tmp_path):
        table = read(tmp_path, "#FID IID age\n01 S1 60\n02 S2 61\n").table
        assert table["participant_id"].tolist() == ["S1", "S2"]
        assert table["FID"].tolist() == ["01", "02"]

    def test_every_line_of_a_repeated_participant_is_named(self, tmp_path):
        text = "participant_id\tage\nS1\t60\nS2\t61\nS1\t62\n\nS1\t63\n"
        read_in = read(tmp_path, text)
        assert read_in.problems == {
            0: "S1 ses-01 is also in line 4, 6",
            2: "S1 ses-01 is also in line 2, 6",
            3: "S1 ses-01 is also in line 2, 4",
        }
        with pytest.raises(InputError, match=r"table\.tsv.*line 2: S1 ses-01"):
            read_participants(tmp_path / "table.tsv")

    def test_one_participant_with_two_sessions_is_no_repetition(self, tmp_path):
        text = "participant_id\tsession_id\nS1\tses-1\nS1\tses-2\n"
        assert read(tmp_path, text).problems == {}

    def test_a_participant_named_none_or_nan_like_is_only_missing_if_it_is_empty(self, tmp_path):
        read_in = read(tmp_path, "participant_id\tage\nNone\t1\nn/a\t2\n")
        assert read_in.table["participant_id"][0] == "None"
        assert read_in.problems == {1: "it has no participant_id"}


class TestEncodings:
    def test_utf_16_from_a_spreadsheet_is_read(self, tmp_path):
        read_in = read(tmp_path, "id\tsite\na\tMünchen\n", encoding="utf-16")
        assert read_in.table["site"].tolist() == ["München"]
        assert read_in.notes[0] == "the table is encoded in UTF-16"

    def test_windows_letters_are_read_and_that_is_said(self, tmp_path):
        read_in = read(tmp_path, "id\tsite\na\tA\nb\tMünchen\n", encoding="cp1252")
        assert read_in.table["site"].tolist() == ["A", "München"]
        assert "line 3" in read_in.notes[0]


class TestSex:
    def sexes(self, folder, values, **options):
        text = "id\tsex\n" + "".join(f"s{n}\t{value}\n" for n, value in enumerate(values))
        return read(folder, text, **options)

    @pytest.mark.parametrize(
        "values",
        [
            ["F", "M", "F"],
            ["f", "m", "f"],
            ["female", "Male", "FEMALE"],
            ["F", "male", "woman"],
            ["2", "1", "2"],
            ["2.0", "1.0", "2.0"],
            ["F", "1", "2"],
        ],
    )
    def test_every_unambiguous_coding_becomes_f_and_m(self, tmp_path, values):
        read_in = self.sexes(tmp_path, values)
        assert read_in.table["sex"].tolist() == ["F", "M", "F"]
        said = any(note.startswith("sex: read") for note in read_in.notes)
        assert said == (values != ["F", "M", "F"])

    def test_plinks_0_is_unknown(self, tmp_path):
        table = self.sexes(tmp_path, ["2", "0", "1"]).table
        assert table["sex"].isna().tolist() == [False, True, False]

    @pytest.mark.parametrize("values", [["0", "1"], ["1", "1"], ["F", "0"], ["1", "M"]])
    def test_0_and_1_are_asked_about_and_taken_as_stated(self, tmp_path, values):
        with pytest.raises(InputError, match=r"table\.tsv.*others the reverse.*0=F and 1=M"):
            self.sexes(tmp_path, values)
        table = self.sexes(tmp_path, ["0", "1"], sex_codes={"0": "M", "1": "F"}).table
        assert table["sex"].tolist() == ["M", "F"]

    def test_unknown_words_are_missing_and_named(self, tmp_path):
        read_in = self.sexes(tmp_path, ["F", "M", "x", "NA", "-9"])
        assert read_in.table["sex"].isna().tolist() == [False, False, True, True, True]
        assert "x as missing" in read_in.notes[-1]


class TestMissingValues:
    """libplinkio#18, plink-ng#281: missing codes mix with real values."""

    @pytest.mark.parametrize("code", ["NA", "n/a", "", "NaN", ".", "null", "#N/A", "-9", "-999"])
    def test_any_code_for_a_missing_age_is_missing(self, tmp_path, code):
        table = read(tmp_path, f"id\tage\tsex\na\t60\tF\nb\t{code}\tM\n").table
        assert table["age"].isna().tolist() == [False, True]

    def test_an_age_that_can_not_be_is_missing_and_named(self, tmp_path):
        read_in = read(tmp_path, "id\tage\na\t60\nb\t-9\nc\t999\nd\t99\n")
        np.testing.assert_array_equal(read_in.table["age"], [60, np.nan, np.nan, 99])
        assert any("-9 can't be" in note for note in read_in.notes)
        assert any("999 can't be" in note for note in read_in.notes)

    def test_minus_9_stays_a_value_where_it_can_be_one(self, tmp_path):
        table = read(tmp_path, "id\tPC1\na\t-9\nb\t-8.5\nc\t3\n").table
        assert table["PC1"].tolist() == [-9, -8.5, 3]

    def test_minus_9_among_positive_values_is_kept_but_pointed_out(self, tmp_path):
        read_in = read(tmp_path, "id\tscore\na\t12\nb\t-9\nc\t30\n")
        assert read_in.table["score"].tolist() == [12, -9, 30]
        assert read_in.notes[-1].startswith("score: -9 in 1 rows was kept as a value; write NA")

    def test_minus_9_is_no_site_and_no_diagnosis(self, tmp_path):
        read_in = read(tmp_path, "id\tsite\tdx\na\tUPENN\tAD\nb\tJHU\t-9\nc\t-9\tCN\n")
        assert read_in.table["site"].isna().tolist() == [False, False, True]
        assert read_in.table["diagnosis"].isna().tolist() == [False, True, False]

    def test_a_case_control_coding_of_minus_1_and_1_is_kept(self, tmp_path):
        table = read(tmp_path, "id\tdiagnosis\na\t-1\nb\t1\n").table
        assert table["diagnosis"].tolist() == ["-1", "1"]

    def test_one_word_among_the_ages_is_missing_and_its_line_is_named(self, tmp_path):
        read_in = read(tmp_path, "id\tage\na\t60\nb\tseventy\nc\t65\n")
        np.testing.assert_array_equal(read_in.table["age"], [60, np.nan, 65])
        assert "age: no number, taken as missing: line 3 'seventy'" in read_in.notes

    def test_a_column_of_words_named_age_is_refused(self, tmp_path):
        with pytest.raises(InputError, match=r"age is no number in 2 of 2 rows.*line 2 'old'"):
            read(tmp_path, "id\tage\na\told\nb\tyoung\n")

    def test_a_column_without_any_value_is_missing_throughout(self, tmp_path):
        table = read(tmp_path, "id\tage\ticv\tsite\na\t\t\t\nb\tNA\tNA\tNA\n").table
        assert table[["age", "icv", "site"]].isna().all().all()


class TestCategories:
    """regenie#26, plink-ng#115."""

    def test_text_categories_are_kept_as_they_are(self, tmp_path):
        table = read(tmp_path, "id\tsite\tscanner_model\na\tUPENN\tPrisma\nb\tJHU\tTrio\n").table
        assert table["site"].tolist() == ["UPENN", "JHU"]
        assert table["scanner_model"].tolist() == ["Prisma", "Trio"]

    def test_numbers_0_1_2_in_a_column_of_ones_own_stay_numbers(self, tmp_path):
        table = read(tmp_path, "id\tload\na\t0\nb\t1\nc\t2\n").table
        assert table["load"].tolist() == [0.0, 1.0, 2.0]
