"""The step ``harmonize``: files in, files out."""

import json

import numpy as np
import pandas as pd
import pytest
from psc_study import made_up_people, make_study, run

from music_gui.core.errors import InputError, ParameterError, StudyError
from music_gui.core.harmonization import ComBatGAM
from music_gui.io.participants_tsv import write_participants
from music_gui.io.psc_table import read_psc_table
from music_gui.steps.gwas_data import gwas_table_name
from music_gui.steps.harmonize import STEP


@pytest.fixture
def people() -> pd.DataFrame:
    return made_up_people(90)


def test_it_runs_without_a_parameter_and_says_what_the_site_explained(tmp_path, people):
    study = make_study(tmp_path, people)
    result, _ = run(study, STEP, tmp_path)
    assert result.outputs == ["psc/study_harmonized.parquet", "psc/study_harmonized.json"]
    site = result.details["effects"]["site"]
    assert site["before"]["median"] > 0.2
    assert site["after"]["median"] < 0.02
    age = result.details["effects"]["age"]
    assert age["after"]["median"] > 0.9 * age["before"]["median"]
    raw = read_psc_table(study.psc_table("study_raw"))
    harmonized = read_psc_table(study.psc_table("study_harmonized"))
    assert list(harmonized.table.columns) == list(raw.table.columns)
    assert harmonized.sidecar.atlas_hashes == raw.sidecar.atlas_hashes
    assert harmonized.sidecar.simulated
    assert harmonized.sidecar.harmonization["subjects_per_site"] == {
        "North": 30,
        "South": 30,
        "West": 30,
    }


def test_the_sidecar_alone_repeats_the_numbers(tmp_path, people):
    study = make_study(tmp_path, people)
    run(study, STEP, tmp_path)
    raw = read_psc_table(study.psc_table("study_raw"))
    sidecar = json.loads(study.psc_table("study_harmonized").with_suffix(".json").read_text())
    model = ComBatGAM.from_dict(sidecar["harmonization"]["parameters"])
    again = model.transform(raw.values, people)
    np.testing.assert_array_equal(again, read_psc_table(study.psc_table("study_harmonized")).values)


def test_the_same_input_gives_the_same_bytes(tmp_path, people):
    study = make_study(tmp_path, people)
    contents = []
    for _ in range(2):
        run(study, STEP, tmp_path)
        path = study.psc_table("study_harmonized")
        contents.append((path.read_bytes(), path.with_suffix(".json").read_bytes()))
    assert contents[0] == contents[1]


def test_a_study_of_one_site_gets_no_table_but_the_reason(tmp_path):
    study = make_study(tmp_path, made_up_people(20, sites=("North",)))
    result, warnings = run(study, STEP, tmp_path)
    assert "there is one site only (North)" in result.summary
    assert "study_raw can be used as it is" in result.summary
    assert "there is one site only (North)" in warnings[0]
    assert result.details["not_harmonized"] == "there is one site only (North)"
    assert list(result.outputs) == []
    assert not study.psc_table("study_harmonized").exists()
    assert gwas_table_name(study, "") == "study_raw"  # what a GWAS takes by default


@pytest.mark.parametrize("column", ["site", "scanner"])
def test_a_table_without_the_column_of_the_site_is_refused(tmp_path, people, column):
    study = make_study(tmp_path, people)
    write_participants(study.participants, people.drop(columns="site"))
    with pytest.raises(ParameterError, match=f"no column {column}") as refused:
        run(study, STEP, tmp_path, site=column)
    assert "diagnosis" in refused.value.remedy
    assert "study_raw can be used as it is" in refused.value.remedy


def test_a_column_in_which_no_site_stands_is_refused(tmp_path, people):
    study = make_study(tmp_path, people)
    write_participants(study.participants, people.assign(site=None))
    with pytest.raises(ParameterError, match="no one's site is known: column site"):
        run(study, STEP, tmp_path)
    assert not study.psc_table("study_harmonized").exists()


def test_a_site_with_one_subject_is_named_and_can_be_left_out(tmp_path, people):
    people.loc[7, "site"] = "Tiny"
    study = make_study(tmp_path, people)
    with pytest.raises(InputError, match=r"too few subjects at site Tiny \(1\)"):
        run(study, STEP, tmp_path)
    result, warnings = run(study, STEP, tmp_path, exclude_small_sites=True)
    assert result.details["left_out"] == ["sub-008 ses-01"]
    assert "too few subjects at site Tiny (1): left out" in warnings
    assert len(read_psc_table(study.psc_table("study_harmonized")).table) == 89


def test_a_missing_covariate_names_the_subjects_who_can_then_be_left_out(tmp_path, people):
    study = make_study(tmp_path, people)
    people.loc[[3, 5], "age"] = np.nan
    write_participants(study.participants, people)
    with pytest.raises(InputError, match="age is missing for 2 of 90: sub-004 ses-01, sub-006"):
        run(study, STEP, tmp_path)
    result, _ = run(study, STEP, tmp_path, exclude_incomplete=True)
    assert result.details["left_out"] == ["sub-004 ses-01", "sub-006 ses-01"]


def test_a_vanished_psc_stays_missing(tmp_path, people):
    study = make_study(tmp_path, people, vanished=True)
    run(study, STEP, tmp_path)
    table = read_psc_table(study.psc_table("study_harmonized"))
    assert table.vanished == ("C8_8",)
    assert np.isfinite(table.values[:, :7]).all()


def test_a_diagnosis_that_is_its_site_is_refused_even_if_it_is_not_kept(tmp_path, people):
    people["diagnosis"] = np.where(people["site"] == "West", "AD", "CN")
    study = make_study(tmp_path, people)
    with pytest.raises(InputError, match="site and diagnosis are fully confounded"):
        run(study, STEP, tmp_path, covariates=["sex"])


def test_a_harmonised_table_is_not_harmonised_again(tmp_path, people):
    study = make_study(tmp_path, people)
    run(study, STEP, tmp_path)
    with pytest.raises(ParameterError, match="harmonised already"):
        run(study, STEP, tmp_path, table="study_harmonized", name="twice")


def test_people_who_are_not_among_the_participants_are_named(tmp_path, people):
    study = make_study(tmp_path, people)
    write_participants(study.participants, people[2:])
    with pytest.raises(InputError, match=r"2 of 90 rows .* sub-001 ses-01, sub-002 ses-01"):
        run(study, STEP, tmp_path)


@pytest.mark.parametrize("name", ["../outside", "a/b", ".hidden"])
def test_a_name_that_leads_out_of_the_folder_of_tables_is_refused(tmp_path, people, name):
    study = make_study(tmp_path, people)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StudyError, match="can't be a name"):
        run(study, STEP, tmp_path, name=name)
    written = [path for path in sorted(tmp_path.rglob("*")) if path not in before]
    assert not [path for path in written if path.is_file()]


def test_ages_of_which_most_are_the_same_are_taken_as_linear(tmp_path, people):
    people["age"] = np.where(np.arange(90) < 60, 50.0, people["age"])
    study = make_study(tmp_path, people)
    result, warnings = run(study, STEP, tmp_path)
    assert result.details["effects"]["age"]["before"]["median"] > 0
    assert any("age was taken as linear" in text for text in warnings)
