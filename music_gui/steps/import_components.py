"""Step: bring components from elsewhere into the study, as a decomposition and an atlas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from music_gui import __version__
from music_gui.core.atlas import AtlasScale
from music_gui.core.errors import GridMismatchError, MusicError, ParameterError
from music_gui.core.factorization.epoch import hoyer_sparsity
from music_gui.core.factorization.projection import Projection
from music_gui.core.grid import axis_change, check_same_grid
from music_gui.core.surface import build_label_surface
from music_gui.io.atlas_dseg import ScaleSource, generation_of, write_scale, write_surface
from music_gui.io.atomic import write_json
from music_gui.io.decomposition_npz import StoredComponents, write_stored_components
from music_gui.io.label_images import suggest_atlas_name
from music_gui.io.loadings_table import LoadingsSidecar, write_loadings_table
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.sopnmf_package import SopnmfScale, read_sopnmf_loadings
from music_gui.io.study import Study, checked_name
from music_gui.jobs.publication import digest
from music_gui.steps.component_sources import ComponentSource, SourceScale, component_sources
from music_gui.steps.import_atlas import OWN_ATLAS
from music_gui.steps.step import Step, StepParameters, StepResult, Workspace

#: How far the largest singular value of W may be from 1.
_NORM_TOLERANCE = 0.01


class ImportComponentsParameters(StepParameters):
    """Parameters of `import-components`."""

    source: tuple[Path, ...] = Field(
        (),
        description="4D images of weights (one volume a component), or the output folder of the "
        "package sopnmf",
    )
    name: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Name of the atlas in the study; by default what the files are called, or "
        "sopnmf for the folder of that package",
    )
    mask: Path | None = Field(
        None,
        description="Image whose voxels of 1 were factorised (tissue_binary_mask of sopnmf); by "
        "default the mask beside the components, else the voxels where any has weight",
    )


@dataclass(eq=False)
class _Imported:
    """What the job has made so far."""

    name: str
    scales: dict[int, SourceScale] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)


def run(study: Study, parameters: ImportComponentsParameters, workspace: Workspace) -> StepResult:
    """Read components, check them, and write decomposition, atlas and surface of each scale.

    Raises
    ------
    InputError
        If a file is no image of components, holds weights that none can have, or is a pickle.
    GridMismatchError
        If components and imported maps, or two scales, lie on different grids.
    ParameterError
        If nothing is named, or two sources have the same scale.
    """
    progress = workspace.progress
    sources = _sources(parameters)
    imported = _Imported(_name(parameters, sources))
    for number, source in enumerate(sources):
        share = progress.part(number / len(sources), (number + 1) / len(sources))
        share.update(0.0, f"reading {source.label}")
        read = source.read(parameters.mask, share.part(0.0, 0.6))
        C = read.scale.scale
        _check_fits(study, imported, read, source)
        imported.scales[C] = read
        if read.stored is not None:
            _write_decomposition(study, imported, read.scale, read.stored, source, workspace)
        else:
            progress.warn(
                f"C{C}: only the atlas was imported, without weights, so no loadings can be "
                f"computed. {read.refusal}"
            )
        share.update(0.7, f"building the surface of C{C}")
        _write_atlas(study, imported, read, source, workspace)
        if source.sopnmf is not None:
            _write_loadings(study, imported, source.sopnmf, workspace)
    return _result(imported)


def inputs(study: Study, parameters: ImportComponentsParameters) -> Sequence[Path]:
    """Name images and masks, or the files of the package's folders; and the imported maps."""
    named = [study.masked_maps / "maps.json"]
    named += [parameters.mask] if parameters.mask is not None else []
    try:
        return named + [file for source in _sources(parameters) for file in source.files]
    except MusicError:
        return named


def _sources(parameters: ImportComponentsParameters) -> list[ComponentSource]:
    if not parameters.source:
        raise ParameterError(
            "no components were chosen",
            remedy="Give a 4D image of components, or the output folder of the package sopnmf, "
            "with --source",
        )
    return component_sources(parameters.source)


def _name(parameters: ImportComponentsParameters, sources: Sequence[ComponentSource]) -> str:
    images = [each.path for each in sources if each.sopnmf is None]
    name = parameters.name or (suggest_atlas_name(images) if images else "sopnmf")
    if not name:
        raise ParameterError(
            "the atlas needs a name",
            why="the files' names do not suggest one",
            remedy="Give one with --name",
        )
    if name == OWN_ATLAS:
        if not parameters.name:  # exported from a study's own atlas
            return "imported"
        raise ParameterError(
            f"an imported atlas can't be named {OWN_ATLAS!r}",
            why="that is the name of the atlas that `fit` makes",
            remedy="Give another one with --name",
        )
    return checked_name(name)


def _check_fits(
    study: Study, imported: _Imported, read: SourceScale, source: ComponentSource
) -> None:
    """Refuse a second source of the same scale, or a grid that maps or other scales have not."""
    C = read.scale.scale
    if C in imported.scales:
        raise ParameterError(
            f"two sources have {C} components",
            where=str(source.path),
            remedy="Import them one by one, under two names",
        )
    for other, each in imported.scales.items():
        check_same_grid(
            read.grid,
            each.grid,
            where=str(source.path),
            reference_name=f"the components of C{other}",
        )
    if not (study.masked_maps / "maps.json").is_file():
        return
    maps = MaskedMaps.open(study.masked_maps)
    if axis_change(maps.grid, read.grid) is None:
        try:
            check_same_grid(
                read.grid,
                maps.grid,
                where=str(source.path),
                reference_name="the imported maps",
            )
        except GridMismatchError as error:
            raise GridMismatchError(
                "the components lie on another voxel grid than the study's maps",
                where=error.where,
                why=error.why,
                remedy="Import them into a study of maps on their grid, or into an empty one; "
                "weights are not resampled, since that would change what they mean",
            ) from error


