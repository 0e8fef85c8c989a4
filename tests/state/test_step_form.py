"""The form of a step."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError, model_validator

from music_gui.state import step_form
from music_gui.state.step_form import StepForm, load_step_form
from music_gui.steps.step import Step, StepParameters, StepResult


class Parameters(StepParameters):
    map: Path = Field(description="Map")
    scales: tuple[int, ...] = Field((32,), description="Scales")
    batch: int = Field(32, ge=1, description="Batch")
    low: float = Field(0.0, description="Low")
    high: float = Field(1.0, description="High")
    divisor: Literal["auto"] | Annotated[float, Field(gt=0)] = Field("auto", description="Divisor")

    @model_validator(mode="after")
    def _in_order(self) -> "Parameters":
        if self.low > self.high:
            raise ValueError("low lies above high")
        return self


STEP = Step(
    name="fit",
    title="Fit sopNMF",
    help="Factorise the maps.",
    parameters=Parameters,
    run=lambda study, parameters, workspace: StepResult([], ""),
    inputs=lambda study, parameters: [],
)


@pytest.fixture
def form(monkeypatch: pytest.MonkeyPatch) -> StepForm:
    monkeypatch.setattr(step_form, "get_step", lambda name: STEP)
    return load_step_form("fit")


def test_it_asks_for_each_parameter_in_order(form: StepForm):
    assert [field.name for field in form.fields] == [
        "map",
        "scales",
        "batch",
        "low",
        "high",
        "divisor",
    ]
    assert (form.step, form.title, form.help) == ("fit", "Fit sopNMF", "Factorise the maps.")


def test_each_wrong_answer_is_named_with_its_reason(form: StepForm):
    wrong = form.check({"batch": 0, "scales": ["x"]})
    assert wrong == {
        "map": "Field required",
        "batch": "Input should be greater than or equal to 1",
        "scales": "Input should be a valid integer, unable to parse string as an integer",
    }


def test_what_concerns_several_answers_has_no_name(form: StepForm):
    assert form.check({"map": "/m", "low": 2}) == {"": "low lies above high"}


def test_answers_equal_to_the_default_are_left_out_of_the_job(form: StepForm):
    answers = {"map": "/m", "scales": ["32"], "batch": 16, "low": "1e-3"}
    assert form.check(answers) == {}
    assert form.job_parameters(answers) == {"map": "/m", "batch": 16, "low": 0.001}


def test_wrong_answers_never_become_a_job(form: StepForm):
    with pytest.raises(ValidationError):
        form.job_parameters({})


def test_a_number_or_a_word_is_asked_for_as_a_number_that_may_be_a_word(form: StepForm):
    divisor = form.fields[-1]
    assert (divisor.type, divisor.choices, divisor.default) == ("number", None, "auto")
    for answer in ("auto", 1000.0, "1000"):
        assert form.check({"map": "/m", "divisor": answer}) == {}
    assert "divisor" in form.check({"map": "/m", "divisor": "many"})
