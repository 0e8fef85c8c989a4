"""What the SPARE views show: a model, how well it does, and one subject's score."""

from __future__ import annotations

from typing import Any

from psygnal import EventedModel
from pydantic import ConfigDict


class SpareState(EventedModel):
    """The state of the SPARE views.

    Attributes
    ----------
    model_name : str or None
        Which of the study's models is shown.
    model : SpareModelFile or None
        Its file (`music_gui.io.spare_json`).
    density : ScoreDensity or None
        Of its out-of-fold scores.
    evaluation : dict or None
        Its cross-validated performance, as in ``evaluation.json``.
    score_id : str or None
        Which score is shown.
    score : dict or None
        As in ``score.json``.
    """

    # Any: naming the model file's type here would import it when the application starts.
    model_config = ConfigDict(arbitrary_types_allowed=True)

    model_name: str | None = None
    model: Any = None
    density: Any = None
    evaluation: Any = None
    score_id: str | None = None
    score: Any = None