def _write_decomposition(
    study: Study,
    imported: _Imported,
    scale: AtlasScale,
    stored: StoredComponents,
    source: ComponentSource,
    workspace: Workspace,
) -> None:
    progress, C = workspace.progress, scale.scale
    norm = Projection(stored.components).largest_singular_value()
    if abs(norm - 1) > _NORM_TOLERANCE:
        progress.warn(
            f"C{C}: the largest singular value of W is {norm:.4g}, not 1: the weights were scaled "
            "after the fit. Labels are right; loadings are scaled alike, and reconstruction "
            "errors mean nothing"
        )
    n_nowhere = int(len(stored.voxels) - np.count_nonzero(scale.labels))
    if n_nowhere:
        progress.log(f"C{C}: {n_nowhere:,} voxels of the mask have no weight in any component")
    folder = study.decomposition(imported.name, C).relative_to(study.root)
    write_stored_components(workspace.output / folder / "components.npz", stored)
    data = stored.components.data.astype(np.float64)
    known = source.provenance
    record: dict[str, Any] = {
        "algorithm": known.get("algorithm", "imported"),
        "title": f"imported from {source.label}",
        "scale": C,
        "atlas": imported.name,
        "reconstruction_err": known.get("reconstruction_err"),
        "sparsity": hoyer_sparsity(
            float(data.sum()), float((data * data).sum()), C * len(stored.voxels)
        ),
        "spectral_norm": norm,
        "vanished": list(scale.vanished),
        "n_voxels": len(stored.voxels),
        "maps_checksum": known.get("maps_checksum"),
        "simulated": _is_simulated(study, source),
        "source": {"file": source.weights_path.name, "digest": digest(source.weights_path)},
        "exported_record": known or None,
        "versions": {"music-gui": __version__},
    }
    write_json(workspace.output / folder / "run.json", record)
    imported.outputs.append(folder.as_posix())


def _is_simulated(study: Study, source: ComponentSource) -> bool:
    came_with_it = study.manifest.simulated and source.path.is_relative_to(study.root)
    return came_with_it or bool(source.provenance.get("simulated", False))


def _write_atlas(
    study: Study,
    imported: _Imported,
    read: SourceScale,
    source: ComponentSource,
    workspace: Workspace,
) -> None:
    folder = workspace.output / "atlases" / imported.name
    sidecar = ScaleSource(
        source=f"imported from {source.label}",
        simulated=_is_simulated(study, source),
        generation=generation_of(study.atlas(imported.name), None, read.grid),
    )
    files = write_scale(folder, imported.name, read.scale, read.grid, sidecar=sidecar)
    surface = build_label_surface(read.scale.labels, read.grid)
    files.append(write_surface(folder, imported.name, read.scale.scale, surface))
    imported.outputs += [f"atlases/{imported.name}/{file}" for file in files]


def _write_loadings(
    study: Study,
    imported: _Imported,
    scale: SopnmfScale,
    workspace: Workspace,
) -> None:
    """Bring the package's tables of loadings, as they are."""
    folder = study.decomposition(imported.name, scale.scale).relative_to(study.root)
    weights = workspace.output / folder / "components.npz"
    components = {scale.scale: digest(weights)} if weights.is_file() else {}
    for path in scale.loadings:
        table = read_sopnmf_loadings(path)
        suffix = path.stem.removeprefix("loading_coefficient").replace(" ", "-")
        name = checked_name(f"{imported.name}_C{scale.scale}_sopnmf{suffix}")
        sidecar = LoadingsSidecar(
            name=name,
            atlas=imported.name,
            components=components,
            kind="weighted-mean",
            unit="as the files of the maps have it",
            source=f"imported from {path.name} of sopnmf",
        )
        target = study.loadings_table(name).relative_to(study.root)
        files = write_loadings_table(workspace.output / target, table, sidecar, text=False)
        imported.outputs += [(target.parent / file).as_posix() for file in files]


def _result(imported: _Imported) -> StepResult:
    scales = [read.scale for read in imported.scales.values()]
    without_weights = [c for c, read in imported.scales.items() if read.stored is None]
    vanished = [psc for scale in scales for psc in scale.vanished]
    summary = (
        f"Imported components as atlas {imported.name}: "
        f"{sum(len(scale.present) for scale in scales)} PSCs "
        f"({', '.join(f'C{scale.scale}' for scale in scales)})"
    )
    if without_weights:
        summary += f"; of {', '.join(f'C{c}' for c in without_weights)} the labels only"
    if vanished:
        summary += f"; {len(vanished)} have vanished: {', '.join(vanished[:20])}"
        summary += ", ..." if len(vanished) > 20 else ""
    return StepResult(
        outputs=imported.outputs,
        summary=summary,
        details={
            "atlas": imported.name,
            "scales": list(imported.scales),
            "without_weights": without_weights,
            "vanished": vanished,
        },
    )


STEP = Step(
    name="import-components",
    title="Import components",
    help="Bring the weights of components (a 4D image, or the results of the package sopnmf) into "
    "the study: with their atlas, and ready to be applied to maps.",
    parameters=ImportComponentsParameters,
    run=run,
    inputs=inputs,
)
