"""The step ``spare-score``: one person in, a score or the reason why there is none."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from psc_study import GRID, SHAPE, made_up_people, make_study, maps_of, run, write_map
from scipy.ndimage import affine_transform

from music_gui.core.errors import InputError, ParameterError
from music_gui.core.grid import Grid
from music_gui.io.participants_tsv import write_participants
from music_gui.io.spare_json import read_spare_model
from music_gui.steps.spare_score import STEP
from music_gui.steps.spare_train import STEP as TRAIN


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A study with a trained model, and ten new people with their maps."""
    root = tmp_path_factory.mktemp("score")
    study = make_study(root, made_up_people(150))
    run(study, TRAIN, root, repeats=2, costs=[0.1])
    new = made_up_people(10, seed=50)
    return study, root, new, maps_of(new, seed=50)


@pytest.fixture
def score(world, tmp_path):
    """Score a map, or whatever the parameters say; return the result and score.json."""
    study, root, new, maps = world

    def scored(image=None, grid=GRID, file_name="new.nii.gz", **parameters):
        if image is not None:
            person = new.iloc[0]
            known = {"age": person["age"], "sex": person["sex"], "site": person["site"]}
            path = write_map(tmp_path / file_name, image, grid)
            parameters = {"map": str(path)} | known | parameters
            parameters = {k: v for k, v in parameters.items() if v is not None}
        result, warnings = run(study, STEP, root, **parameters)
        folder = study.root / result.outputs[0]
        return result, json.loads((folder / "score.json").read_text()), warnings

    scored.new, scored.maps, scored.study, scored.root = new, maps, study, root
    return scored


def checks(content: dict) -> dict[str, bool | None]:
    return {check["name"]: check["passed"] for check in content["checks"]}


def assert_no_number(content: dict, study_folder: Path | None = None) -> None:
    assert content["status"] == "not applicable"
    assert content["reasons"]
    assert content["score"] is None
    assert content["percentiles"] is None
    assert content["contributions"] is None


# A person whom the model may be applied to.


def test_new_people_are_scored_and_patients_score_higher(score):
    values = []
    for k in range(len(score.new)):
        person = score.new.iloc[k]
        _, content, _ = score(
            score.maps[k], age=person["age"], sex=person["sex"], site=person["site"]
        )
        assert content["status"] == "scored"
        assert set(checks(content).values()) <= {True, None}
        assert not content["in_training"]
        values.append(content["score"]["value"])
    patient = (score.new["diagnosis"] == "AD").to_numpy()
    assert np.mean(np.array(values)[patient]) > np.mean(np.array(values)[~patient]) + 1


def test_the_result_has_interval_percentiles_probability_and_contributions(score):
    result, content, _ = score(score.maps[0])
    number = content["score"]
    assert number["low"] < number["value"] < number["high"]
    assert 0 < number["probability"] < 1
    assert number["harmonized"] is True
    assert "bootstrap" in number["interval"]
    for group in ("controls", "patients"):
        assert 0 <= content["percentiles"][group]["value"] <= 100
        assert content["percentiles"][group]["effective_n"] >= 10
    model = read_spare_model(score.study.spare_model("SPARE-AD") / "SPARE-AD.spare.json")
    parts = sum(each["contribution"] for each in content["contributions"])
    assert model.intercept + parts == pytest.approx(number["value"], abs=1e-9)
    table = pd.read_csv(score.study.root / result.outputs[0] / "contributions.tsv", sep="\t")
    assert list(table.columns) == ["psc", "volume_mm3", "weight", "contribution"]
    assert table["contribution"].abs().is_monotonic_decreasing
    assert content["simulated"] is True
    assert "not a diagnostic device" in content["disclaimer"]
    assert content["model"]["checksum"]
    assert content["input"]["map"] == "new.nii.gz"


def test_the_same_map_gives_the_same_bytes(score):
    texts = []
    for _ in range(2):
        result, _, _ = score(score.maps[0])
        folder = score.study.root / result.outputs[0]
        texts.append([path.read_bytes() for path in sorted(folder.iterdir())])
    assert texts[0] == texts[1]


def test_a_map_stored_left_to_right_or_right_to_left_has_one_score(score):
    _, straight, _ = score(score.maps[0])
    affine = GRID.affine.copy()
    affine[0, 0] *= -1
    affine[0, 3] += GRID.affine[0, 0] * (SHAPE[0] - 1)
    _, flipped, _ = score(score.maps[0][::-1], Grid(SHAPE, affine))
    assert flipped["score"]["value"] == pytest.approx(straight["score"]["value"], abs=1e-9)


def test_a_map_multiplied_by_1000_has_the_same_score_and_says_so(score):
    _, straight, _ = score(score.maps[0])
    _, scaled, _ = score(score.maps[0] * 1000)
    assert scaled["input"]["ravens_scale"] == 1000
    assert scaled["score"]["value"] == pytest.approx(straight["score"]["value"], abs=1e-4)


