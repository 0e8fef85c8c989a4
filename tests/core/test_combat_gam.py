"""ComBat-GAM against neuroHarmonize, statsmodels, and tables with a known site effect."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.gam.api import BSplines, GLMGam

from music_gui.core.errors import InputError
from music_gui.core.harmonization import ComBatGAM
from music_gui.core.harmonization.penalized_spline import (
    PENALTIES,
    PenalizedLeastSquares,
    SplineBasis,
)
from music_gui.core.harmonization.site_effect import effects
from music_gui.core.progress import Silent

GOLDEN = json.loads((Path(__file__).parent / "golden" / "neuroharmonize_2.5.2.json").read_text())
SHARED = Path(__file__).parents[3] / "shared"
OPTIONS = {
    "gam": {"covariates": ("sex", "icv"), "penalty_folds": "per_feature"},
    "gam_reference": {
        "covariates": ("sex", "icv"),
        "penalty_folds": "per_feature",
        "reference_site": "Berlin",
    },
    "linear": {"smooth": None, "covariates": ("age", "sex", "icv")},
    "linear_without_eb": {
        "smooth": None,
        "covariates": ("age", "sex", "icv"),
        "empirical_bayes": False,
    },
}


def golden_table() -> tuple[np.ndarray, pd.DataFrame]:
    return np.array(GOLDEN["features"]), pd.DataFrame(GOLDEN["table"])


def two_sites(n: int = 300, n_features: int = 12, seed: int = 0) -> tuple[np.ndarray, pd.DataFrame]:
    """A table whose sites differ by 1.2 SD and by a factor 1.5 in SD."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "site": np.where(rng.random(n) < 0.4, "A", "B"),
            "age": rng.uniform(40, 90, n),
            "sex": np.where(rng.random(n) < 0.5, "F", "M"),
        }
    )
    at_b = (table["site"] == "B").to_numpy()[:, None]
    noise = rng.normal(size=(n, n_features)) * np.where(at_b, 1.5, 1.0)
    age = table["age"].to_numpy()[:, None]
    X = 50 - ((age - 40) / 25) ** 2 + (table["sex"] == "M").to_numpy()[:, None] + noise
    return X + 1.2 * at_b * rng.uniform(0.7, 1.3, n_features), table


@pytest.mark.parametrize("case", sorted(OPTIONS))
def test_it_gives_the_numbers_of_neuroharmonize(case):
    X, table = golden_table()
    n = GOLDEN["n_train"]
    model = ComBatGAM(site="SITE", random_state=GOLDEN["seed"], **OPTIONS[case])
    learned = model.fit_transform(X[:n], table[:n])
    applied = model.transform(X[n:], table[n:])
    expected = GOLDEN["results"][case]
    np.testing.assert_allclose(learned, expected["learned"], rtol=1e-6)
    np.testing.assert_allclose(applied, expected["applied"], rtol=1e-6)
    assert np.abs(learned - X[:n]).max() > 10  # the golden table has something to remove


