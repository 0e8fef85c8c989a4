"""Step: simulate the inputs of the example study, so that the window can make it as a job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from music_gui.core.errors import StudyError
from music_gui.io.study import Study
from music_gui.steps.example_study import N_PARTICIPANTS, N_VARIANTS, SEED, write_inputs
from music_gui.steps.step import Step, StepParameters, StepResult, Workspace


class MakeExampleParameters(StepParameters):
    """Parameters of ``make-example``."""

    n_participants: int = Field(
        N_PARTICIPANTS, ge=30, le=5000, description="Number of people, besides two held out"
    )
    n_variants: int = Field(N_VARIANTS, ge=22, le=100_000, description="Number of variants")
    seed: int = Field(SEED, ge=0, description="The same seed gives the same data")


def _inputs(study: Study, parameters: MakeExampleParameters) -> Sequence[Path]:
    return []


def _run(study: Study, parameters: MakeExampleParameters, workspace: Workspace) -> StepResult:
    if not study.manifest.simulated:
        raise StudyError(
            "simulated data can't be put into a study of real data",
            where=str(study.root),
            remedy="Make the example study in a folder of its own: music-gui example FOLDER",
        )
    write_inputs(
        workspace.output / "sourcedata",
        workspace.progress,
        parameters.n_participants,
        parameters.n_variants,
        parameters.seed,
    )
    return StepResult(
        ["sourcedata"],
        f"{parameters.n_participants} simulated people with {parameters.n_variants} variants",
        {"seed": parameters.seed},
    )


STEP = Step(
    name="make-example",
    title="Simulate the example",
    help="Simulate maps, participants and genotypes with known effects.",
    parameters=MakeExampleParameters,
    run=_run,
    inputs=_inputs,
)
