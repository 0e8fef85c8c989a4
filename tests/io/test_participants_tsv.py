import numpy as np
import pandas as pd
import pytest

from music_gui.core.errors import InputError
from music_gui.io.participants_tsv import (
    read_participants,
    read_participants_table,
    write_participants,
)


def table_file(folder, text, name="table.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def read(folder, text, **options):
    return read_participants_table(table_file(folder, text), **options)


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|", " ", "   "])
def test_any_common_delimiter_gives_the_same_table(tmp_path, delimiter):
    rows = [["participant_id", "age", "sex"], ["001", "61.5", "F"], ["002", "70", "M"]]
    read_in = read(tmp_path, "\n".join(delimiter.join(row) for row in rows) + "\n")
    assert read_in.table["participant_id"].tolist() == ["001", "002"]
    assert read_in.table["age"].tolist() == [61.5, 70.0]
    assert read_in.table["sex"].tolist() == ["F", "M"]
    assert read_in.table["session_id"].tolist() == ["ses-01", "ses-01"]
    assert read_in.notes == ()
    assert read_in.lines.tolist() == [2, 3]


def test_semicolons_with_decimal_commas_are_the_same_numbers(tmp_path):
    read_in = read(tmp_path, "id;age;score\r\n1;61,5;-0,25\r\n2;70;,5\r\n")
    assert read_in.table["age"].tolist() == [61.5, 70.0]
    assert read_in.table["score"].tolist() == [-0.25, 0.5]
    assert "age: decimal commas were read" in read_in.notes


def test_our_names_come_first_and_other_columns_keep_theirs(tmp_path):
    text = "PC1\tGender\tAge_at_scan\tSubject ID\tVisit\tDx\tCenter\n0.1\tmale\t50\tx\tv1\tCN\tA\n"
    read_in = read(tmp_path, text)
    assert list(read_in.table.columns) == [
        *("participant_id", "session_id", "age", "sex", "site", "diagnosis", "PC1")
    ]
    assert "column 'Subject ID' was taken as participant_id" in read_in.notes
    assert read_in.table.loc[0, "sex"] == "M"


def test_a_column_can_be_pointed_out(tmp_path):
    text = "code,id,years\na,1,60\nb,2,61\n"
    chosen = {"participant_id": "code", "age": "years"}
    read_in = read(tmp_path, text, columns=chosen)
    assert read_in.table["participant_id"].tolist() == ["a", "b"]
    assert read_in.table["age"].tolist() == [60, 61]
    assert "id" in read_in.table
    with pytest.raises(InputError, match=r"no column 'cod'.*code, id, years"):
        read(tmp_path, text, columns={"participant_id": "cod"})


def test_of_two_possible_id_columns_the_one_used_is_said(tmp_path):
    read_in = read(tmp_path, "FID,IID,subject\nf1,s1,x\nf2,s2,y\n")
    assert read_in.table["participant_id"].tolist() == ["s1", "s2"]
    assert "'subject' could be participant_id too; not used so" in read_in.notes


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1450000", "1.5e6"], [1.45e6, 1.5e6]),
        (["1450", "1500"], [1.45e6, 1.5e6]),
        (["1.45", "1.5"], [1.45e6, 1.5e6]),
    ],
)
def test_intracranial_volumes_come_out_in_cubic_millimetres(tmp_path, values, expected):
    read_in = read(tmp_path, "id,TIV\n" + "".join(f"{n},{v}\n" for n, v in enumerate(values)))
    np.testing.assert_allclose(read_in.table["icv"], expected)


def test_volumes_of_no_brain_and_ages_in_months_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"table\.csv.*median.*no brain"):
        read(tmp_path, "id,icv\na,12\nb,13\n")
    with pytest.raises(InputError, match="months or days"):
        read(tmp_path, "id,age\na,720\nb,800\n")


def test_text_that_spans_lines_keeps_the_line_numbers_right(tmp_path):
    read_in = read(tmp_path, 'id,note\n\n1,"two\nlines"\n\n2,b\n')
    assert read_in.lines.tolist() == [4, 6]
    assert read_in.table["note"].tolist() == ["two\nlines", "b"]


def test_columns_of_numbers_are_numbers_and_the_rest_is_text(tmp_path):
    text = "id,a,b,c,d\n1,1,x,1e-3,1_000\n2,NA,2,,2\n"
    table = read(tmp_path, text).table
    assert table["a"].tolist()[0] == 1
    assert np.isnan(table["a"][1])
    assert table["b"].tolist() == ["x", "2"]
    assert table["c"].tolist()[0] == 0.001
    assert table["d"].tolist() == ["1_000", "2"]


def test_a_site_numbered_1_2_3_stays_a_category(tmp_path):
    assert read(tmp_path, "id,site\na,1\nb,02\n").table["site"].tolist() == ["1", "02"]


def test_what_is_written_reads_back_the_same(tmp_path):
    table = pd.DataFrame(
        {
            "participant_id": ["001", "sub-02"],
            "session_id": ["ses-01", "ses-02"],
            "age": [60.123456789012345, np.nan],
            "sex": ["F", None],
            "site": ["A", "B, C"],
            "icv": [1_500_000.5, 1_400_000],
        }
    )
    write_participants(tmp_path / "participants.tsv", table)
    read_in = read_participants(tmp_path / "participants.tsv")
    pd.testing.assert_frame_equal(read_in, table, check_dtype=False)
    assert "n/a" in (tmp_path / "participants.tsv").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the table is empty"),
        ("\n \n", "the table is empty"),
        ("participant_id,age\n", "header but no rows"),
        ("age,height\n1,2\n", "no column names the participants"),
        ("0,HG1,1\n0,HG2,2\n", r"names may be missing"),
        ("id,,age\n1,2,3\n", "column 2 has no name"),
        ("id,thalamus,thalamus\na,2,3\n", "several columns named thalamus"),
    ],
)
def test_tables_that_can_not_be_used_say_why(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_other_files_are_called_what_they_are(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(InputError, match=r"Excel workbook.*Save it as CSV"):
        read_participants(tmp_path / "a.xlsx")
    (tmp_path / "b.tsv").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="not a text table"):
        read_participants(tmp_path / "b.tsv")
    with pytest.raises(InputError, match="can't be read"):
        read_participants(tmp_path / "c.tsv")


def test_a_row_with_too_few_fields_is_named_and_the_others_stay(tmp_path):
    read_in = read(tmp_path, "id,age,sex\na,50,F\nb,60\nc,70,M,,\n")
    assert read_in.problems == {1: "it has 2 fields, the header has 3"}
    assert read_in.table["age"].tolist() == [50, 60, 70]
    with pytest.raises(InputError, match=r"1 rows.*line 3: it has 2 fields"):
        read_participants(tmp_path / "table.csv")


def test_decimal_commas_in_a_table_with_commas_are_suspected(tmp_path):
    with pytest.raises(InputError, match="decimal commas"):
        read(tmp_path, "id,age\na,50,5\nb,60,1\n")
