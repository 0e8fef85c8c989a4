"""Covariates become a design matrix that says what it is made of, or why it can't be made."""

import numpy as np
import pandas as pd
import pytest

from music_gui.core.association.design import (
    Term,
    build_design,
    default_terms,
    variance_inflation,
)
from music_gui.core.errors import InputError, ParameterError


@pytest.fixture
def people():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.uniform(50, 85, 90),
            "sex": rng.choice(["F", "M"], 90),
            "icv": rng.normal(1.5e6, 1e5, 90),
            "site": rng.choice(["UPENN", "JHU", "WashU"], 90),
            "PC10": rng.normal(size=90),
            "PC2": rng.normal(size=90),
        }
    )


def design(people, *terms):
    return build_design(people, [Term.parse(term) for term in terms])


def test_the_default_is_the_papers_model_with_components_in_their_order(people):
    assert default_terms(people.columns) == (
        "age", "age^2", "sex", "age:sex", "age^2:sex", "icv", "PC2", "PC10",
    )  # fmt: skip
    assert default_terms(["site", "sex"]) == ("sex",)
    assert default_terms(["pc1", "PC_2", "pcx"]) == ("pc1", "PC_2")


def test_columns_are_centred_and_scaled_and_squares_are_of_the_centred(people):
    made = design(people, "age", "age^2", "age:sex")
    assert made.names == ("age", "age^2", "age:sex[M]")
    np.testing.assert_allclose(made.matrix[:, 1:].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(made.matrix[:, 1:].std(axis=0, ddof=1), 1)
    z = (people["age"] - people["age"].mean()) / people["age"].std()
    square = (z**2 - (z**2).mean()) / (z**2).std()
    np.testing.assert_allclose(made.matrix[:, 2], square, atol=1e-12)
    assert max(variance_inflation(made).values()) < 3


def test_text_is_coded_against_the_first_level_in_the_alphabet(people):
    made = design(people, "site", "sex")
    assert made.names == ("site[UPENN]", "site[WashU]", "sex[M]")
    assert made.coding == {"site": "JHU", "sex": "F"}
    assert np.corrcoef(made.matrix[:, 3], people["sex"] == "M")[0, 1] == pytest.approx(1)


def test_a_product_of_categories_has_a_column_for_each_combination(people):
    assert design(people, "sex:site").names == ("sex[M]:site[UPENN]", "sex[M]:site[WashU]")


def test_no_covariate_leaves_the_intercept(people):
    assert design(people).matrix.tolist() == [[1.0]] * 90


def test_collinear_covariates_are_refused_by_name(people):
    people["months"] = people["age"] * 12
    with pytest.raises(InputError, match=r"age follows from months|months follows from age"):
        design(people, "age", "sex", "months")


def test_a_covariate_that_follows_from_a_category_is_refused_by_name(people):
    people["scanner"] = people["site"].str.lower()
    with pytest.raises(InputError, match=r"can't be told apart.*scanner\["):
        design(people, "site", "scanner")


def test_a_constant_covariate_is_refused_by_name(people):
    people["sex"] = "F"
    with pytest.raises(InputError, match="covariate sex is the same for all 90"):
        design(people, "age", "sex")


def test_more_covariates_than_people_are_refused(people):
    with pytest.raises(InputError, match="4 rows are fewer than 5 columns"):
        design(people.iloc[:4], "age", "age^2", "icv", "PC2")


def test_missing_values_and_columns_are_named(people):
    with pytest.raises(ParameterError, match="no column named weight"):
        design(people, "age", "weight")
    people.loc[[3, 5], "icv"] = np.nan
    with pytest.raises(InputError, match="icv is missing for 2 of 90: 3, 5"):
        design(people, "icv")


@pytest.mark.parametrize("text", ["", "age^", "age^0", ":sex", "age::sex"])
def test_what_is_no_covariate_is_refused(text):
    with pytest.raises(ParameterError, match="is not a covariate"):
        Term.parse(text)


def test_a_term_reads_as_it_was_written():
    assert str(Term.parse("age^2 : sex")) == "age^2:sex"
    assert Term.parse("age^2:sex").columns == ("age", "sex")


def test_the_square_of_a_category_is_refused(people):
    with pytest.raises(ParameterError, match=r"takes a power of sex"):
        design(people, "sex^2")


def test_nearly_equal_covariates_have_a_high_inflation_factor(people):
    people["age_again"] = people["age"] + np.random.default_rng(1).normal(0, 0.5, 90)
    factors = variance_inflation(design(people, "age", "age_again", "icv"))
    # VIF = 1 / (1 - r^2) of the two that go together.
    r = np.corrcoef(people["age"], people["age_again"])[0, 1]
    assert factors["age"] == pytest.approx(1 / (1 - r**2), rel=0.1)
    assert factors["icv"] < 1.2
