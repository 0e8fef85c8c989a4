"""The step ``spare-train``: files in, files out."""

import json

import numpy as np
import pandas as pd
import pytest
from psc_study import AFFECTED, GRID, SCALE, labels, made_up_people, make_study, run

from music_gui.core.atlas import AtlasScale
from music_gui.core.errors import InputError, ParameterError
from music_gui.io.atlas_dseg import ScaleSource, write_scale
from music_gui.io.participants_tsv import write_participants
from music_gui.io.psc_table import PscTable, read_psc_table, write_psc_table
from music_gui.io.spare_json import read_spare_model
from music_gui.steps.harmonize import STEP as HARMONIZE
from music_gui.steps.spare_train import STEP

QUICK = {"repeats": 1, "folds": 3, "costs": [0.1], "bootstrap": 20}


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return made_up_people(120)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, people):
    root = tmp_path_factory.mktemp("trained")
    study = make_study(root, people, vanished=True)
    result, warnings = run(study, STEP, root)
    return study, result, warnings


@pytest.fixture
def study(tmp_path, people):
    return make_study(tmp_path, people)


def test_it_runs_without_a_parameter_and_separates_people_it_has_not_seen(trained):
    study, result, warnings = trained
    assert result.outputs == ["spare/SPARE-AD"]
    assert sorted(p.name for p in (study.root / "spare/SPARE-AD").iterdir()) == [
        "SPARE-AD.spare.json",
        "evaluation.json",
        "predictions.tsv",
    ]
    metrics = result.details["metrics"]
    assert metrics["auc"]["mean"] > 0.85
    assert metrics["auc"]["low"] < metrics["auc"]["mean"] < metrics["auc"]["high"]
    assert metrics["balanced_accuracy"]["mean"] > 0.75
    assert warnings == []


def test_the_regions_that_the_disease_takes_weigh_most(trained):
    study, _, _ = trained
    file = read_spare_model(study.root / "spare/SPARE-AD/SPARE-AD.spare.json")
    by_pattern = sorted(file.features, key=lambda f: f.pattern)
    assert {f.name for f in by_pattern[:2]} == {f"C8_{k}" for k in AFFECTED}
    assert all(f.pattern < 0 and f.weight < 0 for f in by_pattern[:2])


def test_the_model_file_says_who_and_what_it_is_for(trained, people):
    study, _, _ = trained
    file = read_spare_model(study.root / "spare/SPARE-AD/SPARE-AD.spare.json")
    assert file.simulated
    assert [f.name for f in file.features] == [f"C8_{k}" for k in range(1, 8)]  # C8_8 vanished
    assert file.input.kind == "raw PSC volumes"
    assert file.input.unit == "mm3"
    table = read_psc_table(study.psc_table("study_raw"))
    assert file.input.atlas_hashes == {"8": table.sidecar.atlas_hashes[8]}
    population = file.population
    assert population.n_patients == int((people["diagnosis"] == "AD").sum())
    assert (population.patients, population.controls) == ("AD", "CN")
    assert population.age_range == [people["age"].min(), people["age"].max()]
    assert population.sites == {"North": 40, "South": 40, "West": 40}
    assert file.harmonization is not None
    assert file.harmonization.sites == ["North", "South", "West"]
    assert file.adjustment is not None
    assert [c.name for c in file.adjustment.covariates] == ["age", "sex"]
    assert file.likeness is not None
    assert "learned from the training part only" in file.performance.scheme
    assert "sub-" not in (study.root / "spare/SPARE-AD/SPARE-AD.spare.json").read_text()


def test_predictions_hold_every_person_once_a_repeat_and_give_the_figures(trained, people):
    study, result, _ = trained
    table = pd.read_csv(study.root / "spare/SPARE-AD/predictions.tsv", sep="\t")
    assert list(table.columns) == [
        *("participant_id", "session_id", "diagnosis", "repeat", "fold", "score")
    ]
    assert (table.groupby("repeat")["participant_id"].nunique() == len(people)).all()
    accuracy = []
    for _, fold in table.groupby(["repeat", "fold"]):
        patient = fold["diagnosis"] == "AD"
        accuracy.append(
            ((fold["score"] > 0)[patient].mean() + (fold["score"] <= 0)[~patient].mean()) / 2
        )
    mean = result.details["metrics"]["balanced_accuracy"]["mean"]
    assert np.mean(accuracy) == pytest.approx(mean)
    evaluation = json.loads((study.root / "spare/SPARE-AD/evaluation.json").read_text())
    assert [f["balanced_accuracy"] for f in evaluation["folds"]] == pytest.approx(accuracy)
    assert set(evaluation["subgroups"]) == {"sex", "age", "site"}


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(study, tmp_path):
    contents = []
    for seed in (3, 3, 4):
        run(study, STEP, tmp_path, seed=seed, **QUICK)
        folder = study.spare_model("SPARE-AD")
        contents.append([p.read_bytes() for p in sorted(folder.iterdir())])
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


def test_without_an_effect_it_finds_none(tmp_path, people):
    study = make_study(tmp_path, people, effect=0.0)
    result, _ = run(study, STEP, tmp_path, permutations=7, **QUICK)
    found = result.details["metrics"]["auc"]
    assert found["low"] < 0.5 < found["high"]
    assert result.details["permutation_p"] > 0.1


def test_a_harmonised_table_is_refused_with_the_reason(study, tmp_path):
    run(study, HARMONIZE, tmp_path)
    with pytest.raises(ParameterError, match=r"is harmonised.*no test .* fair.*Use the raw table"):
        run(study, STEP, tmp_path, table="study_harmonized", **QUICK)