def test_the_spline_is_that_of_statsmodels():
    age = np.random.default_rng(3).uniform(45, 90, 120)
    ours = SplineBasis.from_values(age, df=10, degree=3)
    theirs = BSplines(age[:, None], df=[10], degree=[3])
    np.testing.assert_allclose(ours(age), theirs.basis, atol=1e-12)
    np.testing.assert_allclose(ours.penalty(), theirs.penalty_matrices[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("weight", [PENALTIES[0], PENALTIES[5], PENALTIES[10]])
def test_the_penalised_fit_is_that_of_statsmodels(weight):
    rng = np.random.default_rng(4)
    age = rng.uniform(45, 90, 100)
    linear = np.column_stack([np.ones(100), rng.normal(1.4e6, 1e5, 100)])
    y = np.sin(age / 8) + linear[:, 1] * 1e-6 + rng.normal(0, 0.3, 100)
    basis = SplineBasis.from_values(age, df=10, degree=3)
    ours = PenalizedLeastSquares(linear, basis(age), basis.penalty())
    theirs = GLMGam(
        y, exog=linear, smoother=BSplines(age[:, None], df=[10], degree=[3]), alpha=weight
    )
    coefficients = ours.solve(y[:, None], np.array([weight]))[:, 0]
    np.testing.assert_allclose(
        np.hstack([linear, basis(age)]) @ coefficients, theirs.fit().fittedvalues, rtol=1e-7
    )


def test_shared_folds_prefer_a_stiff_curve_for_a_line_and_a_soft_one_for_a_wave():
    rng = np.random.default_rng(5)
    age = rng.uniform(45, 90, 400)
    responses = np.column_stack([0.1 * age, 3 * np.sin(age / 4)]) + rng.normal(0, 0.5, (400, 2))
    basis = SplineBasis.from_values(age, df=10, degree=3)
    model = PenalizedLeastSquares(np.ones((400, 1)), basis(age), basis.penalty())
    line, wave = model.select_weights(
        responses, np.random.default_rng(0), shared_folds=True, progress=Silent()
    )
    assert line > 1e4
    assert wave < 1e3


def test_the_site_goes_and_age_and_sex_stay():
    X, table = two_sites()
    after = ComBatGAM(covariates=("sex",)).fit_transform(X, table)
    terms = {"site": "site", "smooth": "age", "covariates": ("sex",)}
    eta_before = {k: np.median(e.eta_squared) for k, e in effects(X, table, **terms).items()}
    eta_after = {k: np.median(e.eta_squared) for k, e in effects(after, table, **terms).items()}
    assert eta_before["site"] > 0.1
    assert eta_after["site"] < 0.005
    assert eta_after["age"] >= eta_before["age"] - 0.02
    assert eta_after["sex"] >= eta_before["sex"] - 0.02
    at_a = (table["site"] == "A").to_numpy()
    residual = after + ((table["age"].to_numpy()[:, None] - 40) / 25) ** 2
    ratio = residual[~at_a].std(axis=0) / residual[at_a].std(axis=0)
    assert np.median(ratio) == pytest.approx(1.0, abs=0.05)


def test_the_reference_site_keeps_its_values():
    X, table = two_sites()
    after = ComBatGAM(reference_site="A").fit_transform(X, table)
    at_a = (table["site"] == "A").to_numpy()
    np.testing.assert_array_equal(after[at_a], X[at_a])
    assert np.abs(after[~at_a] - X[~at_a]).max() > 1


def test_new_rows_do_not_change_what_was_fitted():
    X, table = two_sites()
    model = ComBatGAM(covariates=("sex",)).fit(X[:200], table[:200])
    alone = model.transform(X[200:201], table[200:201])
    together = model.transform(X[200:], table[200:])
    np.testing.assert_allclose(alone[0], together[0], rtol=1e-13)
    distorted = X[200:] * np.array([[1.0]] + [[50.0]] * 99)
    np.testing.assert_allclose(model.transform(distorted, table[200:])[0], together[0], rtol=1e-13)


def test_a_missing_site_is_not_the_site_called_none():
    X, table = two_sites()
    table["site"] = table["site"].replace({table["site"].iloc[0]: "None"})
    model = ComBatGAM(covariates=("sex",)).fit(X, table)
    missing = table.assign(site=None)
    assert model.is_harmonized(table).all()
    assert not model.is_harmonized(missing).any()
    assert not model.is_harmonized(table.drop(columns="site")).any()
    np.testing.assert_array_equal(model.transform(X, missing), X)
    with pytest.raises(InputError, match=r"when the model was fitted: \(missing\)"):
        model.set_params(unseen_site="error").is_harmonized(missing)


def test_a_model_survives_json():
    X, table = two_sites()
    X[:, 3] = np.nan  # a vanished PSC
    model = ComBatGAM(covariates=("sex",), reference_site="B").fit(X, table)
    again = ComBatGAM.from_dict(json.loads(json.dumps(model.to_dict(), allow_nan=False)))
    np.testing.assert_array_equal(again.transform(X, table), model.transform(X, table))
    assert again.to_dict() == model.to_dict()


def test_ages_beyond_the_fitted_range_count_as_the_nearest_fitted_one():
    X, table = two_sites()
    model = ComBatGAM().fit(X, table)
    beyond = table[:2].assign(age=[20.0, 99.0])
    nearest = table[:2].assign(age=[table["age"].min(), table["age"].max()])
    np.testing.assert_array_equal(model.transform(X[:2], beyond), model.transform(X[:2], nearest))


@pytest.mark.shared_data
@pytest.mark.skipif(not (SHARED / "data/ixi").is_dir(), reason="needs shared/data/ixi")
def test_on_ixi_the_site_effect_goes_and_the_age_effect_stays():
    volumes = pd.read_csv(SHARED / "data/ixi/IXI_DLMUSE.csv")
    people = pd.read_csv(SHARED / "data/ixi/IXI_demog.csv").rename(
        columns={"Age": "age", "Sex": "sex"}
    )
    both = volumes.merge(people, on="ID").dropna().reset_index(drop=True)
    table = both[["age", "sex"]].assign(icv=both["702"], site=both["ID"].str.split("-").str[1])
    X = both[[c for c in volumes.columns if c not in ("ID", "702")]].to_numpy(dtype=float)
    assert sorted(table["site"].unique()) == ["Guys", "HH", "IOP"]
    after = ComBatGAM(covariates=("sex", "icv")).fit_transform(X, table)
    terms = {"site": "site", "smooth": "age", "covariates": ("sex", "icv")}
    before = {k: e.summary() for k, e in effects(X, table, **terms).items()}
    then = {k: e.summary() for k, e in effects(after, table, **terms).items()}
    assert before["site"]["share_significant"] > 0.3
    assert then["site"]["share_significant"] < 0.02
    assert then["site"]["median"] < 0.01
    assert then["age"]["median"] > 0.95 * before["age"]["median"]
    assert then["age"]["share_significant"] >= before["age"]["share_significant"] - 0.02
