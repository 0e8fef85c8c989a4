"""A step's parameters as a form to fill in: what is asked, and whether the answers fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from music_gui.steps.arguments import ParameterDescription, describe_parameters
from music_gui.steps.registry import get_step
from music_gui.steps.step import StepParameters


@dataclass(frozen=True)
class StepForm:
    """What a step asks for.

    Parameters
    ----------
    step : str
        Its name.
    title, help : str
        As in the menu, and one sentence.
    fields : tuple of ParameterDescription
        In the order of its parameters.
    model : type
        Checks the answers.
    """

    step: str
    title: str
    help: str
    fields: tuple[ParameterDescription, ...]
    model: type[StepParameters]

    def check(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Say what is wrong with the answers.

        Parameters
        ----------
        values : mapping
            Answers by the parameters' names; one that is left out takes its default.

        Returns
        -------
        dict of str to str
            For each parameter that is wrong the reason; under ``""`` what concerns several.
        """
        try:
            self.model.model_validate(dict(values))
        except ValidationError as error:
            wrong: dict[str, str] = {}
            for each in error.errors():
                name = str(each["loc"][0]) if each["loc"] else ""
                wrong.setdefault(name, each["msg"].removeprefix("Value error, "))
            return wrong
        return {}

    def job_parameters(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answers ready for a job: checked, and without those equal to the default.

        Raises
        ------
        pydantic.ValidationError
            If `check` finds something wrong.
        """
        given = self.model.model_validate(dict(values)).model_dump(mode="json", exclude_unset=True)
        defaults = {field.name: field.default for field in self.fields if not field.required}
        return {
            name: value
            for name, value in given.items()
            if name not in defaults or value != defaults[name]
        }

    def to_remember(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answers to offer the next time: none that is of one run only."""
        return {name: value for name, value in parameters.items() if not self._is_once(name)}

    def _is_once(self, name: str) -> bool:
        field = self.model.model_fields.get(name)
        extra = field.json_schema_extra if field is not None else None
        return isinstance(extra, dict) and bool(extra.get("once", False))


def load_step_form(step: str) -> StepForm:
    """Read what a step asks for; imports the step's libraries, so not on the UI thread."""
    loaded = get_step(step)
    fields = tuple(describe_parameters(loaded.parameters))
    return StepForm(loaded.name, loaded.title, loaded.help, fields, loaded.parameters)
