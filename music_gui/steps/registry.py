"""The list of all steps, imported only when one is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from music_gui.core.errors import ParameterError
from music_gui.steps.step import Step

#: Name on the command line -> module that defines ``STEP``, in the order of the main job.
STEP_MODULES = {
    "make-example": "music_gui.steps.make_example",
    "import-maps": "music_gui.steps.import_maps",
    "import-atlas": "music_gui.steps.import_atlas",
    "import-anatomy": "music_gui.steps.import_anatomy",
    "import-components": "music_gui.steps.import_components",
    "choose-scale": "music_gui.steps.choose_scale",
    "fit": "music_gui.steps.fit",
    "apply-components": "music_gui.steps.apply_components",
    "export-components": "music_gui.steps.export_components",
    "extract": "music_gui.steps.extract",
    "harmonize": "music_gui.steps.harmonize",
    "gwas": "music_gui.steps.gwas",
    "spare-train": "music_gui.steps.spare_train",
    "spare-score": "music_gui.steps.spare_score",
}


def check_step_name(name: str) -> None:
    """Refuse a name that no step has, without importing any.

    Raises
    ------
    ParameterError
        If there is no such step.
    """
    if name not in STEP_MODULES:
        raise ParameterError(
            f"there is no step named {name!r}", remedy=f"Choose one of {', '.join(STEP_MODULES)}"
        )


def get_step(name: str) -> Step[Any]:
    """Return a step by its name.

    Raises
    ------
    ParameterError
        If there is no such step.
    """
    check_step_name(name)
    step: Step[Any] = import_module(STEP_MODULES[name]).STEP
    return step
