"""What stands in a ``*.spare.json`` file, and what is refused in one from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from music_gui.core.atlas import parse_psc_name

FORMAT = "music-gui spare model"
FORMAT_VERSION = 1

#: How to score a person by hand; written into every file, for its reader.
FORMULA = (
    "score = intercept + sum over features of weight * (v - mean) / scale. v starts as the PSC's "
    "volume in mm^3. If harmonization is given and the person's site is among its sites (index "
    "i, not the reference site): e = harmonization.mean + c . harmonization.coefficients, where c "
    "holds the covariates' columns (numbers as they are; 1 or 0 for each level of a category but "
    "the first), then the B-spline basis of the smooth covariate at its value, clipped to the "
    "knots, without its first function; v becomes e + (v - e - sqrt(variance) * location[i]) / "
    "sqrt(scale[i]). If adjustment is given: v becomes v - (c - center) . coefficients."
)

_MOST_FEATURES = 20_000
_MOST_PEOPLE = 1_000_000
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def _plain(text: str) -> str:
    if _CONTROL_CHARACTERS.search(text):
        raise ValueError("it holds control characters")
    return text


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Label = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
Text = Annotated[str, Field(max_length=10_000), AfterValidator(_plain)]
#: Large enough for anything in mm^6, small enough for sums of products to stay finite.
Number = Annotated[float, Field(ge=-1e30, le=1e30)]
Positive = Annotated[float, Field(gt=0, le=1e30)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=_MOST_PEOPLE)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


class CovariatePart(_Part):
    """A covariate: a number, or a category with its levels, the reference first."""

    name: Label
    levels: list[Label] = Field(max_length=1000)

    @property
    def n_columns(self) -> int:
        """Columns it has in a design matrix."""
        return len(self.levels) - 1 if self.levels else 1


class SmoothPart(_Part):
    """A covariate that enters as a B-spline without the first basis function."""

    name: Label
    degree: int = Field(ge=1, le=5)
    knots: list[Number] = Field(max_length=1000)

    @property
    def n_columns(self) -> int:
        """Columns it has in a design matrix."""
        return len(self.knots) - self.degree - 2

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.n_columns < 1 or self.knots != sorted(self.knots):
            raise ValueError("the knots are too few or not in order")
        if self.knots[0] == self.knots[-1]:
            raise ValueError("the knots are all at one place")
        return self


class HarmonizationPart(_Part):
    """Parameters of `music_gui.core.harmonization.combat_gam.ComBatGAM`."""

    site: Label
    sites: list[Label] = Field(min_length=2, max_length=10_000)
    reference_site: Label | None
    unseen_site: Literal["raw", "reference", "error"]
    empirical_bayes: bool
    covariates: list[CovariatePart] = Field(max_length=100)
    smooth: SmoothPart | None
    mean: list[Number | None] = Field(max_length=_MOST_FEATURES)
    variance: list[Positive | None] = Field(max_length=_MOST_FEATURES)
    coefficients: list[list[Number]] = Field(max_length=10_000)
    location: list[list[Number]]
    scale: list[list[Positive]]

    def check_against(self, n_features: int) -> None:
        """Raise ValueError unless all lists fit each other and the features."""
        n_columns = sum(each.n_columns for each in self.covariates)
        n_columns += self.smooth.n_columns if self.smooth else 0
        if self.sites != sorted(set(self.sites)):
            raise ValueError("harmonization.sites are not sorted or not unique")
        if self.reference_site is not None and self.reference_site not in self.sites:
            raise ValueError("harmonization.reference_site is none of the sites")
        _check_lengths("harmonization.mean", [self.mean, self.variance], n_features)
        if [m is None for m in self.mean] != [v is None for v in self.variance]:
            raise ValueError("harmonization.mean and variance leave out different features")
        _check_table("harmonization.coefficients", self.coefficients, n_columns, n_features)
        _check_table("harmonization.location", self.location, len(self.sites), n_features)
        _check_table("harmonization.scale", self.scale, len(self.sites), n_features)


class AdjustmentPart(_Part):
    """Parameters of `music_gui.core.spare.preparation.Adjustment`."""

    covariates: list[CovariatePart] = Field(max_length=100)
    center: list[Number]
    coefficients: list[list[Number]]

    def check_against(self, n_features: int) -> None:
        """Raise ValueError unless all lists fit each other and the features."""
        n_columns = sum(each.n_columns for each in self.covariates)
        _check_lengths("adjustment.center", [self.center], n_columns)
        _check_table("adjustment.coefficients", self.coefficients, n_columns, n_features)


class InputPart(_Part):
    """What the model is to be fed with.

    Attributes
    ----------
    kind : str
        Raw volumes only: harmonisation is part of the model.
    unit : str
    atlas : str
        Name of the atlas it was trained with.
    atlas_hashes : dict of str to str
        C -> hash of the label image; the atlas must have these, whatever its name.
    table : str
        PSC table it was trained on.
    """

    kind: Literal["raw PSC volumes"]
    unit: Literal["mm3"]
    atlas: Name
    atlas_hashes: dict[
        Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}$")],
        Annotated[str, Field(pattern=r"^[0-9a-f]{8,128}$")],
    ] = Field(min_length=1, max_length=100)
    table: Label


class FeaturePart(_Part):
    """One PSC: its preparation, its weight, and what is usual.

    Attributes
    ----------
    name : str
    mean, scale : float
        Standardisation of the prepared value: ``z = (value - mean) / scale``.
    weight : float
        Of z.
    pattern : float
        Haufe pattern.
    raw_mean, raw_sd : float
        Of the training people before any preparation, mm^3.
    """

    name: Annotated[str, Field(pattern=r"^C[1-9][0-9]*_[1-9][0-9]*$", max_length=20)]
    mean: Number
    scale: Positive
    weight: Number
    pattern: Number
    raw_mean: Number
    raw_sd: Annotated[float, Field(ge=0, le=1e30)]


class BootstrapPart(_Part):
    """Models of bootstrap samples, for the same z."""

    weights: list[list[Number]] = Field(max_length=10_000)
    intercepts: list[Number] = Field(max_length=10_000)


class CalibrationPart(_Part):
    """Probability = 1 / (1 + exp(-(slope * score + intercept)))."""

    slope: Number
    intercept: Number
    prevalence: Share


class ReferencePart(_Part):
    """Out-of-fold scores of the training people, one entry each, without their names."""

    scores: list[Number] = Field(min_length=2, max_length=_MOST_PEOPLE)
    ages: list[Annotated[float, Field(ge=0, le=150)] | None]
    sexes: list[Literal["F", "M", ""]]
    patients: list[bool]

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        _check_lengths("reference", [self.ages, self.sexes, self.patients], len(self.scores))
        return self


class PopulationPart(_Part):
    """Who the model was trained on.

    Attributes
    ----------
    patients, controls : str
        What the two groups are called in the participants table.
    fingerprints : list of str
        `music_gui.core.spare.model.fingerprint` of each training row.
    """

    patients: Label
    controls: Label
    n_patients: Count
    n_controls: Count
    age_range: list[Number] | None
    sexes: dict[Label, Count]
    sites: dict[Label, Count]
    fingerprints: list[Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]] = Field(
        max_length=_MOST_PEOPLE
    )


class MetricPart(_Part):
    """Mean and standard deviation over test folds, and the 95 % interval of the mean."""

    mean: Number
    sd: Number
    low: Number | None
    high: Number | None


class PerformancePart(_Part):
    """How the model did on people it had not seen."""

    scheme: Text
    metrics: dict[Label, MetricPart]
    permutation_p: Share | None


class LikenessPart(_Part):
    """`music_gui.core.spare.likeness.Likeness`."""

    scale: int = Field(ge=1, le=999_999)
    means: list[Number] = Field(min_length=2, max_length=1_000_000)
    low: Annotated[float, Field(ge=-1, le=1)]
    typical: Annotated[float, Field(ge=-1, le=1)]
    mirror_limit: Annotated[float, Field(ge=0, le=2)]


class SpareModelFile(_Part):
    """A whole ``*.spare.json``.

    `FORMULA` says how a person is scored; the parts' classes say what their numbers are.
    """

    format: Literal["music-gui spare model"]
    format_version: Literal[1]
    name: Name
    created_with: Label
    simulated: bool
    intended_use: Text
    licence: Text
    formula: Text
    input: InputPart
    population: PopulationPart
    performance: PerformancePart
    cost: Positive
    seed: int = Field(ge=0)
    intercept: Number
    features: list[FeaturePart] = Field(min_length=1, max_length=_MOST_FEATURES)
    harmonization: HarmonizationPart | None
    adjustment: AdjustmentPart | None
    calibration: CalibrationPart
    reference: ReferencePart
    likeness: LikenessPart | None
    bootstrap: BootstrapPart

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [each.name for each in self.features]
        if len(set(names)) < len(names):
            raise ValueError("a feature occurs twice")
        for name in names:
            scale, index = parse_psc_name(name)
            if str(scale) not in self.input.atlas_hashes:
                raise ValueError(f"feature {name} is of a scale that has no atlas hash")
            if index > scale:
                raise ValueError(f"there can be no {name}")
        if self.harmonization is not None:
            self.harmonization.check_against(len(names))
        if self.adjustment is not None:
            self.adjustment.check_against(len(names))
        n_models = len(self.bootstrap.intercepts)
        _check_table("bootstrap.weights", self.bootstrap.weights, n_models, len(names))
        if self.likeness and str(self.likeness.scale) not in self.input.atlas_hashes:
            raise ValueError("likeness.scale has no atlas hash")
        limits = self.population.age_range
        if limits is not None and (len(limits) != 2 or limits[0] > limits[1]):
            raise ValueError("population.age_range is no range")
        return self


def _check_lengths(name: str, lists: Sequence[Sequence[object]], expected: int) -> None:
    for each in lists:
        if len(each) != expected:
            raise ValueError(f"{name} has {len(each)} entries, not {expected}")


def _check_table(name: str, rows: list[list[float]], n_rows: int, n_columns: int) -> None:
    if len(rows) != n_rows:
        raise ValueError(f"{name} has {len(rows)} rows, not {n_rows}")
    for row in rows:
        if len(row) != n_columns:
            raise ValueError(f"{name} has a row of {len(row)} entries, not {n_columns}")
