"""What every step is made of: a name, typed parameters, and a function from files to files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from music_gui.core.progress import Progress
from music_gui.io.study import Study


class StepParameters(BaseModel):
    """Base of all steps' parameters: dialog, command-line flags and job are made from it.

    Every field has a description (the flag's help), bounds, a default where there is a sensible
    one, and its unit in ``json_schema_extra={"unit": "mm"}`` where it has one. What concerns one
    run only, such as the age of the person who is scored, has ``"once": True`` there: its dialog
    does not offer it again, neither for another person nor in another study.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


P = TypeVar("P", bound=StepParameters)


@dataclass(frozen=True)
class Workspace:
    """Where a step writes and how it reports.

    Parameters
    ----------
    output : Path
        An empty folder, laid out as the study; what the step names as outputs moves there.
    scratch : Path
        For checkpoints; kept between attempts of the same job.
    log : Path
        File to which external programs print.
    progress : Progress
        How far it is; raises `Cancelled` when the user asked for a stop.
    threads : int
        Threads that the step may use.
    """

    output: Path
    scratch: Path
    log: Path
    progress: Progress
    threads: int


@dataclass(frozen=True)
class StepResult:
    """What a step made.

    Parameters
    ----------
    outputs : sequence of str
        Files and folders under ``Workspace.output`` to move to the same place in the study.
    summary : str
        One sentence for the job list.
    details : dict
        Figures, ready for JSON.
    """

    outputs: Sequence[str]
    summary: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step(Generic[P]):
    """A use case.

    Parameters
    ----------
    name : str
        As in ``music-gui run NAME``.
    title : str
        As in the menu.
    help : str
        One sentence.
    parameters : type
        The model of its parameters.
    run : callable
        Does the work: ``run(study, parameters, workspace)``.
    inputs : callable
        ``inputs(study, parameters)`` names the files and folders whose content decides the
        result; a missing one is passed over here and complained about in ``run``.
    """

    name: str
    title: str
    help: str
    parameters: type[P]
    run: Callable[[Study, P, Workspace], StepResult]
    inputs: Callable[[Study, P], Sequence[Path]]
