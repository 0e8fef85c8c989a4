"""The model file: what is written is read back, and what can't be a model is refused."""

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from music_gui.core.errors import InputError
from music_gui.core.harmonization import ComBatGAM
from music_gui.core.harmonization.covariate_table import CovariateTable
from music_gui.core.progress import Silent
from music_gui.core.spare.cross_validation import TrainingSet, ValidationPlan
from music_gui.core.spare.likeness import Likeness
from music_gui.core.spare.preparation import FeaturePreparation
from music_gui.core.spare.training import TrainedSpare, summarize, train_spare
from music_gui.io.spare_json import (
    ModelCard,
    likeness_of,
    model_of,
    read_spare_model,
    spare_file,
    write_spare_model,
)

FEATURES = ("C4_1", "C4_2", "C4_4")


@pytest.fixture(scope="module")
def trained() -> tuple[TrainedSpare, TrainingSet]:
    rng = np.random.default_rng(0)
    n = 90
    people = pd.DataFrame(
        {
            "age": rng.uniform(55, 80, n),
            "sex": rng.choice(["F", "M"], n),
            "site": np.resize(["Zürich", "B"], n),
        }
    )
    patients = rng.random(n) < 0.5
    X = 30_000 + 2_000 * rng.normal(size=(n, 3)) - 3_000 * patients[:, None]
    data = TrainingSet(
        X,
        CovariateTable.of(people),
        patients,
        np.arange(n).astype(str),
        people["site"].to_numpy(dtype=str),
    )
    plan = ValidationPlan(
        FeaturePreparation(ComBatGAM(covariates=("sex",), min_site_size=3), ("age", "sex")),
        costs=(0.1,),
        n_repeats=1,
    )
    return train_spare(data, FEATURES, plan, n_bootstrap=20, progress=Silent()), data


@pytest.fixture
def path(trained, tmp_path) -> Path:
    model, data = trained
    card = ModelCard(
        name="SPARE-X",
        simulated=True,
        intended_use="A test.",
        licence="CC0",
        atlas="study",
        atlas_hashes={4: "0123456789abcdef0123456789abcdef"},
        table="study_raw",
        patients="AD",
        controls="CN",
        n_patients=int(data.patients.sum()),
        n_controls=int((~data.patients).sum()),
        sites={"Zürich": 45, "B": 45},
        fingerprints=["0" * 24],
        scheme="5-fold",
        metrics=summarize(model.validation, data.patients),
        permutation_p=None,
        seed=0,
    )
    likeness = Likeness(4, np.array([0.25, 0.5, 0.125]), 0.5, 0.8, 0.05)
    file = tmp_path / "SPARE-X.spare.json"
    write_spare_model(file, spare_file(model.model, card, likeness))
    return file


def test_a_model_read_back_gives_the_same_scores(trained, path):
    before, data = trained[0].model, trained[1]
    after = model_of(read_spare_model(path))
    for row in (0, 1, 50):
        person = data.people.rows(np.array([row]))
        old, new = before.score(data.X[row], person), after.score(data.X[row], person)
        assert new.value == old.value
        np.testing.assert_array_equal(new.contributions, old.contributions)
        assert (new.low, new.high) == pytest.approx((old.low, old.high), rel=1e-5)
        found = after.reference.percentile(new.value, 66.0, "F", patients=False)
        assert found == before.reference.percentile(old.value, 66.0, "F", patients=False)
    assert after.calibration == before.calibration
    assert likeness_of(read_spare_model(path)).mirror_limit == 0.05


def test_writing_twice_gives_the_same_bytes_and_a_file_one_can_read(path, tmp_path):
    again = tmp_path / "again.spare.json"
    write_spare_model(again, read_spare_model(path))
    assert again.read_bytes() == path.read_bytes()
    text = path.read_text(encoding="utf-8")
    assert '{"name": "C4_1", "mean": ' in text
    assert "Zürich" in text
    assert max(map(len, text.splitlines())) < 10_000


def test_a_score_can_be_computed_by_hand_from_the_file_alone(trained, path):
    """As the file's own formula says, in plain Python."""
    from scipy.interpolate import BSpline

    data = trained[1]
    file = json.loads(path.read_text(encoding="utf-8"))
    row = 3
    age, sex = data.people.numbers("age")[row], data.people.labels("sex")[row]
    site = data.people.labels("site")[row]
    h, a = file["harmonization"], file["adjustment"]
    smooth = h["smooth"]
    knots, degree = smooth["knots"], smooth["degree"]
    n_basis = len(knots) - degree - 1
    basis = [
        float(BSpline(knots, [float(k == j) for k in range(n_basis)], degree)(age))
        for j in range(1, n_basis)
    ]
    assert h["covariates"] == [{"name": "sex", "levels": ["F", "M"]}]
    columns = [float(sex == "M"), *basis]
    i = h["sites"].index(site)
    assert [c["name"] for c in a["covariates"]] == ["age", "sex"]
    adjust = [age, float(sex == "M")]
    score = file["intercept"]
    for k, feature in enumerate(file["features"]):
        v = data.X[row, k]
        e = h["mean"][k] + sum(c * b[k] for c, b in zip(columns, h["coefficients"], strict=True))
        v = e + (v - e - h["variance"][k] ** 0.5 * h["location"][i][k]) / h["scale"][i][k] ** 0.5
        v -= sum(
            (c - m) * b[k] for c, m, b in zip(adjust, a["center"], a["coefficients"], strict=True)
        )
        score += feature["weight"] * (v - feature["mean"]) / feature["scale"]
    ours = model_of(read_spare_model(path)).score(data.X[row], data.people.rows(np.array([row])))
    assert score == pytest.approx(ours.value, abs=1e-9)