def test_one_site_trains_without_harmonisation(tmp_path):
    study = make_study(tmp_path, made_up_people(60, sites=("North",)))
    run(study, STEP, tmp_path, **QUICK)
    file = read_spare_model(study.spare_model("SPARE-AD") / "SPARE-AD.spare.json")
    assert file.harmonization is None


def test_a_site_with_few_controls_is_named_and_can_be_left_out(study, tmp_path, people):
    few = people.copy()
    few.loc[few.index[:12], "site"] = "Tiny"
    write_participants(study.participants, few)
    with pytest.raises(InputError, match=r"too few controls at site Tiny \(\d\)"):
        run(study, STEP, tmp_path, **QUICK)
    _, warnings = run(study, STEP, tmp_path, exclude_small_sites=True, **QUICK)
    assert any("site Tiny" in text and "12 left out" in text for text in warnings)


def test_a_site_of_patients_only_is_refused_as_confounded(study, tmp_path, people):
    mixed = people.assign(
        site=np.where(people["diagnosis"] == "AD", "Clinic", "Town"),
    )
    write_participants(study.participants, mixed)
    with pytest.raises(InputError, match=r"too few controls at site Clinic \(0\)"):
        run(study, STEP, tmp_path, **QUICK)


@pytest.mark.parametrize(
    ("codes", "labels"),
    [
        ({"AD": "1", "CN": "-1"}, ("1", "-1")),
        ({"AD": "1", "CN": "0"}, ("1", "0")),
        ({"AD": "Alzheimer's disease", "CN": "Healthy"}, ("Alzheimer's disease", "Healthy")),
    ],
)
def test_the_usual_codes_of_controls_are_known(study, tmp_path, people, codes, labels):
    coded = people.assign(diagnosis=people["diagnosis"].map(codes))
    write_participants(study.participants, coded)
    run(study, STEP, tmp_path, name="model", **QUICK)
    population = read_spare_model(study.spare_model("model") / "model.spare.json").population
    assert (population.patients, population.controls) == labels


def test_three_diagnoses_have_to_be_chosen_from(study, tmp_path, people):
    three = people.copy()
    three.loc[three.index[:20], "diagnosis"] = "MCI"
    write_participants(study.participants, three)
    with pytest.raises(ParameterError, match=r"that of patients.*AD, CN, MCI"):
        run(study, STEP, tmp_path, **QUICK)
    result, _ = run(study, STEP, tmp_path, patients="AD", **QUICK)
    assert result.details["n_features"] == 8
    with pytest.raises(ParameterError, match="no one has the diagnosis FTD"):
        run(study, STEP, tmp_path, patients="FTD", **QUICK)


def test_people_who_lack_something_are_left_out_and_listed(study, tmp_path, people):
    gaps = people.copy()
    gaps.loc[[2, 4], "age"] = np.nan
    gaps.loc[7, "diagnosis"] = None
    write_participants(study.participants, gaps)
    result, warnings = run(study, STEP, tmp_path, **QUICK)
    assert result.details["left_out"] == {"age is missing": 2}
    assert "age is missing: 2 left out" in warnings
    evaluation = json.loads((study.spare_model("SPARE-AD") / "evaluation.json").read_text())
    assert evaluation["left_out"] == {"age is missing": ["sub-003 ses-01", "sub-005 ses-01"]}
    assert evaluation["patients"]["n"] + evaluation["controls"]["n"] == 117


def test_a_person_with_a_region_that_has_no_volume_is_left_out(study, tmp_path):
    path = study.psc_table("study_raw")
    table = read_psc_table(path)
    broken = table.table.copy()
    broken.loc[5, "C8_3"] = np.nan
    write_psc_table(path, PscTable(broken, table.sidecar))
    result, _ = run(study, STEP, tmp_path, **QUICK)
    assert result.details["left_out"] == {"a PSC without a volume": 1}


def test_without_maps_the_model_is_trained_but_can_not_compare_new_ones(study, tmp_path):
    (study.masked_maps / "maps.json").unlink()
    _, warnings = run(study, STEP, tmp_path, **QUICK)
    assert any("new maps can't be compared" in text for text in warnings)
    file = read_spare_model(study.spare_model("SPARE-AD") / "SPARE-AD.spare.json")
    assert file.likeness is None


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"scales": [16]}, "has no scale C16"),
        ({"costs": [0.0]}, "must be positive"),
        ({"scheme": "holdout", "repeats": 1}, "at least two repeats"),
        ({"diagnosis": "group"}, "no column group"),
        ({"adjust_for": ["education"]}, "no education to adjust for"),
        ({"table": "other_raw"}, "no PSC table named other_raw"),
    ],
)
def test_wrong_parameters_are_told(study, tmp_path, parameters, text):
    with pytest.raises(ParameterError, match=text):
        run(study, STEP, tmp_path, **(QUICK | parameters))


def test_an_atlas_that_was_made_anew_since_the_extraction_is_told(study, tmp_path):
    scale = AtlasScale(SCALE, np.where(labels() == 1, 2, labels()).astype(np.int32))
    write_scale(study.atlas("study"), "study", scale, GRID, sidecar=ScaleSource(source="anew"))
    _, warnings = run(study, STEP, tmp_path, **QUICK)
    assert any("has not got the atlas that the model was trained with" in w for w in warnings)
