"""Step: see maps through components that are there already: loadings H = W'X of new subjects."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from music_gui.core.atlas import psc_name
from music_gui.core.errors import InputError, MusicError
from music_gui.io.loadings_table import (
    LoadingsKind,
    LoadingsSidecar,
    error_column,
    make_loadings_table,
    write_loadings_table,
)
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.nifti_header import Xform
from music_gui.io.study import Study, checked_name
from music_gui.steps.component_loadings import ComponentSet, Projected
from music_gui.steps.decompositions import Decomposition, choose_scales, decompositions_of
from music_gui.steps.map_checking import agreed_scale
from music_gui.steps.map_list import MapList, list_maps
from music_gui.steps.map_rows import ImportedRows, NewRows
from music_gui.steps.original_images import original_paths
from music_gui.steps.step import Step, StepParameters, StepResult, Workspace

#: Maps named in the log and in errors.
_SHOWN = 5

#: How many times the largest error of the training maps makes a map unlike them, at the coarsest
#: scale. Fitted on half a cohort, maps of the other half reached 1.06 times (240 simulated maps)
#: and 1.18 times (23 real ones, so 11 in a half); mirrored ones had 3.7 and 1.5 times or more,
#: ones shifted by 4 mm 8 and 1.6 times or more.
_UNLIKE = 1.3


class ApplyComponentsParameters(StepParameters):
    """Parameters of `apply-components`.

    Without any, the study's imported maps are projected on its own components at all scales.
    """

    atlas: str = Field(
        "", description="Whose components; by default the study's own, or the only ones there are"
    )
    scales: tuple[int, ...] = Field((), description="Scales (C); by default all of that atlas")
    participants: Path | None = Field(
        None,
        description="New subjects: a table (TSV, CSV) whose path column names their maps. By "
        "default the study's imported maps are taken",
        json_schema_extra={"once": True},
    )
    folder: Path | None = Field(
        None,
        description="New subjects: a folder with their maps (.nii, .nii.gz)",
        json_schema_extra={"once": True},
    )
    files: tuple[Path, ...] = Field(
        (), description="New subjects: single maps", json_schema_extra={"once": True}
    )
    loadings: LoadingsKind = Field(
        "projection",
        description="What a loading is. projection: W'x, as in the paper; weighted-mean: the "
        "mean of the map under the component's weights, as the package sopnmf writes it",
    )
    ravens_scale: Literal["auto"] | Annotated[float, Field(gt=0)] = Field(
        "auto",
        description="New subjects: what values are divided by so that 1 is a whole voxel of "
        "tissue; auto finds 1 or 1000 by the total grey matter",
    )
    xform: Xform = Field(
        "auto", description="New subjects: which transform of the NIfTI header places the maps"
    )
    volume: int | None = Field(
        None, ge=0, description="New subjects: which volume of 4D images, from 0"
    )
    text: bool = Field(True, description="Write the table as tab-separated text (.tsv) too")
    name: str = Field(
        "",
        description="Name of the table; by default that of the atlas, with that of the new "
        "subjects' table or folder",
        json_schema_extra={"once": True},
    )


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is projected on what."""

    name: str
    decompositions: list[Decomposition]
    offered: MapList | None
    """The new subjects; None for the imported maps."""
    maps: MaskedMaps | None
    """The imported maps; None if there are none and none are needed."""

    @property
    def atlas(self) -> str:
        return self.decompositions[0].atlas

    @property
    def fitted_on_maps(self) -> list[Decomposition]:
        """Those that were fitted on the maps that the study has now."""
        checksum = None if self.maps is None else self.maps.checksum
        return [each for each in self.decompositions if checksum and each.maps_checksum == checksum]


def run(study: Study, parameters: ApplyComponentsParameters, workspace: Workspace) -> StepResult:
    """Write the loadings of all maps that can be used, and how well they are reconstructed.

    Raises
    ------
    ParameterError
        If there are no components, or no maps are named.
    InputError
        If no map can be used.
    """
    progress = workspace.progress
    progress.update(0.0, "reading the components")
    plan = _plan(study, parameters)
    components = ComponentSet(plan.decompositions)
    trained: Projected | None
    if plan.offered is None:
        rows: ImportedRows | NewRows = _imported(study, plan, components)
        projected = components.project(
            rows, threads=workspace.threads, progress=progress, message="projecting maps"
        )
        trained = projected
    else:
        trained = _training(study, plan, components, workspace)
        for note in plan.offered.notes:
            progress.log(note)
        rows = NewRows(
            plan.offered,
            components.voxels,
            components.grid,
            f"the components of atlas {plan.atlas}",
            parameters.ravens_scale,
            parameters.xform,
            parameters.volume,
        )
        projected = components.project(
            rows,
            threads=workspace.threads,
            progress=progress.part(0.4 if trained else 0.0, 1.0),
            message="reading and projecting maps",
        )
        if parameters.ravens_scale == "auto" and rows.scales:
            _, others = agreed_scale(rows.scales)
            for row, reason in others.items():
                projected.drop(row, f"{reason}. Apply to maps of each kind by themselves")
    return _write(study, parameters, plan, components, rows, projected, trained, workspace)


