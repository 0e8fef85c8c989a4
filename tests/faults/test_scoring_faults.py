"""Faults that users of scoring programs reported: each kind is refused, withheld or told here."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.svm import SVC

from music_gui.core.errors import InputError
from music_gui.core.harmonization import ComBatGAM
from music_gui.core.harmonization.covariate_table import CovariateTable
from music_gui.core.progress import Silent
from music_gui.core.spare.applicability import (
    check_age,
    check_covariates,
    check_regions,
    check_sex,
    check_site,
)
from music_gui.core.spare.calibration import PlattCalibration
from music_gui.core.spare.cross_validation import TrainingSet, ValidationPlan
from music_gui.core.spare.model import SpareModel
from music_gui.core.spare.preparation import Adjustment, FeaturePreparation
from music_gui.core.spare.reference import ReferenceDistribution
from music_gui.core.spare.training import train_spare
from music_gui.io.spare_json import read_spare_model


def trained(n: int = 150, n_features: int = 32, seed: int = 0) -> tuple[SpareModel, TrainingSet]:
    """Volumes of people of 50 to 90 at two sites, which shrink with age; patients have less."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "age": rng.uniform(50, 90, n),
            "sex": rng.choice(["F", "M"], n),
            "site": np.resize(["A", "B"], n),
        }
    )
    patients = rng.random(n) < 0.5
    X = rng.normal(20_000, 1_500, (n, n_features))
    X -= 60 * (people["age"].to_numpy()[:, None] - 70)
    X[:, :4] -= 2_000 * patients[:, None]
    X[people["site"] == "B"] += 1_000
    data = TrainingSet(
        X,
        CovariateTable.of(people),
        patients,
        np.arange(n).astype(str),
        people["site"].to_numpy(dtype=str),
    )
    plan = ValidationPlan(
        FeaturePreparation(ComBatGAM(covariates=("sex",), min_site_size=3), ("age", "sex")),
        costs=(0.01,),
        n_repeats=1,
    )
    names = tuple(f"C{n_features}_{k + 1}" for k in range(n_features))
    return train_spare(data, names, plan, n_bootstrap=20, progress=Silent()).model, data


@pytest.fixture(scope="module")
def model_and_data() -> tuple[SpareModel, TrainingSet]:
    return trained()


def person(age: float = 70.0, sex: str = "F", site: str = "A") -> CovariateTable:
    return CovariateTable.of(pd.DataFrame({"age": [age], "sex": [sex], "site": [site]}))


# niCHART 229: the model expects one kind of input and is fed another; the trend with age is lost.


def golden_model() -> SpareModel:
    """Two features, all parameters written down."""
    preparation = FeaturePreparation()
    preparation.harmonization_ = None
    preparation.adjustment_ = Adjustment.from_dict(
        {
            "covariates": [{"name": "age", "levels": []}],
            "center": [70.0],
            "coefficients": [[-50.0, -20.0]],
        },
        2,
    )
    preparation.mean_ = np.array([20_000.0, 10_000.0])
    preparation.scale_ = np.array([1_000.0, 500.0])
    return SpareModel(
        features=("C2_1", "C2_2"),
        preparation=preparation,
        weights=np.array([-0.8, 0.1]),
        intercept=0.25,
        pattern=np.zeros(2),
        cost=1.0,
        bootstrap_weights=np.array([[-0.7, 0.1], [-0.9, 0.1]]),
        bootstrap_intercepts=np.array([0.25, 0.25]),
        calibration=PlattCalibration(2.0, 0.0, 0.5),
        reference=ReferenceDistribution(
            np.zeros(2), np.array([50.0, 90.0]), ("F", "F"), np.array([True, False]), (50.0, 90.0)
        ),
        raw_mean=np.array([20_000.0, 10_000.0]),
        raw_sd=np.array([1_000.0, 500.0]),
    )


def test_a_golden_subject_has_the_score_that_was_computed_on_paper():
    # At 80 the volumes 19,000 and 9,900 count as 19,500 and 10,100 at 70: z = -0.5 and 0.2.
    # 0.25 + 0.8 * 0.5 + 0.1 * 0.2 = 0.67; both bootstrap models differ from it by 0.05.
    score = golden_model().score(np.array([19_000.0, 9_900.0]), person(age=80.0))
    assert score.value == pytest.approx(0.67, abs=1e-12)
    np.testing.assert_allclose(score.contributions, [0.4, 0.02], atol=1e-12)
    assert score.high - score.value == pytest.approx(1.959964 * 0.05 * np.sqrt(2), rel=1e-5)
    assert score.probability == pytest.approx(1 / (1 + np.exp(-1.34)), abs=1e-12)


def test_residuals_or_standardised_values_are_refused_by_a_model_of_volumes(model_and_data):
    model, data = model_and_data
    z = (data.X[0] - data.X.mean(axis=0)) / data.X.std(axis=0)
    check = check_regions(model, z)
    assert check.passed is False
    assert "32 of 32 regions lie more than 5 standard deviations" in check.text


def test_volumes_in_ml_are_refused_by_a_model_of_cubic_millimetres(model_and_data):
    model, data = model_and_data
    assert check_regions(model, data.X[0] / 1000).passed is False


# That a model file without kind and unit of its input is refused: tests/io/test_spare_json.py.


# NiChart_Project 82: an index that is not available for this person is silently absent.


