"""Metrics, intervals, calibration, percentiles: against closed forms and second opinions."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from music_gui.core.errors import InputError
from music_gui.core.spare.calibration import PlattCalibration
from music_gui.core.spare.evaluation import (
    METRICS,
    area_under_curve,
    balanced_accuracy,
    cohens_d,
    corrected_interval,
)
from music_gui.core.spare.reference import ReferenceDistribution


@pytest.fixture
def scored() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    patients = rng.random(200) < 0.3
    return np.round(rng.normal(size=200) + 1.2 * patients, 1), patients  # rounded: with ties


def test_metrics_are_those_of_scikit_learn(scored):
    scores, patients = scored
    assert area_under_curve(scores, patients) == pytest.approx(roc_auc_score(patients, scores))
    assert balanced_accuracy(scores, patients) == pytest.approx(
        balanced_accuracy_score(patients, scores > 0)
    )


def test_the_difference_of_two_shifted_groups_is_their_shift():
    group = np.array([-1.0, 0.0, 1.0, 2.0])
    scores = np.concatenate([group + 3, group])
    patients = np.arange(8) < 4
    assert cohens_d(scores, patients) == pytest.approx(3 / group.std(ddof=1))
    assert np.isnan(cohens_d(np.zeros(8), patients))


def test_a_score_of_zero_is_not_patient_like():
    patients = np.array([True, True, False, False])
    scores = np.array([1.0, 0.0, 0.0, -1.0])
    values = {name: metric(scores, patients) for name, (metric, _) in METRICS.items()}
    assert values["sensitivity"] == 0.5
    assert values["specificity"] == 1.0


def test_the_interval_is_wider_than_that_of_independent_folds():
    values = [0.70, 0.74, 0.78, 0.82, 0.76]
    found = corrected_interval(values, 0.25, (0.0, 1.0))
    half = stats.t.ppf(0.975, 4) * np.std(values, ddof=1) * np.sqrt(1 / 5 + 0.25)
    assert found.mean == pytest.approx(0.76)
    assert (found.low, found.high) == pytest.approx((0.76 - half, 0.76 + half))
    naive = stats.t.interval(0.95, 4, 0.76, stats.sem(values))
    assert found.low < naive[0]
    assert found.high > naive[1]


def test_the_interval_of_an_accuracy_stops_at_one_and_of_one_fold_is_not_told():
    found = corrected_interval([0.9, 1.0, 1.0], 0.25, (0.0, 1.0))
    assert found.high == 1.0
    alone = corrected_interval([0.9], 0.25, (0.0, 1.0))
    assert (alone.low, alone.high) == (None, None)
    with pytest.raises(InputError, match="no fold gives a value"):
        corrected_interval([float("nan")], 0.25, (0.0, 1.0))


def test_calibration_is_logistic_regression_on_many_people():
    rng = np.random.default_rng(1)
    scores = rng.normal(0, 2, 20_000)
    patients = rng.random(20_000) < 1 / (1 + np.exp(-(1.5 * scores - 0.5)))
    ours = PlattCalibration.fit(scores, patients)
    theirs = LogisticRegression(C=1e12, tol=1e-10).fit(scores[:, None], patients)
    assert ours.slope == pytest.approx(theirs.coef_[0, 0], rel=2e-3)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], abs=5e-3)
    assert ours.slope == pytest.approx(1.5, abs=0.06)
    assert ours.prevalence == patients.mean()


def test_calibration_of_groups_that_do_not_overlap_stays_finite_and_short_of_certainty():
    scores = np.concatenate([np.linspace(1, 2, 20), np.linspace(-2, -1, 20)])
    curve = PlattCalibration.fit(scores, np.arange(40) < 20)
    assert 0.9 < curve.probability(1.5) < 0.99
    assert curve.probability(1.5) == pytest.approx(1 - curve.probability(-1.5), abs=1e-6)


def test_a_probability_is_not_lost_for_extreme_scores():
    curve = PlattCalibration(slope=3.0, intercept=0.0, prevalence=0.5)
    assert curve.probability(1e6) == 1.0
    assert curve.probability(-1e6) == 0.0


def reference(n: int = 400) -> ReferenceDistribution:
    """Scores 0 to 1 at every age from 50 to 89, half women, half patients."""
    rng = np.random.default_rng(2)
    return ReferenceDistribution(
        scores=rng.permutation(np.linspace(0, 1, n)),
        ages=np.resize(np.arange(50.0, 90.0), n),
        sexes=tuple(rng.permutation(["F", "M"] * (n // 2)).tolist()),
        patients=rng.random(n) < 0.5,
        age_range=(50.2, 89.4),
    )


def test_a_percentile_is_the_share_below_among_the_same_sex_and_age():
    many = reference(40_000)
    for score in (0.1, 0.5, 0.9):
        found = many.percentile(score, 70.0, "F", patients=False)
        assert found.value == pytest.approx(100 * score, abs=3)
        assert found.bandwidth == 3.0


def test_a_percentile_follows_the_age_of_the_person():
    ages = np.resize(np.arange(50.0, 90.0), 4000)
    rising = ReferenceDistribution(
        scores=ages + np.random.default_rng(3).normal(0, 1, 4000),
        ages=ages,
        sexes=("F",) * 4000,
        patients=np.zeros(4000, dtype=bool),
        age_range=(50.0, 89.0),
    )
    assert rising.percentile(70.0, 60.0, "F", patients=False).value > 95
    assert rising.percentile(70.0, 80.0, "F", patients=False).value < 5
    assert rising.percentile(70.0, 70.0, "F", patients=False).value == pytest.approx(50, abs=5)


def test_the_median_person_stands_at_the_fiftieth_percentile():
    same = ReferenceDistribution(
        scores=np.arange(101.0),
        ages=np.full(101, 60.0),
        sexes=("M",) * 101,
        patients=np.ones(101, dtype=bool),
        age_range=(60.0, 60.0),
    )
    assert same.percentile(50.0, 60.0, "M", patients=True).value == pytest.approx(50)
    assert same.percentile(-1.0, 60.0, "M", patients=True).value == 0
    assert same.percentile(101.0, 60.0, "M", patients=True).value == pytest.approx(100)


@pytest.mark.parametrize(
    ("age", "sex", "reason"),
    [
        (20.0, "F", "outside 50.2-89.4 years"),
        (None, "F", "age and sex are needed"),
        (60.0, None, "age and sex are needed"),
    ],
)
def test_a_percentile_is_withheld_with_the_reason(age, sex, reason):
    found = reference().percentile(0.5, age, sex, patients=False)
    assert found.value is None
    assert found.reason == reason


def test_a_percentile_of_too_few_people_is_withheld():
    found = reference(40).percentile(0.5, 51.0, "F", patients=True)
    assert found.value is None
    assert found.reason == "too few people of this age and sex"
