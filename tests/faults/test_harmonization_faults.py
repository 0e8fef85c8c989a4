"""Faults that users of ComBat programs reported: each kind is named, avoided or refused here."""

import json

import numpy as np
import pandas as pd
import pytest

from music_gui.core.errors import InputError, ParameterError
from music_gui.core.harmonization import ComBatGAM
from music_gui.core.harmonization.covariate_table import as_labels
from music_gui.core.harmonization.covariates import check_not_confounded


def table_of(counts: dict[str, int], seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = sum(counts.values())
    return pd.DataFrame(
        {
            "site": np.repeat(list(counts), list(counts.values())),
            "age": rng.uniform(50, 85, n),
            "sex": np.where(rng.random(n) < 0.5, "F", "M"),
        },
        index=[f"sub-{k:02d}" for k in range(n)],
    )


def features(table: pd.DataFrame, n_features: int = 6, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shift = {site: k for k, site in enumerate(sorted(table["site"].unique()))}
    return (
        rng.normal(size=(len(table), n_features))
        + table["site"].map(shift).to_numpy()[:, None]
        - 0.05 * table["age"].to_numpy()[:, None]
    )


# neuroHarmonize 54, ComBatHarmonization 37: a site with one subject gave NaN and no error.


def test_a_site_with_one_subject_is_named():
    table = table_of({"A": 20, "B": 20, "C": 1})
    with pytest.raises(InputError, match=r"too few subjects at site C \(1\)") as caught:
        ComBatGAM().fit(features(table), table)
    assert "Leave these sites out, or merge" in str(caught.value)


def test_every_site_that_is_too_small_is_named():
    table = table_of({"A": 20, "B": 4, "C": 2})
    with pytest.raises(InputError, match=r"site B \(4\), site C \(2\)"):
        ComBatGAM().fit(features(table), table)


def test_two_subjects_a_site_give_finite_values_if_one_insists():
    table = table_of({"A": 20, "B": 20, "C": 2})
    X = features(table)
    assert np.isfinite(ComBatGAM(min_site_size=2).fit_transform(X, table)).all()


# neuroHarmonize 39: a singular design.


def test_a_sex_that_is_its_site_is_refused_with_the_columns_named():
    table = table_of({"A": 20, "B": 20})
    table["sex"] = np.where(table["site"] == "A", "F", "M")
    with pytest.raises(InputError, match=r"singular design.*sex\[M\]"):
        ComBatGAM(covariates=("sex",)).fit(features(table), table)


def test_the_same_covariate_twice_is_refused_with_both_named():
    table = table_of({"A": 20, "B": 20}).assign(months=lambda t: 12 * t["age"])
    with pytest.raises(InputError, match=r"age follows from months|months follows from age"):
        ComBatGAM(covariates=("months",)).fit(features(table), table)


def test_a_constant_covariate_is_left_out_and_said_so():
    table = table_of({"A": 20, "B": 20}).assign(sex="F")
    X = features(table)
    model = ComBatGAM(covariates=("sex",)).fit(X, table)
    assert model.notes_ == ("sex is the same for everyone and was left out",)
    np.testing.assert_array_equal(model.transform(X, table), ComBatGAM().fit_transform(X, table))


def test_more_columns_than_subjects_are_refused():
    rng = np.random.default_rng(0)
    extra = {f"x{k}": rng.normal(size=20) for k in range(25)}
    table = table_of({"A": 10, "B": 10}).assign(**extra)
    with pytest.raises(InputError, match="20 rows are fewer than 28 columns"):
        ComBatGAM(covariates=tuple(extra)).fit(features(table), table)


# neuroHarmonize 38, ComBatHarmonization 14: one feature crashed or gave NaN.


def test_one_feature_is_harmonised_without_empirical_bayes_and_said_so():
    table = table_of({"A": 20, "B": 20})
    X = features(table, n_features=1)
    model = ComBatGAM().fit(X, table)
    assert any("without shrinkage" in note for note in model.notes_)
    plain = ComBatGAM(empirical_bayes=False).fit_transform(X, table)
    np.testing.assert_array_equal(model.transform(X, table), plain)
    at_a = (table["site"] == "A").to_numpy()
    assert (
        abs(plain[at_a].mean() - plain[~at_a].mean()) < 0.3 < abs(X[at_a].mean() - X[~at_a].mean())
    )


# neuroHarmonize 62: one site.


def test_one_site_is_refused_by_the_estimator_with_the_reason():
    table = table_of({"A": 20})
    with pytest.raises(InputError, match=r"one site only \(A\): nothing to harmonise"):
        ComBatGAM().fit(features(table), table)


# ComBatHarmonization 1: NaN in the input; a group difference that vanishes with the site.


def test_a_vanished_feature_stays_missing_and_harms_no_other():
    table = table_of({"A": 20, "B": 20})
    X = features(table)
    with_gap = np.insert(X, 2, np.nan, axis=1)
    after = ComBatGAM().fit_transform(with_gap, table)
    assert np.isnan(after[:, 2]).all()
    np.testing.assert_allclose(
        np.delete(after, 2, axis=1), ComBatGAM().fit_transform(X, table), rtol=1e-12
    )


def test_a_single_missing_value_stays_missing_and_the_rest_of_its_feature_does_not():
    table = table_of({"A": 20, "B": 20})
    X = features(table)
    complete = ComBatGAM().fit_transform(X, table)
    X[3, 1] = np.nan
    after = ComBatGAM().fit_transform(X, table)
    assert np.isnan(after).sum() == 1
    known = np.isfinite(after)
    assert np.abs(after[known] - complete[known]).max() < 0.5


def test_infinite_values_are_refused():
    table = table_of({"A": 20, "B": 20})
    X = features(table)
    X[0, 4] = np.inf
    with pytest.raises(InputError, match="infinite values in 1 of 6 features, first feature 5"):
        ComBatGAM().fit(X, table)


def test_missing_covariates_are_named_by_person():
    table = table_of({"A": 20, "B": 20})
    table.loc[["sub-03", "sub-30"], "age"] = np.nan
    with pytest.raises(InputError, match="age is missing for 2 of 40: sub-03, sub-30"):
        ComBatGAM().fit(features(table), table)
    table = table_of({"A": 20, "B": 20})
    table.loc["sub-05", "site"] = None
    with pytest.raises(InputError, match="site is missing for 1 of 40: sub-05"):
        ComBatGAM().fit(np.zeros((40, 3)), table)


def test_a_missing_column_is_named():
    table = table_of({"A": 20, "B": 20})
    with pytest.raises(ParameterError, match=r"no column named icv.*site, age, sex"):
        ComBatGAM(covariates=("icv",)).fit(features(table), table)


def test_a_diagnosis_that_is_its_site_is_refused_with_the_counts():
    sites = np.array(["A"] * 20 + ["B"] * 15, dtype=object)
    groups = np.array(["CN"] * 20 + ["AD"] * 15, dtype=object)
    with pytest.raises(InputError, match=r"fully confounded.*A: 0 AD, 20 CN; B: 15 AD, 0 CN"):
        check_not_confounded(sites, groups, "diagnosis")
    groups[0] = "AD"
    warning = check_not_confounded(sites, groups, "diagnosis")
    assert warning == ("site and diagnosis are partly confounded (A: 1 AD, 19 CN; B: 15 AD, 0 CN)")


def test_a_group_difference_is_kept_if_the_sites_hold_both_groups():
    table = table_of({"A": 100, "B": 100})
    rng = np.random.default_rng(3)
    patient = rng.random(200) < np.where(table["site"] == "A", 0.3, 0.7)
    table["diagnosis"] = np.where(patient, "AD", "CN")
    X = features(table) - 1.0 * patient[:, None]
    after = ComBatGAM(covariates=("diagnosis",)).fit_transform(X, table)
    by_site = [
        after[patient & at].mean() - after[~patient & at].mean()
        for at in ((table["site"] == s).to_numpy() for s in "AB")
    ]
    assert np.mean(by_site) == pytest.approx(-1.0, abs=0.1)


# neuroHarmonize PR 13, PR 20, ComBatHarmonization 23: an unseen site, one new subject.


def new_subject(site: str) -> tuple[np.ndarray, pd.DataFrame]:
    return np.full((1, 6), 5.0), pd.DataFrame({"site": [site], "age": [60.0], "sex": ["F"]})


def test_a_subject_of_an_unseen_site_stays_raw_and_is_marked():
    table = table_of({"A": 20, "B": 20})
    model = ComBatGAM(covariates=("sex",)).fit(features(table), table)
    x, person = new_subject("Newtown")
    np.testing.assert_array_equal(model.transform(x, person), x)
    assert not model.is_harmonized(person)[0]
    assert model.is_harmonized(table).all()


def test_an_unseen_site_can_count_as_the_reference_or_be_refused():
    table = table_of({"A": 20, "B": 20})
    x, person = new_subject("Newtown")
    with pytest.raises(ParameterError, match="none is chosen"):
        ComBatGAM(unseen_site="reference").fit(features(table), table)
    model = ComBatGAM(unseen_site="reference", reference_site="A").fit(features(table), table)
    at_a = person.assign(site="A")
    np.testing.assert_array_equal(model.transform(x, person), model.transform(x, at_a))
    model = ComBatGAM(unseen_site="error").fit(features(table), table)
    with pytest.raises(InputError, match="not there when the model was fitted: Newtown"):
        model.transform(x, person)


def test_one_subject_alone_is_standardised_with_the_training_mean_and_variance():
    table = table_of({"A": 30, "B": 30})
    X = features(table)
    model = ComBatGAM().fit(X, table)
    np.testing.assert_allclose(
        model.transform(X[7:8], table[7:8])[0], model.transform(X, table)[7], rtol=1e-12
    )


def test_an_unknown_category_of_a_new_subject_is_named():
    table = table_of({"A": 20, "B": 20})
    model = ComBatGAM(covariates=("sex",)).fit(features(table), table)
    x, person = new_subject("A")
    with pytest.raises(InputError, match=r"sex has a value .*: female"):
        model.transform(x, person.assign(sex="female"))


# neuroHarmonize 60: all outputs identical or rounded.


def test_small_values_keep_their_digits_and_constant_features_stay_as_they_are():
    table = table_of({"A": 40, "B": 40})
    X = 1e-3 * features(table)
    X[:, 2] = 0.7
    model = ComBatGAM().fit(X, table)
    after = model.transform(X, table)
    assert (after[:, [0, 1, 3, 4, 5]].std(axis=0) > 1e-4).all()
    assert len(np.unique(after[:, 0])) == 80
    np.testing.assert_array_equal(after[:, 2], 0.7)
    assert "features that do not vary and stay as they are: 1" in model.notes_


def test_a_feature_without_spread_at_one_site_does_not_become_infinite():
    table = table_of({"A": 40, "B": 40})
    X = features(table)
    X[(table["site"] == "B").to_numpy(), 1] = 2.0
    for empirical_bayes in (True, False):
        after = ComBatGAM(smooth=None, empirical_bayes=empirical_bayes).fit_transform(X, table)
        assert np.isfinite(after).all()


# neuroHarmonize 57: the coding of categories differs between tools.


def test_text_and_dummies_of_sex_give_the_same_numbers():
    table = table_of({"A": 40, "B": 40})
    X = features(table)
    as_dummy = table.assign(sex=(table["sex"] == "M").astype(float))
    model = ComBatGAM(covariates=("sex",)).fit(X, table)
    assert model.design_.covariates[0].columns == ("sex[M]",)
    np.testing.assert_allclose(
        model.transform(X, table),
        ComBatGAM(covariates=("sex",)).fit_transform(X, as_dummy),
        rtol=1e-12,
    )


def test_sites_coded_as_numbers_and_as_text_are_the_same_sites():
    numbers = pd.Series([1.0, 2.0, np.nan])
    assert list(as_labels(numbers)) == ["1", "2", None]
    assert list(as_labels(pd.Series([1, 2]))) == ["1", "2"]
    assert list(as_labels(pd.Series(["1", " 2 ", ""]))) == ["1", "2", None]


# Ages that can't carry a curve.


def test_few_different_ages_become_a_line_and_said_so():
    table = table_of({"A": 40, "B": 40})
    table["age"] = np.resize([60.0, 61.0, 62.0], 80)
    X = features(table)
    model = ComBatGAM().fit(X, table)
    assert model.notes_[0].startswith("age was taken as linear: 3 different values")
    again = ComBatGAM.from_dict(json.loads(json.dumps(model.to_dict())))
    np.testing.assert_array_equal(again.transform(X, table), model.transform(X, table))