def inputs(study: Study, parameters: ApplyComponentsParameters) -> Sequence[Path]:
    """Name components, and the maps or their files."""
    named: list[Path] = [study.masked_maps / "maps.json"]
    try:
        plan = _plan(study, parameters)
        for each in plan.decompositions:
            named += [each.components_path, each.record_path]
        if plan.offered is not None:
            named += [parameters.participants] if parameters.participants else []
            table = plan.offered.table
            return named + [Path(str(path)) for path in table["path"] if path]
        rows = _imported(study, plan, ComponentSet(plan.decompositions))
        return named + (list(rows.paths) if rows.columns is None else [])
    except MusicError:
        return named


def _plan(study: Study, parameters: ApplyComponentsParameters) -> _Plan:
    all_scales = decompositions_of(study, parameters.atlas)
    chosen = choose_scales(all_scales, parameters.scales or [each.scale for each in all_scales])
    is_new = parameters.participants or parameters.folder or parameters.files
    offered = None
    if is_new:
        offered = list_maps(
            parameters.participants, parameters.folder, parameters.files, columns={}, sex_codes={}
        )
    has_maps = (study.masked_maps / "maps.json").is_file()
    maps = MaskedMaps.open(study.masked_maps) if has_maps or not is_new else None
    return _Plan(parameters.name or _name(chosen[0].atlas, parameters), chosen, offered, maps)


def _name(atlas: str, parameters: ApplyComponentsParameters) -> str:
    source = parameters.participants or parameters.folder or next(iter(parameters.files), None)
    if source is None:
        return atlas
    stem = source.name.split(".")[0]
    if stem.lower().startswith("participant"):  # as BIDS calls the table of every cohort
        stem = source.parent.name
    stem = re.sub(r"[^A-Za-z0-9.-]+", "-", stem).strip("-.")
    return f"{atlas}_{stem or 'new'}"


def _imported(study: Study, plan: _Plan, components: ComponentSet) -> ImportedRows:
    if plan.maps is None:
        raise AssertionError("the maps were opened")
    paths = original_paths(study, plan.maps)
    return ImportedRows.of(plan.maps, paths, components.voxels, components.grid)


def _training(
    study: Study, plan: _Plan, components: ComponentSet, workspace: Workspace
) -> Projected | None:
    """Project the maps that the components were fitted on, if the study has them."""
    if len(plan.fitted_on_maps) < len(plan.decompositions):
        workspace.progress.log(
            "the study does not hold the maps that all of these components were fitted on; errors "
            "of the new maps can't be compared with theirs"
        )
        return None
    return components.project(
        _imported(study, plan, components),
        threads=workspace.threads,
        progress=workspace.progress.part(0.0, 0.4),
        message="projecting the training maps, to compare with",
    )


