"""What a step needs in the study that is open, though its parameters leave it optional."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from music_gui.state.session import Session

#: What can be told about a person who is scored from a map, in words.
_OF_A_PERSON = {"age": "age", "sex": "sex", "icv": "intracranial volume"}


def missing_answers(step: str, values: Mapping[str, Any], session: Session) -> dict[str, str]:
    """Say which answers are missing for the step to come to a result.

    Parameters
    ----------
    step : str
        Name of the step.
    values : mapping
        Answers by the parameters' names, without those left to their default.
    session : Session
        The open study, with the SPARE model that is shown.

    Returns
    -------
    dict of str to str
        For each parameter that must be answered the reason. Empty for a participant, of whom the
        study knows it, and for a model other than the one shown, which would have to be read.
    """
    if step != "spare-score" or "map" not in values or "participant" in values:
        return {}
    model, newest = session.spare.model, session.catalog.spare_models[-1:]
    if model is None or (values.get("model") or "".join(newest)) != session.spare.model_name:
        return {}
    needed = [] if model.adjustment is None else list(model.adjustment.covariates)
    harmonization = model.harmonization
    if harmonization is not None and values.get("site") in harmonization.sites:
        needed += harmonization.covariates
        needed += [harmonization.smooth] if harmonization.smooth is not None else []
    names = {each.name for each in needed}
    return {
        name: f"{model.name} needs the {words}"
        for name, words in _OF_A_PERSON.items()
        if name in names and name not in values
    }
