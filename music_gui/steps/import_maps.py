"""Step: check maps one by one and bring those that pass into the study as masked maps.

Every file is inflated once: decoded maps wait, without their zeros, in the job's scratch space
until the mask is known, so memory stays bounded and an interrupted import goes on where it was.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from music_gui.core.cohort.comparison import UNLIKE_CORRELATION, MeanComparison
from music_gui.core.cohort.mask import MapStatistics
from music_gui.core.errors import InputError, MusicError, ParameterError
from music_gui.core.grid import Grid
from music_gui.core.progress import Progress
from music_gui.io.map_cache import MapCache
from music_gui.io.masked_maps import MaskedMapsWriter
from music_gui.io.nifti import read_grid
from music_gui.io.nifti_header import Xform
from music_gui.io.participants_tsv import write_participants
from music_gui.io.study import Study
from music_gui.steps.import_report import CHECKED, IMPORTED, REFUSED, WAITING, ImportReport
from music_gui.steps.import_target import (
    ImportTarget,
    read_atlas_mask,
    read_mask,
    target_from_maps,
    target_from_mask,
)
from music_gui.steps.map_checking import MapChecker, agreed_scale, error_or, without_value
from music_gui.steps.map_list import MapList, list_maps
from music_gui.steps.ordered_work import in_order
from music_gui.steps.step import Step, StepParameters, StepResult, Workspace


class ImportMapsParameters(StepParameters):
    """Which maps to import, and how to understand them.

    Without any parameter, the maps of ``sourcedata/participants.tsv`` are imported.
    """

    participants: Path | None = Field(
        None,
        description="Table of participants (TSV, CSV); its path column names the maps, or it is "
        "joined with the files of a folder by participant and session",
    )
    folder: Path | None = Field(
        None, description="Folder with maps (.nii, .nii.gz), searched with its subfolders"
    )
    files: tuple[Path, ...] = Field((), description="Single maps")
    columns: tuple[str, ...] = Field(
        (),
        description="Columns that would not be recognised, for example participant_id=Code",
    )
    sex_codes: tuple[str, ...] = Field(
        (), description="What codes of sex mean, for example 0=F and 1=M"
    )
    mask: str = Field(
        "from-maps",
        description="Which voxels to keep: from-maps, atlas (of the study), or a NIfTI file "
        "whose voxels above zero count",
    )
    atlas: str = Field("", description="For mask atlas: which one, if the study has several")
    mask_min_mean: float = Field(
        0.1,
        ge=0,
        le=1,
        description="For mask from-maps: least mean over all maps",
        json_schema_extra={"unit": "voxel volumes"},
    )
    mask_min_coverage: float = Field(
        0.5, ge=0, le=1, description="For mask from-maps: least share of maps with any tissue"
    )
    mask_resampling: Literal["refuse", "nearest"] = Field(
        "refuse",
        description="What to do with a mask on another grid than the maps: refuse it, or carry "
        "it over by nearest neighbour",
    )
    ravens_scale: str = Field(
        "auto",
        description="What values are divided by so that 1 is a whole voxel of tissue: auto finds "
        "1 or 1000 for all maps by their total grey matter, per-map for each map; or a number",
    )
    xform: Xform = Field(
        "auto",
        description="Which transform of the NIfTI header places the maps; auto takes the coded "
        "one and refuses maps whose two transforms disagree",
    )
    volume: int | None = Field(None, ge=0, description="Which volume of 4D images, from 0")
    min_likeness: float = Field(
        UNLIKE_CORRELATION,
        ge=0,
        le=1,
        description="Least correlation with the mean of the other maps inside the mask; maps "
        "below it are refused, as they lie elsewhere or are something else. 0 refuses none",
    )

    @field_validator("ravens_scale")
    @classmethod
    def _is_scale(cls, text: str) -> str:
        if text not in {"auto", "per-map"} and not _is_positive_number(text):
            raise ValueError("give auto, per-map or a number above zero")
        return text

    @field_validator("mask")
    @classmethod
    def _is_absolute(cls, text: str) -> str:
        if text in {"from-maps", "atlas"}:
            return text
        return str(Path(text).expanduser().absolute())


def _is_positive_number(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False


def inputs(study: Study, parameters: ImportMapsParameters) -> list[Path]:
    """Name table, mask, and all maps that can be read."""
    chosen = [parameters.participants or study.source_data / "participants.tsv"]
    if parameters.mask == "atlas":
        chosen.append(study.atlases)
    elif parameters.mask != "from-maps":
        chosen.append(Path(parameters.mask))
    try:
        maps = _offered(study, parameters)
    except MusicError:
        return chosen
    chosen += [maps.path(row) for row in range(len(maps.table)) if maps.table["path"].iloc[row]]
    return [path for path in chosen if os.access(path, os.R_OK)]


def run(study: Study, parameters: ImportMapsParameters, workspace: Workspace) -> StepResult:
    """Import what can be imported; list everything.

    Raises
    ------
    InputError
        If no map passes, or table, folder or mask can't be used.
    """
    progress = workspace.progress
    maps = _offered(study, parameters)
    for note in maps.notes:
        progress.log(note)
    report = ImportReport(maps, progress)
    target = _target(study, parameters, maps, report, workspace)
    cache = MapCache(workspace.scratch / "decoded", target.grid.n_voxels)
    keys, statistics = _check_all(parameters, maps, report, target, cache, workspace)
    mask = target.mask
    if mask is None:
        mask = statistics.mask(
            min_mean=parameters.mask_min_mean, min_coverage=parameters.mask_min_coverage
        ).reshape(target.grid.shape)
    folder = workspace.output / study.masked_maps.relative_to(study.root)
    with MaskedMapsWriter(
        folder,
        mask,
        target.grid,
        mask_source=target.mask_source,
        xform=parameters.xform,
        volume=parameters.volume,
    ) as writer:
        comparison = MeanComparison(statistics, mask, target.grid)
        _write_all(
            maps,
            report,
            keys,
            cache,
            comparison,
            mask,
            target.grid,
            writer,
            workspace,
            parameters.min_likeness,
        )
        _require_some(report, IMPORTED)
    return _conclude(study, maps, report, mask, target, workspace)


def _offered(study: Study, parameters: ImportMapsParameters) -> MapList:
    participants = parameters.participants
    if participants is None and parameters.folder is None and not parameters.files:
        participants = study.source_data / "participants.tsv"
        if not participants.is_file():
            raise ParameterError(
                "nothing to import: no maps are named",
                why="the study has no sourcedata/participants.tsv",
                remedy="Give a table with a path column, a folder, or files",
            )
    return list_maps(
        participants,
        parameters.folder,
        parameters.files,
        columns=_pairs(parameters.columns, "columns"),
        sex_codes=_pairs(parameters.sex_codes, "sex_codes"),
    )


def _pairs(texts: Sequence[str], name: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        left, equals, right = text.partition("=")
        if not (left.strip() and equals and right.strip()):
            raise ParameterError(f"{text!r} is not of the form name=value", where=name)
        pairs[left.strip()] = right.strip()
    if name == "sex_codes" and not set(pairs.values()) <= {"F", "M"}:
        raise ParameterError("codes of sex mean F or M", where=name)
    return pairs


def _target(
    study: Study,
    parameters: ImportMapsParameters,
    maps: MapList,
    report: ImportReport,
    workspace: Workspace,
) -> ImportTarget:
    """Read all headers, and the mask if one is given; refuse maps whose header can't be used."""

    def read(row: int) -> Grid | MusicError:
        return error_or(lambda: read_grid(maps.path(row), xform=parameters.xform))

    grids = []
    for row, grid in in_order(
        read,
        report.rows(WAITING),
        threads=workspace.threads,
        progress=workspace.progress.part(0.0, 0.05),
        message="reading headers",
    ):
        if isinstance(grid, Grid):
            grids.append(grid)
        else:
            report.refuse(row, grid)
    _require_some(report, WAITING)
    if parameters.mask == "from-maps":
        return target_from_maps(
            grids,
            f"voxels with a mean of at least {parameters.mask_min_mean:g} over the maps and "
            f"tissue in {parameters.mask_min_coverage:.0%} of them",
        )
    if parameters.mask == "atlas":
        mask = read_atlas_mask(study, parameters.atlas)
    else:
        mask = read_mask(Path(parameters.mask), parameters.xform)
    return target_from_mask(mask, grids, parameters.mask_resampling, workspace.progress)