def test_an_unknown_site_is_scored_as_measured_and_marked(score):
    _, content, warnings = score(score.maps[0], site="Elsewhere")
    assert content["status"] == "scored"
    assert content["score"]["harmonized"] is False
    site = next(check for check in content["checks"] if check["name"] == "site")
    assert site["passed"] is None
    assert "Elsewhere was not in the training sample" in site["text"]
    assert "a site effect may remain" in site["text"]
    assert site["text"] in content["notes"]
    assert f"site: {site['text']}" in warnings


def test_a_site_that_was_not_given_is_said_and_a_known_one_is_not(score):
    _, missing, warnings = score(score.maps[0], site=None)
    assert missing["status"] == "scored"
    assert missing["notes"][0].startswith("the site was not given")
    assert any("a site effect may remain" in each for each in warnings)
    _, known, warnings = score(score.maps[0], site="North")
    assert not any("site" in each for each in [*known["notes"], *warnings])


@pytest.fixture(scope="module")
def batches(tmp_path_factory):
    """A study whose sites are numbers in a column of another name, and a model trained with it."""
    root = tmp_path_factory.mktemp("batches")
    people = made_up_people(150)
    maps, study = maps_of(people), make_study(root, people)
    people["batch"] = people.pop("site").map({"North": 1, "South": 2, "West": 3})
    write_participants(study.participants, people)
    run(study, TRAIN, root, repeats=2, costs=[0.1], site="batch")
    return study, root, people, maps


def test_the_effect_of_the_site_is_removed_whatever_its_column_is_called(batches):
    study, root, people, maps = batches
    person = people.iloc[0]
    path = write_map(root / "new.nii.gz", maps[0])
    known = {"map": str(path), "age": person["age"], "sex": person["sex"]}
    values = {}
    for site in ("1", "Elsewhere"):
        result, _ = run(study, STEP, root, site=site, **known)
        content = json.loads((study.root / result.outputs[0] / "score.json").read_text())
        assert content["score"]["harmonized"] is (site == "1")
        assert checks(content)["site"] is (True if site == "1" else None)
        values[site] = content["score"]["value"]
    assert values["1"] != values["Elsewhere"]


def test_the_site_of_a_person_of_the_study_is_read_from_the_models_column(batches):
    study, root, people, _ = batches
    result, _ = run(study, STEP, root, participant=people["participant_id"][0])
    content = json.loads((study.root / result.outputs[0] / "score.json").read_text())
    assert content["subject"]["site"] == "1"
    assert content["score"]["harmonized"] is True


# People of the study.


def test_a_training_person_is_told_as_such_with_the_out_of_fold_score(score):
    result, content, _ = score(participant="sub-007")
    assert content["in_training"] is True
    assert "in the training sample" in result.summary
    predictions = pd.read_csv(score.study.spare_model("SPARE-AD") / "predictions.tsv", sep="\t")
    own = predictions.loc[predictions["participant_id"] == "sub-007", "score"]
    assert content["score"]["out_of_fold"] == pytest.approx(own.mean(), abs=1e-12)
    assert any("was in the training sample" in note for note in content["notes"])
    assert content["subject"]["age"] == made_up_people(150).loc[6, "age"]


def test_a_training_persons_map_is_recognised_without_the_name(score):
    person = made_up_people(150).iloc[6]
    image = maps_of(made_up_people(150))[6]
    _, by_map, _ = score(
        image,
        file_name="anonymous.nii.gz",
        age=person["age"],
        sex=person["sex"],
        site=person["site"],
    )
    _, by_name, _ = score(participant="sub-007")
    assert by_map["in_training"] is True
    assert by_map["score"]["out_of_fold"] == by_name["score"]["out_of_fold"]
    assert by_map["score"]["value"] == pytest.approx(by_name["score"]["value"], abs=1e-9)


def test_an_unknown_participant_is_told(score):
    with pytest.raises(ParameterError, match="there is no participant sub-999"):
        score(participant="sub-999")
    with pytest.raises(ParameterError, match="either a map or a participant"):
        score()


# People whom it may not be applied to: a completed job, no number, the reason.


def test_a_map_on_another_grid_has_no_score(score):
    affine = GRID.affine.copy()
    affine[0, 3] += 10
    result, content, warnings = score(score.maps[0], Grid(SHAPE, affine))
    assert_no_number(content)
    assert checks(content)["space"] is False
    assert result.details["status"] == "not applicable"
    assert "not applicable" in result.summary
    assert warnings
    assert not (score.study.root / result.outputs[0] / "contributions.tsv").exists()


def test_a_map_in_an_unknown_unit_has_no_score_and_is_asked_about(score):
    _, content, _ = score(score.maps[0] * 100)
    assert_no_number(content)
    assert "RAVENS scale of 100" in content["reasons"][0]
    _, told, _ = score(score.maps[0] * 100, ravens_scale=100)
    assert told["status"] == "scored"
    _, wrong, _ = score(score.maps[0], ravens_scale=100)
    assert_no_number(wrong)
    assert checks(wrong)["unit"] is False