# Wrong and malicious content.


def changed(path: Path, change) -> Path:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m.pop("intercept"), "intercept: Field required"),
        (lambda m: m.update(extra="__import__('os')"), "extra: Extra inputs are not permitted"),
        (lambda m: m["features"][0].update(weight="1.0"), "features.0.weight"),
        (lambda m: m["features"][0].update(scale=0.0), "features.0.scale"),
        (lambda m: m["features"][0].update(weight=1e40), "features.0.weight"),
        (lambda m: m["features"][0].update(name="../../etc/passwd"), "features.0.name"),
        (lambda m: m["features"][0].update(name="C8_1"), "C8_1 is of a scale that has no atlas"),
        (lambda m: m["features"][0].update(name="C4_9"), "there can be no C4_9"),
        (lambda m: m["features"][1].update(name="C4_1"), "a feature occurs twice"),
        (lambda m: m["features"].pop(), "has 3 entries, not 2"),
        (lambda m: m["bootstrap"]["weights"].pop(), "bootstrap.weights has 19 rows, not 20"),
        (lambda m: m["harmonization"]["location"][0].pop(), "a row of 2 entries, not 3"),
        (lambda m: m["harmonization"]["smooth"]["knots"].reverse(), "not in order"),
        (lambda m: m["harmonization"]["sites"].reverse(), "not sorted"),
        (lambda m: m["harmonization"]["scale"][0].__setitem__(0, -1.0), "harmonization.scale"),
        (
            lambda m: m["harmonization"]["covariates"][0].update(levels=["F"]),
            "harmonization.coefficients has 10 rows, not 9",
        ),
        (lambda m: m["adjustment"]["center"].pop(), "adjustment.center has 1 entries, not 2"),
        (lambda m: m["reference"]["ages"].pop(), "reference has 89 entries, not 90"),
        (lambda m: m["reference"]["sexes"].__setitem__(0, "<b>"), "reference.sexes.0"),
        (lambda m: m.update(name="../x"), "name: String should match"),
        (lambda m: m.update(licence="a\x1b[2J"), "control characters"),
        (lambda m: m.update(intended_use="x" * 20_000), "at most 10000 characters"),
        (lambda m: m["input"].update(kind="residuals"), "input.kind"),
        (lambda m: m["input"].update(unit="ml"), "input.unit"),
        (lambda m: m["population"].update(age_range=[80.0, 60.0]), "age_range is no range"),
        (lambda m: m["likeness"].update(scale=5), "likeness.scale has no atlas hash"),
    ],
)
def test_wrong_content_is_refused_with_the_field_named(path, change, reason):
    with pytest.raises(InputError) as caught:
        read_spare_model(changed(path, change))
    assert reason in str(caught.value)
    assert str(path) in str(caught.value)


def test_numbers_that_are_none_are_refused(path):
    text = path.read_text(encoding="utf-8")
    for word in ("NaN", "Infinity", "1e999"):
        path.write_text(re.sub(r'"intercept": [^,]+,', f'"intercept": {word},', text, count=1))
        with pytest.raises(InputError, match=r"is no number|intercept: Input should be"):
            read_spare_model(path)


def test_a_key_that_occurs_twice_is_refused(path):
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"cost": ', '"cost": 1.0, "cost": ', 1), encoding="utf-8")
    with pytest.raises(InputError, match="'cost' occurs twice"):
        read_spare_model(path)


def test_a_pickle_is_never_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    for protocol in (0, 4):
        path = tmp_path / "model.spare.json"
        path.write_bytes(pickle.dumps(Trap(), protocol=protocol))
        with pytest.raises(InputError):
            read_spare_model(path)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(InputError, match="a pickle, archive or array"):
        read_spare_model(path)


def test_nesting_without_end_is_refused(tmp_path):
    path = tmp_path / "deep.spare.json"
    path.write_text("[" * 200_000)
    with pytest.raises(InputError, match="not sound JSON"):
        read_spare_model(path)


def test_other_json_empty_files_and_missing_files_are_told_apart(tmp_path):
    path = tmp_path / "x.spare.json"
    with pytest.raises(InputError, match="can't be read"):
        read_spare_model(path)
    for content in ("", "{", "\x00"):
        path.write_text(content)
        with pytest.raises(InputError, match="not sound JSON"):
            read_spare_model(path)
    for content in ("[]", "{}", '"text"', '{"format": "other"}'):
        path.write_text(content)
        with pytest.raises(InputError, match="this is no SPARE model file"):
            read_spare_model(path)
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(InputError, match="no text"):
        read_spare_model(path)


def test_a_file_of_a_newer_version_says_so(path):
    with pytest.raises(InputError, match=r"newer version.*version 2"):
        read_spare_model(changed(path, lambda m: m.update(format_version=2)))


def test_a_file_that_is_too_large_is_not_read(path, monkeypatch):
    monkeypatch.setattr("music_gui.io.spare_json._MOST_BYTES", 1000)
    with pytest.raises(InputError, match="too large"):
        read_spare_model(path)
