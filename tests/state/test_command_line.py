"""A job copied as a command runs the same job."""

import argparse
import shlex
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field

from music_gui.jobs.job import JobSpec
from music_gui.state.command_line import command_of
from music_gui.steps.arguments import add_arguments, parsed_parameters
from music_gui.steps.step import StepParameters


class Parameters(StepParameters):
    scales: tuple[int, ...] = Field((32,), description="Scales")
    rate: float = Field(0.1, description="Rate")
    harmonize: bool = Field(True, description="Harmonise")
    name: str = Field("", description="Name")
    method: Literal["a b", "c"] = Field("c", description="Method")
    files: tuple[Path, ...] = Field((), description="Files")
    mask: Path | None = Field(None, description="Mask")


def spec_of(parameters: dict) -> JobSpec:
    return JobSpec(
        job_id="1", step="fit", title="Fit", parameters=parameters, threads=3,
        created="2026-01-01T00:00:00+00:00", created_with="0.1.0",
    )  # fmt: skip


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"scales": [8, 16], "rate": 1e-5, "harmonize": False},
        {"scales": []},
        {"name": 'it\'s a "name" with $HOME; rm -rf ~ & `x` — ü'},
        {"name": "--study", "method": "a b"},
        {"files": []},
        {"files": ["/data/a, b.nii", "/data/c.nii"], "mask": "/data/größe 1/mask.nii.gz"},
    ],
)
def test_the_command_gives_back_the_parameters(parameters: dict):
    study = Path("/data/my study's folder")
    words = shlex.split(command_of(spec_of(parameters), study))
    assert words[:7] == [
        "music-gui", "run", "fit", "--study", str(study), "--threads", "3",
    ]  # fmt: skip
    parser = argparse.ArgumentParser()
    add_arguments(parser, Parameters)
    given = parsed_parameters(Parameters, parser.parse_args(words[7:]))
    assert Parameters.model_validate(given) == Parameters.model_validate(parameters)
