"""Bring an atlas from elsewhere into the study: the published MuSIC, or any label images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from music_gui.core.errors import InputError, ParameterError
from music_gui.core.grid import check_same_grid
from music_gui.core.surface import build_label_surface
from music_gui.io.atlas_dseg import ScaleSource, write_scale, write_surface
from music_gui.io.label_images import (
    LabelImage,
    find_label_images,
    label_table_path,
    read_label_image,
    suggest_atlas_name,
)
from music_gui.io.study import Study, checked_name
from music_gui.steps.step import Step, StepParameters, StepResult, Workspace

#: The name of the study's own atlas, which `fit` makes.
OWN_ATLAS = "study"


class ImportAtlasParameters(StepParameters):
    """Parameters of `import-atlas`."""

    source: tuple[Path, ...] = Field(
        (),
        description="Label images, or folders that hold them; by default those that came with "
        "the study in sourcedata",
    )
    name: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Name of the atlas in the study; by default what the files are called",
    )
    scales: tuple[int, ...] = Field(
        (),
        description="C of each image in the order given, where the names do not tell it",
    )


def run(study: Study, parameters: ImportAtlasParameters, workspace: Workspace) -> StepResult:
    """Read label images and write them as an atlas with a surface for every scale."""
    progress = workspace.progress
    paths, passed_over = find_label_images(_sources(study, parameters))
    if parameters.scales and len(parameters.scales) != len(paths):
        raise ParameterError(
            f"{len(parameters.scales)} scales were given for {len(paths)} images",
            why=", ".join(path.name for path in paths),
            remedy="Give one for each image, in this order, or none",
        )
    name = _atlas_name(parameters, paths)
    if passed_over:
        progress.log(f"Passed over, since they are no label images: {', '.join(passed_over)}")
    folder = workspace.output / "atlases" / name
    images: dict[int, LabelImage] = {}
    for index, path in enumerate(paths):
        progress.update(index / len(paths), f"reading {path.name}")
        image = read_label_image(path, parameters.scales[index] if parameters.scales else None)
        _check_fits(image, images)
        images[image.scale.scale] = image
        write_scale(
            folder,
            name,
            image.scale,
            image.grid,
            sidecar=ScaleSource(
                source=f"imported from {path.name}",
                simulated=study.manifest.simulated and path.is_relative_to(study.source_data),
            ),
        )
        progress.update((index + 0.3) / len(paths), f"building the surface of {path.name}")
        surface = build_label_surface(image.scale.labels, image.grid)
        write_surface(folder, name, image.scale.scale, surface)
    return _result(name, [images[scale] for scale in sorted(images)], passed_over)


def _sources(study: Study, parameters: ImportAtlasParameters) -> Sequence[Path]:
    if parameters.source:
        return parameters.source
    if not study.source_data.is_dir():
        raise ParameterError(
            "no atlas was chosen",
            why="the study came with no label images of its own",
            remedy="Give label images, or a folder that holds them, with --source",
        )
    return [study.source_data]


def _atlas_name(parameters: ImportAtlasParameters, paths: Sequence[Path]) -> str:
    name = parameters.name or suggest_atlas_name(paths)
    if not name:
        raise ParameterError(
            "the atlas needs a name",
            why="the files' names do not suggest one",
            remedy="Give one with --name",
        )
    if name == OWN_ATLAS:
        raise ParameterError(
            f"an imported atlas can't be named {OWN_ATLAS!r}",
            why="that is the name of the atlas that `fit` makes",
            remedy="Give another one with --name",
        )
    return checked_name(name)


def _check_fits(image: LabelImage, others: dict[int, LabelImage]) -> None:
    """Refuse a second image of the same scale, or one on another grid."""
    scale = image.scale.scale
    if scale in others:
        raise InputError(
            f"{others[scale].path.name} and {image.path.name} both have scale {scale}",
            remedy="Import them as two atlases, or state their scales",
        )
    for other in others.values():
        check_same_grid(
            image.grid, other.grid, where=str(image.path), reference_name=other.path.name
        )


def _result(name: str, images: Sequence[LabelImage], passed_over: Sequence[str]) -> StepResult:
    scales = [image.scale for image in images]
    n_present = sum(len(scale.present) for scale in scales)
    vanished = [psc for scale in scales for psc in scale.vanished]
    cs = ", ".join(f"C{scale.scale}" for scale in scales)
    summary = f"Imported atlas {name}: {n_present} PSCs in {len(scales)} scales ({cs})"
    if vanished:
        shown = ", ".join(vanished[:20]) + (", ..." if len(vanished) > 20 else "")
        summary += f"; {len(vanished)} have vanished: {shown}"
    return StepResult(
        outputs=[f"atlases/{name}"],
        summary=summary,
        details={
            "atlas": name,
            "scales": [scale.scale for scale in scales],
            "n_pscs": n_present,
            "vanished": vanished,
            "passed_over": list(passed_over),
        },
    )


def inputs(study: Study, parameters: ImportAtlasParameters) -> Sequence[Path]:
    """Name the label images and the tables beside them."""
    try:
        paths, _ = find_label_images(_sources(study, parameters))
    except (InputError, ParameterError):
        return []
    return [each for path in paths for each in (path, label_table_path(path))]


STEP = Step(
    name="import-atlas",
    title="Import an atlas",
    help="Bring label images (one a scale) into the study as an atlas, with 3D surfaces.",
    parameters=ImportAtlasParameters,
    run=run,
    inputs=inputs,
)
