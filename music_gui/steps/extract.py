"""Step: measure the grey-matter volume of every PSC in every imported map."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from music_gui.core.atlas import Atlas
from music_gui.core.errors import InputError, MusicError, ParameterError
from music_gui.core.progress import Progress
from music_gui.core.psc import PscExtractor, PscVolumes, name_not_finite
from music_gui.io.atlas_dseg import read_atlas_and_stale, read_sidecars
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.psc_checkpoint import PscCheckpoint
from music_gui.io.psc_table import PscSidecar, make_psc_table, write_psc_table
from music_gui.io.study import Study
from music_gui.steps.map_checking import error_or
from music_gui.steps.ordered_work import in_order
from music_gui.steps.original_images import original_paths, read_original
from music_gui.steps.step import Step, StepParameters, StepResult, Workspace


class ExtractParameters(StepParameters):
    """Parameters of `extract`."""

    atlas: str = Field(
        "", description="Name of the atlas; by default study, or the only one the study has"
    )
    name: str = Field("", description="Name of the new PSC table; by default ATLAS_raw")
    max_shift: float = Field(
        0.3,
        ge=0,
        lt=0.5,
        description="How far the voxels of maps and atlas may lie apart along any axis; each "
        "labelled voxel then takes the value of the nearest voxel of the map",
        json_schema_extra={"unit": "voxels"},
    )


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is measured with what."""

    name: str
    atlas: Atlas
    stale: dict[int, str]
    maps: MaskedMaps
    extractor: PscExtractor
    n_outside: int
    """Labelled voxels outside the mask; if there are any, the original images are read."""

    @property
    def rows(self) -> list[str]:
        """Participant and session of each map."""
        ids = zip(self.maps.participant_ids, self.maps.session_ids, strict=True)
        return [f"{participant} {session}" for participant, session in ids]


@dataclass(eq=False)
class _Measured:
    """What was measured; rows of maps that failed are NaN."""

    values: NDArray[np.float64]
    failed: dict[int, str] = field(default_factory=dict)
    not_finite: dict[int, str] = field(default_factory=dict)


def run(study: Study, parameters: ExtractParameters, workspace: Workspace) -> StepResult:
    """Extract all PSCs of all scales of an atlas.

    Raises
    ------
    InputError
        If there is no atlas, no maps, or no map can be measured.
    GridMismatchError
        If the maps are on another grid than the atlas.
    """
    progress = workspace.progress
    progress.update(0.0, "reading the atlas")
    plan = _plan(study, parameters)
    for reason in plan.stale.values():
        progress.warn(f"left out of the table: {reason}")
    if plan.extractor.shift_mm:
        progress.warn(
            f"the voxels of maps and atlas lie {plan.extractor.shift_mm:.2f} mm apart, less than "
            "half a voxel; each labelled voxel took the value of the nearest voxel of the map"
        )
    if plan.n_outside:
        progress.log(
            f"{plan.n_outside:,} voxels of the atlas lie outside the mask of the imported maps; "
            "the original images are read"
        )
        measured = _measure_images(plan, original_paths(study, plan.maps), workspace)
    else:
        measured = _measure_rows(plan, progress)
    _tell(plan, measured, progress)
    return _write(study, plan, measured, workspace)


def inputs(study: Study, parameters: ExtractParameters) -> Sequence[Path]:
    """Name atlas and maps, and the original images if they will be read."""
    named = [study.participants, study.masked_maps / "maps.json"]
    try:
        named += sorted(study.atlas(_atlas_name(study, parameters)).glob("atlas-*_dseg.*"))
        plan = _plan(study, parameters)
        return named + (original_paths(study, plan.maps) if plan.n_outside else [])
    except MusicError:
        return named


def _atlas_name(study: Study, parameters: ExtractParameters) -> str:
    names = sorted(folder.name for folder in study.atlases.glob("*") if folder.is_dir())
    if parameters.atlas or "study" in names or not names:
        return parameters.atlas or "study"
    if len(names) > 1:
        raise ParameterError(
            "the study has several atlases", remedy=f"Choose one of {', '.join(names)}"
        )
    return names[0]


def _plan(study: Study, parameters: ExtractParameters) -> _Plan:
    name = _atlas_name(study, parameters)
    read_sidecars(study.atlas(name))  # before the maps: without an atlas, say that
    maps = MaskedMaps.open(study.masked_maps)
    atlas, stale = read_atlas_and_stale(study.atlas(name), maps_checksum=maps.checksum)
    extractor = PscExtractor(atlas, maps.grid, max_shift=parameters.max_shift)
    return _Plan(
        name=parameters.name or f"{name}_raw",
        atlas=atlas,
        stale=stale,
        maps=maps,
        extractor=extractor,
        n_outside=extractor.n_outside(maps.mask),
    )


def _measure_rows(plan: _Plan, progress: Progress) -> _Measured:
    extractor = plan.extractor.for_rows_of(plan.maps.mask)
    n = plan.maps.n_images
    measured = _Measured(np.full((n, len(extractor.names)), np.nan))
    for row in range(n):
        measured.values[row] = extractor.measure(plan.maps.maps[row]).volumes
        progress.update((row + 1) / n, f"measuring maps: {row + 1} of {n}")
    return measured


