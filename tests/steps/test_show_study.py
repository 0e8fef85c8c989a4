"""What is in a study is shown, whatever state it is in; the full study is in test_main_job."""

import json
import shutil

import pytest

from music_gui.io.study import Study
from music_gui.steps.show_study import as_text, show_study


def test_an_empty_study_says_what_to_do_first(bare_study):
    content = show_study(bare_study)
    assert content["study"]["name"] == "my stüdy"
    assert content["cohort"] is None
    assert content["jobs"] == []
    assert "Cohort: none; run import-maps" in as_text(content)
    json.dumps(content, allow_nan=False)


def test_nothing_is_written(bare_study):
    before = sorted(bare_study.root.rglob("*"))
    as_text(show_study(bare_study))
    assert sorted(bare_study.root.rglob("*")) == before


@pytest.mark.parametrize("damage", ["emptied", "garbage", "removed"])
def test_damaged_parts_are_named_and_the_rest_is_shown(finished_example, tmp_path, damage):
    study = Study.open(shutil.copytree(finished_example.root, tmp_path / "copy"))
    for pattern in ("cohort/maps/maps.json", "atlases/*/*.json", "psc/study_raw.json",
                    "gwas/*/variants.parquet", "spare/*/*.spare.json", "scores/*/score.json",
                    "decompositions/*/*/run.json"):  # fmt: skip
        for path in study.root.glob(pattern):
            path.unlink()
            if damage != "removed":
                path.write_bytes(b"" if damage == "emptied" else b"\xff{]")
    content = show_study(study)
    assert "error" in content["cohort"]
    for kind in ("atlases", "gwas", "spare_models", "scores", "decompositions"):
        if damage != "removed" or kind == "gwas":
            assert all("error" in each for each in content[kind].values())
            assert content[kind]
    assert "error" in content["psc_tables"]["study_raw"]
    assert content["psc_tables"]["study_harmonized"]["rows"] == 240
    text = as_text(content)
    assert "study_raw: can't be read: " in text
    assert "study_harmonized: 240 participants x 32 PSCs" in text
    assert "spare-score" in text


def test_folders_of_others_are_passed_over(bare_study):
    for name in ("gwas/.hidden", "gwas/notes", "atlases/empty", "spare/x"):
        (bare_study.root / name).mkdir(parents=True)
    (bare_study.root / "gwas/.hidden/gwas.json").write_text("{}")
    content = show_study(bare_study)
    assert (content["gwas"], content["atlases"], content["spare_models"]) == ({}, {}, {})
