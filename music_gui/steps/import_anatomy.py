"""Bring an anatomical atlas into the study: any label image in MNI152 with names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from music_gui.core.errors import InputError, ParameterError
from music_gui.io.anatomical_atlas import (
    BUILT_IN,
    load_foreign_atlas,
    table_beside,
    write_anatomical_atlas,
)
from music_gui.io.study import Study, checked_name
from music_gui.io.template_spaces import read_spaces
from music_gui.steps.step import Step, StepParameters, StepResult, Workspace


class ImportAnatomyParameters(StepParameters):
    """Parameters of `import-anatomy`."""

    image: Path | None = Field(
        None,
        description="NIfTI label image of the anatomical atlas, in MNI152 space or on the grid of "
        "the published MuSIC atlas",
    )
    names: Path | None = Field(
        None,
        description="Its names: a TSV or CSV with index and name, or a FreeSurfer colour table; "
        "by default the table of the same name beside the image",
    )
    name: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Name of the anatomical atlas in the study; by default that of the image",
    )
    reach: float = Field(
        0.0,
        ge=0.0,
        le=20.0,
        description="Voxels of a PSC in no region belong to the nearest one within so far; for "
        "atlases that are thinner than the grey matter",
        json_schema_extra={"unit": "mm"},
    )


def run(study: Study, parameters: ImportAnatomyParameters, workspace: Workspace) -> StepResult:
    """Read image and names, check them, and write them as an atlas of the study."""
    progress = workspace.progress
    if parameters.image is None:
        raise ParameterError(
            "no anatomical atlas was chosen",
            why=f"{BUILT_IN} comes with the application and need not be imported",
            remedy="Give a label image with --image",
        )
    name = _name(parameters)
    progress.update(0.0, f"reading {parameters.image.name}")
    atlas, notes = load_foreign_atlas(
        parameters.image,
        parameters.names,
        name=name,
        reach=parameters.reach,
        spaces=read_spaces(),
    )
    for note in notes:
        progress.log(note)
    progress.update(0.7, "writing")
    write_anatomical_atlas(workspace.output / "anatomy" / name, atlas)
    summary = f"Imported the anatomical atlas {name}: {len(atlas.regions)} regions"
    return StepResult(
        outputs=[f"anatomy/{name}"],
        summary="; ".join((summary, *notes)),
        details={"anatomy": name, "n_regions": len(atlas.regions), "notes": list(notes)},
    )


def _name(parameters: ImportAnatomyParameters) -> str:
    assert parameters.image is not None
    stem = re.sub(r"\.nii(\.gz)?$", "", parameters.image.name, flags=re.IGNORECASE)
    entity = re.search(r"(?:^|_)(?:atlas|seg)-([A-Za-z0-9]+)", stem)
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", re.sub(r"_(dseg|dparc|labels?)$", "", stem)).strip("-.")
    name = parameters.name or (entity[1] if entity else plain)
    if name == BUILT_IN or not name:
        raise ParameterError(
            f"an imported anatomical atlas can't be named {name!r}",
            why="that is the name of the built-in one" if name else "the file's name suggests none",
            remedy="Give another one with --name",
        )
    return checked_name(name)


def inputs(study: Study, parameters: ImportAnatomyParameters) -> Sequence[Path]:
    """Name the image and the table of its names."""
    if parameters.image is None:
        return []
    if parameters.names is not None:
        return [parameters.image, parameters.names]
    try:
        return [parameters.image, table_beside(parameters.image)]
    except InputError:
        return [parameters.image]


STEP = Step(
    name="import-anatomy",
    title="Import an anatomical atlas",
    help="Bring a label image with names (in MNI152 space) into the study, to describe and find "
    "PSCs by its regions.",
    parameters=ImportAnatomyParameters,
    run=run,
    inputs=inputs,
)