def _check_all(
    parameters: ImportMapsParameters,
    maps: MapList,
    report: ImportReport,
    target: ImportTarget,
    cache: MapCache,
    workspace: Workspace,
) -> tuple[dict[int, str], MapStatistics]:
    """Decode and check every map; return the cached maps' keys and the statistics of the good."""
    scale = parameters.ravens_scale
    number: float | Literal["auto"] = float(scale) if _is_positive_number(scale) else "auto"
    checker = MapChecker(cache, target, number, parameters.xform, parameters.volume)
    keys: dict[int, str] = {}
    statistics: dict[float, MapStatistics] = {}
    for row, result in in_order(
        lambda row: checker.check(maps.path(row)),
        report.rows(WAITING),
        threads=workspace.threads,
        progress=workspace.progress.part(0.05, 0.8),
        message="checking maps",
    ):
        if isinstance(result, MusicError):
            report.refuse(row, result)
            continue
        keys[row], ravens = result
        report.checked(row, ravens)
        group = ravens.scale if scale == "auto" else 0.0
        if group not in statistics:
            statistics[group] = MapStatistics(target.grid.n_voxels)
        statistics[group].add(ravens.data)
    _require_some(report, CHECKED)
    if scale == "auto":
        return keys, statistics[_agree_on_scale(report, workspace.progress)]
    return keys, statistics[0.0]


