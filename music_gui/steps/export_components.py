"""Step: write the components W of a decomposition as images that other programs open."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from music_gui.core.atlas import AtlasScale, psc_name
from music_gui.core.errors import MusicError
from music_gui.core.progress import Progress
from music_gui.io.atomic import write_json, write_text
from music_gui.io.component_images import write_component_images
from music_gui.io.decomposition_npz import StoredComponents
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.nifti import write_image
from music_gui.io.participants_tsv import read_participants
from music_gui.io.sopnmf_layout import (
    write_sopnmf_loadings,
    write_sopnmf_participants,
    write_sopnmf_scale,
)
from music_gui.io.study import Study
from music_gui.steps.component_loadings import ComponentSet
from music_gui.steps.decompositions import Decomposition, choose_scales, decompositions_of
from music_gui.steps.map_rows import ImportedRows
from music_gui.steps.original_images import original_paths
from music_gui.steps.step import Step, StepParameters, StepResult, Workspace


class ExportComponentsParameters(StepParameters):
    """Parameters of `export-components`."""

    atlas: str = Field(
        "", description="Whose components; by default the study's own, or the only ones there are"
    )
    scales: tuple[int, ...] = Field(
        (), description="Scales (C) to export; by default the largest of that atlas"
    )
    layout: Literal["bids", "sopnmf"] = Field(
        "bids",
        description="bids: one 4D image of weights for each scale (_probseg), with table and "
        "sidecar; sopnmf: the files of the public package sopnmf, for its own functions",
    )
    single_images: bool = Field(False, description="bids: write a 3D image for each component too")


def run(study: Study, parameters: ExportComponentsParameters, workspace: Workspace) -> StepResult:
    """Write components into the study's folder of exports.

    Raises
    ------
    ParameterError
        If the study has no such components.
    InputError
        If they are damaged.
    """
    chosen = _chosen(study, parameters)
    outputs: list[str] = []
    for number, decomposition in enumerate(chosen):
        share = workspace.progress.part(number / len(chosen), (number + 1) / len(chosen))
        share.update(0.0, f"reading C{decomposition.scale}")
        stored = decomposition.read()
        if parameters.layout == "bids":
            single = parameters.single_images
            outputs += _write_bids(study, decomposition, stored, workspace.output, share, single)
        else:
            outputs += _write_sopnmf(study, decomposition, stored, workspace, share)
    scales = ", ".join(f"C{each.scale}" for each in chosen)
    folder = (study.exports / _folder(chosen[0], parameters.layout)).relative_to(study.root)
    return StepResult(
        outputs=list(dict.fromkeys(outputs)),
        summary=f"Components of atlas {chosen[0].atlas} ({scales}) written to {folder.as_posix()}",
        details={"folder": folder.as_posix(), "scales": [each.scale for each in chosen]},
    )


def inputs(study: Study, parameters: ExportComponentsParameters) -> Sequence[Path]:
    """Name components and records, and what the loadings are made of."""
    try:
        chosen = _chosen(study, parameters)
    except MusicError:
        return []
    named = [path for each in chosen for path in (each.components_path, each.record_path)]
    if parameters.layout == "sopnmf":
        named += [study.masked_maps / "maps.json", study.participants]
    return named


def _chosen(study: Study, parameters: ExportComponentsParameters) -> list[Decomposition]:
    all_scales = decompositions_of(study, parameters.atlas)
    return choose_scales(all_scales, parameters.scales or [all_scales[-1].scale])


def _folder(decomposition: Decomposition, layout: str) -> str:
    return f"{decomposition.atlas}_{'components' if layout == 'bids' else 'sopnmf'}"


def _write_bids(
    study: Study,
    decomposition: Decomposition,
    stored: StoredComponents,
    output: Path,
    progress: Progress,
    single_images: bool,
) -> list[str]:
    """Write the 4D image, its table, sidecar and mask, and the single images."""
    C = decomposition.scale
    folder = study.exports.relative_to(study.root) / _folder(decomposition, "bids")
    stem = f"atlas-{decomposition.atlas}_scale-C{C}"
    names = [f"{stem}_probseg{suffix}" for suffix in (".nii.gz", ".tsv", ".json")]
    mask = f"{stem}_mask.nii.gz"
    target = output / folder
    write_component_images(target / names[0], stored, progress.part(0.0, 0.6))
    progress.update(0.6, "writing table and mask")
    write_text(target / names[1], _table(C, stored))
    write_json(target / names[2], _sidecar(decomposition))
    write_image(target / mask, stored.mask, stored.grid)
    outputs = [*names, mask]
    if single_images:
        outputs.append(f"{stem}_components")
        for index in range(C):
            progress.update(0.6 + 0.4 * index / C, f"writing component {index + 1} of {C}")
            name = f"{stem}_label-{index + 1:04d}_probseg.nii.gz"
            image = stored.component_image(index)
            write_image(target / outputs[-1] / name, image, stored.grid)
    return [(folder / name).as_posix() for name in outputs]


def _table(C: int, stored: StoredComponents) -> str:
    """Return the text of ``_probseg.tsv``: a line a volume."""
    components = stored.components
    won = np.bincount(stored.label_image().ravel(), minlength=C + 1)[1:]
    rows = {
        "index": np.arange(1, C + 1),
        "name": [psc_name(C, k) for k in range(1, C + 1)],
        "n_voxels": won,
        "n_weighted": np.diff(components.indptr),
        "weight_sum": np.asarray(components.sum(axis=1, dtype=np.float64)).ravel(),
        "weight_max": components.max(axis=1).toarray().ravel(),
    }
    text: str = pd.DataFrame(rows).to_csv(
        sep="\t", index=False, float_format="%.9g", lineterminator="\n"
    )
    return text


def _sidecar(decomposition: Decomposition) -> dict[str, Any]:
    return {
        "description": "Non-negative weights W of a factorisation X ~ W W'X, a volume a component",
        "columns": {
            "n_voxels": "voxels where this component has the largest weight",
            "n_weighted": "voxels where it has any",
        },
        "components": decomposition.digest(),
        "decomposition": decomposition.record,
    }


def _write_sopnmf(
    study: Study,
    decomposition: Decomposition,
    stored: StoredComponents,
    workspace: Workspace,
    progress: Progress,
) -> list[str]:
    """Write a scale as the package sopnmf does, with loadings if the study has its maps."""
    C = decomposition.scale
    root = study.exports.relative_to(study.root) / _folder(decomposition, "sopnmf") / "NMF"
    folder = root / f"component_{C}"
    scale = AtlasScale(C, stored.label_image())
    write_sopnmf_scale(workspace.output / folder, stored, scale, progress.part(0.0, 0.5))
    outputs = [folder.as_posix()]
    maps = _maps_of(study, decomposition)
    if maps is None:
        workspace.progress.log(
            f"C{C}: no table of loadings was written, since the study does not hold the maps that "
            "the components were fitted on"
        )
        return outputs
    participants = _participants(study, maps)
    write_sopnmf_participants(workspace.output / root / "participant.tsv", participants)
    outputs.append((root / "participant.tsv").as_posix())
    components = ComponentSet([decomposition])
    projected = components.project(
        ImportedRows.of(maps, original_paths(study, maps), components.voxels, components.grid),
        threads=workspace.threads,
        progress=progress.part(0.5, 1.0),
        message=f"C{C}: loadings",
    ).scales[C]
    if maps.ravens_scale is None:
        workspace.progress.warn(
            "the values of the maps' files were not all divided by the same number; loadings are "
            "written for fractions of the voxel's volume"
        )
    unit = maps.ravens_scale or 1.0
    sums = components.projections[C].component_sums
    write_sopnmf_loadings(
        workspace.output / folder,
        participants,
        projected.loadings / np.where(sums > 0, sums, np.nan) * unit,
        float(np.sqrt(projected.residuals.sum())) * unit,
    )
    return outputs


def _maps_of(study: Study, decomposition: Decomposition) -> MaskedMaps | None:
    """Return the maps that the components were fitted on, if the study still has them."""
    if not (study.masked_maps / "maps.json").is_file():
        return None
    maps = MaskedMaps.open(study.masked_maps)
    return maps if maps.checksum == decomposition.maps_checksum else None


def _participants(study: Study, maps: MaskedMaps) -> pd.DataFrame:
    """Return ids and absolute paths, as the package reads them."""
    table = read_participants(study.participants)[["participant_id", "session_id"]].copy()
    table["path"] = [os.path.normpath(path) for path in original_paths(study, maps)]
    return table


STEP = Step(
    name="export-components",
    title="Export components",
    help="Write the weights of every component as NIfTI images (4D), or as the files of the "
    "package sopnmf, into the study's folder exports.",
    parameters=ExportComponentsParameters,
    run=run,
    inputs=inputs,
)