def _write(
    study: Study,
    parameters: ApplyComponentsParameters,
    plan: _Plan,
    components: ComponentSet,
    rows: ImportedRows | NewRows,
    projected: Projected,
    trained: Projected | None,
    workspace: Workspace,
) -> StepResult:
    progress, names, kept = workspace.progress, rows.names, projected.kept
    left_out = {" ".join(names[row]): why for row, why in sorted(projected.failed.items())}
    if not kept:
        raise InputError(
            "no map could be used",
            why="; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:_SHOWN]),
            remedy="Correct these and try again",
        )
    for name, why in left_out.items():
        progress.warn(f"left out of the table: {name}: {why}")
    unlike = _unlike(plan, projected, trained, names) if plan.offered is not None else {}
    if unlike:
        shown = "; ".join(f"{name}: {text}" for name, text in list(unlike.items())[:_SHOWN])
        progress.warn(
            f"{len(unlike)} maps are reconstructed much worse than all maps that the components "
            "were fitted on. They may be badly aligned, mirrored, or something else: "
            f"{shown}{'; ...' if len(unlike) > _SHOWN else ''}"
        )
    sidecar = LoadingsSidecar(
        name=plan.name,
        atlas=plan.atlas,
        components={each.scale: each.digest() for each in plan.decompositions},
        kind=parameters.loadings,
        unit="fraction of the voxel's volume",
        source=_source(parameters, plan, len(kept)),
        simulated=study.manifest.simulated,
        details={
            "maps_checksum": plan.maps.checksum if plan.maps and plan.offered is None else None,
            "ravens_scale": _scale_of(rows),
            "relative_loss": {str(c): each.relative_loss for c, each in projected.scales.items()},
            "training_errors": _training_errors(plan, trained),
            "unlike_training": unlike,
            "left_out": left_out,
        },
    )
    table = make_loadings_table(
        [names[row][0] for row in kept],
        [names[row][1] for row in kept],
        _columns(components, projected, kept, parameters.loadings),
    )
    path = study.loadings_table(checked_name(plan.name)).relative_to(study.root)
    written = write_loadings_table(workspace.output / path, table, sidecar, text=parameters.text)
    scales = ", ".join(f"C{each.scale}" for each in plan.decompositions)
    losses = ", ".join(f"C{c} {each.relative_loss:.4f}" for c, each in projected.scales.items())
    summary = (
        f"Loadings of {len(kept)} maps on the components of atlas {plan.atlas} ({scales}); "
        f"relative error {losses}"
    )
    if left_out:
        summary += f"; {len(left_out)} maps could not be used"
    if unlike:
        summary += f"; {len(unlike)} maps are unlike those of the fit"
    return StepResult(
        outputs=[(path.parent / name).as_posix() for name in written],
        summary=summary,
        details={"table": plan.name, "n_maps": len(kept), **sidecar.details},
    )


def _columns(
    components: ComponentSet, projected: Projected, kept: list[int], kind: LoadingsKind
) -> dict[str, NDArray[np.float64]]:
    columns = {error_column(c): each.errors[kept] for c, each in projected.scales.items()}
    for c, each in projected.scales.items():
        loadings = each.loadings[kept]
        if kind == "weighted-mean":
            sums = components.projections[c].component_sums
            loadings = loadings / np.where(sums > 0, sums, np.nan)
        columns |= {psc_name(c, k + 1): loadings[:, k] for k in range(loadings.shape[1])}
    return columns


def _unlike(
    plan: _Plan,
    projected: Projected,
    trained: Projected | None,
    names: Sequence[tuple[str, str]],
) -> dict[str, str]:
    """Name the maps whose error is far above that of every training map, at the coarsest scale.

    A fine scale fits the very maps it was made from better than any other map; a coarse one tells
    a map of something else without that.
    """
    if trained is None:
        return {}
    c = plan.decompositions[0].scale
    errors = projected.scales[c].errors
    largest = float(np.nanmax(trained.scales[c].errors))
    return {
        " ".join(names[row]): f"C{c} error {errors[row]:.4f} (theirs at most {largest:.4f})"
        for row in projected.kept
        if errors[row] > _UNLIKE * largest
    }


def _training_errors(plan: _Plan, trained: Projected | None) -> dict[str, dict[str, float]]:
    """Return median, 95 % and largest error of the training maps, where they are known."""
    if trained is None:
        return {}
    return {
        str(each.scale): {
            "median": float(np.nanmedian(trained.scales[each.scale].errors)),
            "95%": float(np.nanquantile(trained.scales[each.scale].errors, 0.95)),
            "largest": float(np.nanmax(trained.scales[each.scale].errors)),
        }
        for each in plan.fitted_on_maps
    }


def _scale_of(rows: ImportedRows | NewRows) -> float | None:
    """Return what all values were divided by; None if not the same for all."""
    if isinstance(rows, ImportedRows):
        return rows.maps.ravens_scale
    scales = set(rows.scales.values())
    return next(iter(scales)) if len(scales) == 1 else None


def _source(parameters: ApplyComponentsParameters, plan: _Plan, n_maps: int) -> str:
    if plan.offered is None:
        return f"{n_maps} imported maps"
    given = [parameters.participants, parameters.folder, *parameters.files[:1]]
    where = ", ".join(path.name for path in given if path is not None)
    return f"{n_maps} new maps ({where})"


STEP: Step[Any] = Step(
    name="apply-components",
    title="Apply components to maps",
    help="Compute the loadings of new subjects, or of the imported maps, on components that were "
    "fitted or imported before, and how well these reconstruct each map.",
    parameters=ApplyComponentsParameters,
    run=run,
    inputs=inputs,
)