def test_what_is_missing_for_a_score_is_named(model_and_data):
    model, _ = model_and_data
    check = check_covariates(model, {"age": None, "sex": "F", "site": "A"})
    assert check.passed is False
    assert check.text == "the model needs age"
    assert check_covariates(model, {"age": 70.0, "sex": "F", "site": None}).passed is True
    volumes = np.full(32, 20_000.0)
    volumes[:2] = np.nan
    with pytest.raises(InputError, match="2 PSCs have no volume: C32_1, C32_2"):
        model.score(volumes, person())


# brainage-prediction-mri 1: misregistration; tests/core/test_spare_likeness.py and
# tests/steps/test_spare_score.py rotate, shift and mirror maps.


# baracus 4: an absurd prediction is shown as a normal one.


def test_one_region_ten_times_too_large_blocks_and_is_listed(model_and_data):
    model, data = model_and_data
    volumes = data.X[0].copy()
    volumes[6] *= 10
    check = check_regions(model, volumes)
    assert check.passed is False
    assert check.value == 1
    assert "C32_7 (z +" in check.text


def test_regions_that_are_all_somewhat_off_block_too(model_and_data):
    model, _ = model_and_data
    check = check_regions(model, model.raw_mean + 4 * model.raw_sd)
    assert check.passed is False
    assert "4.00 standard deviations" in check.text


def test_people_of_the_training_kind_are_not_blocked(model_and_data):
    model, _ = model_and_data
    _, others = trained(seed=1)
    passed = [check_regions(model, row).passed for row in others.X]
    assert all(passed)


def test_of_a_thousand_regions_a_few_may_lie_far_out():
    model, data = trained(n=60, n_features=1000)
    volumes = data.X[0].copy()
    volumes[:10] = model.raw_mean[:10] + 6 * model.raw_sd[:10]
    assert check_regions(model, volumes).passed is True
    volumes[10] = model.raw_mean[10] + 6 * model.raw_sd[10]
    assert check_regions(model, volumes).passed is False


def test_a_region_without_a_value_blocks_and_is_named(model_and_data):
    model, data = model_and_data
    volumes = data.X[0].copy()
    volumes[2] = np.nan
    assert "1 of 32 regions have no volume: C32_3" in check_regions(model, volumes).text


# scikit-learn 20288, pypgx 112: a pickled machine of another version.


def test_a_pickled_machine_is_refused_and_never_opened(tmp_path):
    machine = SVC().fit([[0.0], [1.0]], [0, 1])
    path = tmp_path / "SPARE-AD.spare.json"
    path.write_bytes(pickle.dumps(machine))
    with pytest.raises(InputError, match=r"pickle.*can run code.*depend on versions"):
        read_spare_model(path)


# PCNtoolkit 118, PCNtoolkit-demo 16: curve and dot on different transforms.


def test_a_person_at_the_median_of_the_reference_stands_at_its_fiftieth_percentile(model_and_data):
    model, _ = model_and_data
    reference = model.reference
    same = ~reference.patients & (np.array(reference.sexes) == "F")
    weights = np.exp(-0.5 * ((reference.ages[same] - 70) / 8) ** 2)
    order = np.argsort(reference.scores[same])
    cumulative = np.cumsum(weights[order]) / weights.sum()
    median = reference.scores[same][order][np.searchsorted(cumulative, 0.5)]
    found = reference.percentile(float(median), 70.0, "F", patients=False)
    assert found.value == pytest.approx(50, abs=6)


# spare_score data_prep.py: the check of the age range is commented out.


def test_an_age_outside_the_training_range_has_no_percentile_and_says_the_range(model_and_data):
    model, _ = model_and_data
    low, high = model.reference.age_range
    check = check_age(model, 20.0)
    assert check.passed is False
    assert check.text == f"20 years, outside {low:g}-{high:g}"
    found = model.reference.percentile(0.0, 20.0, "F", patients=False)
    assert found.value is None
    assert found.reason == f"outside {low:g}-{high:g} years"
    assert check_age(model, 70.0).passed is True


def test_a_sex_that_the_training_sample_lacks_is_refused(model_and_data):
    model, _ = model_and_data
    assert check_sex(model, "F").passed is True
    women = SpareModel(
        **{
            **model.__dict__,
            "reference": ReferenceDistribution(
                **{**model.reference.__dict__, "sexes": ("F",) * len(model.reference.sexes)}
            ),
        }
    )
    check = check_sex(women, "M")
    assert check.passed is False
    assert check.text == "M, the training sample has F"


# An unseen site, as PCNtoolkit and ComBat users meet it.


def test_a_known_site_is_harmonised_and_an_unknown_one_is_marked(model_and_data):
    model, data = model_and_data
    volumes = data.X[0]
    known, unknown = model.score(volumes, person(site="B")), model.score(volumes, person(site="X"))
    assert known.harmonized is True
    assert unknown.harmonized is False
    assert known.value != unknown.value
    assert check_site(model, "X").passed is None
    assert "a site effect may remain" in check_site(model, "X").text
    assert check_site(model, None).text.startswith("the site was not given")


def test_the_interval_of_someone_unusual_is_wider(model_and_data):
    model, _ = model_and_data
    usual = model.score(model.raw_mean, person())
    unusual = model.score(model.raw_mean + 3 * model.raw_sd * (-1.0) ** np.arange(32), person())
    assert unusual.high - unusual.low > 1.5 * (usual.high - usual.low)