def _agree_on_scale(report: ImportReport, progress: Progress) -> float:
    """Return the scale most maps have and refuse the others."""
    scales = {row: float(report.value(row, "ravens_scale")) for row in report.rows(CHECKED)}
    common, others = agreed_scale(scales)
    for row, reason in others.items():
        report.refuse(row, f"{reason}. If that is so, set the RAVENS scale to per-map")
    if common != 1:
        progress.warn(
            f"the values of the maps were divided by {common:g}, as their total grey matter says"
        )
    return common


def _write_all(
    maps: MapList,
    report: ImportReport,
    keys: dict[int, str],
    cache: MapCache,
    comparison: MeanComparison,
    mask: NDArray[np.bool_],
    grid: Grid,
    writer: MaskedMapsWriter,
    workspace: Workspace,
    min_likeness: float,
) -> None:
    """Write the masked rows of all checked maps, in the order in which they were offered."""
    voxels = np.flatnonzero(mask)
    seen: dict[str, int] = {}
    for row, cached in in_order(
        lambda row: cache.load(keys[row]),
        report.rows(CHECKED),
        threads=workspace.threads,
        progress=workspace.progress.part(0.8, 1.0),
        message="writing masked maps",
    ):
        if cached is None:
            raise InputError("the scratch space was emptied while the maps were imported")
        values = cached[0]
        masked = values[voxels]
        if missing := without_value(masked, voxels, grid):
            report.refuse(
                row, f"{missing}. Make the map again, or leave these voxels out of the mask"
            )
            continue
        participant, session = (
            report.value(row, name) for name in ("participant_id", "session_id")
        )
        correlation, complaint = comparison.compare(values)
        if min_likeness > 0 and correlation < min_likeness:
            report.refuse(
                row,
                f"its correlation with the mean of the other maps is {correlation:.2f}, less than "
                f"{min_likeness:g}: it is not aligned as they are, or no grey-matter map. Make it "
                "again, or set the least likeness to 0 to import it all the same",
            )
            continue
        scale = float(report.value(row, "ravens_scale"))
        checksum = writer.append(masked, participant, session, scale)
        if (twin := seen.setdefault(checksum, row)) != row:
            report.warn(row, f"its voxels are the same as those of {maps.name(twin)}")
            report.warn(twin, f"its voxels are the same as those of {maps.name(row)}")
        if complaint:
            report.warn(row, complaint)
        report.imported(row, correlation)


def _conclude(
    study: Study,
    maps: MapList,
    report: ImportReport,
    mask: NDArray[np.bool_],
    target: ImportTarget,
    workspace: Workspace,
) -> StepResult:
    """Write both tables and say how it went."""
    imported, refused = report.rows(IMPORTED), report.rows(REFUSED)
    table = report.table()
    table["path"] = [_portable(path, study) for path in table["path"]]
    participants = maps.table.iloc[imported].reset_index(drop=True)
    participants["path"] = table["path"].iloc[imported].to_numpy()
    if "total_gm_ml" in participants:
        workspace.progress.log("total_gm_ml of the table was replaced by what the maps hold")
    participants["total_gm_ml"] = table["total_gm_ml"].iloc[imported].to_numpy()
    names = [
        path.relative_to(study.root).as_posix()
        for path in (study.participants, study.import_report, study.masked_maps)
    ]
    write_participants(workspace.output / names[0], participants)
    write_participants(workspace.output / names[1], table)
    progress = workspace.progress
    if refused:
        progress.warn(f"{len(refused)} maps were not imported: {report.examples()}")
    if n_warned := report.n_warned():
        progress.warn(f"{n_warned} imported maps have warnings; see the import report")
    scales = sorted({float(report.value(row, "ravens_scale")) for row in imported})
    details: dict[str, Any] = {
        "n_offered": len(maps.table),
        "n_imported": len(imported),
        "n_refused": len(refused),
        "n_warned": n_warned,
        "n_voxels": int(mask.sum()),
        "mask_source": target.mask_source,
        "grid_shape": list(target.grid.shape),
        "ravens_scales": scales,
        "notes": maps.notes,
    }
    summary = f"{len(imported)} of {len(maps.table)} maps imported, {int(mask.sum()):,} voxels each"
    return StepResult(names, summary, details)


def _portable(path: str, study: Study) -> str:
    """Write a path inside the study relative to the cohort's tables, so that studies can move."""
    if path and Path(path).is_relative_to(study.root):
        return Path(os.path.relpath(path, study.cohort)).as_posix()
    return path


def _require_some(report: ImportReport, state: str) -> None:
    if not report.rows(state):
        raise InputError(
            "no map could be imported", why=report.examples(), remedy="Correct these and try again"
        )


STEP = Step(
    name="import-maps",
    title="Import maps",
    help="Check grey-matter RAVENS maps one by one and bring those that pass into the study",
    parameters=ImportMapsParameters,
    run=run,
    inputs=inputs,
)
