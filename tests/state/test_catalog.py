"""What a study is seen to hold."""

import os
from pathlib import Path

import pytest

from music_gui.io.study import Study
from music_gui.state.catalog import Catalog, read_catalog


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study.create(tmp_path / "study")


def put(path: Path, time_ns: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, ns=(time_ns, time_ns))


def test_a_new_study_holds_nothing(study: Study):
    assert read_catalog(study) == Catalog()


def test_all_kinds_are_found_newest_last(study: Study):
    put(study.participants, 5)
    put(study.atlas("b") / "atlas-b_scale-C32_dseg.nii.gz", 1)
    put(study.atlas("a") / "atlas-a_scale-C32_dseg.nii.gz", 2)
    put(study.psc_table("a_raw"), 2)
    put(study.psc_table("a_harmonized"), 3)
    put(study.gwas("first") / "gwas.json", 1)
    put(study.spare_model("PT") / "PT.spare.json", 1)
    put(study.scores / "sub-1" / "score.json", 1)
    catalog = read_catalog(study)
    assert catalog.has_cohort
    assert catalog.atlases == ("b", "a")
    assert catalog.psc_tables == ("a_raw", "a_harmonized")
    assert catalog.gwas_runs == ("first",)
    assert catalog.spare_models == ("PT",)
    assert catalog.scores == ("sub-1",)


def test_half_written_and_foreign_things_are_passed_over(study: Study):
    put(study.psc_tables / ".1a2b.study_raw.parquet", 1)
    put(study.psc_tables / "study_raw.json", 1)
    put(study.atlases / ".DS_Store", 1)
    put(study.atlas("empty") / "notes.txt", 1)
    put(study.atlas("hidden") / ".1a2b.atlas_dseg.nii.gz", 1)
    assert read_catalog(study) == Catalog()


def test_what_is_new_or_written_again_is_told_apart_from_the_rest(study: Study):
    put(study.gwas("first") / "gwas.json", 1)
    put(study.gwas("second") / "gwas.json", 2)
    before = read_catalog(study)
    assert before.changed_since(Catalog(), "gwas_runs")[-1] == "second"
    assert before.changed_since(before, "gwas_runs") == ()
    put(study.gwas("first") / "gwas.json", 3)
    assert read_catalog(study).changed_since(before, "gwas_runs") == ("first",)