def _measure_images(plan: _Plan, paths: Sequence[Path], workspace: Workspace) -> _Measured:
    shape = (len(paths), len(plan.extractor.names))
    checkpoint = PscCheckpoint(workspace.scratch / "volumes", _key(plan, paths), shape)
    measured = _Measured(np.empty(0))
    # Measured again when the job is resumed, so that what is missing is named then too.
    incomplete: dict[int, NDArray[np.float64]] = {}

    def measure(row: int) -> PscVolumes | MusicError:
        return error_or(lambda: _measure_image(plan, row, paths[row]))

    for row, result in in_order(
        measure,
        checkpoint.todo.tolist(),
        threads=workspace.threads,
        progress=workspace.progress,
        message="measuring images",
    ):
        if isinstance(result, MusicError):
            measured.failed[row] = ". ".join(
                part.rstrip(".") for part in (result.what, result.why, result.remedy) if part
            )
        elif text := name_not_finite(plan.extractor.names, result):
            measured.not_finite[row] = text
            incomplete[row] = result.volumes
        else:
            checkpoint.keep(row, result.volumes)
    measured.values = checkpoint.values
    for row, volumes in incomplete.items():
        measured.values[row] = volumes
    return measured


def _measure_image(plan: _Plan, row: int, path: Path) -> PscVolumes:
    return plan.extractor.measure(read_original(plan.maps, row, path).data)


def _key(plan: _Plan, paths: Sequence[Path]) -> str:
    """Name what the volumes hang on: atlas, maps, and the images as they are on disk now."""
    hasher = hashlib.blake2b(digest_size=16)
    hasher.update(f"{plan.maps.checksum} {plan.extractor.shift_mm}".encode())
    for scale in plan.atlas.scales.values():
        hasher.update(f"C{scale.scale}".encode() + scale.labels.tobytes())
    for path in paths:
        state = path.stat() if path.exists() else None
        hasher.update(f"{path} {state and (state.st_size, state.st_mtime_ns)}".encode())
    return hasher.hexdigest()


def _tell(plan: _Plan, measured: _Measured, progress: Progress) -> None:
    """Warn of what failed and of what is missing; refuse a table without rows."""
    rows = plan.rows
    failures = [f"{rows[row]}: {reason}" for row, reason in sorted(measured.failed.items())]
    if len(failures) == len(rows):
        raise InputError(
            "no map could be measured",
            why="; ".join(failures[:5]),
            remedy="Import the maps again",
        )
    for failure in failures:
        progress.warn(f"left out of the table: {failure}")
    for row, text in sorted(measured.not_finite.items()):
        progress.warn(f"{rows[row]}: voxels without a value; these PSCs are missing: {text}")


def _write(study: Study, plan: _Plan, measured: _Measured, workspace: Workspace) -> StepResult:
    maps, atlas = plan.maps, plan.atlas
    kept = [row for row in range(maps.n_images) if row not in measured.failed]
    sidecars = read_sidecars(study.atlas(atlas.name))
    left_out = {plan.rows[row]: reason for row, reason in sorted(measured.failed.items())}
    missing = {plan.rows[row]: text for row, text in sorted(measured.not_finite.items())}
    record: dict[str, Any] = {
        "maps_checksum": maps.checksum,
        "ravens_scale": maps.ravens_scale,
        "read_from": "images" if plan.n_outside else "masked maps",
        "shift_mm": round(plan.extractor.shift_mm, 4),
        "vanished": list(atlas.vanished),
        "left_out": left_out,
        "not_finite": missing,
    }
    sidecar = PscSidecar(
        name=plan.name,
        atlas=atlas.name,
        atlas_hashes={scale: sidecars[scale].hash for scale in atlas.scales},
        source=f"sums over the voxels of each PSC in {len(kept)} maps, times the voxel's volume",
        simulated=study.manifest.simulated or any(sidecars[c].simulated for c in atlas.scales),
        details=record,
    )
    table = make_psc_table(
        [maps.participant_ids[row] for row in kept],
        [maps.session_ids[row] for row in kept],
        plan.extractor.names,
        measured.values[kept],
        sidecar,
    )
    path = study.psc_table(plan.name).relative_to(study.root)
    names = write_psc_table(workspace.output / path, table)
    return StepResult(
        outputs=[(path.parent / name).as_posix() for name in names],
        summary=_summary(plan, measured, len(kept)),
        details={"table": plan.name, "n_maps": len(kept), **record},
    )


def _summary(plan: _Plan, measured: _Measured, n_maps: int) -> str:
    atlas = plan.atlas
    n_vanished = len(atlas.vanished)
    parts = [
        f"{len(atlas.names) - n_vanished} PSCs of {len(atlas.scales)} scales of atlas "
        f"{atlas.name} in {n_maps} maps"
    ]
    if n_vanished:
        parts.append(f"{n_vanished} vanished PSCs are kept as missing")
    if measured.failed:
        parts.append(f"{len(measured.failed)} maps could not be measured")
    if measured.not_finite:
        parts.append(f"{len(measured.not_finite)} maps have PSCs with voxels without a value")
    return "; ".join(parts)


STEP = Step(
    name="extract",
    title="Extract PSC volumes",
    help="Measure the grey-matter volume of every PSC of an atlas in every imported map.",
    parameters=ExtractParameters,
    run=run,
    inputs=inputs,
)