def test_a_map_rotated_by_fifteen_degrees_has_no_score(score):
    angle = np.deg2rad(15)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    centre = (np.array(SHAPE) - 1) / 2
    image = affine_transform(score.maps[0], turn, centre - turn @ centre, order=1)
    _, content, _ = score(image)
    assert_no_number(content)
    assert checks(content)["likeness"] is False or checks(content)["regions"] is False


def test_a_map_with_left_and_right_swapped_has_no_score(score):
    _, content, _ = score(np.ascontiguousarray(score.maps[0][::-1]))
    assert_no_number(content)
    assert "mirror image" in " ".join(content["reasons"])


def test_a_region_ten_times_too_large_has_no_score_and_is_named(score):
    image = score.maps[0].copy()
    half = image.copy()
    half[:9, :11, :9] *= 2.2  # C8_1
    _, content, _ = score(half)
    assert_no_number(content)
    assert "C8_1 (z +" in " ".join(content["reasons"])


def test_a_region_with_voxels_without_a_value_has_no_score_and_is_named(score):
    image = score.maps[0].copy()
    image[12, 14, 12] = np.nan
    _, content, _ = score(image)
    assert_no_number(content)
    assert "1 of 8 regions have no volume: C8_8" in " ".join(content["reasons"])


def test_an_age_outside_the_training_range_has_no_score(score):
    _, content, _ = score(score.maps[0], age=20)
    assert_no_number(content)
    low, high = content["model"]["age_range"]
    assert f"20 years, outside {low:g}-{high:g}" in content["reasons"]


def test_a_missing_age_that_the_model_needs_is_asked_for(score):
    _, content, _ = score(score.maps[0], age=None)
    assert_no_number(content)
    assert "the model needs age" in content["reasons"]


def test_a_file_that_is_missing_or_no_image_fails_the_job(score, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        score(map=str(tmp_path / "none.nii.gz"), age=60, sex="F")
    text = tmp_path / "text.nii.gz"
    text.write_text("not an image")
    with pytest.raises(InputError):
        score(map=str(text), age=60, sex="F")


@pytest.mark.parametrize("kept", [0.5, 0.98])
def test_a_map_that_is_cut_off_fails_the_job(score, tmp_path, kept):
    whole = write_map(tmp_path / "whole.nii.gz", score.maps[0], GRID).read_bytes()
    cut = tmp_path / "cut.nii.gz"
    cut.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(InputError, match="cut off"):
        score(map=str(cut), age=60, sex="F")


# Which model.


def test_a_model_file_from_elsewhere_can_be_named_by_its_path(score, tmp_path):
    inside = score.study.spare_model("SPARE-AD") / "SPARE-AD.spare.json"
    outside = tmp_path / "theirs.spare.json"
    outside.write_bytes(inside.read_bytes())
    _, by_path, _ = score(score.maps[0], model=str(outside))
    _, by_name, _ = score(score.maps[0], model="SPARE-AD")
    assert by_path["score"] == by_name["score"]
    with pytest.raises(ParameterError, match="there is no model SPARE-XX"):
        score(score.maps[0], model="SPARE-XX")


def test_a_model_of_another_atlas_is_refused(score, tmp_path):
    inside = score.study.spare_model("SPARE-AD") / "SPARE-AD.spare.json"
    content = json.loads(inside.read_text())
    content["input"]["atlas_hashes"]["8"] = "f" * 32
    other = tmp_path / "other.spare.json"
    other.write_text(json.dumps(content))
    with pytest.raises(InputError, match="has not got the atlas"):
        score(score.maps[0], model=str(other))


def test_a_damaged_copy_of_the_atlas_does_not_hide_the_sound_one(score):
    copy = shutil.copytree(score.study.atlas("study"), score.study.atlas("a-copy"))
    next(copy.glob("*_dseg.nii.gz")).write_bytes(b"half")
    _, content, _ = score(score.maps[0])
    shutil.rmtree(copy)
    assert content["status"] == "scored"


def test_the_example_study_scores_its_held_out_person_without_being_asked(tmp_path, world):
    study, root, new, maps = world
    folder = study.source_data / "held_out"
    write_map(folder / "sub-x.nii.gz", maps[1])
    person = new.iloc[[1]].assign(path="sub-x.nii.gz")
    person.to_csv(folder / "participants.tsv", sep="\t", index=False)
    result, _ = run(study, STEP, root)
    content = json.loads((study.root / result.outputs[0] / "score.json").read_text())
    assert content["input"]["map"] == "sub-x.nii.gz"
    assert content["subject"]["age"] == new.loc[1, "age"]
    assert content["status"] == "scored"
    # Age and sex are read from the table: with others the score is not that of before.
    assert folder / "participants.tsv" in STEP.inputs(study, STEP.parameters())
    (folder / "participants.tsv").unlink()


def test_who_was_in_the_training_sample_decides_what_a_score_says(world):
    study = world[0]
    named = STEP.inputs(study, STEP.parameters(participant="sub-007"))
    assert study.spare_model("SPARE-AD") / "predictions.tsv" in named
