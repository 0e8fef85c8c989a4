"""Training and nested cross-validation: known answers, and tests that would catch leakage."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from music_gui.core.errors import Cancelled, InputError
from music_gui.core.harmonization import ComBatGAM
from music_gui.core.harmonization.covariate_table import CovariateTable
from music_gui.core.progress import Silent
from music_gui.core.spare.cross_validation import (
    TrainingSet,
    ValidationPlan,
    cross_validate,
)
from music_gui.core.spare.evaluation import balanced_accuracy
from music_gui.core.spare.folds import outer_splits, split_folds
from music_gui.core.spare.linear_svm import fit_linear_svms
from music_gui.core.spare.model import fingerprint, haufe_pattern
from music_gui.core.spare.preparation import Adjustment, FeaturePreparation
from music_gui.core.spare.training import (
    permutation_p,
    shuffled_labels,
    summarize,
    train_spare,
)

SHARED = Path(__file__).parents[3] / "shared"
FEATURES = tuple(f"C6_{k}" for k in range(1, 7))


def made_up(n: int = 150, effect: float = 1.2, seed: int = 0, sessions: int = 1) -> TrainingSet:
    """Six features in three sites; patients have less of the first two."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "age": rng.uniform(50, 85, n),
            "sex": np.where(rng.random(n) < 0.5, "F", "M"),
            "site": np.array(["A", "B", "C"])[np.arange(n) % 3],
        }
    )
    person = np.array([f"sub-{k // sessions:03d}" for k in range(n)])
    patients = np.repeat(rng.random(-(-n // sessions)) < 0.5, sessions)[:n]
    X = rng.normal(size=(n, 6)) - 0.04 * (people["age"].to_numpy()[:, None] - 67)
    X += people["site"].map({"A": -1.0, "B": 0.0, "C": 1.0}).to_numpy()[:, None]
    X[:, :2] -= effect * patients[:, None]
    return TrainingSet(
        100 + 10 * X,
        CovariateTable.of(people),
        patients,
        person,
        people["site"].to_numpy(dtype=str),
    )


def full_plan(**changes) -> ValidationPlan:
    harmonization = ComBatGAM(covariates=("sex",), min_site_size=3)
    settings = {
        "preparation": FeaturePreparation(harmonization, ("age", "sex")),
        "costs": (0.01, 0.1),
        "n_repeats": 2,
    }
    return ValidationPlan(**(settings | changes))


def test_patients_are_told_from_controls_they_were_not_trained_with():
    data = made_up()
    trained = train_spare(data, FEATURES, full_plan(), n_bootstrap=20, progress=Silent())
    metrics = summarize(trained.validation, data.patients)
    assert metrics["auc"].mean > 0.85
    assert metrics["auc"].low < metrics["auc"].mean < metrics["auc"].high
    heaviest = np.argsort(-np.abs(trained.model.weights))[:2]
    assert sorted(heaviest) == [0, 1]
    assert (trained.model.pattern[:2] < -0.4).all()  # patients have less


# Leakage.


def test_shuffled_diagnoses_give_chance():
    data = made_up(n=200)
    accuracy = []
    for seed in range(3):
        labels = shuffled_labels(data, np.random.default_rng(seed))
        shuffled = TrainingSet(data.X, data.people, labels, data.groups, data.sites)
        validation = cross_validate(shuffled, full_plan(seed=seed, n_repeats=1), progress=Silent())
        accuracy.append(summarize(validation, labels)["balanced_accuracy"].mean)
    assert np.mean(accuracy) == pytest.approx(0.5, abs=0.06)


def test_shuffling_keeps_the_patients_of_every_site():
    """One site has hardly any controls to spare: ComBat must still find them all there."""
    data = made_up(n=144, sessions=2)
    sites = np.repeat(np.array(["big"] * 65 + ["small"] * 7), 2)
    data = TrainingSet(data.X, data.people, data.patients, data.groups, sites)
    dealt = [shuffled_labels(data, np.random.default_rng(seed)) for seed in range(20)]
    for labels in dealt:
        for site in ("big", "small"):
            assert labels[sites == site].sum() == data.patients[sites == site].sum()
        np.testing.assert_array_equal(labels[::2], labels[1::2])  # the sessions of a person
    assert len({labels.tobytes() for labels in dealt}) == 20
    assert len({labels[sites == "small"].tobytes() for labels in dealt}) > 3


def scores_before_and_after_distorting(
    victim: int, prepare_everyone: bool
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Test rows and their scores in each fold, with one person's volumes true and absurd."""
    data, plan = made_up(n=90), full_plan(n_repeats=1)
    runs = []
    for factor in (1.0, 25.0):
        X = data.X.copy()
        X[victim] *= factor
        if prepare_everyone:  # the mistake
            X = plan.preparation.fit(X, data.people, ~data.patients).transform(X, data.people)
        changed = TrainingSet(X, data.people, data.patients, data.groups, data.sites)
        own = ValidationPlan(FeaturePreparation(), costs=(0.1,), n_repeats=1)
        runs.append(
            cross_validate(changed, own if prepare_everyone else plan, progress=Silent()).folds
        )
    return [(a.test, a.scores, b.scores) for a, b in zip(*runs, strict=True)]


def test_distorting_one_test_person_changes_no_other_score_of_its_fold():
    """Whatever is learned from test rows (scaling, harmonisation, adjustment) would show here."""
    victim = 17
    for test, before, after in scores_before_and_after_distorting(victim, False):
        others = test != victim
        if victim in test:
            np.testing.assert_array_equal(before[others], after[others])
            assert before[~others][0] != after[~others][0]
        else:
            assert not np.allclose(before, after)


def test_preparing_everyone_before_the_folds_would_be_caught_so():
    victim = int(np.flatnonzero(~made_up(n=90).patients)[0])  # a control, from whom is learned
    for test, before, after in scores_before_and_after_distorting(victim, True):
        if victim in test:
            assert not np.allclose(before[test != victim], after[test != victim])


def test_one_persons_sessions_are_never_on_both_sides():
    data = made_up(n=120, sessions=3)
    for _, _, (train, test) in outer_splits(
        data.patients, data.sites, data.groups, scheme="kfold", n_folds=5, n_repeats=3, seed=0
    ):
        assert not set(data.groups[train]) & set(data.groups[test])
    for train, test in split_folds(data.patients, None, data.groups, 4, 0):
        assert not set(data.groups[train]) & set(data.groups[test])


def test_sessions_of_one_person_that_tell_who_it_is_do_not_tell_the_diagnosis():
    rng = np.random.default_rng(6)
    who = np.repeat(np.arange(40), 3)
    patients = (rng.random(40) < 0.5)[who]
    X = rng.normal(size=(40, 30))[who] + 0.05 * rng.normal(size=(120, 30))
    people = CovariateTable.of(pd.DataFrame(index=range(120)))
    plan = ValidationPlan(FeaturePreparation(), costs=(0.1,), n_repeats=4)

    def accuracy(groups: np.ndarray) -> float:
        data = TrainingSet(X, people, patients, groups, None)
        return summarize(cross_validate(data, plan, progress=Silent()), patients)[
            "balanced_accuracy"
        ].mean

    assert accuracy(np.arange(120).astype(str)) > 0.7  # the mistake
    assert accuracy(who.astype(str)) < 0.6


# Folds.


def test_folds_hold_their_share_of_each_group_of_each_site():
    data = made_up(n=150)
    for _, test in split_folds(data.patients, data.sites, data.groups, 5, 1):
        for site in "ABC":
            for group in (True, False):
                part = (data.sites == site) & (data.patients == group)
                assert abs(part[test].sum() - part.sum() / 5) <= 1


def test_a_site_with_fewer_members_than_folds_does_not_stop_the_split():
    data = made_up(n=90)
    sites = data.sites.copy()
    sites[:2] = "Tiny"
    folds = split_folds(data.patients, sites, data.groups, 5, 0)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(90))


def test_too_few_patients_for_the_folds_are_told():
    data = made_up(n=60)
    few = np.arange(60) < 3
    with pytest.raises(InputError, match="3 patients can't be spread over 5 folds"):
        split_folds(few, None, data.groups, 5, 0)


def test_hold_out_tests_one_part_of_each_repeat():
    data = made_up(n=100)
    found = list(
        outer_splits(
            data.patients, None, data.groups, scheme="holdout", n_folds=4, n_repeats=6, seed=0
        )
    )
    assert len(found) == 6
    assert all(len(test) == 25 for _, _, (_, test) in found)
    assert len({tuple(test) for _, _, (_, test) in found}) == 6


# The parts.


@pytest.mark.parametrize("balanced", [True, False])
def test_weights_and_intercept_are_those_of_scikit_learns_svm(balanced):
    rng = np.random.default_rng(7)
    patients = rng.random(80) < 0.3
    Z = rng.normal(size=(80, 5)) + 0.8 * patients[:, None]
    weights, intercepts = fit_linear_svms(Z, patients, (0.05, 1.0), balanced=balanced)
    for k, cost in enumerate((0.05, 1.0)):
        machine = SVC(
            C=cost, kernel="linear", class_weight="balanced" if balanced else None, tol=1e-6
        ).fit(Z, patients)
        np.testing.assert_allclose(
            Z @ weights[k] + intercepts[k], machine.decision_function(Z), atol=2e-3
        )


def test_the_haufe_pattern_shows_a_signal_and_not_the_noise_it_is_freed_from():
    """Haufe et al. 2014, section 2.1: two sensors, signal and noise in one, noise in the other."""
    rng = np.random.default_rng(8)
    signal, noise = rng.normal(size=(2, 50_000))
    Z = np.column_stack([signal + noise, noise])
    pattern = haufe_pattern(Z, np.array([1.0, -1.0]))
    np.testing.assert_allclose(pattern, [1.0, 0.0], atol=0.02)


def test_adjustment_removes_the_effect_that_controls_show():
    rng = np.random.default_rng(9)
    table = CovariateTable.of(
        pd.DataFrame({"age": rng.uniform(50, 90, 500), "sex": rng.choice(["F", "M"], 500)})
    )
    X = 30 - 0.2 * table.numbers("age")[:, None] + 3 * (table.labels("sex") == "M")[:, None]
    X = X + rng.normal(0, 0.1, (500, 2))
    fitted = Adjustment.fit(X, table, ("age", "sex"))
    np.testing.assert_allclose(fitted.coefficients, [[-0.2, -0.2], [3, 3]], atol=0.02)
    adjusted = fitted.apply(X, table)
    assert abs(np.corrcoef(adjusted[:, 0], table.numbers("age"))[0, 1]) < 0.01
    np.testing.assert_allclose(adjusted.mean(axis=0), X.mean(axis=0))


def test_preparation_learns_from_controls_only_so_that_disease_stays():
    data = made_up(n=300, effect=2.0)
    plan = full_plan()
    prepared = plan.preparation.fit(data.X, data.people, ~data.patients)
    Z = prepared.transform(data.X, data.people)
    lost = Z[~data.patients, 0].mean() - Z[data.patients, 0].mean()
    assert lost == pytest.approx(2.0 / np.sqrt(2.0), abs=0.15)  # 2 SD within, groups make SD 1.4
    by_site = [Z[~data.patients & (data.sites == s)].mean() for s in "ABC"]
    assert np.ptp(by_site) < 0.2


def test_the_number_of_threads_does_not_change_the_scores():
    data = made_up(n=90)
    one = cross_validate(data, full_plan(n_repeats=1), progress=Silent(), threads=1)
    two = cross_validate(data, full_plan(n_repeats=1), progress=Silent(), threads=2)
    np.testing.assert_array_equal(one.scores, two.scores)


def test_it_stops_when_asked_to():
    class Stopping(Silent):
        def update(self, fraction: float, message: str = "") -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        cross_validate(made_up(n=90), full_plan(), progress=Stopping(), threads=2)


def test_the_permutation_p_of_a_strong_effect_is_as_small_as_it_can_be():
    data = made_up(n=80, effect=2.5)
    plan = ValidationPlan(FeaturePreparation(), costs=(0.1,), n_folds=4)
    p = permutation_p(data, plan, 0.9, 19, progress=Silent())
    assert p == pytest.approx(1 / 20)
    assert permutation_p(data, plan, 0.0, 5, progress=Silent()) == 1.0


def test_a_map_is_recognised_by_its_volumes_whatever_the_order_of_its_sums():
    volumes = np.array([26769.091408699737, 0.0, 1e-3])
    names = ("C3_1", "C3_2", "C3_3")
    assert fingerprint(names, volumes) == fingerprint(names, volumes * (1 + 1e-14))
    assert fingerprint(names, volumes) != fingerprint(names, volumes * 1.001)


@pytest.mark.shared_data
@pytest.mark.skipif(not (SHARED / "data/tables").is_dir(), reason="needs shared/data/tables")
def test_on_the_mlni_table_it_agrees_with_a_scikit_learn_pipeline_on_the_same_folds():
    table = pd.read_csv(SHARED / "data/tables/mlni_test_feature.tsv", sep="\t")
    X = table.filter(like="ROI").to_numpy(dtype=float)
    patients = (table["diagnosis"] == 1).to_numpy()
    assert X.shape == (99, 18)
    assert patients.sum() == 44
    data = TrainingSet(
        X,
        CovariateTable.of(table[["session_id"]]),
        patients,
        table["participant_id"].to_numpy(dtype=str),
        None,
    )
    plan = ValidationPlan(FeaturePreparation(), costs=(0.01,), n_repeats=3)
    ours = cross_validate(data, plan, progress=Silent())
    for fold in ours.folds:
        train = np.setdiff1d(np.arange(99), fold.test)
        theirs = make_pipeline(
            StandardScaler(), SVC(C=0.01, kernel="linear", class_weight="balanced", tol=1e-6)
        ).fit(X[train], patients[train])
        np.testing.assert_allclose(fold.scores, theirs.decision_function(X[fold.test]), atol=2e-3)
        assert balanced_accuracy(fold.scores, patients[fold.test]) <= 1
    # The table's groups do not differ by any region, and nothing is found in it.
    found = summarize(ours, patients)["balanced_accuracy"]
    assert found.low < 0.5 < found.high
